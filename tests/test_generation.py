"""Generation by a Keras model: seeds, inference, new weights."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest

from gan_cli.sampling.generate import generate
from gan_cli.sampling.latents import latents


def test_the_pure_parts_do_not_import_tensorflow() -> None:
    program = (
        "import sys, gan_cli.sampling.latents, gan_cli.sampling.interpolation, gan_cli.plotting.image_grid, "
        "gan_cli.sampling.generate, gan_cli.metrics.modes; sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


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
