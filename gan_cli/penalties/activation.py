"""Activation penalty: the mean squared activations of the discriminator, which bounds their size.

Binkowski et al. 2018, "Demystifying MMD GANs", arXiv:1801.01401, in addition to the gradient penalty; the sum is that
of its code (mbinkowski/MMD-GAN, gan/core/model.py, `add_l2_penalty`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.models.discriminator import ALL
from gan_cli.penalties import Batch, Penalty
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class ActivationPenalty(Penalty):
    """Sum over layers of E[h(x)²] + E[h(G(z))²], each a mean over all of the layer's activations.

    Attributes:
        weight: factor of the term, at least 0.
        every: interval in steps, at least 1.
        layer: `all`, every layer with an activation function (of an auto-encoder only its code) and, if the loss
            compares vectors, those vectors; `auto`, the last layer before the output; or the name of a layer.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 1.0
    every: int = 1
    layer: str = ALL

    is_mean: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `real_output` and `fake_output`."""
        total = tf.constant(0.0)
        for output in (batch.real_output, batch.fake_output):
            if output is None:
                raise ValueError("the activation penalty needs the discriminator's outputs for both kinds of examples")
            activations = tf.nest.flatten(output.features[self.layer])
            if self.layer == ALL and output.embedding is not None:
                activations.append(output.embedding)
            total += tf.add_n([tf.reduce_mean(tf.square(one)) for one in activations])
        return total
