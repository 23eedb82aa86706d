"""Latent consistency: examples of perturbed latents should differ, but the discriminator's logits should not.

Zhao et al. 2021, "Improved Consistency Regularization for GANs", arXiv:2002.04724, zCR, which has both terms. With
balanced consistency (bCR, see `gan_cli.penalties.consistency`) they are the paper's ICR.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning.output_distance import output_distance
from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty, output_with_same_augmentation
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class LatentConsistency(Penalty):
    """E[(D(G(z)) - D(G(z + dz)))²], dz ~ N(0, perturbation_std²): a term of the discriminator's loss.

    Attributes:
        weight: λ_dis of the paper, at least 0.
        perturbation_std: standard deviation of dz in each direction, above 0.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 5.0
    perturbation_std: float = 0.03
    every: int = 1

    is_mean: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `fake` and `perturbed`."""
        output = output_with_same_augmentation(batch, batch.fake, batch.fake_output)
        return output_distance(output, batch.discriminator(batch.perturbed))


@dataclass(frozen=True)
class LatentDiversity(Penalty):
    """-E[(G(z) - G(z + dz))²], also a mean over values, dz ~ N(0, perturbation_std²): a term of the generator's loss.

    It has no lower bound if the generator's output has none.

    Attributes:
        weight: λ_gen of the paper, at least 0.
        perturbation_std: standard deviation of dz in each direction, above 0; the same as of `LatentConsistency`.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 0.5
    perturbation_std: float = 0.03
    every: int = 1

    on_generator: ClassVar[bool] = True
    is_mean: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_fields(self)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at most 0, from `fake` and `perturbed`."""
        return -tf.reduce_mean(tf.square(tf.cast(batch.fake, tf.float32) - tf.cast(batch.perturbed, tf.float32)))


def check_fields(penalty: LatentConsistency | LatentDiversity) -> None:
    """Raises ConfigError where a number is outside its range."""
    check_number("weight", penalty.weight, at_least=0.0)
    check_number("perturbation_std", penalty.perturbation_std, above=0.0)
    check_number("every", penalty.every, at_least=1)
