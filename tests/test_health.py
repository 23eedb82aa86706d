"""A discriminator's health, on logits made by hand and on discriminators whose answers are known."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from gan_cli.evaluation.discriminator_diagnostics import VALUES, diagnose, health
from gan_cli.losses.lsgan import LeastSquaresLoss
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.trained_models.score_examples import BATCH, score_examples

NORMAL = np.random.default_rng(0).normal


def brightness(**options: object) -> keras.Model:
    """A discriminator whose logit is the mean of an image in [-1, 1]."""
    images = keras.Input((2, 2, 1))
    features = keras.layers.BatchNormalization(epsilon=0.0)(images) if options.get("normalised") else images
    return keras.Model(images, keras.ops.mean(features, axis=(1, 2, 3)))


def grey(*levels: int) -> np.ndarray:
    """uint8 images `[len(levels), 2, 2, 1]`, each of one level."""
    return np.ones((1, 2, 2, 1), np.uint8) * np.array(levels, np.uint8)[:, None, None, None]


# Diagnosis


def test_accuracies_count_what_lies_on_the_right_side_of_the_equilibrium() -> None:
    train, held_out, fake = np.array([2.0, 1.0, 3.0, -1.0]), np.array([1.0, -2.0]), np.array([-1.0, -3.0, 4.0, 0.0])
    found = diagnose(train, held_out, fake, decision_threshold=0.0).values
    assert found["discriminator_accuracy_train"].value == 0.75
    assert found["discriminator_accuracy_held_out"].value == 0.5
    assert found["discriminator_accuracy_fake"].value == 2.5 / 4  # the one at 0 is undecided
    assert found["discriminator_gap"].value == 0.25
    assert found["discriminator_distance"].value == pytest.approx((7 / 4 + 8 / 4) / 2)
    assert set(found) == set(VALUES)


def test_the_threshold_is_the_equilibrium_of_the_loss() -> None:
    logits = np.array([0.4, 0.4]), np.array([0.4]), np.array([0.4])
    by_zero, by_half = (
        diagnose(*logits, decision_threshold=0.0).values,
        diagnose(*logits, decision_threshold=0.5).values,
    )
    assert by_zero["discriminator_accuracy_train"].value == by_half["discriminator_accuracy_fake"].value == 1
    assert by_zero["discriminator_accuracy_fake"].value == by_half["discriminator_accuracy_train"].value == 0
    assert by_half["discriminator_distance"].value == pytest.approx(0.1)


def test_without_held_out_examples_their_numbers_are_missing() -> None:
    for decision_threshold in (0.0, None):
        found = diagnose(np.ones(3), None, np.zeros(3), decision_threshold).values
        assert set(found) == set(VALUES) - {"discriminator_accuracy_held_out", "discriminator_gap"}


@pytest.mark.parametrize("decision_threshold", [0.0, None], ids=["threshold", "pairs"])
def test_a_discriminator_at_equilibrium_has_no_gap_no_distance_and_is_right_half_of_the_time(
    decision_threshold,
) -> None:
    same = np.zeros(50)
    found = diagnose(same, same, same, decision_threshold).values
    assert {name: measured.value for name, measured in found.items()} == {
        "discriminator_accuracy_train": 0.5,
        "discriminator_accuracy_held_out": 0.5,
        "discriminator_accuracy_fake": 0.5,
        "discriminator_gap": 0.0,
        "discriminator_distance": 0.0,
    }


def test_a_critic_is_scored_by_pairs_whatever_its_offset_and_scale() -> None:
    train, held_out, fake = NORMAL(1, size=400), NORMAL(0.5, size=300), NORMAL(0, size=500)
    plain, moved = (
        diagnose(*(a * logits + b for logits in (train, held_out, fake)), None) for a, b in ((1, 0), (3, 9))
    )
    for name in ("train", "held_out", "fake"):
        key = f"discriminator_accuracy_{name}"
        assert plain.values[key].value == moved.values[key].value
    assert plain.values["discriminator_accuracy_train"].value == pytest.approx(0.76, abs=0.03)  # Phi(1 / sqrt 2)
    assert plain.values["discriminator_distance"].value == pytest.approx(train.mean() - fake.mean())
    assert moved.values["discriminator_distance"].value == pytest.approx(3 * (train.mean() - fake.mean()))
    assert "no threshold" in plain.notes[0]


@pytest.mark.parametrize("decision_threshold", [0.0, None], ids=["threshold", "pairs"])
def test_uncertainties_are_the_deviations_over_many_draws(decision_threshold) -> None:
    random, drawn = np.random.default_rng(2), []
    for _ in range(1500):
        kinds = random.normal(0.8, 1, 60), random.normal(0.3, 1, 40), random.normal(-0.4, 1, 80)
        drawn.append(diagnose(*kinds, decision_threshold).values)
    for name in VALUES:
        values = np.array([found[name].value for found in drawn])
        errors = np.array([found[name].uncertainty for found in drawn])
        assert np.sqrt((errors**2).mean()) == pytest.approx(values.std(), rel=0.07), name
    for name in (name for name in VALUES if "accuracy" in name):
        truth = np.mean([found[name].value for found in drawn])
        covered = np.mean([found[name].low <= truth <= found[name].high for found in drawn])
        assert covered > 0.93, name


def test_certain_answers_still_have_an_interval() -> None:
    for decision_threshold in (0.0, None):
        sure = diagnose(np.ones(30), np.ones(30), -np.ones(30), decision_threshold).values[
            "discriminator_accuracy_held_out"
        ]
        assert sure.value == sure.high == 1
        assert sure.low == pytest.approx(0.886, abs=0.001)


def test_a_discriminator_without_finite_answers_gets_no_numbers_but_a_note() -> None:
    found = diagnose(np.array([1.0, np.nan]), None, np.zeros(2), 0.0)
    assert found.values == {}
    assert "not finite" in found.notes[0]


# Judging


def test_health_reads_images_as_the_models_do() -> None:
    dark, bright = grey(0, 51), grey(204, 255)  # -1, -0.6, 0.6, 1
    found = health(brightness(), NonSaturatingLoss(), bright, dark, dark).values
    assert found["discriminator_accuracy_train"].value == found["discriminator_accuracy_fake"].value == 1
    assert found["discriminator_accuracy_held_out"].value == 0
    assert found["discriminator_gap"].value == 1
    assert found["discriminator_distance"].value == pytest.approx(0.8)
    by_squares = health(brightness(), LeastSquaresLoss(), bright, None, dark).values
    assert by_squares["discriminator_distance"].value == pytest.approx((0.3 + 1.3) / 2)
    by_critic = health(brightness(), WassersteinLoss(), bright, None, dark).values
    assert by_critic["discriminator_distance"].value == pytest.approx(1.6)


def test_points_are_scored_as_they_are() -> None:
    points = keras.Input((2,))
    model = keras.Model(points, keras.ops.sum(points, axis=1))
    np.testing.assert_allclose(score_examples(model, np.array([[300.0, 1.0], [-2.0, 0.5]], np.float32)), [301, -1.5])


def test_an_example_gets_the_same_logit_beside_any_others() -> None:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4, 4, 3)), keras.layers.Conv2D(8, 3), keras.layers.Flatten(), keras.layers.Dense(1)]
    model = keras.Sequential([*layers, keras.layers.Reshape(())])
    examples = np.random.default_rng(3).integers(0, 256, (2 * BATCH + 3, 4, 4, 3)).astype(np.uint8)
    together = score_examples(model, examples)
    assert together.shape == (2 * BATCH + 3,)
    assert together.dtype == np.float64
    np.testing.assert_array_equal(score_examples(model, examples[-2:]), together[-2:])
    assert score_examples(model, examples[:0]).shape == (0,)


def test_judging_leaves_running_averages_alone_and_uses_them() -> None:
    model = brightness(normalised=True)
    normalization = model.layers[1]
    normalization.moving_mean.assign([0.5])
    before = [variable.numpy().copy() for variable in model.variables]
    judged = score_examples(model, grey(0, 255, 255))
    np.testing.assert_allclose(judged, [-1.5, 0.5, 0.5], atol=1e-6)
    for kept, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(kept, variable.numpy())


def test_a_kind_with_fewer_examples_than_a_pack_is_left_out_with_a_note() -> None:
    packs = keras.Input((4,))
    model = keras.Model(packs, keras.ops.sum(packs, axis=1))
    real, one, fake = np.ones((4, 2), np.float32), np.ones((1, 2), np.float32), -np.ones((4, 2), np.float32)
    for loss in (NonSaturatingLoss(), WassersteinLoss()):
        found = health(model, loss, real, one, fake)
        assert found.values == health(model, loss, real, None, fake).values != {}
        assert any("held-out examples do not fill a pack of 2" in note for note in found.notes)
        assert not health(model, loss, real, one, fake[:1]).values
