"""The drift field V(x): where a generated sample has to move, attracted by real samples and repelled by generated ones.

Deng et al. 2026, "Generative Modeling via Drifting", arXiv:2602.04770: section 3 and Algorithm 2 (`softmax`). With a
kernel k that falls with the distance, K_ij = k(x_i, y_j) for all y, real (+) and generated (-) ones together,

    A_ij = √(K_ij / Σ_j K_ij · K_ij / Σ_i K_ij)                           normalised over both sides
    V_i  = Σ_j⁻ A_ij⁻ Σ_j⁺ A_ij⁺ y_j⁺  -  Σ_j⁺ A_ij⁺ Σ_j⁻ A_ij⁻ y_j⁻      = a⁺ a⁻ (m⁺ - m⁻),

m⁺ and m⁻ being weighted means of both kinds and a⁺, a⁻ the sums of their weights. It is anti-symmetric: with the kinds
exchanged it is -V, so it is 0 where both are the same sample.

He et al. 2026, "Sinkhorn-Drifting Generative Models", arXiv:2603.12366 (`sinkhorn`): m⁺ and m⁻ are the means under the
entropic transport plans from the x to the real ones and from the x to the generated ones, V = m⁺ - m⁻. Both marginals
of each plan are uniform, so that no real example is left out. V is 0 only where both distributions are equal.

Samples are float32 rows `[n, dimensions]`, in units in which the mean distance is 1; see `mean_distance`.
"""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import tf
from gan_cli.losses.kernel_loss import squared_distances

GAUSSIAN, LAPLACE = "gaussian", "laplace"
KERNELS = (GAUSSIAN, LAPLACE)
SOFTMAX, SINKHORN = "softmax", "sinkhorn"
NORMALIZATIONS = (SOFTMAX, SINKHORN)
MASKED = -1e9
"""The logarithm of the kernel of a sample with itself where that does not count."""


def mean_distance(x: Any, positives: Any, negatives: Any, is_own: bool) -> Any:
    """Returns the mean distance from the x to all others, a float32 scalar above 0, without gradient.

    Args:
        x: `[n, dimensions]`.
        positives, negatives: real and generated samples.
        is_own: whether `negatives` are the x themselves, whose distance 0 to themselves does not count.
    """
    pairs = x.shape[0] * (positives.shape[0] + negatives.shape[0]) - (x.shape[0] if is_own else 0)
    total = sum(tf.reduce_sum(tf.sqrt(squared_distances(x, y))) for y in (positives, negatives))
    mean = total / tf.cast(max(pairs, 1), tf.float32)
    return tf.stop_gradient(tf.where(mean > 0.0, mean, 1.0))


def log_kernel(x: Any, y: Any, kernel: str, temperature: Any) -> Any:
    """Returns -|x - y| / temperature (laplace) or -|x - y|² / temperature (gaussian), `[n, m]`."""
    squared = squared_distances(x, y)
    return -(squared if kernel == GAUSSIAN else tf.sqrt(squared)) / temperature


def drift(
    x: Any,
    positives: Any,
    negatives: Any,
    *,
    kernel: str,
    temperature: Any,
    normalization: str = SOFTMAX,
    mask_own: bool = False,
    iterations: int = 10,
) -> Any:
    """Returns V(x), float32 `[n, dimensions]`. It has no gradient to be used; see `gan_cli.losses.drifting`.

    Args:
        x: the samples that move, `[n, dimensions]`.
        positives: real samples, `[p, dimensions]`.
        negatives: generated samples, `[m, dimensions]`.
        kernel: `gaussian` or `laplace`.
        temperature: of the kernel, above 0.
        normalization: `softmax` or `sinkhorn`.
        mask_own: whether `negatives` are the x in the same order, and none repels itself. Only `softmax` uses it: the
            plan from a sample to itself has the pairs of equal ones.
        iterations: of Sinkhorn's algorithm.
    """
    to_positives, to_negatives = (log_kernel(x, y, kernel, temperature) for y in (positives, negatives))
    if normalization == SINKHORN:
        attraction, repulsion = (sinkhorn_rows(one, iterations) for one in (to_positives, to_negatives))
        return tf.matmul(attraction, positives) - tf.matmul(repulsion, negatives)
    if mask_own:
        to_negatives = tf.linalg.set_diag(to_negatives, tf.fill([x.shape[0]], MASKED))
    logarithms = tf.concat([to_positives, to_negatives], axis=1)
    affinity = tf.exp(0.5 * (tf.nn.log_softmax(logarithms, axis=1) + tf.nn.log_softmax(logarithms, axis=0)))
    count = positives.shape[0]
    attraction, repulsion = affinity[:, :count], affinity[:, count:]
    attracted, repelled = (tf.reduce_sum(one, axis=1, keepdims=True) for one in (attraction, repulsion))
    return repelled * tf.matmul(attraction, positives) - attracted * tf.matmul(repulsion, negatives)


def sinkhorn_rows(log_kernel: Any, iterations: int) -> Any:
    """Returns the plan with uniform marginals of a kernel, each row divided by its sum, `[n, m]`.

    Sinkhorn's algorithm on logarithms (Peyré & Cuturi 2019, arXiv:1803.00567, section 4.4). It ends with the rows,
    whose sums are exact.
    """
    log_plan = log_kernel
    for _ in range(iterations):
        log_plan -= tf.reduce_logsumexp(log_plan, axis=0, keepdims=True)
        log_plan -= tf.reduce_logsumexp(log_plan, axis=1, keepdims=True)
    return tf.exp(log_plan)
