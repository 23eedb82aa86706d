"""LeCam regularisation: logits are not to run away from where those of the other kind have been on average.

Tseng et al. 2021, "Regularizing Generative Adversarial Networks under Limited Data", arXiv:2104.03310.
The paper's R_LC takes every distance; here, as in both of the authors' implementations (google/lecam-gan,
biggan_cifar/losses.py and stylegan2/lecam_loss.py), only those count where a real logit is above the average of
generated ones or a generated logit below the average of real ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty


@dataclass(frozen=True)
class LeCam(Penalty):
    """E[max(0, D(x) - α_fake)²] + E[max(0, α_real - D(G(z)))²], α the moving averages of the logits of each kind.

    The averages are updated before they are used, as in the authors' code, and no gradient flows through them.

    Attributes:
        weight: λ of the paper, at least 0.
        decay: of the averages, in [0, 1).
        start: the penalty is 0 up to this step, and before it the averages are those of the last batch alone; from 0.
        every: apply it at each `every`-th step, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 0.3
    decay: float = 0.99
    start: int = 1000
    every: int = 1

    # The averages begin with the means of the first batch, also in a run that goes on with this penalty after `start`:
    # `begun` is 0 before it. The authors' code starts at 1000 for both.
    initial_state: ClassVar[Mapping[str, float]] = MappingProxyType({"real": 0.0, "fake": 0.0, "begun": 0.0})

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("decay", self.decay, at_least=0.0, below=1.0)
        check_number("start", self.start, at_least=0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """The unweighted term, a float32 scalar of at least 0, from `real_output`, `fake_output` and `state`."""
        assert batch.real_output is not None and batch.fake_output is not None  # a term of the discriminator's loss
        averages = self.next_state(batch)
        distance = distances(batch.real_output.logits, batch.fake_output.logits, averages["real"], averages["fake"])
        return tf.where(tf.cast(batch.step, tf.int64) > self.start, distance, 0.0)

    def next_state(self, batch: Batch) -> dict[str, Any]:
        """The averages of the logits of both kinds after this batch, and that there are some: without gradients."""
        assert batch.real_output is not None and batch.fake_output is not None
        begun = (tf.cast(batch.step, tf.int64) >= self.start) & (tf.convert_to_tensor(batch.state["begun"]) > 0.0)
        decay = tf.where(begun, self.decay, 0.0)
        logits = {"real": batch.real_output.logits, "fake": batch.fake_output.logits}
        averages = {
            name: decay * batch.state[name] + (1.0 - decay) * tf.stop_gradient(tf.reduce_mean(one))
            for name, one in logits.items()
        }
        return {**averages, "begun": tf.constant(1.0)}


def distances(real: Any, fake: Any, average_real: Any, average_fake: Any) -> Any:
    """How far logits lie on their own side of the other kind's average: float32 scalar from `[batch]` and scalars."""
    above = tf.reduce_mean(tf.square(tf.nn.relu(real - average_fake)))
    below = tf.reduce_mean(tf.square(tf.nn.relu(average_real - fake)))
    return above + below
