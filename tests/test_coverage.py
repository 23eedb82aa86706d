"""Every uncertainty and interval of every metric of configs/metric against simulations; metrics are found by glob."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import yaml

from gan_cli.config.compose import config_directory
from gan_cli.config.target_allowlist import load_class
from gan_cli.data.ring import Ring
from gan_cli.features.classifier import compile_extractor
from gan_cli.features.classifier_training import Recipe, train
from gan_cli.metrics import Comparison, Metric, MetricValue, cas
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.mmd import MaximumMeanDiscrepancy
from gan_cli.progress import SilentReporter

GIVEN_CLASSIFIER = {"cas"}
"""Their uncertainty is that over draws of test examples for one classifier, which is not trained for each draw here."""
METRICS = sorted({path.stem for path in (config_directory() / "metric").glob("[!_]*.yaml")} - GIVEN_CLASSIFIER)
CHEAP = {
    "subsets": 30,
    "subset_size": 30,
    "permutations": 19,
    "hidden": 5,
    "epochs": 60,
    "patches": 8,
    "directions": 16,
    "repeats": 2,
    "pairs": 40,
    "splits": 10,
}
"""Settings that cost less time."""
NOT_OVER_DRAWS = {"mmd_p_value": "the Monte Carlo error of the permutations, for given examples"}
"""Uncertainties of something else than the draw of examples, each with what it is."""
REPETITIONS, REALS, FAKES, CLASSES = 100, 100, 150, 3


def draw_side(random: np.random.Generator, count: int, shift: float, is_image: bool) -> InMemoryFeatures:
    """Draws features, logits, labels, and images or points of a distribution that moves with `shift`."""
    labels = random.integers(CLASSES, size=count).astype(np.int32)
    rows = 2 * np.eye(CLASSES, 4)[labels] + random.normal(size=(count, 4))
    rows[:, 3] += shift
    logits = (2 - shift) * np.eye(CLASSES)[labels] + random.normal(size=(count, CLASSES))
    if is_image:
        brightness = 30 * (1 - shift / 3) * random.normal(size=(count, 1, 1, 1))
        wave = (1 + shift) * np.sin(np.arange(8) + random.normal(size=(count, 1)))[:, :, None, None]
        values = 128 + brightness + 40 * random.normal(size=(count, 8, 8, 1)) + 20 * wave
        examples = values.clip(0, 255).astype(np.uint8)
    else:
        modes = random.choice(8, size=count, p=np.r_[1 + 3 * shift, np.ones(7)] / (8 + 3 * shift))
        points = Ring().centres()[modes] + (0.03 + 0.02 * shift) * random.normal(size=(count, 2))
        examples = points.astype(np.float32)
    as_float = (rows.astype(np.float32), logits.astype(np.float32))
    return InMemoryFeatures(rows=as_float[0], scores=as_float[1], values=examples, labels=labels)


def metric_of(name: str) -> Metric:
    node = yaml.safe_load((config_directory() / "metric" / f"{name}.yaml").read_text(encoding="utf-8"))[name]
    metric: Any = load_class("metric", node.pop("_target_"))(**node)
    cheap: Metric = replace(metric, **{each.name: CHEAP[each.name] for each in fields(metric) if each.name in CHEAP})
    return cheap


def draw_values(name: str) -> dict[str, list[MetricValue]]:
    """Draws both sides again and again; the training examples of a metric with held-out ones stay the same."""
    metric, drawn = metric_of(name), {}
    is_image = name != "modes"
    training = draw_side(np.random.default_rng(0), 200, 0.0, is_image)
    for repetition in range(REPETITIONS):
        random = np.random.default_rng(1 + repetition)
        real, fake = draw_side(random, REALS, 0.0, is_image), draw_side(random, FAKES, 1.0, is_image)
        sides = (training, fake, real) if metric.uses_held_out else (real, fake, None)
        training.cache.clear()
        for value_name, value in metric(Comparison(*sides, source=Ring(), seed=repetition)).values.items():
            drawn.setdefault(value_name, []).append(value)
    return drawn


def check_spread(found: list[MetricValue], name: str) -> None:
    """Compares the uncertainties and intervals of values over repeated draws with their spread and their mean."""
    values = np.array([each.value for each in found])
    error = np.sqrt(np.mean([each.uncertainty**2 for each in found if each.uncertainty is not None]))
    assert 0.45 < values.std(ddof=1) / error < 1.2, name
    bounds = [(each.low, each.high) for each in found if each.low is not None and each.high is not None]
    if bounds:
        assert np.mean([low <= values.mean() <= high for low, high in bounds]) > 0.95 - 3 * 0.022, name


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", METRICS)
def test_uncertainties_and_intervals_of_a_metric_hold_over_repeated_draws(name: str) -> None:
    """Too small is a fault; up to 2.2 times too large is allowed, as the jackknife errs on that side.

    The standard errors of a coverage of 95 % and of a deviation are 2.2 points and 7 % for 100 draws.
    """
    for value_name, found in draw_values(name).items():
        if value_name in NOT_OVER_DRAWS or found[0].uncertainty is None:
            continue
        check_spread(found, value_name)


def test_the_uncertainty_of_cas_holds_over_draws_of_test_examples_for_one_classifier() -> None:
    learned = draw_side(np.random.default_rng(0), 200, 0.0, is_image=True)
    examples = cas.in_memory(learned, 200, CLASSES)
    # Labels have nothing to do with these images, so that the accuracy is that of guessing, about a third.
    classifier = compile_extractor(train(examples, Recipe(steps=5, width=2), SilentReporter()), examples.spec, {})
    sides = (draw_side(np.random.default_rng(1 + draw), REALS, 0.0, is_image=True) for draw in range(REPETITIONS))
    check_spread([cas.accuracy(classifier, side, CLASSES) for side in sides], "cas")


def test_the_error_of_the_p_value_is_the_deviation_over_other_permutations() -> None:
    random = np.random.default_rng(0)
    real, fake = (InMemoryFeatures(rows=random.normal(size=(20, 2)) + shift) for shift in (0, 0))
    metric = MaximumMeanDiscrepancy(permutations=49)
    found = [metric(Comparison(real, fake, seed=seed)).values["mmd_p_value"] for seed in range(100)]
    error = np.sqrt(np.mean(np.square([each.uncertainty for each in found])))
    assert np.std([each.value for each in found]) == pytest.approx(error, rel=0.3)


@pytest.mark.parametrize(("reals", "fakes"), [(6, 40), (3, 30), (3, 3)])
def test_the_mmd_test_rejects_equal_distributions_as_often_as_its_level_says(reals: int, fakes: int) -> None:
    random, metric = np.random.default_rng(0), MaximumMeanDiscrepancy(permutations=19)
    rejected = 0
    for repetition in range(1500):
        real, fake = (InMemoryFeatures(rows=random.standard_t(2, size=(count, 2))) for count in (reals, fakes))
        p_value = metric(Comparison(real, fake, seed=repetition)).values["mmd_p_value"].value
        rejected += p_value <= 0.05
    assert rejected / 1500 <= 0.05 + 2.5 * np.sqrt(0.05 * 0.95 / 1500)
