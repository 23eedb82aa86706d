"""Terms of InfoGAN: how well codes are found again in generated examples, a bound of their mutual information.

Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial
Nets", arXiv:1606.03657, equation 5. Pure functions; each returns a scalar.
"""

from __future__ import annotations

import math
from typing import Any

from gan_cli.conditioning.class_losses import cross_entropy
from gan_cli.lazy import tf

LARGEST_LOG_VARIANCE = 20.0
"""Bound of a predicted log variance, so that its exponential stays finite."""
STUDIOGAN_EPSILON = 1e-6


def categorical_loss(logits: Any, codes: Any, values: int) -> Any:
    """Sum over categorical codes of their cross-entropies.

    Args:
        logits: `[n, codes * values]`, in blocks of `values`.
        codes: int `[n, codes]`.
        values: of each code.
    """
    blocks = tf.split(logits, logits.shape[1] // values, axis=1)
    return tf.add_n([cross_entropy(block, codes[:, index]) for index, block in enumerate(blocks)])


def gaussian_loss(codes: Any, mean: Any, log_variance: Any, epsilon: float = 0.0) -> Any:
    """Negative log likelihood of continuous codes `[n, codes]`, summed over codes and averaged over the batch.

    Args:
        mean, log_variance: of normal distributions, `[n, codes]`.
        epsilon: added to 2πv and 2v; PyTorch-StudioGAN has 1e-6.
    """
    variance = tf.exp(tf.clip_by_value(log_variance, -LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE))
    each = 0.5 * tf.math.log(2 * math.pi * variance + epsilon) + tf.square(codes - mean) / (2 * variance + epsilon)
    return tf.reduce_mean(tf.reduce_sum(each, axis=1))


def unit_gaussian_loss(codes: Any, mean: Any) -> Any:
    """As `gaussian_loss` with variance 1 and without its constant: half the squared error, summed over codes."""
    return tf.reduce_mean(0.5 * tf.reduce_sum(tf.square(codes - mean), axis=1))
