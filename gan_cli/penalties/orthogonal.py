"""Relaxed orthogonal regularisation: penalises the inner products of a layer's filters, not their lengths.

Brock et al. 2018, "Large Scale GAN Training for High Fidelity Natural Image Synthesis", arXiv:1809.11096, equation 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty
from gan_cli.schedule import Schedule

NETWORKS = ("generator", "discriminator")


@dataclass(frozen=True)
class OrthogonalPenalty(Penalty):
    """Σ ||WᵀW ⊙ (1 - I)||², the Frobenius norm, over the kernels W of a network.

    Attributes:
        weight: β of the paper, at least 0.
        network: the network that is regularised and whose loss gets the term: `generator` or `discriminator`.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range or the network is unknown.
    """

    weight: float | Schedule = 1e-4
    network: str = "generator"
    every: int = 1

    is_mean: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_choice("network", self.network, NETWORKS)
        check_number("every", self.every, at_least=1)

    @property
    def on_generator(self) -> bool:
        return self.network == "generator"

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0, from `variables` only."""
        return sum_of_overlaps(batch.variables)


def sum_of_overlaps(variables: Sequence[Any]) -> Any:
    """Returns the sum of `overlap` over variables with at least two axes; 0 if there are none."""
    kernels = [tf.cast(tf.convert_to_tensor(one), tf.float32) for one in variables if len(one.shape) >= 2]
    return tf.add_n([overlap(kernel) for kernel in kernels]) if kernels else tf.constant(0.0)


def overlap(kernel: Any) -> Any:
    """Returns Σ (wᵢ·wⱼ)² over i ≠ j, float32, for the columns w of a kernel with all axes but the last flattened.

    The last axis holds the filters of dense layers and convolutions, and the input channels of transposed convolutions.
    """
    matrix = tf.reshape(kernel, [-1, kernel.shape[-1]])
    rows, columns = matrix.shape
    if columns <= rows:
        products = tf.matmul(matrix, matrix, transpose_a=True)
        return tf.reduce_sum(tf.square(products - tf.linalg.diag(tf.linalg.diag_part(products))))
    # ||WᵀW|| = ||WWᵀ||, which is smaller: a generator's first layer has 100 rows and 16,384 columns. More columns than
    # rows can't all be orthogonal, so the difference has no cancellation unless most columns are 0.
    all_products = tf.reduce_sum(tf.square(tf.matmul(matrix, matrix, transpose_b=True)))
    return tf.nn.relu(all_products - tf.reduce_sum(tf.square(tf.reduce_sum(tf.square(matrix), axis=0))))
