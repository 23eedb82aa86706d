"""Precision, recall, density and coverage against published values, the definition and closed forms."""

from __future__ import annotations

import golden
import numpy as np
import pytest

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.metrics import Comparison, Result
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.pairwise_distances import BLOCK
from gan_cli.metrics.prdc import PrecisionRecall, neighbourhoods, squared_radii
from gan_cli.metrics.prdc import prdc as statistics_of
from gan_cli.metrics.subsampling import subsampling_errors

INPUTS = golden.inputs()
NAMES = ("precision", "recall", "density", "coverage")


def prdc(real: np.ndarray, fake: np.ndarray, **settings: int) -> Result:
    return PrecisionRecall(**settings)(Comparison(InMemoryFeatures(rows=real), InMemoryFeatures(rows=fake)))


def numbers(real: np.ndarray, fake: np.ndarray, neighbours: int = 5) -> tuple[float, ...]:
    found = prdc(real, fake, neighbours=neighbours).values
    return tuple(found[name].value for name in NAMES)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("neighbours", [3, 5])
def test_published_values_come_out_wherever_the_origin_is(neighbours: int, offset: float) -> None:
    published = golden.values()["precision_recall_density_coverage"][f"k={neighbours} strict <"]
    real, fake = (INPUTS[side].astype(np.float64) + offset for side in ("real", "fake"))
    found = numbers(real, fake, neighbours)
    assert found == pytest.approx([published[name] for name in NAMES], rel=1e-12)


def test_many_examples_give_what_the_definition_gives_for_all_pairs_at_once() -> None:
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(2300, 3)), 0.5 + random.normal(size=(4100, 3))
    origin = real.mean(axis=0)

    def distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.square(first[:, None] - second[None]).sum(axis=2)

    real_radii = np.sort(distances(real, real), axis=1)[:, 5]
    np.testing.assert_allclose(squared_radii(real, 5), real_radii, rtol=1e-9)
    fake_radii = squared_radii(fake, 5)
    np.testing.assert_allclose(fake_radii[:50], np.sort(distances(fake[:50], fake), axis=1)[:, 5], rtol=1e-9)
    between = distances(real, fake)
    found = neighbourhoods(real, fake, real_radii, fake_radii, origin)
    np.testing.assert_array_equal(found.balls, (between < real_radii[:, None]).sum(axis=0))
    np.testing.assert_array_equal(found.covered, (between < real_radii[:, None]).any(axis=1))
    np.testing.assert_array_equal(found.recalled, (between < fake_radii).any(axis=1))


@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_a_set_in_another_order_is_wholly_covered_and_exactly_as_dense(offset: float) -> None:
    rows = INPUTS["real"].astype(np.float64) + offset
    assert numbers(rows, rows[np.random.default_rng(0).permutation(400)]) == (1, 1, 1, 1)


def test_to_lie_on_the_edge_of_a_ball_is_to_lie_outside() -> None:
    real = np.array([[0.0], [1.0], [2.0]])  # balls of radius 1
    assert numbers(real, np.array([[3.0], [3.0], [3.0]]), 1) == (0, 0, 0, 0)
    assert numbers(real, np.array([[2.9], [2.9], [2.9]]), 1) == (1, 0, 1, pytest.approx(1 / 3))
    assert numbers(np.array([[3.0], [3.0], [3.0]]), real, 1) == (0, 0, 0, 0)
    assert numbers(np.array([[2.9], [2.9], [2.9]]), real, 1) == (0, 1, 0, 0)


def test_distances_that_differ_by_rounding_alone_count_as_equal() -> None:
    ticks = 0.1 * np.arange(30)  # each point of the grid has two to four neighbours 0.1 away, none within its ball
    real = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    fake = real[np.random.default_rng(0).permutation(900)]
    assert numbers(real, fake, 1) == (1, 1, 1, 1)  # its own copy is, and no other
    assert numbers(real, fake, 2) == (1, 1, 0.5, 1)


def test_a_lost_mode_costs_coverage_and_recall_and_rubbish_costs_precision_and_density() -> None:
    random = np.random.default_rng(0)
    left, right = random.normal(size=(200, 2)) - 20, random.normal(size=(200, 2)) + 20
    fake = random.normal(size=(400, 2)) - 20
    precision, recall, density, coverage = numbers(np.concatenate([left, right]), fake)
    assert precision > 0.9
    assert density > 0.8
    assert recall < 0.51
    assert coverage < 0.51
    precision, recall, density, coverage = numbers(left, np.concatenate([fake[:200], right]))
    assert precision < 0.51
    assert density < 0.6
    assert coverage > 0.85


