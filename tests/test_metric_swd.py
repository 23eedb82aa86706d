"""Sliced Wasserstein distance against closed forms, and on real images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from sklearn.datasets import load_digits

from gan_cli.data import DataSpec
from gan_cli.data.folder import Folder
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.laplacian_pyramid import blurred, laplacian_pyramid, level_shapes
from gan_cli.metrics.swd import (
    SlicedWasserstein,
    normalise_patches,
    random_directions,
    random_patches,
    sliced_wasserstein,
)

RANDOM = np.random.RandomState(0)
DIGITS = np.round(load_digits().images[..., None] * (255 / 16)).astype(np.uint8)
AXES = np.eye(3, dtype=np.float32)


def distance(real: np.ndarray, fake: np.ndarray, metric: SlicedWasserstein | None = None, seed: int = 0) -> float:
    comparison = Comparison(InMemoryFeatures(values=real), InMemoryFeatures(values=fake), seed=seed)
    return (metric or SlicedWasserstein(patches=8))(comparison).values["swd"].value


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    drawn = np.random.RandomState(1).normal(scale=deviation, size=images.shape)
    return np.clip(np.round(images + drawn), 0, 255).astype(np.uint8)


def test_a_moved_set_is_as_far_as_it_moved_along_each_direction() -> None:
    rows = RANDOM.normal(size=(500, 3)).astype(np.float32)
    offset = np.array([3.0, -1.0, 0.5], np.float32)
    assert sliced_wasserstein(rows, rows + offset, AXES) == pytest.approx((3 + 1 + 0.5) / 3, rel=1e-6)
    directions = random_directions(1000, 3, np.random.RandomState(2))
    # Over all directions of space |u_x| has the mean 1/2.
    assert sliced_wasserstein(rows, rows + offset, directions) == pytest.approx(np.linalg.norm(offset) / 2, rel=0.03)


def test_gaussians_of_two_widths_are_as_far_as_their_widths_times_the_mean_of_a_normal_magnitude() -> None:
    first, second = RANDOM.normal(scale=1, size=(200_000, 2)), RANDOM.normal(scale=3, size=(200_000, 2))
    expected = (3 - 1) * np.sqrt(2 / np.pi)  # the quantiles of either are those of the normal, times its width
    assert sliced_wasserstein(first, second, random_directions(20, 2, RANDOM)) == pytest.approx(expected, rel=0.01)


def test_the_order_of_rows_does_not_matter_and_neither_does_the_side() -> None:
    first, second = RANDOM.normal(size=(100, 3)), RANDOM.normal(size=(100, 3))
    directions = random_directions(50, 3, RANDOM)
    found = sliced_wasserstein(first, second, directions)
    assert sliced_wasserstein(RANDOM.permutation(first), second, directions) == pytest.approx(found, rel=1e-12)
    assert sliced_wasserstein(second, first, directions) == pytest.approx(found, rel=1e-12)


def test_sets_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="expected equal ones"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((4, 2)), AXES[:, :2])


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (33, 47), (64, 48), (5, 90)])
def test_each_level_is_half_as_large_and_more_levels_change_none_but_the_last(size: tuple[int, int]) -> None:
    images = RANDOM.randint(0, 256, (2, *size, 2)).astype(np.uint8)
    whole = laplacian_pyramid(images, 3)
    assert [band.shape for band in whole] == [(2, -(-size[0] // d), -(-size[1] // d), 2) for d in (1, 2, 4)]
    fewer = laplacian_pyramid(images, 2)
    np.testing.assert_array_equal(whole[0], fewer[0])
    np.testing.assert_array_equal(whole[2], blurred(fewer[1])[:, ::2, ::2])
    np.testing.assert_array_equal(laplacian_pyramid(images, 1)[0], images)


def test_a_checkerboard_lies_in_the_finest_level_alone() -> None:
    """The filter takes away a wave of two pixels, 1 - 4 + 6 - 4 + 1 = 0, and leaves the grey beneath it."""
    board = np.indices((32, 24)).sum(axis=0) % 2 * 2 - 1
    finest, rest = laplacian_pyramid((100 + 50 * board)[None, :, :, None], 2)
    np.testing.assert_allclose(finest[0, :, :, 0], 50 * board, atol=1e-4)
    np.testing.assert_allclose(rest, 100, rtol=1e-6)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_wave_of_four_pixels_lies_in_the_two_finest_levels_as_the_filter_divides_it(axis: int) -> None:
    """A quarter of it passes the filter, (6 - 2) / 16, and is a wave of two pixels then. Enlarged, that is twice a
    quarter of the wave again, as every other place is 0, of which a quarter passes the filter: an eighth."""
    places = np.indices((33, 33))[axis]  # ends where the wave is its own mirror image
    wave = np.cos(np.pi / 2 * places)
    finest, middle, rest = (band[0, :, :, 0] for band in laplacian_pyramid(wave[None, :, :, None], 3))
    np.testing.assert_allclose(finest, 7 / 8 * wave, atol=1e-6)
    np.testing.assert_allclose(middle, wave[::2, ::2] / 4, atol=1e-6)
    np.testing.assert_allclose(rest, 0, atol=1e-6)


def test_a_pyramid_of_one_colour_holds_it_in_its_last_level_alone() -> None:
    *details, rest = laplacian_pyramid(np.full((1, 32, 24, 3), 77, np.uint8), 3)
    assert all(np.abs(band).max() < 1e-4 for band in details)
    np.testing.assert_allclose(rest, 77, rtol=1e-6)


def test_the_filter_is_that_of_the_paper_s_code() -> None:
    images = RANDOM.normal(size=(2, 9, 12, 3)).astype(np.float32)
    taps = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[None, :, :, None] / 256
    np.testing.assert_allclose(blurred(images), ndimage.convolve(images, taps, mode="mirror"), atol=1e-6)


def test_levels_end_where_the_smaller_side_would_have_fewer_than_16_pixels() -> None:
    assert level_shapes(64, 64) == [(64, 64), (32, 32), (16, 16)]
    assert level_shapes(48, 100) == [(48, 100), (24, 50)]
    assert level_shapes(31, 31) == [(31, 31), (16, 16)]
    assert level_shapes(8, 8) == [(8, 8)]
    assert level_shapes(64, 64, 20) == [(64, 64), (32, 32)]


def test_patches_are_squares_of_the_image_from_every_place() -> None:
    images = np.arange(2 * 5 * 6 * 2, dtype=np.float32).reshape(2, 5, 6, 2)
    found = [random_patches(images, 11, 3, np.random.RandomState(seed)) for seed in range(50)]
    assert {patches.shape for patches in found} == {(22, 2, 3, 3)}
    corners = set()
    for patches in found:
        for index, patch in enumerate(patches):
            row, column = int(patch[0, 0, 0]) // 2 // 6 % 5, int(patch[0, 0, 0]) // 2 % 6
            square = images[index // 11, row : row + 3, column : column + 3]
            np.testing.assert_array_equal(patch, square.transpose(2, 0, 1))
            corners.add((row, column))
    assert corners == {(row, column) for row in range(3) for column in range(4)}


def test_of_fewer_places_than_patches_each_is_taken_once() -> None:
    images = np.arange(2 * 5 * 6, dtype=np.float32).reshape(2, 5, 6, 1)
    patches = random_patches(images, 128, 3, np.random.RandomState(0))
    assert patches[:, 0, 0, 0].tolist() == images[:, :3, :4, 0].ravel().tolist()


def test_patches_are_normalised_channel_by_channel_and_a_flat_channel_is_zero() -> None:
    patches = RANDOM.normal(loc=[[[[5]], [[100]], [[3]]]], scale=[[[[1]], [[20]], [[0]]]], size=(500, 3, 4, 4))
    rows = normalise_patches(patches.astype(np.float32)).reshape(500, 3, 16)
    np.testing.assert_allclose(rows.mean(axis=(0, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(rows.std(axis=(0, 2)), [1, 1, 0], atol=1e-4)


def test_a_set_has_no_distance_from_itself_and_a_small_one_from_itself_in_another_order() -> None:
    images = DIGITS[:900]
    assert distance(images, images) == 0
    # Each of the four places of a patch of 7x7 in 8x8 is taken: the same patches in another order.
    assert distance(images, np.random.RandomState(3).permutation(images)) < 1e-3
    larger = images.repeat(2, 1).repeat(2, 2)
    other_order = distance(larger, np.random.RandomState(3).permutation(larger))
    assert 0 < other_order < distance(larger, noisy(larger, 60)) / 2


def test_another_half_of_the_digits_is_nearer_than_noisy_ones_and_more_noise_is_farther() -> None:
    found = [distance(DIGITS[:890], noisy(DIGITS[890:1780], deviation)) for deviation in (0, 20, 60, 120)]
    assert found == sorted(found)
    assert found[2] > 1.5 * found[0]


def test_photographs_have_a_number_for_each_level_and_fine_noise_shows_in_the_finest(eurosat_folder: Path) -> None:
    images = Folder(path=str(eurosat_folder), memory_limit=0).open().read(np.arange(0, 5000, 10))[0]
    metric = SlicedWasserstein(images=250, patches=8, repeats=2)
    sides = [InMemoryFeatures(values=values) for values in (images[::2], images[1::2], noisy(images[1::2], 10))]
    clean, grainy = (metric(Comparison(sides[0], fake)).values for fake in sides[1:])
    assert list(clean) == ["swd", "swd_64", "swd_32", "swd_16"]
    assert clean["swd"].value == pytest.approx(np.mean([clean[f"swd_{side}"].value for side in (64, 32, 16)]))
    more = {name: grainy[name].value / clean[name].value for name in clean}
    assert more["swd_64"] > 5 > more["swd_32"] > 1.5 > more["swd_16"]


def test_any_size_and_number_of_channels_is_measured_and_levels_are_named_by_their_sizes() -> None:
    images = RANDOM.randint(0, 256, (40, 40, 33, 4)).astype(np.uint8)
    comparison = Comparison(InMemoryFeatures(values=images[:20]), InMemoryFeatures(values=images[20:]))
    result = SlicedWasserstein(patches=10)(comparison)
    assert set(result.values) == {"swd", "swd_40x33", "swd_20x17"}
    assert "20 images" in result.notes[0]


def test_points_are_reported_in_their_own_units() -> None:
    points = RANDOM.normal(size=(2000, 2)).astype(np.float32)
    assert distance(points, points + np.array([0.5, 0], np.float32)) == pytest.approx(0.5 * 2 / np.pi, rel=0.05)


def test_a_seed_gives_the_same_number_and_its_error_is_that_of_other_seeds() -> None:
    metric = SlicedWasserstein(directions=16, repeats=8)
    points = RANDOM.normal(size=(1000, 2)).astype(np.float32)
    moved = points + np.array([1, 0], np.float32)
    of_seeds = [distance(points, moved, metric, seed) for seed in range(20)]
    assert distance(points, moved, metric, 0) == of_seeds[0]
    error = (
        metric(Comparison(InMemoryFeatures(values=points), InMemoryFeatures(values=moved))).values["swd"].uncertainty
    )
    assert error == pytest.approx(np.std(of_seeds, ddof=1), rel=0.6)


def test_what_can_t_be_measured_is_refused_by_its_key() -> None:
    with pytest.raises(ConfigError, match=r"^patch_side=7: expected patches that fit into images of 6x32"):
        SlicedWasserstein().check(DataSpec((6, 32, 3), 100), 100, 100)
    with pytest.raises(ConfigError, match=r"^samples=9: swd needs"):
        SlicedWasserstein().check(DataSpec((2,), 100), None, 9)
    with pytest.raises(ConfigError, match=r"^directions=0: expected"):
        SlicedWasserstein(directions=0)
    with pytest.raises(ConfigError, match="coordinates of 1 of the generated examples 0 to 19 are not finite"):
        distance(np.zeros((20, 2)), np.array([[0.0, np.nan], *np.zeros((19, 2))]))


def test_one_row_has_a_distance_and_none_has_not() -> None:
    assert sliced_wasserstein(AXES[:1], AXES[1:2], AXES) == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="at least one row"):
        sliced_wasserstein(AXES[:0], AXES[:0], AXES)


def test_the_value_says_how_its_error_was_computed() -> None:
    comparison = Comparison(
        InMemoryFeatures(values=AXES[:, :2].repeat(4, 0)), InMemoryFeatures(values=AXES[:, 1:].repeat(4, 0))
    )
    method = SlicedWasserstein(repeats=3)(comparison).values["swd"].method
    assert method == "jackknife over 10 groups of both sides, and 3 sets of directions"
