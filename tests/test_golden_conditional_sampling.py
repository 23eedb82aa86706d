"""Truncation of latents against published values (sampling.json)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from golden_conditional import load

from gan_cli.sampling.latents import RESAMPLE, latents
from gan_cli.sampling.truncated_normal import keep_probability, quantiles

SAMPLING = load("sampling")


@pytest.mark.parametrize("case", SAMPLING["truncated_normal"]["thresholds"], ids=lambda case: str(case["threshold"]))
def test_the_truncated_normal_is_the_published_one(case: Mapping[str, Any]) -> None:
    threshold, probabilities = case["threshold"], np.array(case["quantile_probs"])
    assert keep_probability(threshold) == pytest.approx(case["keep_probability"], rel=1e-9)
    assert 1 / keep_probability(threshold) == pytest.approx(case["expected_draws_per_value"], rel=1e-9)
    np.testing.assert_allclose(quantiles(probabilities, threshold), case["quantiles"], rtol=1e-8, atol=1e-12)
    scaled = threshold * quantiles(probabilities, 2.0)  # the convention of TF-Hub
    np.testing.assert_allclose(scaled, case["scaled_convention"]["quantiles"], rtol=1e-8, atol=1e-12)
    middles = (np.arange(200_000) + 0.5) / 200_000
    assert quantiles(middles, threshold).std() == pytest.approx(case["std"], rel=1e-4)


@pytest.mark.parametrize("threshold", [0.04, 0.5, 2.0])
def test_resampled_latents_are_within_the_threshold_and_in_their_order(threshold: float) -> None:
    plain = latents(range(500), 8, "normal")
    cut = latents(range(500), 8, "normal", threshold, RESAMPLE)
    assert np.abs(cut).max() <= threshold
    assert (np.argsort(cut, axis=None, kind="stable") == np.argsort(plain, axis=None, kind="stable")).all()
    assert np.sort(cut, axis=None)[400::800] == pytest.approx(
        quantiles((np.arange(4000)[400::800] + 0.5) / 4000, threshold), abs=0.06 * threshold
    )


def test_latents_within_a_large_threshold_stay_as_they_are() -> None:
    np.testing.assert_allclose(latents([3], 64, "normal", 8.0, RESAMPLE), latents([3], 64, "normal"), rtol=1e-5)
