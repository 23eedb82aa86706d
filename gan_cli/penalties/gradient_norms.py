"""How steep the discriminator is at each example, and what a slope costs, which several penalties share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput

SIDES, OVER = ("two", "one"), ("mean", "max")


def squared_gradient_norms(discriminator: Callable[[Any], DiscriminatorOutput], examples: Any) -> Any:
    """||∇ₓ D(x)||² for each example x, summed over every axis but the first.

    The gradient of the sum of all logits is the gradient of each one's own logit as long as no example's logit
    depends on another example: not so with batch normalisation.

    Args:
        discriminator: maps a batch to what it says of it.
        examples: float32 `[batch, ...]`.

    Returns:
        float32 `[batch]`, differentiable in the discriminator's weights.
    """
    examples = tf.cast(examples, tf.float32)
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(examples)
        total = tf.reduce_sum(tf.cast(discriminator(examples).logits, tf.float32))
    slopes = tape.gradient(total, examples, unconnected_gradients=tf.UnconnectedGradients.ZERO)
    return tf.reduce_sum(tf.square(slopes), axis=list(range(1, slopes.shape.rank)))


def gradient_norms(discriminator: Callable[[Any], DiscriminatorOutput], examples: Any) -> Any:
    """The roots of `squared_gradient_norms`, with finite gradients everywhere."""
    return safe_sqrt(squared_gradient_norms(discriminator, examples))


def slope_cost(norms: Any, target: float, sides: str = "two", over: str = "mean") -> Any:
    """What slopes cost that are not `target`, float32 scalar of at least 0.

    Args:
        norms: float32 `[batch]`, at least 0.
        target: the slope that costs nothing.
        sides: `two` for (norm - target)², `one` for max(0, norm - target)².
        over: `mean` over the batch, or `max`: of the steepest example alone.
    """
    excess = (tf.reduce_max(norms) if over == "max" else norms) - target
    return tf.reduce_mean(tf.square(tf.nn.relu(excess) if sides == "one" else excess))


def safe_sqrt(values: Any) -> Any:
    """√values with the gradient 0, not infinity times 0, where a value is 0. For values of at least 0."""
    positive = values > 0.0
    # Both branches of `where` are differentiated, so the unused one must be finite too.
    return tf.where(positive, tf.sqrt(tf.where(positive, values, 1.0)), 0.0)
