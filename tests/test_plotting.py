"""Grids of images, animations and plots of points."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from gan_cli.plotting import image_grid, points_plot
from gan_cli.plotting.grid_size import grid_shape


def test_pixels_survive_the_way_to_floats_and_back() -> None:
    pixels = np.arange(256, dtype=np.uint8)
    assert np.array_equal(image_grid.to_uint8(pixels.astype(np.float32) / 127.5 - 1), pixels)
    odd = np.array([-7, 7, np.nan, np.inf, -np.inf], np.float32)
    assert image_grid.to_uint8(odd).tolist() == [0, 255, 0, 255, 0]


def test_a_grid_shows_every_image_in_its_cell_and_leaves_the_rest_plain() -> None:
    images = np.arange(5 * 2 * 3, dtype=np.uint8).reshape(5, 2, 3, 1)
    grid = image_grid.image_grid(images, 2, 3, scale=2)
    gap, pixels = max(2, image_grid.LEAST_GAP), np.asarray(grid)
    assert grid.mode == "L"
    assert grid.size == (3 * 6 + 2 * gap, 2 * 4 + gap)
    for index, image in enumerate(images):
        top, left = index // 3 * (4 + gap), index % 3 * (6 + gap)
        assert np.array_equal(pixels[top : top + 4, left : left + 6], image[..., 0].repeat(2, 0).repeat(2, 1))
    assert np.all(pixels[4 + gap :, 2 * (6 + gap) :] == image_grid.BACKGROUND)
    assert np.all(pixels[:, 6 : 6 + gap] == image_grid.BACKGROUND)


@pytest.mark.parametrize(("side", "rows", "columns"), [(8, 8, 8), (8, 1, 1), (28, 4, 16), (64, 8, 8), (100, 3, 3)])
def test_small_images_are_magnified_until_they_are_seen(side: int, rows: int, columns: int) -> None:
    grid = image_grid.image_grid(np.zeros((1, side, side, 3), np.uint8), rows, columns)
    assert 512 <= max(grid.size) <= 1040


def test_large_images_are_not_shrunk() -> None:
    assert image_grid.image_grid(np.zeros((2, 700, 700, 3), np.uint8), 1, 2).size == (1402, 700)


def test_colours_stay_and_transparency_shows_a_chequerboard() -> None:
    colour = np.array([[[[10, 200, 30]]]], np.uint8)
    assert image_grid.image_grid(colour, 1, 1, scale=1).getpixel((0, 0)) == (10, 200, 30)
    see_through = np.zeros((1, 16, 16, 4), np.uint8)
    see_through[0, 0, 0] = (10, 200, 30, 255)
    grid = image_grid.image_grid(see_through, 1, 1, scale=1)
    light, dark = image_grid.CHECKS
    assert grid.mode == "RGB"
    assert [grid.getpixel(at) for at in ((0, 0), (1, 0), (8, 0))] == [(10, 200, 30), (light,) * 3, (dark,) * 3]
    assert image_grid.to_pil_image(see_through[0]).getpixel((1, 0)) == (0, 0, 0, 0)


def test_a_grid_refuses_what_it_cannot_show() -> None:
    with pytest.raises(ValueError, match="5 images"):
        image_grid.image_grid(np.zeros((5, 2, 2, 1), np.uint8), 2, 2)
    with pytest.raises(ValueError, match="2 channels"):
        image_grid.image_grid(np.zeros((1, 2, 2, 2), np.uint8), 1, 1)


@pytest.mark.parametrize(("count", "shape"), [(1, (1, 1)), (2, (1, 2)), (7, (3, 3)), (12, (3, 4)), (64, (8, 8))])
def test_the_shape_of_a_grid_is_nearly_square(count: int, shape: tuple[int, int]) -> None:
    assert grid_shape(count) == shape


def test_an_animation_keeps_its_frames_and_rate_and_starts_again() -> None:
    frames = [Image.new("RGB", (8, 8), (40 * index, 0, 255)) for index in range(5)]
    with Image.open(io.BytesIO(image_grid.gif(frames, frames_per_second=25))) as animation:
        assert animation.n_frames == 5  # type: ignore[attr-defined]
        assert animation.info["duration"] == 40
        assert animation.info["loop"] == 0
        animation.seek(3)
        assert animation.convert("RGB").getpixel((4, 4)) == (120, 0, 255)
    with pytest.raises(ValueError, match="frames_per_second"):
        image_grid.gif(frames, 100)


def _share_of_colour(picture: Image.Image, colour: tuple[int, int, int], box: tuple[int, int, int, int]) -> float:
    return float(np.mean(np.all(np.asarray(picture.crop(box)) == colour, axis=-1)))


def test_points_stand_where_they_are_and_generated_ones_on_top() -> None:
    generator = np.random.default_rng(0)
    real = np.array([[-1.0, -0.5], [1.0, 0.5]]).repeat(500, 0) + 0.02 * generator.normal(size=(1000, 2))
    half = 2 / (1 + 2 * points_plot.POINTS_MARGIN)  # the margin makes it 2
    picture = points_plot.points_plot(real[500:], real, (-half, half))
    assert picture.size == (640, 640)
    lower_left, upper_right = (158, 398, 162, 402), (478, 238, 482, 242)  # 160 pixels a unit, rows downwards
    assert _share_of_colour(picture, points_plot.REAL_COLOUR, lower_left) == 1
    assert _share_of_colour(picture, points_plot.FAKE_COLOUR, upper_right) == 1


def test_axes_have_a_margin_around_the_data() -> None:
    assert points_plot.axis_limits(0.0, 4.0) == pytest.approx((-0.6, 4.6))
    assert points_plot.axis_limits(3.0, 3.0) == (2.0, 4.0)


def test_the_axes_are_those_of_the_real_points_where_nothing_is_said() -> None:
    real, fake = np.array([[0.0, 1.0], [4.0, 2.0]]), np.array([[9.0, 1.0], [2.0, 1.0]])
    expected = points_plot.points_plot(fake, real, (0.0, 4.0))
    assert points_plot.points_plot(fake, real).tobytes() == expected.tobytes()


def test_points_outside_are_counted_and_said() -> None:
    points = np.array([[0, 0], [0, 2], [-9, 0], [np.nan, 0], [1, 1]], np.float32)
    assert points_plot.count_outside(points, (-1.0, 1.0)) == 3
    corner = (480, 610, 636, 636)
    said = points_plot.points_plot(points, value_range=(-1.0, 1.0))
    silent = points_plot.points_plot(points[:1], value_range=(-1.0, 1.0))
    assert _share_of_colour(said, points_plot.FAKE_COLOUR, corner) > 0
    assert _share_of_colour(silent, points_plot.FAKE_COLOUR, corner) == 0


def test_a_diverged_generator_still_gives_a_picture() -> None:
    assert points_plot.points_plot(np.full((5, 2), np.nan, np.float32)).size == (640, 640)
