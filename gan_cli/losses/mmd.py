"""MMD GAN loss: the MMD between embeddings of real and of generated examples, which the discriminator learns.

Li et al. 2017, "MMD GAN: Towards Deeper Understanding of Moment Matching Network", arXiv:1705.08584, and Binkowski et
al. 2018, "Demystifying MMD GANs", arXiv:1801.01401, with the code of the latter (mbinkowski/MMD-GAN).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan_cli.errors import check_number
from gan_cli.losses import EMBEDDING
from gan_cli.losses.kernel_loss import KernelLoss


@dataclass(frozen=True)
class MMDLoss(KernelLoss):
    """MMD² of vectors of `embedding_size` numbers, which the discriminator maximises and the generator minimises.

    The other fields and what they raise: `KernelLoss`.
    """

    embedding_size: int = 16

    output: ClassVar[str] = EMBEDDING

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number("embedding_size", self.embedding_size, at_least=1)
