"""Rejection of generated examples by a discriminator's logits.

DRS: Azadi et al. 2019, "Discriminator Rejection Sampling", arXiv:1810.06758, section 3. MH-GAN: Turner et al. 2019,
"Metropolis-Hastings Generative Adversarial Networks", arXiv:1811.11357, equation 3. Both need logits of a calibrated
discriminator, whose loss has the log density ratio as its optimum; those of a hinge critic are none.
"""

from __future__ import annotations

import numpy as np

EPSILON = 1e-6


def running_maximum(logits: np.ndarray, burn_in: np.ndarray) -> np.ndarray:
    """M at each logit: the largest of all so far, itself included, and of the burn-in."""
    found: np.ndarray = np.maximum(np.maximum.accumulate(logits), burn_in.max())
    return found


def acceptance_logits(
    logits: np.ndarray, maxima: np.ndarray, shift_percent: float | None = None, epsilon: float = EPSILON
) -> tuple[np.ndarray, float]:
    """F and gamma of DRS: an example is accepted with probability sigmoid(F - gamma).

    F = (d - M) - log(1 - exp(d - M - epsilon)).

    Args:
        logits: d, `[n]`.
        maxima: M of each, `[n]`.
        shift_percent: gamma is this percentile of F; None for 0, which accepts few.
        epsilon: keeps the logarithm finite at d = M.
    """
    difference = logits - maxima
    acceptance = difference - np.log(-np.expm1(difference - epsilon))
    gamma = 0.0 if shift_percent is None else float(np.percentile(acceptance, shift_percent))
    return acceptance, gamma


def sigmoid(values: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow."""
    found: np.ndarray = np.exp(-np.logaddexp(0.0, -values))
    return found


def metropolis_hastings(logits: np.ndarray, uniforms: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A chain over examples: each proposal takes the place of the current one with probability alpha.

    Args:
        logits: `[n]`, that of the start first.
        uniforms: in [0, 1), `[n - 1]`, one for each proposal.

    Returns:
        alpha = min(1, exp(d_new - d_old)) of each proposal, and the index of the example after it, `[n - 1]`.
    """
    current, alphas, states = 0, [], []
    for proposal in range(1, len(logits)):
        alpha = float(np.exp(min(0.0, logits[proposal] - logits[current])))
        if uniforms[proposal - 1] <= alpha:
            current = proposal
        alphas.append(alpha)
        states.append(current)
    return np.array(alphas), np.array(states)
