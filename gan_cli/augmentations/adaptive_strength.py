"""Adaptive augmentation strength: increases while the discriminator overfits, decreases otherwise.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data" (StyleGAN2-ADA), arXiv:2006.06676,
section 3: of the two heuristics of equation 1, r_t = E[sign(D_train)], the mean sign of the discriminator's outputs for
the real examples that it learns from. It is 0 where these can't be distinguished from generated ones and 1 where all of
them can. Every few updates the strength takes a step of fixed size, up where r_t is above its target and down where it
is below. Jiang et al. 2021, "Deceive D: Adaptive Pseudo Augmentation", arXiv:2111.06849, do the same.

As in the code of both (NVlabs/stylegan2-ada-pytorch and EndlessSora/DeceiveD, training/training_loop.py), r_t is the
mean over the updates since the last step of the strength.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gan_cli.augmentations import Augmentation
from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.losses import NOTHING
from gan_cli.schedule import Schedule, value_at

FIRST: Mapping[str, float] = MappingProxyType({"strength": 0.0, "signs": 0.0, "count": 0.0})
"""The state of an adaptive strength before training: itself, the sum of mean signs, and of how many updates."""


class AdaptiveStrength(Augmentation):
    """Base class of augmentations whose strength is a probability that adapts, unless `probability` is given.

    A subclass is a dataclass with these fields, and calls `check_probability`.

    Attributes:
        target: of the mean sign, between -1 and 1; see `next_strength`.
        ramp_images: real examples in which the strength goes from 0 to 1 if it goes up all the time, at least 1.
        interval: updates of the discriminator between two steps of the strength, at least 1.
        probability: the strength itself, in [0, 1], where it does not adapt; None: it adapts.
    """

    target: float | Schedule
    ramp_images: int
    interval: int
    probability: float | Schedule | None

    def check_probability(self) -> None:
        """Raises ConfigError where a number is outside its range."""
        if self.probability is not None:
            check_number("probability", self.probability, at_least=0.0, at_most=1.0)
        check_number("target", self.target, above=-1.0, below=1.0)
        check_number("ramp_images", self.ramp_images, at_least=1)
        check_number("interval", self.interval, at_least=1)

    # Properties in place of the class attributes of the contract, which allows both.
    @property
    def varies(self) -> bool:  # type: ignore[override]
        return self.probability is None or isinstance(self.probability, Schedule)

    @property
    def learns(self) -> bool:  # type: ignore[override]
        return self.probability is None

    @property
    def initial_state(self) -> Mapping[str, float]:  # type: ignore[override]
        return FIRST if self.learns else NOTHING

    @property
    def ramp(self) -> int | None:
        return self.ramp_images if self.learns else None

    def strength(self, step: Any, state: Mapping[str, Any]) -> Any:
        """The probability, float32 in [0, 1]; later changes of the state do not change it."""
        return tf.convert_to_tensor(state["strength"]) if self.probability is None else value_at(self.probability, step)

    def next_state(self, margins: Any, images: int, state: Mapping[str, Any], step: Any) -> Mapping[str, Any]:
        """One step of the strength towards its target every `interval` updates."""
        return next_strength(margins, images, state, value_at(self.target, step), self.ramp_images, self.interval)


def next_strength(
    margins: Any,
    images: Any,
    state: Mapping[str, Any],
    target: Any,
    ramp_images: float,
    interval: int,
) -> dict[str, Any]:
    """The state after an update of the discriminator. The strength stays in [0, 1].

    Args:
        margins: float32 `[batch]`, logits of real examples minus the threshold between real and generated.
        images: how many real examples the update has seen.
        state: before: float32 scalars by the names of `FIRST`.
        target: of the mean sign, between -1 and 1.
        ramp_images: real examples in which the strength goes from 0 to 1 if it goes up all the time.
        interval: updates between two steps of the strength.

    Returns:
        Float32 scalars by the names of `FIRST`.
    """
    signs = state["signs"] + tf.reduce_mean(tf.sign(margins))
    count = state["count"] + 1.0
    due = tf.cast(count >= float(interval), tf.float32)
    pace = tf.cast(images, tf.float32) * (interval / ramp_images)
    moved = state["strength"] + due * pace * tf.sign(signs / count - target)
    return {
        "strength": tf.clip_by_value(moved, 0.0, 1.0),
        "signs": signs * (1.0 - due),
        "count": count * (1.0 - due),
    }
