"""The mean squared gradient norm of the discriminator, exact or estimated by finite differences; for R1, R2 and 0-GP.

Exact: the squared norm of the gradient, whose own gradient needs a double backward pass.

Finite differences, without a double backward pass: for u ~ N(0, I) and a small step h,

    E[((D(x + h u) - D(x)) / h)²] = ||∇D(x)||² + h²/4 (2 tr(H²) + tr(H)²) + O(h⁴),    H the Hessian of D at x,

since E[(∇D·u)²] = ||∇D||² and odd moments of u vanish. The estimate is unbiased where D is linear; elsewhere its bias
is the term in h². Its variance for one example is 2 ||∇D||⁴ for small h: the fourth moment of a normal number is 3. The
mean over n examples of equal norms so has a relative standard deviation of √(2 / n).

Sources: GAT, arXiv:2509.24935, and adversarial flow models, arXiv:2511.22475, both with a step of 0.01, the latter on a
quarter of the batch. GAT's term is not divided by h², so its weight is h² times that of the exact penalty; here both
methods have the same expected value and the same weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput
from gan_cli.penalties import Batch, Penalty
from gan_cli.penalties.gradient_norms import squared_gradient_norms
from gan_cli.schedule import Schedule

EXACT, FINITE_DIFFERENCE = "exact", "finite_difference"
METHODS = (EXACT, FINITE_DIFFERENCE)


@dataclass(frozen=True)
class SquaredGradientNorm(Penalty):
    """Base class of penalties on the discriminator's mean squared gradient norm.

    Attributes:
        weight: factor of the term, at least 0.
        every: interval in steps, at least 1.
        method: `exact` or `finite_difference`.
        step: h, the standard deviation of the noise on each value of an example, above 0.
        share: share of the batch that is used, the first examples, rounded up, in (0, 1].

    Raises:
        ConfigError: where a value is outside its range.
    """

    weight: float | Schedule = 1.0
    every: int = 1
    # Stored configurations of earlier releases do not have the next three keys.
    method: str = EXACT
    step: float = 0.01
    share: float = 1.0

    uses_input_gradients: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)
        check_choice("method", self.method, METHODS)
        check_number("step", self.step, above=0.0)
        check_number("share", self.share, above=0.0, at_most=1.0)

    @property
    def is_mean(self) -> bool:
        return self.share == 1.0

    @property
    def is_finite_difference(self) -> bool:
        return self.method == FINITE_DIFFERENCE

    def mean_squared_norm(self, batch: Batch, examples: Any, output: DiscriminatorOutput | None, seed: Any) -> Any:
        """Returns E[||∇ₓ D(x)||²], a float32 scalar of at least 0, differentiable with respect to D's weights.

        Args:
            batch: the arguments of the penalty.
            examples: float32 `[batch, ...]`.
            output: the discriminator's output for `examples` in this update, None where there is none.
            seed: int32 `[2]`, of the directions u.
        """
        count = math.ceil(self.share * examples.shape[0] - 1e-6)
        chosen = tf.cast(examples, tf.float32)[:count]
        if self.method == EXACT:
            return tf.reduce_mean(squared_gradient_norms(batch.discriminator, chosen))
        noise = tf.random.stateless_normal(tf.shape(chosen), seed)
        changed = batch.discriminator(chosen + self.step * noise).logits
        return tf.reduce_mean(tf.square((changed - logits_without_noise(batch, chosen, output)) / self.step))


def logits_without_noise(batch: Batch, chosen: Any, output: DiscriminatorOutput | None) -> Any:
    """Returns the logits that differ from those of changed examples by nothing but the change.

    The output of this update has another augmentation, and the logit of a vector (a witness function) leaves out the
    comparison with itself; in both cases the examples are passed through the discriminator again.
    """
    if batch.augmented or output is None or output.embedding is not None:
        return batch.discriminator(chosen).logits
    return output.logits[: chosen.shape[0]]
