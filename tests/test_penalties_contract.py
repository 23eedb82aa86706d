"""What holds for every penalty of every YAML: found by glob, built from its own defaults."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from by_hand import REAL, make_step
from composition import choices_of, names_in_file
from random_numbers import draw_alike_where_xla_compiles

from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_each
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.penalties import Batch, Penalty

OF_ONE_LAYER = ("soft_margin",)
"""Like those that name a `layer`, they need a whole network; their own tests have one."""
SEED = tf.constant([3, 4], tf.int32)
SILENT = ("gradient_penalty_one_sided",)
"""On a linear discriminator with a slope below 1."""
SHAPES = {"images": (6, 5, 4, 3), "packed pairs": (2, 4, 8, 2), "points": (6, 2), "one point": (1, 2)}


def penalties_of_all_files() -> dict[str, Penalty]:
    """Those of all files, composed together, each with the name of its file before its own."""
    choices = choices_of("penalty")
    parts = build_each("penalty", compose("train", [f"penalty=[{','.join(choices)}]"]).config["penalty"])
    found = {f"{choice}_{name}": parts[name] for choice in choices for name in names_in_file("penalty", choice)}
    return {
        name: one
        for name, one in found.items()
        if isinstance(one, Penalty) and one.layer is None and not name.startswith(OF_ONE_LAYER)
    }


PENALTIES = penalties_of_all_files()
every_penalty = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)


def judge(weights: Any, examples: Any) -> DiscriminatorOutput:
    flat = tf.reshape(examples, [examples.shape[0], -1])
    return DiscriminatorOutput(tf.reduce_sum(tf.tanh(flat * weights[: flat.shape[1]]), axis=1))


def term(penalty: Penalty, real: Any, fake: Any, neighbours: Any, weights: Any, kernel: Any, number: Any) -> Any:
    """The penalty of a discriminator with one weight for each value of an example."""
    said = [judge(weights, examples) for examples in (real, fake)]
    state = {name: tf.constant(value) for name, value in penalty.initial_state.items()}
    batch = Batch(
        lambda examples: judge(weights, examples), real, fake, *said,
        seed=SEED, step=number, variables=[kernel], perturbed=neighbours, state=state,
    )  # fmt: skip
    return penalty(batch)


@every_penalty
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_identical_batches_and_a_flat_discriminator_leave_everything_finite(penalty: Penalty, shape: Any) -> None:
    examples = tf.fill(shape, 0.5)
    for weights in (tf.zeros([128]), tf.ones([128])):
        kernel = tf.zeros([3, 4])
        with tf.GradientTape() as tape:
            tape.watch([examples, weights, kernel])
            number = tf.constant(2000, tf.int64)  # late enough for those that begin late
            value = term(penalty, examples, examples, examples, weights, kernel, number)
        assert value.dtype == tf.float32
        assert value.shape == ()
        slopes = tape.gradient(value, [examples, weights, kernel], unconnected_gradients="zero")
        assert np.isfinite([value, *(np.abs(slope).max() for slope in slopes)]).all()


@every_penalty
def test_something_is_learnt_from_it_and_the_same_where_xla_compiles_it(
    penalty: Penalty, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw_alike_where_xla_compiles(monkeypatch)
    generator = np.random.default_rng(0)
    real, fake, neighbours = generator.normal(size=(3, 6, 4, 5, 2)).astype(np.float32)
    fake, neighbours = tf.constant(0.5 * fake), tf.constant(neighbours)  # less spread than what is real
    weights = tf.constant(generator.normal(size=128), tf.float32)
    kernel = tf.constant(generator.normal(size=(4, 3)), tf.float32)

    def value_and_slopes(*watched: Any) -> list[Any]:
        with tf.GradientTape() as tape:
            tape.watch(watched)
            fake, neighbours, weights, kernel = watched
            value = term(penalty, real, fake, neighbours, weights, kernel, tf.constant(2000, tf.int64))
        return [value, *tape.gradient(value, [fake, weights, kernel], unconnected_gradients="zero")]

    given = fake, neighbours, weights, kernel
    plain, compiled = value_and_slopes(*given), tf.function(value_and_slopes, jit_compile=True, autograph=False)(*given)
    assert np.isfinite(plain[0])
    assert max(np.abs(slope).max() for slope in plain[1:]) > 1e-6
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(one).max())


def test_any_number_at_once_and_each_of_them_now_and_then() -> None:
    lazy = {name: type(one)(**{**vars(one), "every": 2}) for name, one in PENALTIES.items()}
    # A step that moves nothing, so that so many penalties can't drive the logits away.
    step = make_step(NonSaturatingLoss(), lazy, rates=(0.0, 0.0))
    compiled, real = tf.function(step, autograph=False), tf.constant(REAL[None])
    due, skipped = (compiled(real, tf.constant(number, tf.int64)) for number in (2000, 2001))
    assert np.isfinite(list(due.values())).all()
    said = {name for name in lazy if due[f"penalty_{name}"] != 0.0}
    assert said == {name for name in lazy if not name.startswith(SILENT)}
    assert all(skipped[f"penalty_{name}"] == 0.0 for name in lazy)
    assert all(step.intervals[f"penalty_{name}"] == 2 for name in lazy)
