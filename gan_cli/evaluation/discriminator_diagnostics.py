"""Diagnostics of a discriminator: its accuracy on training, held-out and generated examples.

A discriminator that takes training examples for real more often than real examples that it never saw has learned them
by heart: the gap between the two is its overfitting (Karras et al. 2020, arXiv:2006.06676, section 3 and figure 1,
plot the outputs themselves). Where generator and data have the same distribution the best discriminator is constant:
1/2 for the first GAN (Goodfellow et al. 2014, arXiv:1406.2661, proposition 1), a logit of 0; `decision_threshold` of a
loss is that output (see `gan_cli.losses`). It is the threshold between real and generated here.

The outputs of critics and of relativistic discriminators mean something only beside other outputs. Their accuracy is
the share of pairs of a real and a generated example in which the real one gets the higher output (Mann & Whitney's U,
see `gan_cli.statistics`), which does not depend on their scale, and their distance from equilibrium, where both kinds
get the same outputs, is the difference of the means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from gan_cli.losses import Loss
from gan_cli.metrics import MetricValue, Result
from gan_cli.metrics.proportions import proportion_with_error
from gan_cli.statistics import Placements, placements, variance_of_mean, wilson
from gan_cli.trained_models.score_examples import ExampleRows, pack_of, score_examples, scored

VALUES: Mapping[str, str] = MappingProxyType(
    {
        "discriminator_accuracy_train": "",
        "discriminator_accuracy_held_out": "",
        "discriminator_accuracy_fake": "",
        "discriminator_gap": "",
        "discriminator_distance": "",
    }
)
"""The name of each number with what is better, which is neither: good generators make for fooled discriminators."""

PAIRED = (
    "The loss of this discriminator has no threshold: its accuracies are those of pairs of a real and a generated "
    "example, so that of generated examples is the same number as that of training examples."
)

NONE = "This loss trains no discriminator, so there is none to diagnose."


def health(
    discriminator: Any, loss: Loss, train: ExampleRows, held_out: ExampleRows | None, fake: ExampleRows
) -> Result:
    """Scores three kinds of examples, without changing the discriminator.

    Args:
        discriminator: a Keras model from examples to logits.
        loss: that it was trained by.
        train: real examples that it was trained on: uint8 images `[n, height, width, channels]` or float32 points
            `[n, 2]`. At least one, as of `fake`.
        held_out: real ones that it never saw, None where there are none.
        fake: generated ones.

    Returns:
        The numbers of `VALUES`; those that need held-out examples are missing without them.
    """
    if not loss.trains_discriminator:
        return Result({}, (NONE,))
    pack = pack_of(discriminator, train.shape)
    if min(train.shape[0], fake.shape[0]) < pack:
        return Result({}, (f"Too few examples for a discriminator that takes packs of {pack}; nothing was measured.",))
    if held_out is not None and held_out.shape[0] < pack:
        note = f"The {held_out.shape[0]} held-out examples do not fill a pack of {pack}, so their values are left out."
        result = health(discriminator, loss, train, None, fake)
        return Result(result.values, (*result.notes, note))
    real, made = score_examples(discriminator, train), score_examples(discriminator, fake)
    unseen = None if held_out is None else scored(loss, score_examples(discriminator, held_out), real, made)
    return diagnose(scored(loss, real, real, made), unseen, scored(loss, made, real, made), loss.decision_threshold)


def diagnose(
    train: np.ndarray, held_out: np.ndarray | None, fake: np.ndarray, decision_threshold: float | None
) -> Result:
    """The numbers of `VALUES` from logits `[n]` of each kind of examples; none where a logit is not finite.

    - `discriminator_accuracy_*`: share classified correctly, 0 to 1: real above and generated below the equilibrium;
    - `discriminator_gap`: accuracy on training minus accuracy on held-out examples, -1 to 1;
    - `discriminator_distance`: mean distance of an output from the equilibrium, half for training and half for
      generated examples, at least 0, in the discriminator's own units (logits for most losses).
    """
    kinds = [np.asarray(logits, np.float64) for logits in (train, held_out, fake) if logits is not None]
    if not all(np.isfinite(logits).all() for logits in kinds):
        return Result({}, ("The discriminator gives numbers that are not finite; nothing was measured.",))
    if decision_threshold is None:
        return Result(_paired(train, held_out, fake), (PAIRED,))
    return Result(_by_threshold(train, held_out, fake, decision_threshold))


def _by_threshold(
    train: np.ndarray, held_out: np.ndarray | None, fake: np.ndarray, decision_threshold: float
) -> dict[str, MetricValue]:
    values = {
        "discriminator_accuracy_train": accuracy(train - decision_threshold),
        "discriminator_accuracy_fake": accuracy(decision_threshold - fake),
        "discriminator_distance": _mean_distance(np.abs(train - decision_threshold), np.abs(fake - decision_threshold)),
    }
    if held_out is not None:
        known, unknown = values["discriminator_accuracy_train"], accuracy(held_out - decision_threshold)
        error = math.hypot(known.uncertainty or 0.0, unknown.uncertainty or 0.0)
        values["discriminator_accuracy_held_out"] = unknown
        values["discriminator_gap"] = MetricValue(
            known.value - unknown.value, error, "standard error of independent shares"
        )
    return values


def _paired(train: np.ndarray, held_out: np.ndarray | None, fake: np.ndarray) -> dict[str, MetricValue]:
    known = placements(train, fake)
    distance = abs(float(train.mean() - fake.mean()))
    error = math.sqrt(variance_of_mean(train) + variance_of_mean(fake))
    values = {
        "discriminator_accuracy_train": _pair_accuracy(known),
        "discriminator_accuracy_fake": _pair_accuracy(known),
        "discriminator_distance": MetricValue(distance, error, "standard error of the difference of means"),
    }
    if held_out is not None:
        unknown = placements(held_out, fake)
        # Both shares have the generated examples in common: what one of these adds to both cancels in the difference.
        shared = variance_of_mean(known.below - unknown.below)
        error = math.sqrt(variance_of_mean(known.above) + variance_of_mean(unknown.above) + shared)
        values["discriminator_accuracy_held_out"] = _pair_accuracy(unknown)
        values["discriminator_gap"] = MetricValue(
            known.share - unknown.share, error, "standard error of shares of pairs"
        )
    return values


def accuracy(margins: np.ndarray) -> MetricValue:
    """Share of margins `[n]` above 0, exactly 0 counting half: a constant output is right half of the time."""
    rightly = np.where(margins == 0, 0.5, margins > 0)
    return proportion_with_error(float(rightly.sum()), len(margins), "examples")


def _pair_accuracy(pairs: Placements) -> MetricValue:
    """The variance of a share of pairs is at most that of as many independent pairs as there are of the rarer kind
    (Birnbaum & Klose 1957), so that Wilson's interval of these is wide enough even where all pairs are equal."""
    count = min(len(pairs.above), len(pairs.below))
    low, high = wilson(pairs.share * count, count)
    by = f"standard error of a share of pairs and Wilson's interval of {count:,} pairs"
    return MetricValue(pairs.share, pairs.standard_error, by, low, high)


def _mean_distance(real: np.ndarray, fake: np.ndarray) -> MetricValue:
    distance = (float(real.mean()) + float(fake.mean())) / 2
    error = math.sqrt(variance_of_mean(real) + variance_of_mean(fake)) / 2
    return MetricValue(distance, error, "standard error of the mean")
