"""A wide margin: the hyperplane by which the discriminator's last layer separates is that of a support vector machine.

Lim & Ye 2017, "Geometric GAN", arXiv:1705.02894: the last layer, <w, f(x)> + b over the features f(x) before it, is a
linear classifier with a soft margin, 1/2 ||w||² + C Σ (slack of n real and of n generated examples). Over C n that is
the two means of `loss=hinge` and ||w||² / (2 C n), which is this penalty, n being the examples of a batch; the authors'
code (lim0606/pytorch-geometric-gan) has it as a weight decay of 1 / (C n) for w alone, neither b nor any layer before.

So `loss=geometric` is `loss=hinge` with this penalty and the paper's optimizer. Without it (C without bounds) the
discriminator pays nothing for a large w and makes the margin wide by its scale alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import ConfigError, check_number
from gan_cli.lazy import tf
from gan_cli.losses import LOGITS
from gan_cli.penalties import Batch, Penalty

NORMAL = ["output", "kernel"]
"""Where the path of w ends: models name the last layer with weights `output`."""


@dataclass(frozen=True)
class SoftMargin(Penalty):
    """||w||² / (2 n), w the kernel of the discriminator's last layer and n the examples of a batch.

    Attributes:
        weight: 1/C of the paper, at least 0.
        every: apply it at each `every`-th step, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 1.0
    every: int = 1

    outputs: ClassVar[tuple[str, ...]] = (LOGITS,)

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """The unweighted term, a float32 scalar of at least 0. Raises ConfigError where there is no such w."""
        normal = tf.cast(tf.convert_to_tensor(normal_of(batch.variables)), tf.float32)
        examples = tf.cast(tf.shape(batch.real)[0], tf.float32)
        return 0.5 * tf.reduce_sum(tf.square(normal)) / examples


def normal_of(variables: Sequence[Any]) -> Any:
    """Of the discriminator's trainable variables the vector w that its hyperplane is normal to."""
    found = [one for one in variables if one.path.split("/")[-2:] == NORMAL and one.shape[-1] == 1]
    if len(found) != 1:
        problem = "needs a discriminator whose last layer, named output, gives one logit"
        raise ConfigError("penalty", problem, "soft_margin", "Leave it out, or use a loss that compares logits.")
    return found[0]
