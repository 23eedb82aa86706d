"""Generative moment matching network (GMMN): the MMD between the examples' own values, without a discriminator.

Li et al. 2015, "Generative Moment Matching Networks", arXiv:1502.02761, and Dziugaite et al. 2015, "Training generative
neural networks via Maximum Mean Discrepancy optimization", arXiv:1505.03906.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan_cli.losses import PIXELS
from gan_cli.losses.kernel_loss import KernelLoss


@dataclass(frozen=True)
class MMDPixelsLoss(KernelLoss):
    """MMD² of the values of examples; only the generator is trained. Fields and errors: `KernelLoss`."""

    output: ClassVar[str] = PIXELS
