"""The rules of defaults that follow the data: their values by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gan_cli.config.data_rules import (
    RULES,
    augment,
    ema_half_life,
    flip,
    learning_rate,
    penalty_weight,
    warmup_steps,
)
from gan_cli.config.model_rules import hidden, latent_size, stem, width
from gan_cli.config.rule import Facts, rounded_up
from gan_cli.data import DataSpec
from gan_cli.data.tfds import TFDS
from gan_cli.models.stylegan2 import StyleGAN2

PHOTOGRAPHS = DataSpec((64, 64, 3), 5000)
LONG = Facts(steps=10_000, batch_size=64, decay_steps=10_000, beta_2=0.99, data=PHOTOGRAPHS)


def images(side: int, count: int = 5000) -> DataSpec:
    return DataSpec((side, side, 3), count)


@pytest.mark.parametrize(
    ("side", "batch", "weight"),
    [(8, 64, 0.5), (32, 64, 0.5), (32, 512, 0.062), (64, 64, 1.0), (64, 256, 0.25), (256, 64, 4.0)],
)
def test_the_weight_of_r1_grows_with_the_side_and_falls_with_the_batch(side: int, batch: int, weight: float) -> None:
    assert penalty_weight(replace(LONG, data=images(side), batch_size=batch)).value == weight


@pytest.mark.parametrize(("side", "batch", "weight"), [(32, 32, 0.0064), (64, 64, 0.0128), (1024, 32, 6.5536)])
def test_the_weight_of_r1_with_a_published_heuristic_is_the_published_one(side: int, batch: int, weight: float) -> None:
    """Of cfg=auto in NVlabs/stylegan2-ada-pytorch."""
    facts = replace(LONG, data=images(side), batch_size=batch, r1_weight_per_pixel=StyleGAN2.r1_weight_per_pixel)
    assert penalty_weight(facts).value == weight
    facts = replace(facts, ema_batches=StyleGAN2.ema_batches, ema_ramp=0.0, steps=100_000)
    assert ema_half_life(facts).value == batch * 10_000 / 32


def test_a_side_is_that_of_the_square_of_the_same_area() -> None:
    assert penalty_weight(replace(LONG, data=DataSpec((32, 128, 1), 9))).value == 1.0


def test_the_half_life_follows_the_batch_alone_where_a_ramp_limits_it_in_short_runs() -> None:
    long, short = (ema_half_life(replace(LONG, steps=steps)) for steps in (10_000, 2000))
    assert long == (32_000, "500 steps of 64")
    assert short.value == 32_000
    assert "train.ema_ramp limits it to 0.05 of the images seen, 6,400 at the end of this run" in short.reason
    assert ema_half_life(replace(LONG, batch_size=128)).value == 64_000


def test_the_half_life_follows_the_length_of_the_run_where_no_ramp_does() -> None:
    assert ema_half_life(replace(LONG, ema_ramp=0.0)).value == 32_000
    assert ema_half_life(replace(LONG, ema_ramp=0.0, steps=8000)).value == 26_000


@pytest.mark.parametrize(("value", "expected"), [(0.2, 1), (9.5, 10), (48.0, 48), (101.0, 110), (25_600.0, 26_000)])
def test_a_half_life_is_rounded_up(value: float, expected: int) -> None:
    assert rounded_up(value) == expected


@pytest.mark.parametrize(
    ("side", "steps", "rate"),
    [(8, 10, 4e-3), (28, 10, 2e-3), (28, 8000, 2e-3), (28, 32_000, 1e-3), (64, 4000, 1.1e-3), (256, 490_000, 2e-4)],
)
def test_the_rate_is_smaller_for_larger_images_and_in_long_runs(side: int, steps: int, rate: float) -> None:
    assert learning_rate(replace(LONG, steps=steps, data=images(side))).value == rate


def test_the_rate_is_smaller_for_deeper_networks() -> None:
    choice = learning_rate(replace(LONG, steps=10, data=images(28), depth=2))
    assert choice.value == 1.4e-3
    assert "2 convolutions a size" in choice.reason


def test_the_rate_for_points_follows_the_length_of_the_run_alone() -> None:
    points = replace(LONG, data=DataSpec((2,), 100))
    assert [learning_rate(replace(points, steps=steps)).value for steps in (100, 32_000)] == [1e-3, 5e-4]


def test_the_warm_up_covers_the_memory_of_beta_2_and_a_twentieth_of_the_decay_at_most() -> None:
    assert warmup_steps(LONG).value == 200
    assert warmup_steps(replace(LONG, decay_steps=1000)).value == 50
    assert warmup_steps(replace(LONG, beta_2=None)).value == 0


@pytest.mark.parametrize(
    ("change", "value", "reason"),
    [
        ({}, "diffaugment", "5,000 images, each shown 128 times"),
        ({"steps": 5000}, "none", "shown 64 times"),
        ({"steps": 5000, "critic_steps": 2}, "diffaugment", "shown 128 times"),
        ({"data": images(64, 10_000)}, "none", "10,000 images"),
        ({"data": images(28)}, "none", "28x28"),
        ({"data": DataSpec((2,), 100)}, "none", "points"),
        ({"trains_discriminator": False}, "none", "no discriminator"),
    ],
)
def test_few_images_that_are_shown_often_are_augmented(change: dict[str, Any], value: str, reason: str) -> None:
    choice = augment(replace(LONG, **change))
    assert choice.value == value
    assert reason in choice.reason


def test_images_are_mirrored_only_where_the_data_set_says_that_this_gives_more_of_the_same_kind() -> None:
    assert [flip(replace(LONG, is_mirror_symmetric=known)).value for known in (True, False, None)] == [
        True,
        False,
        False,
    ]
    assert TFDS(name="cifar10").is_mirror_symmetric
    assert TFDS(name="mnist:3.0.1").is_mirror_symmetric is False
    assert TFDS(name="fashion_mnist").is_mirror_symmetric is False
    assert TFDS(name="cars196").is_mirror_symmetric is None


@pytest.mark.parametrize(
    ("side", "channels"), [(8, 16), (16, 24), (28, 32), (32, 32), (64, 48), (128, 64), (256, 88), (1024, 96)]
)
def test_networks_for_larger_images_are_wider(side: int, channels: int) -> None:
    assert width(replace(LONG, data=images(side))).value == channels


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (DataSpec((8, 8, 1), 9), (True, 256, 16)),
        (DataSpec((16, 16, 3), 9), (True, 256, 64)),
        (DataSpec((28, 28, 1), 9), (False, 512, 16)),
        (DataSpec((64, 64, 1), 9), (False, 512, 64)),
    ],
)
def test_small_images_get_features_of_their_own_size_small_dense_layers_and_grey_ones_few_latents(
    data: DataSpec, values: tuple[bool, int, int]
) -> None:
    assert tuple(rule(replace(LONG, data=data)).value for rule in (stem, hidden, latent_size)) == values


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.key)
def test_a_rule_gives_a_value_and_a_reason_of_one_line_for_images_and_points(rule: Any) -> None:
    for data in (PHOTOGRAPHS, images(8, 10), DataSpec((2,), 100_000)):
        for steps in (1, 100, 10**6):
            value, reason = rule.choose(replace(LONG, steps=steps, decay_steps=steps, data=data))
            assert value is not None
            assert reason and "\n" not in reason
