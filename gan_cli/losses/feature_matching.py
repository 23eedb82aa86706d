"""Feature matching loss: the generator matches the mean discriminator activations of real examples.

Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv:1606.03498, section 3.1. The discriminator is
trained with the non-saturating loss; its logits for generated examples do not enter the generator's loss.
`penalty=feature_matching` adds the same distance to the generator's loss of any other objective.
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
        layer: name of a layer of the discriminator, `auto` for the last one before its output, `all` for those that
            end in an activation function.
        real_target: target probability of real examples, above 0.5 and at most 1; see
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
        """The logit log(t / (2 - t)) of D = t / 2; 0 (D = 1/2) without label smoothing."""
        return cross_entropy_equilibrium(self.real_target)

    @property
    def estimates_density_ratio(self) -> bool:
        """Yes, without label smoothing: D = p / (p + q)."""
        return self.real_target == 1.0

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Returns a float32 scalar, at least 0; 2 log 2 = 1.386 if the discriminator's probability is always 1/2."""
        return cross_entropy(real.logits, fake.logits, self.real_target)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Any:
        """Returns a float32 scalar, at least 0; 0 if the mean activations of both batches are equal."""
        if real is None:
            raise ValueError("feature matching needs the discriminator's output for real examples")
        return distance_of_means(real.features[self.layer], fake.features[self.layer])


def distance_of_means(real: Any, fake: Any) -> Any:
    """Returns the squared Euclidean distance between the means of two batches of activations.

    Args:
        real, fake: float32 `[n, ...]` and `[m, ...]`, equal in all axes but the first; or tuples of these, one
            for each of several layers, whose distances are summed.

    Returns:
        float32 scalar, at least 0.
    """
    means = [[tf.reduce_mean(layer, axis=0) for layer in tf.nest.flatten(one)] for one in (real, fake)]
    return tf.add_n([tf.reduce_sum(tf.math.squared_difference(*pair)) for pair in zip(*means, strict=True)])


def check_layer(layer: str) -> None:
    """Raises ConfigError for an empty layer name. Whether the discriminator has the layer is not checked here."""
    if not layer:
        raise ConfigError("layer", "expected the name of a layer of the discriminator, or auto", layer)
