"""Random numbers for transformations that befall an example with some probability and leave it alone otherwise."""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import tf


def draw(batch: Any, uniforms: int, normals: int, seed: Any) -> tuple[list[Any], list[Any]]:
    """Independent random numbers for a batch, all of them in two operations.

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


def sometimes(coin: Any, probability: Any, value: Any, otherwise: float) -> Any:
    """`value` where a coin, uniform in [0, 1), falls below the probability: never at 0, always at 1."""
    return tf.where(coin < probability, value, otherwise)


def between(uniform: Any, low: float, high: float) -> Any:
    """Uniform in [low, high), from uniform in [0, 1)."""
    return low + (high - low) * uniform


def powers_of_two(normal: Any, deviation: float) -> Any:
    """Log-normal numbers whose logarithm to base 2 has this standard deviation: as often halved as doubled."""
    return tf.pow(2.0, deviation * normal)
