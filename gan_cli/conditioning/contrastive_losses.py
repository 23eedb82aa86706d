"""Contrastive losses of embeddings, class proxies and the embeddings of the rest of the batch.

Pure functions of embeddings `[n, size]`, the proxy of each example's class `[n, size]` and int labels `[n]`. They take
cosines, so that lengths do not matter; the cosine of a zero vector is 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gan_cli.lazy import tf

SMALLEST = -1e30
"""Stands for the logarithm of what does not count."""


class Cosines(NamedTuple):
    """Cosines of a batch, and which pairs are of one class.

    Attributes:
        proxies: `[n]`, of each embedding and its own proxy.
        pairs: `[n, n]`, of all pairs of embeddings.
        is_same: bool `[n, n]`, whether both have one label; False on the diagonal.
        is_other: bool `[n, n]`, whether they have different labels.
    """

    proxies: Any
    pairs: Any
    is_same: Any
    is_other: Any


def cosines(embeddings: Any, proxies: Any, labels: Any) -> Cosines:
    unit, unit_proxies = tf.math.l2_normalize(embeddings, axis=1), tf.math.l2_normalize(proxies, axis=1)
    same = labels[:, None] == labels[None, :]
    not_itself = tf.logical_not(tf.eye(tf.shape(labels)[0], dtype=tf.bool))
    pairs = tf.matmul(unit, unit, transpose_b=True)
    return Cosines(
        tf.reduce_sum(unit * unit_proxies, axis=1), pairs, tf.logical_and(same, not_itself), tf.logical_not(same)
    )


def conditional_contrastive(embeddings: Any, proxies: Any, labels: Any, temperature: float) -> Any:
    """The 2C loss, Kang & Park 2020 (ContraGAN), arXiv:2006.12681, equation 8.

    Mean of -log of the share of the own proxy and of examples of the same class among the own proxy and all others:
    0 where all examples have one class.
    """
    found = cosines(embeddings, proxies, labels)
    own, pairs = found.proxies / temperature, found.pairs / temperature
    all_others = tf.logical_or(found.is_same, found.is_other)
    return tf.reduce_mean(log_sum(own, pairs, all_others) - log_sum(own, pairs, found.is_same))


def log_sum(own: Any, pairs: Any, counts: Any) -> Any:
    """log(exp(own) + the sum of exp(pairs) over those that count), `[n]`."""
    masked = tf.where(counts, pairs, tf.constant(SMALLEST, pairs.dtype))
    return tf.reduce_logsumexp(tf.concat([own[:, None], masked], axis=1), axis=1)


def data_to_data_cross_entropy(
    embeddings: Any, proxies: Any, labels: Any, temperature: float, margin: float, scaled: bool = False
) -> Any:
    """The D2D-CE loss, Kang et al. 2021 (ReACGAN), arXiv:2111.01118, equation 8.

    With s the cosine of an example and its proxy, s_j that of it and an example of another class, and the margins
    m and 1 - m, it is the mean of a + log(exp(-a) + Σ_j exp(max(0, s_j - (1 - m)) / t)), a = max(0, m - s) / t. Without
    an example of another class it is 0 and has no gradient.

    Args:
        temperature: t.
        margin: m.
        scaled: whether each term of the sum is divided by exp of the largest (s_j - (1 - m)) / t of all other examples,
            as a constant, as PyTorch-StudioGAN does: another function, which is smaller.
    """
    found = cosines(embeddings, proxies, labels)
    attraction = tf.nn.relu(margin - found.proxies) / temperature
    repulsion = tf.nn.relu(found.pairs - (1.0 - margin)) / temperature
    if scaled:
        repulsion -= largest_exponent(found, temperature, margin)[:, None]
    return tf.reduce_mean(attraction + log_sum(-attraction, repulsion, found.is_other))


def largest_exponent(found: Cosines, temperature: float, margin: float) -> Any:
    """The largest (s_j - (1 - m)) / t of all other examples of the batch, `[n]`, without gradient."""
    others = tf.logical_or(found.is_same, found.is_other)
    exponents = (found.pairs - (1.0 - margin)) / temperature
    return tf.stop_gradient(tf.reduce_max(tf.where(others, exponents, tf.constant(SMALLEST, exponents.dtype)), axis=1))
