"""Boundary equilibrium against numbers worked out by hand, and the auto-encoder that it judges by."""

from __future__ import annotations

from itertools import pairwise

import keras
import numpy as np
import pytest
import tensorflow as tf
from by_hand import do, make_step

from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_job
from gan_cli.data import DataSpec
from gan_cli.devices import dtype_policy
from gan_cli.errors import ConfigError
from gan_cli.evaluation.discriminator_diagnostics import PAIRED, health
from gan_cli.losses import RECONSTRUCTION, DiscriminatorOutput
from gan_cli.losses.began import BoundaryEquilibriumLoss
from gan_cli.models.dcgan import DCGAN
from gan_cli.models.discriminator import build_discriminator, with_features
from gan_cli.models.mlp import MLP

LOSS = BoundaryEquilibriumLoss(diversity_ratio=0.5, balance_rate=0.01)
REAL, FAKE = np.array([-1.0, -3.0], np.float32), np.array([-0.25, -0.75], np.float32)  # errors of 2 and 0.5 in the mean
BALANCE = tf.constant(0.2)

IMAGES, POINTS = DataSpec((8, 16, 3), 100), DataSpec((2,), 100)
PAIRS = [(DCGAN(latent_size=6, width=4), IMAGES), (MLP(latent_size=6, width=16), IMAGES), (MLP(width=16), POINTS)]
every_pair = pytest.mark.parametrize(("pair", "data"), PAIRS, ids=["dcgan", "mlp", "mlp-points"])


def output(logits: object) -> DiscriminatorOutput:
    return DiscriminatorOutput(tf.convert_to_tensor(logits, tf.float32))


def examples_of(data: DataSpec, count: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (count, *data.shape)).astype(np.float32)


# The objective


def test_the_objective_is_what_its_paper_says():
    real, fake = output(REAL), output(FAKE)
    assert float(LOSS.discriminator(real, fake, balance=BALANCE)) == pytest.approx(2.0 - 0.2 * 0.5)
    assert float(LOSS.generator(fake, None, balance=BALANCE)) == 0.5
    assert float(LOSS.next_state(real, fake, balance=BALANCE)["balance"]) == pytest.approx(0.2 + 0.01 * (1.0 - 0.5))
    measured = {name: float(value) for name, value in LOSS.measure(real, fake, balance=BALANCE).items()}
    assert measured == pytest.approx({"convergence": 2.0 + 0.5, "balance": 0.2})
    assert tuple(measured) == LOSS.measures


def test_convergence_grows_on_either_side_of_the_balance():
    near, ahead, behind = ([-1.0, -1.0], [-0.7, -0.7], [-1.3, -1.3])
    measured = [
        float(LOSS.measure(output(REAL), output(one), balance=0.0)["convergence"]) for one in (near, ahead, behind)
    ]
    assert measured == pytest.approx([2.0, 2.3, 2.3])


def test_the_balance_stays_within_its_bounds():
    for balance, real, fake, expected in [(0.999, [-8.0], [0.0], 1.0), (0.001, [0.0], [-8.0], 0.0)]:
        moved = LOSS.next_state(output(real), output(fake), balance=tf.constant(balance))["balance"]
        assert float(moved) == expected


def test_slopes_pull_real_errors_down_and_push_generated_ones_by_the_balance():
    real, fake = tf.constant(REAL), tf.constant(FAKE)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([real, fake])
        discriminator = LOSS.discriminator(output(real), output(fake), balance=BALANCE)
        generator = LOSS.generator(output(fake), None, balance=BALANCE)
    np.testing.assert_allclose(tape.gradient(discriminator, real), [-0.5, -0.5])
    np.testing.assert_allclose(tape.gradient(discriminator, fake), [0.1, 0.1])
    np.testing.assert_allclose(tape.gradient(generator, fake), [-0.5, -0.5])


def test_huge_errors_stay_finite_and_all_is_float32():
    huge = output([-1e30, -1e4])
    values = [LOSS.discriminator(huge, huge, balance=BALANCE), LOSS.generator(huge, None, balance=BALANCE)]
    values += [
        *LOSS.next_state(huge, huge, balance=BALANCE).values(),
        *LOSS.measure(huge, huge, balance=BALANCE).values(),
    ]
    assert all(value.dtype == tf.float32 and value.shape == () and np.isfinite(value) for value in values)


