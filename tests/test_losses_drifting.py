"""The drift field against closed forms between Gaussians, its symmetries, and the loss that regresses to it."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import ANY_LOSS, TINY
from runs import assert_same_run

from gan_cli.commands.train import gan_train
from gan_cli.config.compatibility import check_parts
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_job
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.drift_field import KERNELS, NORMALIZATIONS, drift, mean_distance
from gan_cli.losses.drifting import DriftingLoss
from gan_cli.runs.checkpoint import list_checkpoints
from gan_cli.training.build_training import open_training_batches

every_field = pytest.mark.parametrize(
    ("kernel", "normalization"), [(one, other) for one in KERNELS for other in NORMALIZATIONS]
)
POINTS = 3000
REAL, FAKE = NormalDist(1.0, 0.8), NormalDist(-0.5, 1.2)
TEMPERATURE = 0.9


def vectors(count: int, seed: int, dimensions: int = 3, offset: float = 0.0) -> Any:
    values = np.random.default_rng(seed).normal(offset, 1.0, (count, dimensions))
    return tf.constant(values, tf.float32)


def quantiles(distribution: NormalDist) -> np.ndarray:
    """Points that represent a normal distribution far better than random ones, float32 `[POINTS, 1]`."""
    places = (np.arange(POINTS) + 0.5) / POINTS
    return np.array([[distribution.inv_cdf(place)] for place in places], np.float32)


def embedded(rows: Any) -> DiscriminatorOutput:
    return DiscriminatorOutput(None, embedding=tf.convert_to_tensor(rows, tf.float32))


@every_field
def test_the_drift_between_equal_samples_is_zero(kernel: str, normalization: str) -> None:
    x, sample = vectors(20, 0), vectors(30, 1)
    found = drift(x, sample, sample, kernel=kernel, temperature=0.3, normalization=normalization)
    np.testing.assert_allclose(found, np.zeros((20, 3)), atol=1e-6)


@every_field
def test_the_drift_is_anti_symmetric(kernel: str, normalization: str) -> None:
    x, real, fake = vectors(20, 0), vectors(30, 1, offset=0.5), vectors(25, 2)
    options: dict[str, Any] = {"kernel": kernel, "temperature": 0.3, "normalization": normalization}
    forward, back = drift(x, real, fake, **options), drift(x, fake, real, **options)
    assert np.abs(forward).max() > 0.1
    np.testing.assert_allclose(forward, -back, atol=1e-6)


class Bells:
    """A product of factors exp(-(y - centre)² / 2 variance), variances of any sign: its integral and its mean."""

    def __init__(self, *factors: tuple[Any, float]) -> None:
        precision = sum(1 / variance for _, variance in factors)
        weighted = sum(centre / variance for centre, variance in factors)
        constant = sum(centre**2 / variance for centre, variance in factors)
        assert precision > 0
        self.mean = weighted / precision
        self.integral = np.sqrt(2 * np.pi / precision) * np.exp(0.5 * (weighted**2 / precision - constant))


def expected_of(distribution: NormalDist, *factors: tuple[Any, float]) -> tuple[Any, Any]:
    """E[f(y)] and E[y f(y)] / E[f(y)] of a product f of bells."""
    found = Bells((distribution.mean, distribution.variance), *factors)
    return found.integral / (distribution.stdev * np.sqrt(2 * np.pi)), found.mean


def test_the_drift_between_two_gaussians_has_its_closed_form() -> None:
    """k = exp(-(x - y)² / τ), x as y⁻: A_ij = k_ij / √(R_i C_j) with R and C sums of k, bells in x and in y."""
    real, fake = quantiles(REAL), quantiles(FAKE)
    x, variance = fake.astype(np.float64)[:, 0], TEMPERATURE / 2
    found = drift(tf.constant(fake), tf.constant(real), tf.constant(fake), kernel="gaussian", temperature=TEMPERATURE)
    rows = sum(POINTS * expected_of(one, (x, variance))[0] for one in (REAL, FAKE))
    height = POINTS * np.sqrt(variance / (FAKE.variance + variance))
    # 1 / √C is a bell of negative variance around the mean of the x.
    column = (FAKE.mean, -2 * (FAKE.variance + variance))
    sums, means = zip(*(expected_of(one, (x, variance), column) for one in (REAL, FAKE)), strict=True)
    weights = [POINTS * one / np.sqrt(rows * height) for one in sums]
    inner = slice(POINTS // 50, -POINTS // 50)  # the quantiles end somewhere
    np.testing.assert_allclose(
        found[inner, 0], (weights[0] * weights[1] * (means[0] - means[1]))[inner], rtol=2e-2, atol=2e-3
    )


def test_the_sinkhorn_drift_between_two_gaussians_has_its_closed_form() -> None:
    """The entropic plan between Gaussians is Gaussian: with the kernel's variance v, C² + v C = s² s'²."""
    real, fake = quantiles(REAL)[::3], quantiles(FAKE)[::3]
    options: dict[str, Any] = {"temperature": TEMPERATURE, "normalization": "sinkhorn", "iterations": 100}
    found = drift(tf.constant(fake), tf.constant(real), tf.constant(fake), kernel="gaussian", **options)

    def mean_partner(other: NormalDist) -> np.ndarray:
        variance = TEMPERATURE / 2
        covariance = (-variance + np.sqrt(variance**2 + 4 * FAKE.variance * other.variance)) / 2
        return other.mean + covariance / FAKE.variance * (fake[:, 0] - FAKE.mean)

    inner = slice(20, -20)
    np.testing.assert_allclose(found[inner, 0], (mean_partner(REAL) - mean_partner(FAKE))[inner], atol=0.02)


def test_with_a_gaussian_kernel_the_drift_is_the_slope_of_a_log_ratio_of_densities() -> None:
    """Of one sample alone the normalisation over samples is 1, which leaves √k = exp(-d² / 2τ) as the kernel."""
    x, real, fake = (vectors(*one).numpy().astype(np.float64) for one in ((1, 0), (30, 1), (25, 2)))
    found = drift(*(tf.constant(one, tf.float32) for one in (x, real, fake)), kernel="gaussian", temperature=0.8)

    def log_ratio(place: np.ndarray) -> float:
        kernels = [np.exp(-((place - sample) ** 2).sum(1) / 1.6).sum() for sample in (real, fake)]
        return float(np.log(kernels[0] / kernels[1]))

    steps = 1e-5 * np.eye(3)
    slope = np.array([(log_ratio(x + step) - log_ratio(x - step)) / 2e-5 for step in steps])
    np.testing.assert_allclose(found[0] / np.linalg.norm(found), slope / np.linalg.norm(slope), atol=1e-4)


def test_the_own_sample_does_not_repel() -> None:
    x, far = tf.constant([[0.0], [1.0]]), tf.constant([[5.0]])
    found = drift(x, far, x, kernel="laplace", temperature=0.1, mask_own=True)
    assert (found.numpy()[1] > 0.0).all()
    assert np.isfinite(found).all()
    unmasked = drift(x, far, x, kernel="laplace", temperature=0.1)
    assert not np.allclose(found, unmasked, rtol=0.1)


def test_distances_are_relative_to_their_mean_without_those_to_itself() -> None:
    x, real = tf.constant([[0.0], [2.0]]), tf.constant([[4.0]])
    assert float(mean_distance(x, real, x, is_own=True)) == pytest.approx((4 + 2 + 2 + 2) / 4)
    loss = DriftingLoss()
    values = [float(loss.generator(embedded(factor * x), embedded(factor * real))) for factor in (1.0, 100.0)]
    assert values[1] == pytest.approx(values[0], rel=1e-4)


@pytest.mark.parametrize("settings", [{}, {"normalization": "sinkhorn", "kernel": "gaussian"}, {"rescale": False}])
def test_the_gradient_moves_each_sample_along_its_drift_alone(settings: dict[str, Any]) -> None:
    loss, fake, real = DriftingLoss(**settings), tf.Variable(vectors(12, 0)), vectors(20, 1, offset=1.0)
    with tf.GradientTape() as tape:
        value = loss.generator(embedded(fake), embedded(real), step=tf.constant(3, tf.int64))
    scale = float(mean_distance(fake, real, fake, is_own=True))
    movement = loss.total_drift(fake / scale, real / scale, 3).numpy()
    assert float(value) == pytest.approx((movement**2).sum(1).mean(), rel=1e-3)
    np.testing.assert_allclose(tape.gradient(value, fake), -2 * movement / (12 * scale), rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_equal_examples_have_finite_losses_and_gradients(normalization: str) -> None:
    loss, fake = DriftingLoss(normalization=normalization), tf.Variable(tf.zeros([4, 3]))
    for real in (tf.zeros([5, 3]), tf.ones([5, 3])):
        with tf.GradientTape() as tape:
            value = loss.generator(embedded(fake), embedded(real))
        assert np.isfinite(value)
        assert np.isfinite(tape.gradient(value, fake)).all()


def test_the_drift_of_each_temperature_has_the_same_length() -> None:
    x, real = vectors(12, 0), vectors(20, 1, offset=1.0)
    movement = DriftingLoss(temperatures=0.02).total_drift(x, real, 0).numpy()
    assert (movement**2).sum(1).mean() == pytest.approx(1.0, rel=1e-4)


def test_temperatures_are_annealed_geometrically_to_what_is_configured() -> None:
    loss = DriftingLoss(annealing_start=16.0, annealing_steps=100)
    factors = [float(loss.annealing_factor(tf.constant(step, tf.int64))) for step in (0, 25, 50, 100, 200)]
    np.testing.assert_allclose(factors, [16.0, 8.0, 4.0, 1.0, 1.0], rtol=1e-5)
    x, real = vectors(12, 0), vectors(20, 1, offset=1.0)
    wide = DriftingLoss(temperatures=0.8).total_drift(x, real, 0)
    annealed = DriftingLoss(temperatures=0.2, annealing_start=16.0, annealing_steps=100).total_drift(x, real, 50)
    np.testing.assert_allclose(annealed, wide, rtol=1e-4, atol=1e-6)


def test_the_witness_is_high_where_there_are_more_real_samples() -> None:
    real, fake = vectors(60, 1, offset=2.0), vectors(50, 2)
    loss = DriftingLoss()
    assert float(tf.reduce_mean(loss.mmd_witness(real, real, fake))) > 0.5
    assert float(tf.reduce_mean(loss.mmd_witness(fake, real, fake))) < -0.5
    same = vectors(9, 3)
    np.testing.assert_allclose(loss.mmd_witness(same, fake, tf.identity(fake)), np.zeros(9), atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"kernel": "gausian"}, r"^kernel=gausian: expected one of laplace|gaussian.*Did you mean gaussian"),
        ({"temperatures": []}, r"^temperatures=\[\]"),
        ({"temperatures": [0.1, -1.0]}, r"^temperatures=-1.0: expected a number above 0"),
        ({"normalization": "sinkhorm"}, r"^normalization=sinkhorm.*Did you mean sinkhorn"),
        ({"iterations": 0}, r"^iterations=0"),
        ({"positives": 0}, r"^positives=0"),
        ({"space": "pixel"}, r"^space=pixel.*Did you mean pixels"),
        ({"space": "discriminator", "positives": 64}, r"^positives=64: a discriminator gets as many"),
        ({"layer": ""}, r"^layer="),
        ({"annealing_start": 0.0, "annealing_steps": 10}, r"^annealing_start=0"),
        ({"annealing_start": 2.0}, r"^annealing_steps=null: is needed"),
        ({"annealing_steps": 0}, r"^annealing_steps=0"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        DriftingLoss(**settings)


RING = ["dataset=ring", "model=mlp", "model.width=64", "model.latent_size=4", "logger=[]", "hydra.run.dir=run"]


def test_the_modes_of_the_ring_are_all_found(capsys: pytest.CaptureFixture[str]) -> None:
    """PacGAN's protocol, at the end of a run."""
    words = ["loss=drifting", "train.steps=400", "train.batch_size=128", "optimizer.learning_rate=0.003"]
    assert gan_train([*RING, *words, "optimizer.schedule=cosine"]) == 0
    assert "Modes found: 8 of 8" in capsys.readouterr().out


