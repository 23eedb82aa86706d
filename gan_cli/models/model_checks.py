"""Checks of the fields that models share, and of data that a model can't build."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.models import ModelPair
from gan_cli.models.condition import AUTO, BATCH_NORM, FIRST_MAP, Condition

DISTRIBUTIONS = ("normal", "uniform")


def check_fields(pair: Any, normalizations: Sequence[str]) -> None:
    """Raises ConfigError where a field that all models of gan-cli have is outside its range.

    Args:
        pair: has `latent_size`, `latent_distribution`, `width`, a normalization of either network,
            `discriminator_dropout` and `leaky_slope`.
        normalizations: those that the model can have.
    """
    check_networks(pair, normalizations, normalizations)
    check_number("width", pair.width, at_least=1)
    check_number("discriminator_dropout", pair.discriminator_dropout, at_least=0.0, below=1.0)
    check_number("leaky_slope", pair.leaky_slope, at_least=0.0, at_most=1.0)


def check_networks(pair: ModelPair, of_generator: Sequence[str], of_discriminator: Sequence[str]) -> None:
    """Raises ConfigError where an attribute of every model is outside its range.

    Args:
        pair: the model.
        of_generator: normalizations that its generator can have.
        of_discriminator: those that its discriminator can have.
    """
    check_number("latent_size", pair.latent_size, at_least=1)
    check_choice("latent_distribution", pair.latent_distribution, DISTRIBUTIONS)
    check_choice("generator_normalization", pair.generator_normalization, of_generator)
    check_choice("discriminator_normalization", pair.discriminator_normalization, of_discriminator)
    check_choice("conditioning", pair.conditioning, (AUTO, *pair.conditionings))


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


def choose_way(pair: ModelPair, condition: Condition) -> str:
    """The way in which the condition enters the generator.

    Raises:
        ConfigError: where the model takes no condition, or not in the way of `model.conditioning`.
    """
    ways = pair.conditionings
    if not ways:
        problem = "this model's generator takes no labels"
        raise ConfigError("model", problem, type(pair).__name__, "Use conditioning=none, or another model.")
    if pair.conditioning != AUTO:
        if pair.conditioning == BATCH_NORM and pair.generator_normalization != "batch":
            problem = f"needs model.generator_normalization=batch, not {pair.generator_normalization}"
            raise ConfigError("model.conditioning", problem, BATCH_NORM, f"Use model.conditioning={FIRST_MAP}.")
        return pair.conditioning
    if condition.preferred in ways:
        return condition.preferred
    usable = [way for way in ways if way != BATCH_NORM or pair.generator_normalization == "batch"]
    return usable[0]
