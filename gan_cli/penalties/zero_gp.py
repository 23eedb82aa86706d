"""0-GP: penalises the gradient norm between real and generated examples, so that the discriminator can't memorise.

Thanh-Tung et al. 2019, "Improving Generalization and Stability of Generative Adversarial Networks", arXiv:1902.03984.
The authors' code for points and MNIST (htt210/GeneralizationAndStabilityInGANs) uses the gradient of D's
probability. This implementation uses the gradient of the logit, as their code for ImageNet (LMescheder/GAN_stability).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.lazy import tf
from gan_cli.penalties import Batch
from gan_cli.penalties.gradient_penalty import interpolate
from gan_cli.penalties.squared_gradient_norm import SquaredGradientNorm
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class ZeroCentredGradientPenalty(SquaredGradientNorm):
    """E[||∇ D(x̂)||²], x̂ = u x + (1 - u) G(z) with one u ~ U[0, 1] for each example.

    Attributes:
        weight: λ of the paper, at least 0.

    The other fields and what they raise: `SquaredGradientNorm`.
    """

    weight: float | Schedule = 10.0

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0; `real` and `fake` float32 of one shape."""
        # The positions keep their seed whatever the method: a run of an earlier release resumes exactly.
        between = interpolate(batch.real, batch.fake, batch.seed)
        directions = tf.random.experimental.stateless_fold_in(batch.seed, 1)
        return self.mean_squared_norm(batch, between, None, directions)
