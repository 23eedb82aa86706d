"""FastGAN's pair against its equations in numpy, which images it builds, and its reconstruction in a training step."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.commands.train import gan_train
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models.condition import Condition
from gan_cli.models.discriminator import with_features
from gan_cli.models.fastgan import ERROR, FastGAN
from gan_cli.models.layers.adaptive_pooling import AdaptivePooling
from gan_cli.models.layers.reconstruction import QuarterOfEach
from gan_cli.sampling.generator_file import load_generator_file, save_generator

EPSILON = 1e-5


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100, classes=3)


def thin(**fields: Any) -> FastGAN:
    return FastGAN(**{"latent_size": 5, "width": 2, **fields})


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 48, 3), (8, 8, 4)], ids=str)
def test_images_of_every_reachable_size_and_number_of_channels_are_built(shape: tuple[int, ...]) -> None:
    keras.utils.set_random_seed(1)
    generator, discriminator = thin().generator(spec(*shape)), thin().discriminator(spec(*shape))
    images = generator(tf.random.normal((4, 5)), training=True)
    logits = discriminator(images, training=True)
    assert (images.shape, images.dtype) == ((4, *shape), tf.float32)
    assert (logits.shape, logits.dtype) == ((4,), tf.float32)
    assert np.abs(images).max() <= 1.0
    assert np.ptp(logits) > 0.0


def test_points_and_sizes_that_can_not_be_halved_are_refused() -> None:
    with pytest.raises(ConfigError, match="model=mlp"):
        FastGAN().check(spec(2))
    with pytest.raises(ConfigError, match=r"48x48 and 52x52"):
        FastGAN().check(spec(50, 50, 3))
    with pytest.raises(ConfigError, match=r"^reconstruction_weight"):
        FastGAN(reconstruction_weight=-1.0)


def test_maps_of_256_pixels_are_the_published_ones() -> None:
    """Channels of both networks and the three excitations, of odegeasslbc/FastGAN-pytorch with 64 channels."""
    pair, data = FastGAN(size="paper"), spec(256, 256, 3)
    sizes = [side for side, _ in pair.sizes(data)]
    assert sizes == [256, 128, 64, 32, 16, 8]
    assert [pair.map_channels(level, data) for level in range(6)] == [16, 32, 64, 128, 256, 512]
    generator = thin(latent_size=1).generator(data)
    maps = {f"up_{level}_excitation": side for level, side in ((4, 64), (5, 128), (6, 256))}
    found = {layer.name: layer.output.shape[1] for layer in generator.layers if layer.name.endswith("excitation")}
    assert found == maps
    assert generator.get_layer("up_4_excitation_pool").input.shape[1] == 4
    assert [name for name in ("up_1", "up_2", "up_3") if has_layer(generator, f"{name}_second")] == ["up_1", "up_3"]


def has_layer(model: keras.Model, name: str) -> bool:
    return any(layer.name == name for layer in model.layers)


class Numpy:
    """A network's layers by their equations, with its weights, in float64."""

    def __init__(self, model: keras.Model) -> None:
        self.model = model

    def kernel(self, name: str) -> np.ndarray:
        """The kernel over its largest singular value."""
        kernel = np.asarray(self.model.get_layer(name).kernel, np.float64)
        return kernel / np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]

    def convolved(self, x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        kernel = self.kernel(name)
        size, side = len(kernel), x.shape[1]
        before = (size - stride) // 2
        padded = np.pad(x, ((0, 0), (before, size), (before, size), (0, 0)))
        windows = [padded[:, a : a + side : stride, b : b + side : stride] for a, b in product(range(size), repeat=2)]
        return sum(
            window @ weights for window, weights in zip(windows, kernel.reshape(-1, *kernel.shape[2:]), strict=True)
        )

    def normalized(self, x: np.ndarray) -> np.ndarray:
        """With fresh scale and offset, by the statistics of the batch."""
        return (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + EPSILON)

    def gated(self, x: np.ndarray) -> np.ndarray:
        values, gates = np.split(self.normalized(x), 2, axis=-1)
        return values * sigmoid(gates)

    def leaky(self, x: np.ndarray, normalized: bool = True) -> np.ndarray:
        x = self.normalized(x) if normalized else x
        return np.where(x > 0, x, 0.2 * x)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def doubled(x: np.ndarray) -> np.ndarray:
    return x.repeat(2, axis=1).repeat(2, axis=2)


def halved(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).mean((2, 4))


def settled(model: keras.Model) -> keras.Model:
    """The model with its power iterations at their end."""
    for layer in model.layers:
        if hasattr(layer, "u"):
            matrix = np.asarray(layer.kernel, np.float64)
            layer.u.assign(np.linalg.svd(matrix.reshape(-1, matrix.shape[-1]))[2][0])
    return model


def test_the_generator_is_that_of_the_equations() -> None:
    keras.utils.set_random_seed(1)
    generator = settled(thin().generator(spec(16, 16, 3)))
    latents, net = np.random.default_rng(0).normal(size=(6, 5)), Numpy(generator)
    features = [net.gated((latents @ net.kernel("base")).reshape(6, 4, 4, -1))]
    for name, source in (("up_1", 0), ("up_2", 1)):
        x = net.gated(net.convolved(doubled(features[-1]), name))
        if name == "up_1":
            x = net.gated(net.convolved(x, "up_1_second"))
        small = features[source]
        pooled = small if small.shape[1] == 4 else halved(small)
        gates = pooled.reshape(6, -1) @ net.kernel(f"{name}_excitation_first")
        gates = sigmoid((gates * sigmoid(gates)) @ net.kernel(f"{name}_excitation_second"))
        features.append(x * gates[:, None, None])
    expected = np.tanh(net.convolved(features[-1], "output"))
    np.testing.assert_allclose(generator(latents.astype(np.float32), training=True), expected, atol=2e-5)


def test_the_discriminator_and_its_reconstruction_are_those_of_the_equations() -> None:
    keras.utils.set_random_seed(1)
    discriminator = settled(thin().discriminator(spec(32, 32, 3)))
    network, net = with_features(discriminator, {ERROR: "layer"}), Numpy(discriminator)
    images = np.random.default_rng(0).uniform(-1, 1, (6, 32, 32, 3))
    maps = [net.leaky(net.convolved(images, "input"), normalized=False)]
    for name in ("down_1", "down_2"):
        main = net.leaky(net.convolved(net.leaky(net.convolved(maps[-1], f"{name}_first", 2)), f"{name}_second"))
        direct = net.leaky(net.convolved(halved(maps[-1]), f"{name}_direct"))
        maps.append((main + direct) / 2)
    head = net.leaky(net.convolved(maps[-1], "head"))
    output = net.kernel("output").reshape(4, 4, -1)
    patches = [(head[:, a : a + 4, b : b + 4] * output).sum((1, 2, 3)) for a, b in product(range(5), repeat=2)]

    def decoded(x: np.ndarray, name: str) -> np.ndarray:
        x = net.gated(net.convolved(doubled(x), f"{name}_1"))
        return np.tanh(net.convolved(x, f"{name}_image"))

    def quarters(x: np.ndarray) -> np.ndarray:
        side = x.shape[1] // 2
        places = [(a, b) for a in (0, side) for b in (0, side)]
        return np.stack([x[n, a : a + side, b : b + side] for n, (a, b) in enumerate((places * 2)[: len(x)])])

    whole = np.abs(halved(images) - decoded(maps[-1], "whole")).mean((1, 2, 3))
    part = np.abs(quarters(images) - decoded(quarters(maps[-2]), "part")).mean((1, 2, 3))
    logits, features = network(images.astype(np.float32), training=True)
    np.testing.assert_allclose(logits, np.mean(patches, axis=0), atol=2e-5)
    np.testing.assert_allclose(features[ERROR], whole + part, rtol=1e-4)


def test_quarters_of_features_and_images_lie_in_the_same_place() -> None:
    places = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1).repeat(5, axis=0)
    first = QuarterOfEach()(places)[:, 0, 0, 0]
    np.testing.assert_array_equal(first, [0, 2, 8, 10, 0])


