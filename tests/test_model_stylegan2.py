"""StyleGAN2 in gan-cli: sizes, noise and style mixing, the average of w, files, and runs that resume exactly."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from runs import assert_same_run

from gan_cli import load_generator
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.data import DataSpec
from gan_cli.devices import dtype_policy
from gan_cli.errors import ConfigError
from gan_cli.models.condition import Condition
from gan_cli.models.layers.style_vectors import first_mixed_layer
from gan_cli.models.stylegan2 import RESNET, SKIP, StyleGAN2
from gan_cli.runs.checkpoint import list_checkpoints
from gan_cli.sampling.generate import generate
from gan_cli.sampling.generator_file import load_generator_file, save_generator
from gan_cli.sampling.generator_metadata import metadata_of
from gan_cli.sampling.latents import Latents, WTruncation, latents, seeded_noise
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.sampling.style_mixing import check_styles, count_styles, mixed_images
from gan_cli.training.call_state import average_positions
from gan_cli.training.ema import update_average

TINY = {"channel_base": 64, "channel_max": 8, "style_size": 6, "mapping_layers": 1}
WORDS = [f"model.{key}={value}" for key, value in TINY.items()]


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100)


def inputs_of(pair: StyleGAN2, data: DataSpec, count: int, condition: Condition | None = None) -> list[Any]:
    inputs = [tf.random.normal((count, pair.latent_size))]
    inputs += [] if condition is None else [tf.one_hot(tf.range(count) % condition.classes, condition.classes)]
    return [*inputs, tf.random.normal((count, pair.noise_size(data)))] if pair.noise_size(data) else inputs


@pytest.mark.parametrize(
    ("shape", "architecture"),
    [((28, 28, 1), "resnet"), ((32, 48, 3), "skip"), ((8, 12, 4), "orig")],
    ids=str,
)
def test_every_shape_is_built_in_float32(shape: tuple[int, ...], architecture: str) -> None:
    keras.utils.set_random_seed(1)
    data, condition = spec(*shape), Condition(3)
    pair = StyleGAN2(**TINY, generator_architecture=architecture, discriminator_architecture=architecture)
    with dtype_policy("mixed_bfloat16"):
        generator, discriminator = pair.generator(data, condition), pair.discriminator(data)
    images = generator(inputs_of(pair, data, 4, condition), training=True)
    logits = discriminator(images, training=True)
    assert (images.shape, images.dtype, logits.shape, logits.dtype) == ((4, *shape), tf.float32, (4,), tf.float32)
    assert pair.discriminator(data, outputs=5).output_shape == (None, 5)
    assert {layer.name for layer in generator.layers} >= {"mapping", "synthesis", "w_average", "latents", "noise"}


@pytest.mark.parametrize(
    ("shape", "key", "advice"),
    [
        ((2,), "model", "model=mlp"),
        ((50, 50, 3), "dataset.image_size", "48x48 and 52x52"),
        ((4, 4, 3), "dataset.image_size", "8x8"),
    ],
)
def test_what_can_not_be_built_is_refused_with_what_can(shape: tuple[int, ...], key: str, advice: str) -> None:
    with pytest.raises(ConfigError) as refused:
        StyleGAN2().check(spec(*shape))
    assert refused.value.key == key
    assert advice in str(refused.value)
    assert len(StyleGAN2().sizes(spec(1024, 1024, 3))) == 9


@pytest.mark.parametrize("kind", [SKIP, RESNET])
def test_graphs_of_xla_give_the_same(kind: str) -> None:
    keras.utils.set_random_seed(2)
    data = spec(8, 12, 3)
    pair = StyleGAN2(**TINY, generator_architecture=kind, discriminator_architecture=kind)
    generator, discriminator = pair.generator(data), pair.discriminator(data)
    inputs = inputs_of(pair, data, 4)

    def both(*given: Any) -> Any:
        images = generator(list(given), training=True)
        return images, discriminator(images, training=True)

    generator.get_layer("w_average").trainable = False
    for mine, compiled in zip(both(*inputs), tf.function(both, jit_compile=True)(*inputs), strict=True):
        np.testing.assert_allclose(mine, compiled, rtol=1e-4, atol=1e-4)


def with_noise_strength(generator: keras.Model) -> keras.Model:
    """A generator whose noise, which has no effect at first, has some."""
    for variable in generator.get_layer("synthesis").trainable_variables:
        if variable.name == "noise_strength":
            variable.assign(0.5)
    return generator


def test_styles_are_mixed_in_training_alone_and_noise_counts_always() -> None:
    keras.utils.set_random_seed(3)
    data, pair = spec(8, 8, 1), StyleGAN2(**TINY, style_mixing=1.0)
    generator = with_noise_strength(pair.generator(data))
    z, noise = inputs_of(pair, data, 3)
    planes = pair.plane_numbers(data)
    assert (planes, pair.noise_size(data)) == (4 * 4 + 2 * 8 * 8, 4 * 4 + 2 * 8 * 8 + pair.latent_size + 2)
    others = tf.concat([noise[:, :planes], tf.random.normal(noise[:, planes:].shape)], axis=1)
    np.testing.assert_array_equal(generator([z, noise]), generator([z, others]))
    assert np.abs(generator([z, noise], training=True) - generator([z, others], training=True)).max() > 1e-3
    assert np.abs(generator([z, noise]) - generator([z, tf.zeros_like(noise)])).max() > 1e-3
    plain = pair.without_noise()
    assert (plain.noise_size(data), len(plain.generator(data).inputs)) == (0, 1)


def test_the_layer_from_which_on_styles_are_mixed_is_uniform() -> None:
    places = first_mixed_layer(tf.constant(np.random.default_rng(0).normal(size=(20_000, 2)), tf.float32), 5, 0.6)
    shares = np.bincount(places.numpy(), minlength=6) / 20_000
    np.testing.assert_allclose(shares, [0, 0.15, 0.15, 0.15, 0.15, 0.4], atol=0.015)


def test_the_average_of_w_is_moved_by_training_and_copied_to_the_averaged_generator() -> None:
    data, pair = spec(8, 8, 1), StyleGAN2(**TINY, w_average_beta=0.5)
    generator, averaged = pair.generator(data), pair.generator(data)
    inputs, average = inputs_of(pair, data, 4), generator.get_layer("w_average").average
    generator(inputs)
    assert np.abs(average).max() == 0.0
    generator(inputs, training=True)
    expected = 0.5 * tf.reduce_mean(generator.get_layer("mapping")(inputs[0]), axis=0)
    np.testing.assert_allclose(average, expected, rtol=1e-4, atol=1e-6)
    update_average(averaged.weights, generator.weights, 0.9, average_positions(generator))
    np.testing.assert_array_equal(averaged.get_layer("w_average").average, average)


def test_truncation_moves_styles_to_their_average() -> None:
    keras.utils.set_random_seed(4)
    data, pair = spec(8, 8, 1), StyleGAN2(**TINY)
    generator = with_noise_strength(pair.generator(data))
    generator.get_layer("w_average").average.assign(np.linspace(-1, 1, 6))
    z, noise = latents([0, 1], pair.latent_size, "normal"), seeded_noise([0, 0], pair.noise_size(data))
    whole, all_moved, tiny = (
        generate(generator, Latents(z, noise=noise, truncation=truncation))
        for truncation in (None, WTruncation(0.5), WTruncation(1e-6))
    )
    assert np.abs(whole - all_moved).max() > 1e-3
    np.testing.assert_allclose(tiny[0], tiny[1], atol=1e-4)
    none = generate(generator, Latents(z, noise=noise, truncation=WTruncation(0.5, cutoff=0)))
    np.testing.assert_allclose(none, whole, rtol=1e-5, atol=1e-5)


def test_noise_is_a_function_of_its_seed() -> None:
    noise = seeded_noise([5, 3, 5], 7)
    assert noise is not None
    rows = noise.array()
    np.testing.assert_array_equal(rows[0], rows[2])
    np.testing.assert_array_equal(rows[1:2], noise[1:2].array())
    assert np.abs(rows[0] - rows[1]).max() > 0.1
    assert np.abs(rows[0] - latents([5], 7, "normal")[0]).max() > 0.1
    constant, none = seeded_noise([5, 3], 7, "constant"), seeded_noise([5, 3], 7, "none")
    assert constant is not None
    assert none is not None
    assert (np.ptp(constant.array(), axis=0).max(), np.abs(none.array()).max()) == (0.0, 0.0)
    assert seeded_noise([5], 0) is None


def test_a_generator_file_comes_back_exactly_with_its_noise_and_average(tmp_path: Path) -> None:
    data, pair, condition = spec(8, 12, 3), StyleGAN2(**TINY, generator_architecture="resnet"), Condition(4)
    generator = pair.generator(data, condition)
    generator.get_layer("w_average").average.assign(np.linspace(-1, 1, 6))
    save_generator(tmp_path / "generator.keras", generator, pair, data, 7, condition)
    loaded, metadata = load_generator_file(tmp_path / "generator.keras", trust=False)
    assert (metadata.noise_size, metadata.truncation) == (pair.noise_size(data), "w")
    inputs = inputs_of(pair, data, 3, condition)
    np.testing.assert_array_equal(loaded(inputs), generator(inputs))
    np.testing.assert_array_equal(loaded.get_layer("w_average").average, np.linspace(-1, 1, 6, dtype=np.float32))


def test_a_run_resumes_exactly_and_its_samples_have_noise_and_truncation(working_folder: Path) -> None:
    words = ["model=stylegan2", *WORDS, "dataset=digits", "penalty.path_length.every=2", "logger=[]"]
    words += ["conditioning=projection", "conditioning.form=mapped", "conditioning.mapping_size=4"]
    words += ["conditioning.mapping_layers=1", "train.batch_size=4", "run.checkpoint_every=2", "run.sample_every=2"]
    assert gan_train([*words, "run.log_every=1", "train.steps=4", "hydra.run.dir=whole"]) == 0
    whole, killed = Path("whole"), Path("killed")
    shutil.copytree(whole, killed)
    list_checkpoints(killed / "checkpoints")[0].unlink()
    assert gan_train([f"resume={killed}"]) == 0
    assert_same_run(whole, killed)
    for name, options in {"a": [], "b": ["truncation=0.5", "truncation_cutoff=1", "noise=constant"]}.items():
        words = ["run=whole", "n=3", "class=1", "format=npz", f"output={name}.npz"]
        assert gan_sample([*words, *options]) == 0
    mixing = ["seeds=0-1", "styles=0-1", "style_seeds=5-7", "class=1", "output=mixed.png"]
    assert gan_sample(["run=whole", *mixing]) == 0
    with Image.open("mixed.png") as picture:
        assert picture.width > picture.height
    assert np.load("b.npz")["images"].shape == (3, 8, 8, 1)
    generator, from_file = load_generator("whole"), load_generator("whole/generator.keras")
    assert generator.metadata == from_file.metadata
    np.testing.assert_array_equal(generator.images([2, 7], 0.5), from_file.images([2, 7], 0.5))
    np.testing.assert_array_equal(generator.images([2, 7])[1:], generator.images([7]))
    np.testing.assert_array_equal(generator.images([0, 1, 2], classes=1), np.load("a.npz")["images"])


def test_mixed_images_have_the_styles_of_their_column_in_some_layers_and_of_their_row_in_the_others() -> None:
    keras.utils.set_random_seed(2)
    data, pair = spec(8, 8, 1), StyleGAN2(**TINY)
    generator = LoadedGenerator(pair.generator(data), metadata_of(pair, data, step=0))
    assert count_styles(generator) == 4
    rows, columns = generator.latents([0, 1]), generator.latents([5, 6, 7])

    def mixed(layers: list[int]) -> np.ndarray:
        return mixed_images(generator, rows, columns, layers).reshape(3, 4, 8, 8, 1)

    some = mixed([0, 1])
    assert not some[0, 0].any()
    np.testing.assert_array_equal(some[1:, 0], generator.images([0, 1]))
    np.testing.assert_array_equal(some[0, 1:], generator.images([5, 6, 7]))
    np.testing.assert_array_equal(some[1, 1:], mixed([1, 0])[1, 1:])
    # All styles of the column leave nothing of the row but its noise, whose strength is 0 at first.
    np.testing.assert_array_equal(mixed([0, 1, 2, 3])[1:, 1:], np.stack([some[0, 1:]] * 2))
    assert len({image.tobytes() for image in some[1:, 1:].reshape(6, 8, 8, 1)}) == 6
    with pytest.raises(ConfigError, match="has 4 styles, from 0 to 3"):
        check_styles(generator, [2, 4], "[2,4]")


def test_options_of_noise_and_styles_are_refused_where_there_are_none(perceptron_run: Path) -> None:
    generator = load_generator(perceptron_run)
    with pytest.raises(ConfigError, match="takes no noise"):
        generator.latents([0], noise="none")
    with pytest.raises(ConfigError, match="has no styles"):
        generator.latents([0], 0.5, truncation_cutoff=2)
    for words, message in (
        (["styles=0-1", "style_seeds=5-6"], "styles=0-1: this generator has no styles"),
        (["styles=0-1"], "styles=0-1: needs style_seeds="),
        (["style_seeds=3"], "style_seeds=3: needs styles="),
        (["styles=a", "style_seeds=3"], "styles=a: expected a range"),
        (["styles=0", "style_seeds=3", "format=npz"], "styles=0: does not go with format="),
    ):
        with pytest.raises(ConfigError, match=message):
            gan_sample([f"run={perceptron_run}", *words])


def test_an_accumulated_batch_is_the_whole_one_but_for_layers_across_it(working_folder: Path, eager: None) -> None:
    words = ["model=stylegan2", *WORDS, "dataset=digits", "penalty=[]", "logger=[]", "train.batch_size=4"]
    words += ["optimizer=sgd", "train.steps=1", "run.log_every=1", "run.sample_every=9"]
    with pytest.raises(ConfigError, match=r"train.accumulate=2: .*minibatch_std compares the examples of a batch"):
        gan_train([*words, "train.accumulate=2", "hydra.run.dir=refused"])
    words.append("model.minibatch_std_group=0")
    arrays = []
    for name, chunks in (("whole", 1), ("parts", 2)):
        assert gan_train([*words, f"train.accumulate={chunks}", f"hydra.run.dir={name}"]) == 0
        arrays.append(load_generator(name, weights="raw").model.get_layer("synthesis").get_weights())
    for mine, theirs in zip(*arrays, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)
