"""Random numbers for transformations that are applied to each example with some probability."""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import tf


def draw(batch: Any, uniforms: int, normals: int, seed: Any) -> tuple[list[Any], list[Any]]:
    """Draws independent random numbers for a batch, in two operations.

    Args:
        batch: number of examples.
        uniforms: how many are evenly distributed over [0, 1).
        normals: how many are distributed as N(0, 1).
        seed: int32 `[2]`.

    Returns:
        `uniforms` and `normals` float32 vectors `[batch]`.
    """
    seeds = tf.random.experimental.stateless_split(seed, 2)
    even = tf.random.stateless_uniform([uniforms, batch], seeds[0]) if uniforms else []
    normal = tf.random.stateless_normal([normals, batch], seeds[1]) if normals else []
    return [even[index] for index in range(uniforms)], [normal[index] for index in range(normals)]


def with_probability(coin: Any, probability: Any, value: Any, otherwise: float) -> Any:
    """Returns `value` where `coin`, uniform in [0, 1), is below the probability: never at 0, always at 1."""
    return tf.where(coin < probability, value, otherwise)


def uniform_between(uniform: Any, low: float, high: float) -> Any:
    """Returns numbers uniform in [low, high), from numbers uniform in [0, 1)."""
    return low + (high - low) * uniform


def log_normal(normal: Any, deviation: float) -> Any:
    """Returns log-normal numbers whose logarithm to base 2 has this standard deviation."""
    return tf.pow(2.0, deviation * normal)
