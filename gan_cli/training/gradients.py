"""Sums and norms of gradients, and the scheduled numbers of an optimizer with or without loss scaling."""

from __future__ import annotations

from typing import Any, NamedTuple

from gan_cli.lazy import keras, tf


class GeneratorGradients(NamedTuple):
    """The gradients of the generator's loss: with respect to its outputs, and directly to its weights."""

    outputs: list[Any]
    weights: list[Any]


def add_gradients(first: Any, second: Any) -> Any:
    """Returns the sum of two gradients, either of which may be None."""
    if first is None or second is None:
        return second if first is None else first
    return first + second


def dense(gradients: list[Any], variables: list[Any]) -> list[Any]:
    """Returns gradients as tensors, zeros where there is none."""
    pairs = zip(gradients, variables, strict=True)
    return [
        tf.zeros(variable.shape, variable.dtype) if gradient is None else tf.convert_to_tensor(gradient)
        for gradient, variable in pairs
    ]


def set_learning_rate(optimizer: keras.Optimizer, rate: Any) -> None:
    """Assigns the learning rate, float32 scalar, through a loss scale where there is one."""
    without_loss_scale(optimizer).learning_rate = rate


def set_beta_2(optimizer: keras.Optimizer, beta_2: Any) -> None:
    """Assigns Adam's beta_2 of the next update, float32 scalar, where it has a schedule."""
    without_loss_scale(optimizer).scheduled_beta_2.assign(beta_2)


def without_loss_scale(optimizer: keras.Optimizer) -> Any:
    """Returns the optimizer inside a loss scale, or the optimizer itself."""
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return optimizer.inner_optimizer if scaled else optimizer


def gradient_norm(gradients: list[Any], optimizer: keras.Optimizer) -> Any:
    """Returns the global norm of all gradients, float32, without the optimizer's loss scale; None counts as 0."""
    norm = tf.linalg.global_norm([tf.cast(gradient, tf.float32) for gradient in gradients if gradient is not None])
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return norm / tf.convert_to_tensor(optimizer.dynamic_scale)
    return norm
