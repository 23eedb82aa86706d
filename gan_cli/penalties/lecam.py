"""LeCam regularisation: limits the distance of logits from the moving average of the other kind of examples.

Tseng et al. 2021, "Regularizing Generative Adversarial Networks under Limited Data", arXiv:2104.03310.
The paper's R_LC uses all distances. This implementation follows both of the authors' (google/lecam-gan,
biggan_cifar/losses.py and stylegan2/lecam_loss.py): only real logits above the average of generated ones, and
generated logits below the average of real ones, are penalised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class LeCam(Penalty):
    """E[max(0, D(x) - α_fake)²] + E[max(0, α_real - D(G(z)))²], α the moving averages of real and fake logits.

    The averages are updated before they are used, as in the authors' code, and no gradient flows through them.

    Attributes:
        weight: λ of the paper, at least 0.
        decay: decay of the moving averages, in [0, 1).
        start: step up to which the penalty is 0, at least 0. Before it the averages are the last batch's means.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 0.3
    decay: float = 0.99
    start: int = 1000
    every: int = 1

    # The averages start at the means of the first batch, also if a run resumes with this penalty after `start`:
    # `begun` is 0 until then. The authors' code uses 1000 for both.
    initial_state: ClassVar[Mapping[str, float]] = MappingProxyType({"real": 0.0, "fake": 0.0, "begun": 0.0})

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("decay", self.decay, at_least=0.0, below=1.0)
        check_number("start", self.start, at_least=0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar, at least 0, from `real_output`, `fake_output` and `state`."""
        assert batch.real_output is not None and batch.fake_output is not None  # a term of the discriminator's loss
        averages = self.next_state(batch)
        distance = distances(batch.real_output.logits, batch.fake_output.logits, averages["real"], averages["fake"])
        return tf.where(tf.cast(batch.step, tf.int64) > self.start, distance, 0.0)

    def next_state(self, batch: Batch) -> dict[str, Any]:
        """Returns the moving averages of both logits after this batch, and `begun` = 1; without gradients."""
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
    """Returns the penalty, a float32 scalar, from logits `[batch]` and the scalar averages of both kinds."""
    above = tf.reduce_mean(tf.square(tf.nn.relu(real - average_fake)))
    below = tf.reduce_mean(tf.square(tf.nn.relu(average_real - fake)))
    return above + below
