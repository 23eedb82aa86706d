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
from typing import Any

from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput
from gan_cli.penalties import Batch
from gan_cli.penalties.gradient_norms import squared_gradient_norms

EXACT, FINITE_DIFFERENCE = "exact", "finite_difference"
METHODS = (EXACT, FINITE_DIFFERENCE)


def check_method(method: str, step: float, share: float) -> None:
    """Raises ConfigError where a field of a penalty with these three is outside its range."""
    check_choice("method", method, METHODS)
    check_number("step", step, above=0.0)
    check_number("share", share, above=0.0, at_most=1.0)


def mean_squared_gradient_norm(
    batch: Batch,
    examples: Any,
    output: DiscriminatorOutput | None,
    seed: Any,
    *,
    method: str = EXACT,
    step: float = 0.01,
    share: float = 1.0,
) -> Any:
    """Returns E[||∇ₓ D(x)||²], a float32 scalar of at least 0, differentiable with respect to D's weights.

    Args:
        batch: the arguments of the penalty.
        examples: float32 `[batch, ...]`.
        output: the discriminator's output for `examples` in this update, None where there is none.
        seed: int32 `[2]`, of the directions u.
        method: `exact` or `finite_difference`.
        step: h, the standard deviation of the noise on each value of an example.
        share: the share of the examples that is used, the first ones, rounded up.
    """
    count = math.ceil(share * examples.shape[0] - 1e-6)
    chosen = tf.cast(examples, tf.float32)[:count]
    if method == EXACT:
        return tf.reduce_mean(squared_gradient_norms(batch.discriminator, chosen))
    noise = tf.random.stateless_normal(tf.shape(chosen), seed)
    difference = batch.discriminator(chosen + step * noise).logits - logits_without_noise(batch, chosen, output)
    return tf.reduce_mean(tf.square(difference / step))


def logits_without_noise(batch: Batch, chosen: Any, output: DiscriminatorOutput | None) -> Any:
    """Returns the logits that differ from those of changed examples by nothing but the change.

    The output of this update has another augmentation, and the logit of a vector (a witness function) leaves out the
    comparison with itself; in both cases the examples are passed through the discriminator again.
    """
    if batch.augmented or output is None or output.embedding is not None:
        return batch.discriminator(chosen).logits
    return output.logits[: chosen.shape[0]]
