"""Feature matching: the generator is to give the discriminator's inner activations the mean that real examples give.

Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv:1606.03498, section 3.1. The discriminator is
trained as ever, here by the non-saturating game; its own answer to generated examples does not reach the generator.
`penalty=feature_matching` adds the same distance to the generator's side of any other objective.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import ConfigError
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput, Loss
from gan_cli.losses.non_saturating import check_real_target, cross_entropy, cross_entropy_equilibrium


@dataclass(frozen=True)
class FeatureMatchingLoss(Loss):
    """-E[log D(x)] - E[log(1 - D(G(z)))] and ||E[f(x)] - E[f(G(z))]||², f the activations of a layer of D.

    Attributes:
        layer: of the discriminator by name, `auto` for the last one before its output, `all` for those that end in an
            activation function.
        real_target: what the discriminator is to say of real examples, above 0.5 and at most 1; see
            `gan_cli.losses.non_saturating`.

    Raises:
        ConfigError: where the layer has no name or the target is outside its range.
    """

    layer: str = "auto"
    real_target: float = 1.0

    generator_needs_real: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_layer(self.layer)
        check_real_target(self.real_target)

    @property
    def decision_threshold(self) -> float:
        """0 without smoothing, where D = 1/2."""
        return cross_entropy_equilibrium(self.real_target)

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """float32 scalar, at least 0; 2 log 2 = 1.386 where the discriminator says 1/2 of everything."""
        return cross_entropy(real.logits, fake.logits, self.real_target)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """float32 scalar, at least 0; 0 where both batches have the same mean."""
        if real is None:
            raise ValueError("feature matching needs what the discriminator says of real examples")
        return distance_of_means(real.features[self.layer], fake.features[self.layer])


def distance_of_means(real: Any, fake: Any) -> Any:
    """The squared Euclidean distance between the means of two batches of activations.

    Args:
        real, fake: float32 `[n, ...]` and `[m, ...]`, the same but for the batch; or tuples of those of several layers,
            whose distances are added.

    Returns:
        float32 scalar, at least 0.
    """
    means = [[tf.reduce_mean(layer, axis=0) for layer in tf.nest.flatten(one)] for one in (real, fake)]
    return tf.add_n([tf.reduce_sum(tf.math.squared_difference(*pair)) for pair in zip(*means, strict=True)])


def check_layer(layer: str) -> None:
    """Raises ConfigError for a layer without a name; whether the discriminator has it is not known here."""
    if not layer:
        raise ConfigError("layer", "expected the name of a layer of the discriminator, or auto", layer)
