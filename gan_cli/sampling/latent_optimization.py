"""Latents that a discriminator improves: one step of latent optimisation, and Langevin sampling.

LOGAN: Wu et al. 2019, "LOGAN: Latent Optimisation for Generative Adversarial Networks", arXiv:1912.00953, equation 12.
DDLS: Che et al. 2020, "Your GAN is Secretly an Energy-based Model and You Should Use Discriminator Driven Latent
Sampling", arXiv:2003.06060, Algorithm 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from gan_cli.lazy import tf


class OptimizedLatents(NamedTuple):
    """Latents after a step of latent optimisation.

    Attributes:
        latents: float `[n, size]`, within the bound.
        change: the whole step, without mask and bounds, `[n, size]`.
        cost: the mean squared length of the step, a scalar, a term of both networks' losses.
    """

    latents: Any
    change: Any
    cost: Any


def natural_gradient_step(
    score: Callable[[Any], Any],
    latents: Any,
    alpha: float,
    damping: float,
    mask: Any = 1.0,
    bound: float | None = 1.0,
) -> OptimizedLatents:
    """One step of LOGAN: z + mask · α g / (β + |g|²), g the gradient of D(G(z)), cut to [-bound, bound].

    Gradients flow through the step to both networks, which takes second derivatives.

    Args:
        score: maps latents to D(G(z)), `[n]`.
        latents: `[n, size]`.
        alpha: α, the length of the step.
        damping: β.
        mask: 1 for each example that is changed and 0 for others, `[n, 1]`, or 1 for all.
        bound: 1 for latents that are uniform on [-1, 1]; None for normal ones, which have no bounds.
    """
    with tf.GradientTape() as tape:
        tape.watch(latents)
        total = tf.reduce_sum(score(latents))
    gradient = tape.gradient(total, latents)
    squared = tf.reduce_sum(tf.square(gradient), axis=1, keepdims=True)
    change = alpha * gradient / (damping + squared)
    cost = tf.reduce_mean(tf.reduce_sum(tf.square(change), axis=1))
    moved = latents + mask * change
    return OptimizedLatents(moved if bound is None else tf.clip_by_value(moved, -bound, bound), change, cost)


def energy(score: Callable[[Any], Any], latents: Any) -> Any:
    """-log N(z; 0, I) - D(G(z)), `[n]`, with D's logit."""
    size = latents.shape[1]
    normal = 0.5 * tf.reduce_sum(tf.square(latents), axis=1) + 0.5 * size * math.log(2.0 * math.pi)
    return normal - score(latents)


def langevin_step(score: Callable[[Any], Any], latents: Any, rate: Any, noise: Any) -> Any:
    """One step of DDLS: z - rate / 2 · gradient of the energy + sqrt(rate) · noise.

    Args:
        score: maps latents to D(G(z)), logits `[n]`.
        latents: `[n, size]`, normal at the beginning.
        rate: of the step.
        noise: normal, `[n, size]`.
    """
    with tf.GradientTape() as tape:
        tape.watch(latents)
        total = tf.reduce_sum(energy(score, latents))
    return latents - 0.5 * rate * tape.gradient(total, latents) + tf.sqrt(rate) * noise


def decayed(value: float, step: int, decay: float, every: int) -> float:
    """A rate or a scale at a step: multiplied by `decay` after each `every` steps; constant where `every` is 0."""
    return value * decay ** (step // every) if every else value
