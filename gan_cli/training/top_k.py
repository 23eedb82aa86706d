"""Top-k training: the generator learns only from those of its examples that get the highest logits.

Sinha et al. 2020, "Top-k Training of GANs: Improving GAN Performance by Throwing Away Bad Samples", arXiv:2002.06224,
equation 6 and Algorithm 1, where k shrinks by a constant factor from all of a batch to a share of it.
"""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import tf


def top_k_share(step: Any, top_k: float, steps: int) -> Any:
    """The share of a batch that counts at `step`, float32: from 1 at step 0 geometrically to `top_k` at `steps`."""
    return tf.pow(float(top_k), tf.minimum(tf.cast(step, tf.float32) / float(steps), 1.0))


def top_k_logits(logits: Any, share: Any) -> Any:
    """The same logits, through which only the best `share` of them learn.

    A mean over all of them then has the gradient of the mean over the best: that of each is scaled by n / k, k the
    share of n rounded up, and that of the others is 0. Shapes do not depend on k, so one graph serves all steps.

    Args:
        logits: float32 `[n]`; equal ones count in their order.
        share: float32 scalar in (0, 1].
    """
    count = tf.cast(tf.size(logits), tf.float32)
    kept = tf.math.ceil(share * count - 1e-4)  # 0.5 * 64 is to be 32 however it was rounded
    ranks = tf.argsort(tf.argsort(logits, direction="DESCENDING", stable=True))
    factor = tf.where(tf.cast(ranks, tf.float32) < kept, count / kept, 0.0)
    return tf.stop_gradient(logits - factor * logits) + tf.stop_gradient(factor) * logits
