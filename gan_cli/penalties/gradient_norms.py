"""Gradient norms of the discriminator at each example, and the cost of a norm; shared by several penalties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput

SIDES, OVER = ("two", "one"), ("mean", "max")


def squared_gradient_norms(discriminator: Callable[[Any], DiscriminatorOutput], examples: Any) -> Any:
    """Returns ||∇ₓ D(x)||² for each example x, summed over every axis but the first.

    The gradient of the sum of all logits is the gradient of each one's own logit only if no logit depends on
    another example. Batch normalisation violates this.

    Args:
        discriminator: maps a batch of examples to its output.
        examples: float32 `[batch, ...]`.

    Returns:
        float32 `[batch]`, differentiable with respect to the discriminator's weights.
    """
    examples = tf.cast(examples, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(examples)
        total = tf.reduce_sum(tf.cast(discriminator(examples).logits, tf.float32))
    gradients = tape.gradient(total, examples, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return tf.reduce_sum(tf.square(gradients), axis=list(range(1, gradients.shape.rank)))


def gradient_norms(discriminator: Callable[[Any], DiscriminatorOutput], examples: Any) -> Any:
    """Returns the square roots of `squared_gradient_norms`, with finite gradients everywhere."""
    return safe_sqrt(squared_gradient_norms(discriminator, examples))


def slope_cost(norms: Any, target: float, sides: str = "two", over: str = "mean") -> Any:
    """Returns the squared deviation of gradient norms from `target`, a float32 scalar of at least 0.

    Args:
        norms: float32 `[batch]`, at least 0.
        target: target gradient norm.
        sides: `two` for (norm - target)², `one` for max(0, norm - target)².
        over: `mean` over the batch, or `max`: only the example with the largest norm.
    """
    excess = (tf.reduce_max(norms) if over == "max" else norms) - target
    return tf.reduce_mean(tf.square(tf.nn.relu(excess) if sides == "one" else excess))


def safe_sqrt(values: Any) -> Any:
    """Returns √values for values of at least 0, with gradient 0, not infinity times 0, where a value is 0."""
    positive = values > 0.0
    # Both branches of `where` are differentiated, so the unused one must be finite too.
    return tf.where(positive, tf.sqrt(tf.where(positive, values, 1.0)), 0.0)
