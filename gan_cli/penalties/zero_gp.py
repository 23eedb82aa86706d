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
from gan_cli.penalties.gradient_penalty import interpolate
from gan_cli.penalties.squared_gradient_norm import (
    EXACT,
    FINITE_DIFFERENCE,
    check_method,
    mean_squared_gradient_norm,
)
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class ZeroCentredGradientPenalty(Penalty):
    """E[||∇ D(x̂)||²], x̂ = u x + (1 - u) G(z) with one u ~ U[0, 1] for each example.

    Attributes:
        weight: λ of the paper, at least 0.
        every: interval in steps, at least 1.
        method: `exact`, or `finite_difference`; see `gan_cli.penalties.squared_gradient_norm`.
        step: standard deviation of the noise of finite differences, above 0.
        share: share of the batch that is used, in (0, 1].

    Raises:
        ConfigError: where a value is outside its range.
    """

    weight: float | Schedule = 10.0
    every: int = 1
    # Stored configurations of earlier releases do not have the next three keys.
    method: str = EXACT
    step: float = 0.01
    share: float = 1.0

    uses_input_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)
        check_method(self.method, self.step, self.share)

    @property
    def is_mean(self) -> bool:
        return self.share == 1.0

    @property
    def is_finite_difference(self) -> bool:
        return self.method == FINITE_DIFFERENCE

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0; `real` and `fake` float32 of one shape."""
        # The positions keep their seed whatever the method: a run of an earlier release resumes exactly.
        between = interpolate(batch.real, batch.fake, batch.seed)
        directions = tf.random.experimental.stateless_fold_in(batch.seed, 1)
        return mean_squared_gradient_norm(
            batch, between, None, directions, method=self.method, step=self.step, share=self.share
        )
