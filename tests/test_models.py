"""Model pairs: shapes for every size and normalisation, what is refused, and what is the same after saving."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models.dcgan import DCGAN
from gan_cli.models.mlp import MLP
from gan_cli.models.normalization import normalization

SHAPES = [(8, 8, 1), (28, 28, 1), (32, 48, 3), (64, 64, 4)]
DCGAN_KINDS = ["batch", "layer", "instance", "spectral", "none"]
MLP_KINDS = ["batch", "layer", "spectral", "none"]


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100)


def small(kind: str, **fields: object) -> DCGAN:
    return DCGAN(latent_size=6, width=4, generator_normalization=kind, discriminator_normalization=kind, **fields)


def small_mlp(kind: str, **fields: object) -> MLP:
    return MLP(latent_size=6, width=16, generator_normalization=kind, discriminator_normalization=kind, **fields)


def describe(pair: DCGAN | MLP) -> str:
    return f"{type(pair).__name__}-{pair.generator_normalization}"


def check_pair(pair: DCGAN | MLP, data: DataSpec) -> None:
    keras.utils.set_random_seed(2)
    generator, discriminator = pair.generator(data), pair.discriminator(data)
    assert (generator.name, discriminator.name) == ("generator", "discriminator")
    examples = generator(tf.random.normal((3, pair.latent_size)), training=True)
    logits = discriminator(examples, training=True)
    assert (examples.shape, examples.dtype) == ((3, *data.shape), tf.float32)
    assert (logits.shape, logits.dtype) == ((3,), tf.float32)
    assert np.isfinite(logits).all()
    assert np.ptp(logits) > 0.0  # what is fed reaches the end
    if data.is_image:
        assert np.abs(examples).max() <= 1.0


@pytest.mark.parametrize("kind", DCGAN_KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_dcgan_builds_every_size_with_every_normalisation(shape, kind):
    check_pair(small(kind), spec(*shape))


@pytest.mark.parametrize("kind", MLP_KINDS)
@pytest.mark.parametrize("shape", [*SHAPES, (2,), (50, 7, 2)], ids=str)
def test_mlp_builds_every_shape_with_every_normalisation(shape, kind):
    check_pair(small_mlp(kind), spec(*shape))


@pytest.mark.parametrize("pair", [small("spectral"), small("batch"), small_mlp("none")], ids=describe)
def test_outputs_are_float32_where_the_compute_type_is_bfloat16(pair):
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        check_pair(pair, spec(8, 8, 1))
        assert any(layer.compute_dtype == "bfloat16" for layer in pair.generator(spec(8, 8, 1)).layers)
    finally:
        keras.mixed_precision.set_global_policy("float32")


def kernels(model: keras.Model) -> list[tuple[int, ...]]:
    return [tuple(variable.shape) for variable in model.variables if variable.name == "kernel"]


def test_dcgan_for_32x32x3_is_the_one_that_is_compared_elsewhere():
    pair, data = DCGAN(), spec(32, 32, 3)
    assert kernels(pair.generator(data)) == [(100, 4096), (4, 4, 128, 256), (4, 4, 64, 128), (4, 4, 3, 64)]
    assert kernels(pair.discriminator(data)) == [(4, 4, 3, 64), (4, 4, 64, 128), (4, 4, 128, 256), (4096, 1)]


def test_dcgan_for_8x8_has_a_layer_more_than_one_halving_needs():
    pair, data = DCGAN(), spec(8, 8, 1)
    assert kernels(pair.generator(data)) == [(100, 2048), (4, 4, 64, 128), (3, 3, 1, 64)]
    assert kernels(pair.discriminator(data)) == [(3, 3, 1, 64), (4, 4, 64, 128), (2048, 1)]


def test_dcgan_has_at_most_eight_times_its_width():
    widest = [shape[-1] for shape in kernels(small("none").discriminator(spec(128, 128, 1)))]
    assert widest == [4, 8, 16, 32, 32, 1]


@pytest.mark.parametrize("kind", DCGAN_KINDS)
def test_dcgan_normalises_neither_the_generators_output_nor_the_discriminators_input(kind):
    pair, data = small(kind), spec(32, 32, 3)
    for model, bare in ((pair.generator(data), "output"), (pair.discriminator(data), "down_1")):
        names = [layer.name for layer in model.layers if layer.name.endswith("normalization")]
        expected = 0 if kind in ("spectral", "none") else len(kernels(model)) - (1 if bare == "output" else 2)
        assert len(names) == expected
        assert f"{bare}_normalization" not in names
        assert model.get_layer(bare).use_bias
    normalised = kind in ("batch", "layer", "instance")  # an offset of its own makes a bias useless
    assert pair.discriminator(data).get_layer("down_2").use_bias is not normalised


@pytest.mark.parametrize(("kind", "axes"), [("batch", (0, 1, 2)), ("layer", (1, 2, 3)), ("instance", (1, 2))])
def test_over_what_each_normalisation_takes_its_mean(kind, axes):
    scales = np.array([1.0, 5.0, 9.0], np.float32)  # of the channels, so that the kinds differ
    features = np.random.default_rng(0).normal(3.0, scales, (4, 6, 5, 3)).astype(np.float32)
    normalised = normalization(kind, "normalization")(features, training=True).numpy()
    expected = (features - features.mean(axes, keepdims=True)) / features.std(axes, keepdims=True)
    np.testing.assert_allclose(normalised, expected, atol=1e-3)


def test_the_first_kernels_of_dcgan_have_the_standard_deviation_that_was_asked_for():
    keras.utils.set_random_seed(2)
    pair = DCGAN(width=16, initial_std=0.05)
    for model in (pair.generator(spec(16, 16, 3)), pair.discriminator(spec(16, 16, 3))):
        for variable in model.variables:
            if variable.name == "kernel":
                assert variable.numpy().std() == pytest.approx(0.05, rel=0.15)


@pytest.mark.parametrize("pair", [small("none", leaky_slope=0.3), small_mlp("none", leaky_slope=0.3)], ids=describe)
def test_activations_are_leaky_in_the_discriminator_alone(pair):
    for model, slope in ((pair.discriminator(spec(8, 8, 1)), 0.3), (pair.generator(spec(8, 8, 1)), 0.0)):
        activations = [layer for layer in model.layers if "activation" in layer.name]
        assert len(activations) >= 2
        for layer in activations:
            np.testing.assert_allclose(layer(np.array([-2.0, 2.0], np.float32)), [-2.0 * slope, 2.0], rtol=1e-6)


def test_generated_points_may_lie_anywhere_and_images_within_their_range():
    for data, most in ((spec(2), 7.0), (spec(8, 8, 1), 1.0)):
        generator = small_mlp("none").generator(data)
        generator.get_layer("output").bias.assign(np.full(np.prod(data.shape), 7.0, np.float32))
        assert np.max(generator(np.zeros((1, 6), np.float32))) == pytest.approx(most, abs=1e-4)


def test_spectral_normalisation_reaches_every_kernel_of_both_networks():
    for pair in (small("spectral"), small_mlp("spectral")):
        for model in (pair.generator(spec(8, 8, 1)), pair.discriminator(spec(8, 8, 1))):
            directions = [variable for variable in model.variables if variable.name == "u"]
            assert len(directions) == len(kernels(model)) > 2


@pytest.mark.parametrize("kind", ["layer", "instance", "spectral", "none"])
def test_only_batch_normalisation_makes_an_answer_depend_on_the_rest_of_the_batch(kind):
    def moves(kind: str) -> float:
        keras.utils.set_random_seed(1)
        discriminator = small(kind).discriminator(spec(8, 8, 1))
        images = np.random.default_rng(0).normal(size=(4, 8, 8, 1)).astype(np.float32)
        with tf.GradientTape() as tape:
            batch = tf.constant(images)
            tape.watch(batch)
            first = discriminator(batch, training=True)[0]
        return float(tf.reduce_max(tf.abs(tape.gradient(first, batch)[1:])))

    assert moves(kind) == 0.0
    assert moves("batch") > 0.0


@pytest.mark.parametrize("pair", [small("none"), small_mlp("none")], ids=describe)
def test_dropout_is_active_in_training_alone(pair):
    keras.utils.set_random_seed(2)
    with_dropout = type(pair)(**{**vars(pair), "discriminator_dropout": 0.5})
    discriminator, images = with_dropout.discriminator(spec(8, 8, 1)), tf.random.normal((4, 8, 8, 1))
    assert np.ptp([discriminator(images, training=True).numpy() for _ in range(2)], axis=0).max() > 0.0
    np.testing.assert_array_equal(discriminator(images, training=False), discriminator(images, training=False))


# Keras 3.15 under NumPy 2 warns of itself while it saves.
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
@pytest.mark.parametrize("pair", [*map(small, DCGAN_KINDS), *map(small_mlp, MLP_KINDS)], ids=describe)
def test_a_saved_model_comes_back_exactly(pair, tmp_path):
    keras.utils.set_random_seed(2)
    data = spec(8, 8, 1)
    for model, inputs in (
        (pair.generator(data), tf.random.normal((3, 6))),
        (pair.discriminator(data), tf.random.normal((3, 8, 8, 1))),
    ):
        model(inputs, training=True)  # moves averages and power iterations away from their start
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        np.testing.assert_array_equal(loaded(inputs), model(inputs))
        assert [variable.path for variable in loaded.variables] == [variable.path for variable in model.variables]


@pytest.mark.parametrize("pair", [small("spectral"), small("batch"), small_mlp("batch")], ids=describe)
def test_names_and_first_weights_are_the_same_with_the_same_seed(pair):
    def built() -> list[keras.Model]:
        keras.utils.set_random_seed(3)
        return [pair.generator(spec(8, 8, 1)), pair.discriminator(spec(8, 8, 1))]

    for first, again in zip(built(), built(), strict=True):
        paths = [variable.path for variable in first.variables]
        assert paths == [variable.path for variable in again.variables]
        assert len(set(paths)) == len(paths)
        for one, other in zip(first.variables, again.variables, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: DCGAN(discriminator_normalization="bach"), "discriminator_normalization=bach.*Did you mean batch"),
        (lambda: DCGAN(latent_distribution="gaussian"), "latent_distribution=gaussian"),
        (lambda: DCGAN(width=0), "^width=0"),
        (lambda: DCGAN(initial_std=0.0), "^initial_std"),
        (lambda: DCGAN(discriminator_dropout=1.0), "^discriminator_dropout"),
        (lambda: MLP(depth=0), "^depth=0"),
        (lambda: MLP(latent_size=0), "^latent_size=0"),
        # a mean over a single position leaves only zeros
        (lambda: MLP(generator_normalization="instance"), "^generator_normalization=instance"),
    ],
)
def test_a_value_outside_its_range_is_refused_by_its_key(build, message):
    with pytest.raises(ConfigError, match=message):
        build()


def test_configuration_classes_load_no_tensorflow():
    code = """
import pkgutil, sys, importlib
layers = ["spectral_normalization", "fixed_features", "fused_adam", "condition_layers", "mapping_network"]
layers += ["residual_networks"]
for folder in ("models", "losses", "penalties", "optimizers", "conditioning"):
    package = importlib.import_module(f"gan_cli.{folder}")
    for module in pkgutil.iter_modules(package.__path__):
        if module.name not in layers:
            importlib.import_module(f"gan_cli.{folder}.{module.name}")
from gan_cli.data import DataSpec
from gan_cli.models.dcgan import DCGAN
from gan_cli.optimizers.adam import Adam
DCGAN().check(DataSpec((32, 32, 3), 10)), Adam()
sys.exit(sorted({"tensorflow", "keras"} & set(sys.modules)) or 0)
"""
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
