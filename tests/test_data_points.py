"""2-D mixtures: where the modes lie and how the points scatter around them."""

from __future__ import annotations

import numpy as np
import pytest

from gan_cli.data.grid import Grid
from gan_cli.data.ring import Ring
from gan_cli.errors import ConfigError


def test_the_ring_has_its_modes_on_a_circle() -> None:
    centres = Ring().centres()
    assert centres.shape == (8, 2)
    assert np.allclose(np.hypot(*centres.T), 1)
    assert np.allclose(centres[[0, 2]], [[1, 0], [0, 1]])
    assert np.allclose(Ring(modes=3, radius=2.0).centres().sum(axis=0), 0)


def test_the_grid_has_its_modes_at_equal_distances() -> None:
    expected = {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}
    assert {tuple(centre) for centre in Grid().centres().tolist()} == expected
    assert len(Grid().centres()) == 25
    assert Grid(side=2, spacing=3.0).centres().max() == 1.5


@pytest.mark.parametrize("source", [Ring(), Grid()])
def test_points_scatter_around_the_mode_of_their_label(source: Ring | Grid) -> None:
    examples = source.open()
    assert examples.spec == source.describe()
    points, labels = examples.read(np.arange(examples.spec.examples))
    assert points.shape == (100_000, 2)
    assert points.dtype == np.float32
    assert labels.dtype == np.int32
    offsets = points - source.centres()[labels]
    assert np.abs(offsets.std(axis=0) / source.sigma - 1).max() < 0.01
    assert np.abs(offsets.mean(axis=0)).max() < 0.02 * source.sigma
    assert np.abs(np.corrcoef(offsets.T)[0, 1]) < 0.02
    share = np.bincount(labels) * len(source.centres()) / len(labels)
    assert np.abs(share - 1).max() < 0.06
    assert examples.spec.classes == len(source.centres())
    assert examples.spec.value_range == (points.min(), points.max())


def test_the_seed_alone_decides_which_points_are_drawn() -> None:
    same, again, other = Ring(examples=50).open(), Ring(examples=50).open(), Ring(examples=50, seed=1).open()
    assert np.array_equal(same.values, again.values)
    assert not np.array_equal(same.values, other.values)


def test_points_are_never_flipped() -> None:
    assert Ring().flip is False
    assert Grid().flip is False
    with pytest.raises(TypeError):
        Ring(flip=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("key", ["examples", "modes", "radius", "sigma"])
def test_sizes_must_be_above_zero(key: str) -> None:
    with pytest.raises(ConfigError, match=f"{key}=0"):
        Ring(**{key: 0})
