"""Checks of the fields that models share, and of data that a model can't build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_choice, check_number

DISTRIBUTIONS = ("normal", "uniform")


def check_fields(pair: Any, normalizations: Sequence[str]) -> None:
    """Raises ConfigError where a field that all models of gan-cli have is outside its range.

    Args:
        pair: has `latent_size`, `latent_distribution`, `width`, a normalization of either network,
            `discriminator_dropout` and `leaky_slope`.
        normalizations: those that the model can have.
    """
    check_number("latent_size", pair.latent_size, at_least=1)
    check_choice("latent_distribution", pair.latent_distribution, DISTRIBUTIONS)
    check_number("width", pair.width, at_least=1)
    check_choice("generator_normalization", pair.generator_normalization, normalizations)
    check_choice("discriminator_normalization", pair.discriminator_normalization, normalizations)
    check_number("discriminator_dropout", pair.discriminator_dropout, at_least=0.0, below=1.0)
    check_number("leaky_slope", pair.leaky_slope, at_least=0.0, at_most=1.0)


def check_image(name: str, data: DataSpec) -> None:
    """Raises ConfigError for points, which the model of that name can't build."""
    if not data.is_image:
        raise ConfigError("model", f"{name} builds images, and this data set has {data}", name, "Use model=mlp.")


def image_size_error(name: str, data: DataSpec, needed: str, nearest: Sequence[str]) -> ConfigError:
    """The error for images of a size that the model of that name can't build.

    Args:
        needed: the sizes that it can build, in words.
        nearest: one or two sizes that it can build, as `HxW`.
    """
    height, width, _ = data.shape
    near = "size is" if len(nearest) == 1 else "sizes are"
    return ConfigError(
        "dataset.image_size",
        f"{name} can't build images of {height}x{width}; it needs {needed}",
        advice=f"The nearest {near} {' and '.join(nearest)}; model=mlp takes any.",
    )
