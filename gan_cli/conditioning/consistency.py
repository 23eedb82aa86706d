"""Consistency of a conditioning's heads: class logits and embeddings of an example and of a changed copy should agree.

Class-conditional code of consistency regularisation (PyTorch-StudioGAN) adds it to that of logits, with weight 1.
"""

from __future__ import annotations

from typing import Any

from gan_cli.conditioning.auxiliary_classifier import CLASS_LOGITS
from gan_cli.conditioning.contrastive import EMBEDDING
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput


def consistency_of_heads(first: DiscriminatorOutput, second: DiscriminatorOutput) -> Any:
    """Mean squared difference of class logits, and of embeddings of length 1; 0 where there are neither."""
    total: Any = 0.0
    if CLASS_LOGITS in first.heads:
        total += tf.reduce_mean(tf.square(first.heads[CLASS_LOGITS] - second.heads[CLASS_LOGITS]))
    if EMBEDDING in first.heads:
        units = (tf.math.l2_normalize(one.heads[EMBEDDING], axis=1) for one in (first, second))
        total += tf.reduce_mean(tf.square(next(units) - next(units)))
    return total
