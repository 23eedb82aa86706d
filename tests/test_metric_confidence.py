"""The share of examples that a classifier is sure about, for probabilities that are known."""

from __future__ import annotations

import numpy as np
import pytest

from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison
from gan_cli.metrics.confidence import Confidence, count_confident
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.statistics import wilson


def with_probability(largest: np.ndarray, classes: int = 4) -> InMemoryFeatures:
    """Logits whose softmax has `largest` for one class and equal probabilities for the others."""
    others = (1 - largest) / (classes - 1)
    rows = np.log(np.repeat(others[:, None], classes, axis=1))
    rows[np.arange(len(largest)), np.arange(len(largest)) % classes] = np.log(largest)
    return InMemoryFeatures(scores=(rows + 3).astype(np.float32))


def test_the_share_counts_the_examples_from_the_threshold_on() -> None:
    fake, real = with_probability(np.linspace(0.505, 0.995, 50)), with_probability(np.linspace(0.805, 0.995, 20))
    values = Confidence()(Comparison(real, fake)).values
    assert values["confident_share"].value == 10 / 50
    assert values["confident_share_real"].value == 10 / 20
    assert Confidence(threshold=0.6)(Comparison(real, fake)).values["confident_share"].value == 40 / 50
    low, high = wilson(10, 50)
    assert (values["confident_share"].low, values["confident_share"].high) == (low, high)


def test_held_out_examples_stand_for_the_real_ones_where_there_are_any() -> None:
    sure, unsure = with_probability(np.full(8, 0.95)), with_probability(np.full(8, 0.7))
    values = Confidence()(Comparison(sure, sure, held_out=unsure)).values
    assert values["confident_share_real"].value == 0
    assert "never saw" in values["confident_share_real"].method


def test_large_logits_give_probabilities_and_no_overflow() -> None:
    assert count_confident([np.array([[1e4, 0.0], [1e4, 1e4]], np.float32)], 0.9) == 1


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.1])
def test_a_threshold_that_is_no_probability_is_refused(threshold: float) -> None:
    with pytest.raises(ConfigError, match="threshold"):
        Confidence(threshold)
