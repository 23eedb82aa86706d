"""Instance noise: normal noise on the discriminator's inputs, decreasing during training.

Sønderby et al. 2016, "Amortised MAP Inference for Image Super-resolution", arXiv:1610.04490, section 3.2.1; Arjovsky &
Bottou 2017, "Towards Principled Methods for Training GANs", arXiv:1701.04862, section 3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.augmentations import Augmentation
from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class InstanceNoise(Augmentation):
    """x + σ(step) n, n ~ N(0, 1), with σ on a straight line from `sigma` to `final_sigma`.

    Attributes:
        sigma: standard deviation at step 0, at least 0, in units of the examples. A schedule is σ at every step;
            `final_sigma` and `steps` have no effect then.
        final_sigma: from `steps` on, at least 0.
        steps: at which that is reached, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    sigma: float | Schedule
    final_sigma: float
    steps: int

    varies: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("sigma", self.sigma, at_least=0.0)
        check_number("final_sigma", self.final_sigma, at_least=0.0)
        check_number("steps", self.steps, at_least=1)

    def strength(self, step: Any, state: Mapping[str, Any]) -> Any:
        """σ at a step, float32."""
        if isinstance(self.sigma, Schedule):
            return self.sigma(step)
        done = tf.minimum(tf.cast(step, tf.float32) / float(self.steps), 1.0)
        return self.sigma + (self.final_sigma - self.sigma) * done

    def __call__(self, examples: Any, strength: Any, seed: Any) -> Any:
        """Noisy examples of any shape; not clipped, so that no value shows how much noise there is."""
        return examples + strength * tf.random.stateless_normal(tf.shape(examples), seed)
