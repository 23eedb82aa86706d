"""Feature matching in addition to an adversarial loss: matches the means of generated and of real activations.

Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv:1606.03498, section 3.1, there instead of the
generator's adversarial loss (`loss=feature_matching`). As an additional term it is common since Wang et al. 2017,
"High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", arXiv:1711.11585, section 3.2, which
compares pairs of images. Without pairs this penalty compares the means of both batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.losses.feature_matching import check_layer, distance_of_means
from gan_cli.penalties import Batch, Penalty
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class FeatureMatching(Penalty):
    """||E[f(x)] - E[f(G(z))]||², f the activations of a layer of the discriminator; a term of the generator's loss.

    Attributes:
        weight: factor of the term, at least 0.
        layer: name of a layer of the discriminator, `auto` for the last one before its output, `all` for those that
            end in an activation function.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where the layer has no name or a number is outside its range.
    """

    weight: float | Schedule = 0.1
    layer: str = "auto"
    every: int = 1

    on_generator: ClassVar[bool] = True
    needs_real: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_layer(self.layer)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `real_output` and `fake_output`."""
        if batch.real_output is None or batch.fake_output is None:
            raise ValueError("feature matching needs the discriminator's output for both batches")
        return distance_of_means(batch.real_output.features[self.layer], batch.fake_output.features[self.layer])
