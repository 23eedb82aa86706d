"""Latents from seeds, interpolation between them, and lists of seeds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gan_cli.errors import ConfigError
from gan_cli.sampling import interpolation
from gan_cli.sampling.latents import latents
from gan_cli.sampling.seed_list import parse_seeds, seeds_name


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_a_latent_depends_on_its_own_seed_alone(distribution: str) -> None:
    many = latents(range(100), 7, distribution)
    assert many.dtype == np.float32
    assert many.shape == (100, 7)
    assert np.array_equal(latents([42], 7, distribution)[0], many[42])
    assert np.array_equal(latents([99, 3], 7, distribution), many[[99, 3]])
    assert len(np.unique(many)) == many.size


def test_latents_are_the_same_on_every_machine_and_version() -> None:
    normal = latents([0, 2**64 + 5], 3, "normal")
    uniform = latents([0, 2**64 + 5], 3, "uniform")
    np.testing.assert_allclose(normal, NORMAL_0_AND_2_64_5, rtol=1e-6)
    np.testing.assert_allclose(uniform, UNIFORM_0_AND_2_64_5, rtol=1e-6)


NORMAL_0_AND_2_64_5 = [[0.1165565, -0.6835324, 0.09819598], [0.1176107, 0.9075239, -1.586075]]


UNIFORM_0_AND_2_64_5 = [[-0.9769065, -0.5169016, -0.7771483], [0.435371, -0.1757294, 0.5235602]]


def test_normal_latents_have_the_moments_of_a_normal_in_all_directions() -> None:
    values = latents(range(4000), 5, "normal").astype(float)
    assert abs(values.mean()) < 0.03
    np.testing.assert_allclose(np.cov(values.T), np.eye(5), atol=0.08)
    assert abs((values**4).mean() - 3) < 0.2
    assert np.abs(values).max() > 3.5


def test_uniform_latents_fill_their_interval_evenly() -> None:
    values = latents(range(4000), 5, "uniform")
    counts, _ = np.histogram(values, bins=10, range=(-1, 1))
    assert counts.sum() == 20_000
    assert counts.min() > 1800


def test_truncation_scales_towards_the_mean_latent() -> None:
    np.testing.assert_allclose(latents([1, 2], 8, "normal", 0.5), latents([1, 2], 8, "normal") / 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([0], 4, "cauchy"), "normal, uniform"),
        (([-1], 4, "normal"), "seed=-1"),
        (([0], 4, "normal", 0.0), "truncation=0.0"),
        (([0], 4, "normal", 1.5), "truncation=1.5"),
    ],
)
def test_impossible_latents_are_refused(arguments: tuple, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        latents(*arguments)


def test_both_interpolations_begin_and_end_exactly_at_their_ends() -> None:
    a, b = latents([1, 2], 64, "normal")
    for between in (interpolation.linear, interpolation.slerp):
        assert np.array_equal(between(a, b, 0.0), a)
        assert np.array_equal(between(a, b, 1.0), b)


def test_slerp_turns_evenly_and_its_length_changes_evenly() -> None:
    middle = interpolation.slerp(np.array([1.0, 0.0]), np.array([0.0, 3.0]), 1 / 3)
    length = 1 + 2 / 3
    np.testing.assert_allclose(middle, [length * np.cos(np.pi / 6), length * np.sin(np.pi / 6)], rtol=1e-6)


def test_slerp_keeps_the_length_of_normal_latents_and_a_straight_line_does_not() -> None:
    a, b = latents([1, 2], 512, "normal")
    assert np.linalg.norm(interpolation.slerp(a, b, 0.5)) == pytest.approx(np.sqrt(512), rel=0.1)
    assert np.linalg.norm(interpolation.linear(a, b, 0.5)) < 0.8 * np.sqrt(512)


@pytest.mark.parametrize(
    ("a", "b"),
    [([0, 0, 0], [1, 2, 3]), ([0, 0, 0], [0, 0, 0]), ([1, 2, 3], [2, 4, 6]), ([1, 2, 3], [-1, -2, -3])],
    ids=["one is zero", "both are zero", "same direction", "opposite directions"],
)
def test_slerp_without_an_arc_is_the_straight_line(a: list, b: list) -> None:
    times = np.linspace(0, 1, 5)
    found = interpolation.slerp(np.array(a), np.array(b), times)
    np.testing.assert_allclose(found, interpolation.linear(np.array(a), np.array(b), times), atol=1e-6)


@pytest.mark.parametrize("kind", interpolation.KINDS)
def test_a_path_goes_through_its_keys(kind: str) -> None:
    keys = latents(range(3), 16, "normal")
    frames = interpolation.path(keys, 4, kind)
    assert frames.shape == (11, 16)
    assert np.array_equal(frames[::5], keys)
    loop = interpolation.path(keys, 4, kind, is_loop=True)
    assert loop.shape == (15, 16)
    assert np.array_equal(loop[:11], frames)
    assert not np.array_equal(loop[-1], keys[0])
    between = interpolation.slerp if kind == "slerp" else interpolation.linear
    np.testing.assert_allclose(loop[12], between(keys[2], keys[0], 0.4), rtol=1e-5)


def test_a_path_through_one_key_is_that_key() -> None:
    assert interpolation.path(latents([0], 4, "normal"), 3).shape == (1, 4)
    with pytest.raises(ValueError, match="slerp, linear"):
        interpolation.path(latents([0], 4, "normal"), 3, "cubic")


def test_two_lists_of_seeds_have_two_names() -> None:
    lists = [list(seeds) for size in (1, 2, 3, 4) for seeds in itertools.permutations(range(6), size)]
    lists += [[0, 0], [0, 1, 1], [1, 0, 1], list(range(5000)), [*range(0, 5000, 2), 4999], [*range(0, 4998, 2), 4999]]
    names = [seeds_name(seeds) for seeds in lists]
    assert len(set(names)) == len(lists)
    assert max(map(len, names)) < 100
    assert seeds_name([0, 1, 2, 3]) == "0-3"
    assert seeds_name([7]) == "7"


@pytest.mark.parametrize("text", ["9" * 5000, "1-", "-1", "3-1", "a", "", "0-2147483648", "٣", "0-1000000"])
def test_seeds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="seeds"):
        parse_seeds(text)