SMALL = (*ANY_LOSS, "train.steps=6", "loss=drifting")


@pytest.mark.parametrize(
    "words",
    [
        ["loss.positives=40", "loss.normalization=sinkhorn", "loss.annealing_start=4"],
        ["loss.space=features", "features=random", "loss.positives=24"],
        ["loss.space=features", "features=classifier", "features.steps=50", "loss.kernel=gaussian"],
        ["loss.space=discriminator", "loss.layer=all", "penalty=[r1]"],
    ],
    ids=["pixels", "random features", "classifier", "discriminator"],
)
def test_in_each_space_a_resumed_run_continues_the_same_training(words: list[str]) -> None:
    assert gan_train([*TINY, *SMALL, *words, "hydra.run.dir=whole"]) == 0
    shutil.copytree("whole", "killed")
    last, *before = list_checkpoints(Path("killed/checkpoints"))
    assert before  # of step 5
    last.unlink()
    assert gan_train(["resume=killed"]) == 0
    assert_same_run(Path("whole"), Path("killed"))


def test_features_without_a_gradient_are_refused_before_a_run_begins() -> None:
    with pytest.raises(ConfigError, match=r"^features: these features have no gradient.*features=random"):
        gan_train([*TINY, *SMALL, "loss.space=features", "features=pixels", "hydra.run.dir=run"])
    with pytest.raises(ConfigError, match=r"^features: the random network takes images"):
        gan_train([*TINY, *SMALL, "dataset=ring", "loss.space=features", "features=random", "hydra.run.dir=run"])
    assert not Path("run").exists()


def test_more_real_examples_than_there_are_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^loss: the loss takes 5000 real examples a step.* only 1797"):
        gan_train([*TINY, *SMALL, "loss.positives=5000", "hydra.run.dir=run"])


def test_packs_of_examples_have_no_fixed_features() -> None:
    words = ["loss=drifting", "loss.space=features", "train.pack=2"]
    with pytest.raises(ConfigError, match=r"^train.pack=2: the fixed network"):
        check_parts(build_job(compose("train", words).config))


def test_a_step_gets_as_many_real_examples_as_the_loss_asks_for() -> None:
    words = ["dataset=ring", "model=mlp", "loss=drifting", "loss.positives=48", "train.batch_size=16"]
    job = build_job(compose("train", words).config)
    with closing(open_training_batches(job, job.dataset.open())) as batches:
        real, _ = batches.batch(batches.feed(0, 1), *tf.zeros(2, tf.int64))
    assert real.shape == (1, 48, 2)
