"""0-GP: penalises the gradient norm between real and generated examples, so that the discriminator can't memorise.

Thanh-Tung et al. 2019, "Improving Generalization and Stability of Generative Adversarial Networks", arXiv:1902.03984.
The authors' code for points and MNIST (htt210/GeneralizationAndStabilityInGANs) uses the gradient of D's
probability. This implementation uses the gradient of the logit, as their code for ImageNet (LMescheder/GAN_stability).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.gradient_norms import squared_gradient_norms
from gan_cli.penalties.gradient_penalty import interpolate


@dataclass(frozen=True)
class ZeroCentredGradientPenalty(Penalty):
    """E[||∇ D(x̂)||²], x̂ = u x + (1 - u) G(z) with one u ~ U[0, 1] for each example.

    Attributes:
        weight: λ of the paper, at least 0.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 10.0
    every: int = 1

    uses_input_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0; `real` and `fake` float32 of one shape."""
        between = interpolate(batch.real, batch.fake, batch.seed)
        return tf.reduce_mean(squared_gradient_norms(batch.discriminator, between))