@pytest.mark.parametrize("words", [{"diversity_ratio": 0.0}, {"diversity_ratio": 1.5}, {"balance_rate": 0.0}])
def test_a_number_outside_its_range_is_refused_by_its_key(words):
    ((key, value),) = words.items()
    with pytest.raises(ConfigError, match=f"^{key}={value}: expected"):
        BoundaryEquilibriumLoss(**words)


# The auto-encoder


@every_pair
def test_the_discriminator_says_minus_the_mean_error_of_what_it_rebuilds(pair, data):
    model, examples = build_discriminator(pair, data, LOSS), examples_of(data, 5)
    rebuilt = model.get_layer("decoder")(model.get_layer("encoder")(examples, training=False), training=False)
    expected = -np.abs(examples - rebuilt.numpy()).reshape(5, -1).mean(1)
    np.testing.assert_allclose(model(examples, training=False), expected, rtol=1e-5)


@every_pair
def test_the_code_is_smaller_than_an_example_and_no_larger_than_the_latents(pair, data):
    model = build_discriminator(pair, data, LOSS)
    size = model.get_layer("encoder").output_shape[-1]
    assert size == (1 if data is POINTS else 6)
    large = build_discriminator(MLP(latent_size=500, width=4), IMAGES, LOSS)
    assert large.get_layer("encoder").output_shape[-1] == 8 * 16 * 3 // 8


@every_pair
def test_it_scores_several_at_once_and_gives_its_code_as_a_layer(pair, data):
    model = with_features(build_discriminator(pair, data, LOSS, pack=2), {"auto": "loss.layer", "rebuilt": "x"})
    seen = (*data.shape[:-1], 2 * data.shape[-1])
    logits, features = model(np.zeros((3, *seen), np.float32), training=True)
    assert logits.shape == (3,)
    assert features["auto"].shape == (3, 1 if data is POINTS else 6)
    assert features["rebuilt"].shape == (3, *seen)
    with pytest.raises(ConfigError, match="one of code, rebuilt"):
        with_features(model, {"encoder": "loss.layer"})


@every_pair
def test_errors_are_float32_whatever_the_compute_type(pair, data):
    with dtype_policy("mixed_bfloat16"):
        model = build_discriminator(pair, data, LOSS)
    logits = model(examples_of(data, 4), training=True)
    assert logits.dtype == tf.float32
    assert np.isfinite(logits).all()


def test_its_health_is_reported_by_pairs():
    data = DataSpec((4, 4, 1), 100)
    keras.utils.set_random_seed(0)
    model = build_discriminator(MLP(latent_size=2, width=4), data, LOSS)
    dark, grey = np.zeros((30, 4, 4, 1), np.uint8), np.full((30, 4, 4, 1), 128, np.uint8)  # -1, and about 0
    found = health(model, LOSS, grey, None, dark)
    assert found.notes == (PAIRED,)
    assert found.values["discriminator_accuracy_train"].value == 1.0  # a fresh one rebuilds everything as about 0


# In training


def test_a_model_is_not_normalised_over_batches_by_default():
    def normalization(*words: str) -> str:
        return str(compose("train", ["model=dcgan", *words]).config["model"]["discriminator_normalization"])

    assert LOSS.output == RECONSTRUCTION
    job = build_job(compose("train", ["model=dcgan", "loss=began"]).config)
    network = build_discriminator(job.model, DataSpec((8, 8, 1), 100), job.loss)
    assert "down_2_normalization" in {layer.name for layer in network._flatten_layers()}
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in network._flatten_layers())
    assert normalization("loss=began") == "layer"
    assert normalization("loss=hinge") == "batch"
    assert normalization("loss=began", "model.discriminator_normalization=batch") == "batch"


@pytest.mark.parametrize("simultaneous", [False, True])
def test_the_balance_of_each_step_follows_from_what_was_said_in_the_one_before(simultaneous):
    loss = BoundaryEquilibriumLoss(balance_rate=0.3)
    network = build_discriminator(MLP(latent_size=1, width=4), POINTS, loss)
    step = make_step(loss, discriminator=network, rates=(0.1, 0.1), simultaneous=simultaneous)
    lines = [do(step, number) for number in range(3)]
    assert lines[0]["balance"] == 0.0
    assert lines[1]["balance"] > 0.01
    for before, after in pairwise(lines):
        moved = before["balance"] + 0.3 * (before["fake_logits"] - 0.7 * before["real_logits"])
        assert after["balance"] == pytest.approx(np.clip(moved, 0, 1), abs=1e-6)
