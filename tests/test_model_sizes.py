"""Which images dcgan can build, and what it says of the others."""

from __future__ import annotations

import pytest

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models.dcgan import DCGAN
from gan_cli.models.image_sizes import halvings, nearest_sizes, square_sizes
from gan_cli.models.mlp import MLP


def spec(*shape: int) -> DataSpec:
    return DataSpec(shape, examples=100)


@pytest.mark.parametrize(
    ("size", "times"),
    [((8, 8), 1), ((28, 28), 2), ((30, 30), 1), ((32, 32), 3), ((32, 48), 3), ((60, 60), 2), ((64, 64), 4),
     ((100, 100), None), ((256, 256), 6), ((7, 7), None), ((50, 50), None), ((512, 512), None), ((33, 32), None),
     ((8, 256), 1)],
)  # fmt: skip
def test_which_sizes_can_be_halved_down_to_a_small_base(size, times):
    assert halvings(*size) == times


def test_every_size_that_is_called_possible_is_built():
    assert square_sizes()[:9] == [8, 10, 12, 14, 16, 18, 20, 22, 24]
    for side in (10, 14, 22, 44, 120):
        assert DCGAN(width=2).generator(spec(side, side, 1)).output_shape[1:] == (side, side, 1)


@pytest.mark.parametrize(
    ("size", "near"),
    [
        ((7, 7), ["8x8"]),
        ((50, 50), ["48x48", "52x52"]),
        ((300, 300), ["256x256"]),
        ((33, 32), ["32x32", "36x32"]),
        ((4, 300), ["8x256"]),
    ],
)
def test_a_refused_size_is_reported_with_the_nearest_ones(size, near):
    with pytest.raises(ConfigError) as refused:
        DCGAN().check(spec(*size, 3))
    assert refused.value.key == "dataset.image_size"
    assert f"{size[0]}x{size[1]}" in str(refused.value)
    assert "8 to 256" in str(refused.value)
    assert nearest_sizes(*size) == near
    for name in near:
        assert halvings(*(int(side) for side in name.split("x")))
        assert name in str(refused.value)


def test_points_are_sent_from_dcgan_to_mlp():
    with pytest.raises(ConfigError, match="model=mlp"):
        DCGAN().check(spec(2))
    MLP().check(spec(2))
