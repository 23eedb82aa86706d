"""Latents, interpolation, pictures and generation."""

from __future__ import annotations

import gc
import io
import itertools
import subprocess
import sys
import weakref

import numpy as np
import pytest
from PIL import Image

from gan_cli.errors import ConfigError
from gan_cli.plotting import image_grid, points_plot
from gan_cli.plotting.grid_size import grid_shape
from gan_cli.sampling import interpolation
from gan_cli.sampling.generate import generate
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


def test_the_pure_parts_do_not_import_tensorflow() -> None:
    program = (
        "import sys, gan_cli.sampling.latents, gan_cli.sampling.interpolation, gan_cli.plotting.image_grid, "
        "gan_cli.sampling.generate, gan_cli.metrics.modes; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


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


def _small_generator() -> object:
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential(
        [
            keras.Input((10,)),
            keras.layers.Dense(4 * 4 * 24),
            keras.layers.Reshape((4, 4, 24)),
            keras.layers.BatchNormalization(),
            keras.layers.LeakyReLU(0.2),
            keras.layers.Conv2DTranspose(12, 4, 2, "same"),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.3),
            keras.layers.Conv2DTranspose(3, 4, 2, "same", activation="tanh"),
        ]
    )
    model(latents(range(200), 10, "normal"), training=True)  # moves the moving averages off 0 and 1
    return model


@pytest.fixture(scope="module")
def small_generator() -> object:
    return _small_generator()


def test_a_seed_gives_the_same_pixels_however_many_are_asked_for(small_generator: object) -> None:
    everything = generate(small_generator, latents(range(130), 10, "normal"))
    assert everything.shape == (130, 16, 16, 3)
    assert everything.dtype == np.float32
    for count in (1, 3, 64, 65):
        assert np.array_equal(generate(small_generator, latents(range(count), 10, "normal")), everything[:count])
    for seed in (5, 63, 64, 77, 129):
        assert np.array_equal(generate(small_generator, latents([seed], 10, "normal"))[0], everything[seed])


def test_generation_is_inference_and_changes_nothing(small_generator: object) -> None:
    before = [weight.numpy() for weight in small_generator.weights]  # type: ignore[attr-defined]
    points = latents(range(64), 10, "normal")
    expected = small_generator(points, training=False)  # type: ignore[operator]
    np.testing.assert_allclose(generate(small_generator, points), expected, atol=1e-5)
    for old, new in zip(before, small_generator.weights, strict=True):  # type: ignore[attr-defined]
        assert np.array_equal(old, new.numpy())


def test_generation_sees_new_weights(small_generator: object) -> None:
    points = latents(range(2), 10, "normal")
    first = generate(small_generator, points)
    bias = small_generator.layers[-1].bias  # type: ignore[attr-defined]
    bias.assign_add([0.5, 0.5, 0.5])
    second = generate(small_generator, points)
    bias.assign_sub([0.5, 0.5, 0.5])
    assert np.all(second > first)


def test_generating_does_not_keep_a_model_alive() -> None:
    model = _small_generator()
    generate(model, latents([0], 10, "normal"))
    alive = weakref.ref(model)
    del model
    gc.collect()
    assert alive() is None


def test_nothing_to_generate_is_an_error(small_generator: object) -> None:
    with pytest.raises(ValueError, match="no latents"):
        generate(small_generator, np.zeros((0, 10), np.float32))
