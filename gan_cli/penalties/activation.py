"""The discriminator's activations are to be small, so that it can't grow without end.

Binkowski et al. 2018, "Demystifying MMD GANs", arXiv:1801.01401, beside the gradient penalty; what is summed is that of
its code (mbinkowski/MMD-GAN, gan/core/model.py, `add_l2_penalty`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.models.discriminator import ALL
from gan_cli.penalties import Batch, Penalty


@dataclass(frozen=True)
class ActivationPenalty(Penalty):
    """Sum over layers of E[h(x)²] + E[h(G(z))²], each a mean over all of the layer's activations.

    Attributes:
        weight: its factor, at least 0.
        every: apply it at each `every`-th step, at least 1.
        layer: `all`, every layer with an activation function (of an auto-encoder its code alone) and, where the loss
            compares vectors, those vectors;
            `auto`, the last layer before the output; or the name of one.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 1.0
    every: int = 1
    layer: str = ALL

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """The unweighted term, a float32 scalar of at least 0, from what has been said of both kinds already."""
        total = tf.constant(0.0)
        for judged in (batch.real_output, batch.fake_output):
            if judged is None:
                raise ValueError("the activation penalty needs what the discriminator said of both kinds")
            activations = tf.nest.flatten(judged.features[self.layer])
            if self.layer == ALL and judged.embedding is not None:
                activations.append(judged.embedding)
            total += tf.add_n([tf.reduce_mean(tf.square(one)) for one in activations])
        return total