def test_adaptive_pooling_covers_sizes_that_it_does_not_divide() -> None:
    features = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype(np.float32)
    rows, columns = [(0, 2), (1, 4), (3, 6), (5, 7)], [(0, 2), (1, 3), (3, 5), (4, 6)]
    expected = [[features[:, a:b, c:d].mean((1, 2)) for c, d in columns] for a, b in rows]
    np.testing.assert_allclose(AdaptivePooling(4)(features), np.moveaxis(expected, 2, 0), atol=1e-6)


@pytest.mark.parametrize("way", ["batch_norm", "first_map", "concat", "product"])
def test_a_label_enters_the_generator(way: str) -> None:
    keras.utils.set_random_seed(1)
    generator = thin(conditioning=way).generator(spec(8, 8, 1), Condition(3))
    for variable in generator.trainable_variables:
        if variable.path.endswith(("gain/kernel", "offset/kernel")):
            variable.assign(tf.random.normal(variable.shape))
    images = generator([np.ones((2, 5), np.float32), np.eye(3, dtype=np.float32)[:2]])
    assert np.abs(images[0] - images[1]).max() > 0.0


def test_a_saved_generator_comes_back_exactly(tmp_path: Path) -> None:
    pair, data = thin(), spec(8, 8, 3)
    generator = pair.generator(data)
    path = tmp_path / "generator.keras"
    save_generator(path, generator, pair, data, step=7)
    loaded, _ = load_generator_file(path, trust=False)
    latents = np.random.default_rng(0).normal(size=(4, 5)).astype(np.float32)
    np.testing.assert_array_equal(loaded(latents), generator(latents))


def test_a_run_trains_the_decoders_and_logs_their_error(tmp_path: Path) -> None:
    keys = [
        "model=fastgan",
        "model.width=2",
        "model.latent_size=5",
        "loss=hinge",
        "dataset=digits",
        "augment=diffaugment",
    ]
    run = tmp_path / "run"
    gan_train([*keys, "train.steps=2", "train.batch_size=8", "run.log_every=1", "logger=[]", f"hydra.run.dir={run}"])
    lines = (run / "metrics.jsonl").read_text().splitlines()
    assert all('"penalty_reconstruction_error"' in line for line in lines)


def test_auto_encoders_have_no_decoders_of_their_own() -> None:
    assert has_layer(thin().discriminator(spec(8, 8, 1)), ERROR)
    plain = thin().without_auxiliary_losses()
    assert not plain.auxiliary_losses()
    assert not has_layer(plain.discriminator(spec(8, 8, 1)), ERROR)
