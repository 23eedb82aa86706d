"""Relativistic average losses: compare the logit of each example with the mean logit of the other batch.

Jolicoeur-Martineau 2018, "The relativistic discriminator: a key element missing from standard GAN", arXiv:1807.00734:
RaSGAN, RaLSGAN and RaHingeGAN. The author's code (AlexiaJM/RelativisticGAN) halves each of the sums below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_choice
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss

FORMS = ("sigmoid", "least_squares", "hinge")


@dataclass(frozen=True)
class RelativisticAverageLoss(Loss):
    """E[f(D(x) - E[D(G(z))])] + E[f(E[D(x)] - D(G(z)))], and the same with x and G(z) exchanged.

    Attributes:
        form: f, one of `sigmoid`, softplus(-t) = -log sigmoid(t); `least_squares`, (t - 1)²; `hinge`, max(0, 1 - t).

    Raises:
        ConfigError: for any other form.
    """

    form: str = "sigmoid"

    generator_needs_real: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_choice("form", self.form, FORMS)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, at least 0; 2 log 2 = 1.386, 2 and 2 for the three forms at equal logits."""
        return relative_cost(real.logits, fake.logits, self.form)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, at least 0."""
        if real is None:
            raise ValueError("the relativistic generator loss needs the discriminator's output for real examples")
        return relative_cost(fake.logits, real.logits, self.form)


def relative_cost(higher: Any, lower: Any, form: str) -> Any:
    """Returns the loss that is low if the logits of one batch exceed the mean of the other, and vice versa.

    Args:
        higher, lower: float32 logits `[n]` and `[m]`.
        form: one of `FORMS`.

    Returns:
        float32 scalar, at least 0.
    """
    above = cost(higher - tf.reduce_mean(lower), form)
    below = cost(tf.reduce_mean(higher) - lower, form)
    return tf.reduce_mean(above) + tf.reduce_mean(below)


def cost(margins: Any, form: str) -> Any:
    """Returns f of the paper for each margin, elementwise."""
    if form == "sigmoid":
        return tf.nn.softplus(-margins)
    return tf.square(margins - 1.0) if form == "least_squares" else tf.nn.relu(1.0 - margins)
