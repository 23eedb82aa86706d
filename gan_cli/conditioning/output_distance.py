"""Consistency of two outputs of a discriminator: of their logits, and of the heads of a conditioning.

Class logits and embeddings of an example and of a changed copy should agree too: PyTorch-StudioGAN adds their
differences to that of logits, with weight 1.
"""

from __future__ import annotations

from typing import Any

from gan_cli.conditioning.auxiliary_classifier import CLASS_LOGITS
from gan_cli.conditioning.class_proxies import EMBEDDING
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput


def output_distance(first: DiscriminatorOutput, second: DiscriminatorOutput) -> Any:
    """Mean squared difference of logits, of class logits and of embeddings of length 1, as far as there are any."""
    total = tf.reduce_mean(tf.square(first.logits - second.logits))
    if CLASS_LOGITS in first.heads:
        total += tf.reduce_mean(tf.square(first.heads[CLASS_LOGITS] - second.heads[CLASS_LOGITS]))
    if EMBEDDING in first.heads:
        units = (tf.math.l2_normalize(one.heads[EMBEDDING], axis=1) for one in (first, second))
        total += tf.reduce_mean(tf.square(next(units) - next(units)))
    return total
