"""What a generator gets beside its latents: a class, or the codes of InfoGAN, as one vector.

A condition is a float32 vector `[n, classes + continuous]`: the one-hot label, followed by continuous codes. A one-hot
label leaves room for weights of several classes, between which samples are interpolated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gan_cli.lazy import tf

AUTO = "auto"
CONCAT, EMBEDDING, PRODUCT, BATCH_NORM, FIRST_MAP = "concat", "embedding", "product", "batch_norm", "first_map"
MAPPING = "mapping"
"""The ways in which a condition enters a generator, see `gan_cli.models.condition_layers`; `mapping` is StyleGAN's."""


class Targets(NamedTuple):
    """What each generated example of a batch is to be; in a run with labels, also the labels of the real examples.

    Attributes:
        labels: int32 `[n]` in 0 .. classes - 1.
        continuous: float32 `[n, continuous]` in [-1, 1]; None without continuous codes.
    """

    labels: Any
    continuous: Any = None

    def first(self, count: int) -> dict[str, Any]:
        """The targets of the first examples, as fields of a discriminator's output."""
        codes = None if self.continuous is None else self.continuous[:count]
        return {"labels": self.labels[:count], "codes": codes}


@dataclass(frozen=True)
class Condition:
    """The size of a generator's condition.

    Attributes:
        classes: number of classes, or of values of a categorical code.
        continuous: number of continuous codes.
        preferred: the way that a model takes with `model.conditioning=auto` where it has it; "" for its own choice.
        codes: whether classes are values of a code, which mean nothing in the data.
    """

    classes: int
    continuous: int = 0
    preferred: str = ""
    codes: bool = False

    @property
    def size(self) -> int:
        return self.classes + self.continuous

    def tensors(self, targets: Targets) -> Any:
        """The condition of targets that are tensors, float32 `[n, size]`."""
        one_hot = tf.one_hot(targets.labels, self.classes)
        return one_hot if targets.continuous is None else tf.concat([one_hot, targets.continuous], axis=1)

    def array(self, labels: np.ndarray, continuous: np.ndarray | None = None) -> np.ndarray:
        """The condition of labels, int `[n]`, and continuous codes, `[n, continuous]` or None for 0: `[n, size]`."""
        vectors = np.zeros((len(labels), self.size), np.float32)
        vectors[np.arange(len(labels)), labels] = 1
        if continuous is not None:
            vectors[:, self.classes :] = continuous
        return vectors