def test_equal_distributions_have_the_density_and_coverage_of_the_closed_form() -> None:
    """As Naeem et al. derive: a real example is covered unless its k nearest among all others are all real."""
    random = np.random.default_rng(0)
    reals, fakes, k = 2000, 1000, 5
    found = prdc(random.normal(size=(reals, 8)), random.normal(size=(fakes, 8)), neighbours=k).values
    uncovered = np.prod([(reals - i) / (reals + fakes - i) for i in range(1, k + 1)])
    assert found["coverage"].value == pytest.approx(1 - uncovered, abs=4 * found["coverage"].uncertainty)
    assert found["density"].value == pytest.approx(1, abs=4 * found["density"].uncertainty)


def test_each_number_has_a_standard_error_over_both_sides() -> None:
    found = prdc(INPUTS["real"], INPUTS["fake"][:300]).values
    for name, count in (("precision", 300), ("recall", 400), ("coverage", 400)):
        share = found[name].value
        assert found[name].uncertainty > np.sqrt(share * (1 - share) / count)
        assert found[name].low < share < found[name].high
        assert found[name].method.startswith("40 subsamples of both sides")
    few = prdc(INPUTS["real"][:11], INPUTS["fake"][:11]).values  # half of them have no fifth neighbour
    assert all(few[name].uncertainty is None and few[name].low is None for name in NAMES)


def test_numbers_of_unequal_sides_and_of_a_part_are_noted() -> None:
    assert prdc(INPUTS["real"], INPUTS["fake"]).notes == ()
    assert prdc(INPUTS["real"], INPUTS["fake"][:300]).notes[0].startswith("400 real and 300 generated examples")
    part = prdc(INPUTS["real"], INPUTS["fake"], max_samples=100)
    assert part.values == prdc(INPUTS["real"][:100], INPUTS["fake"][:100]).values
    assert len(part.notes) == 2


def test_mistakes_are_reported_by_their_keys() -> None:
    for settings, key in (({"neighbours": 0}, "neighbours"), ({"max_samples": 5}, "max_samples")):
        with pytest.raises(ConfigError, match=key):
            PrecisionRecall(**settings)
    with pytest.raises(ConfigError, match=r"^samples=5: .*at least 6 generated"):
        PrecisionRecall().check(DataSpec((2,), 10), 6, 5)
    with pytest.raises(ValueError, match="5 rows: expected at least 5 besides"):
        squared_radii(np.zeros((5, 2)), 5)


def test_each_number_has_its_own_standard_error() -> None:
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(60, 2)), 0.5 + random.normal(size=(50, 2))
    found = prdc(real, fake, neighbours=3).values
    errors = subsampling_errors(lambda first, second: statistics_of(first, second, 3), real, fake, 4, seed=0)
    assert errors is not None
    assert len(set(errors)) == 4
    for name, error in zip(("coverage", "density", "precision", "recall"), errors, strict=True):
        assert found[name].uncertainty == pytest.approx(error)


def test_a_ball_of_radius_0_holds_nothing() -> None:
    """Each example has a copy on its own side, so that no other one lies nearer than its nearest neighbour."""
    one_point = np.zeros((6, 2))
    assert numbers(one_point, one_point, 1) == (0, 0, 0, 0)


def test_features_may_have_more_dimensions_than_a_block_has_rows() -> None:
    """As those of Inception, which are 2,048."""
    real = np.random.default_rng(0).normal(size=(12, BLOCK + 1)).astype(np.float32)
    assert numbers(real, real, 3) == (1, 1, 1, 1)
    far = np.concatenate([real[:6], real[6:] + 100])
    precision, recall, _, coverage = numbers(real, far, 3)
    assert (precision, recall) == (0.5, 1)
    assert coverage >= 0.5


def test_two_examples_of_either_side_are_enough_for_one_neighbour() -> None:
    rows = np.array([[0.0], [1.0], [5.0]])
    found = PrecisionRecall(neighbours=1, max_samples=2)(
        Comparison(InMemoryFeatures(rows=rows), InMemoryFeatures(rows=rows[::-1].copy()))
    )
    assert found.values["precision"].value == 0.5  # of 5 and 1, the ball of radius 1 around 0 or 1 holds 1
