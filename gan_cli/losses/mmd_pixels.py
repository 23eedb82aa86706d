"""Generative moment matching network (GMMN): the MMD between the examples' own values, without a discriminator.

Li et al. 2015, "Generative Moment Matching Networks", arXiv:1502.02761, and Dziugaite et al. 2015, "Training generative
neural networks via Maximum Mean Discrepancy optimization", arXiv:1505.03906. With `attraction=all` or `nystroem` the
generated examples are compared with all of the data in each step (RDM, arXiv:2607.02375); the repulsion between them is
exact within the batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.losses import PIXELS, DiscriminatorOutput
from gan_cli.losses.kernel_loss import GAUSSIAN, MEDIAN, KernelLoss
from gan_cli.losses.mean_embedding import mean_kernel_of_pairs, nystroem_landmarks, weighted_kernel_sums

if TYPE_CHECKING:
    from gan_cli.data.example_vectors import ExampleVectors

BATCH, ALL, NYSTROEM = "batch", "all", "nystroem"
ATTRACTIONS = (BATCH, ALL, NYSTROEM)
MEASURED = 256
"""Examples of each kind that the metrics of a step compare, where the loss itself does not use the real batch."""


@dataclass(frozen=True)
class MMDPixelsLoss(KernelLoss):
    """MMD² of the values of examples; only the generator is trained.

    The other fields and what they raise: `KernelLoss`.

    Attributes:
        attraction: what the generated examples are compared with: the real ones of the `batch`, `all` of the data, or
            `nystroem`, weighted landmarks that stand for all of the data.
        landmarks: their number, at least 1.
    """

    # Stored configurations of earlier releases do not have the next two keys.
    attraction: str = BATCH
    landmarks: int = 1000

    output: ClassVar[str] = PIXELS

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("attraction", self.attraction, ATTRACTIONS)
        check_number("landmarks", self.landmarks, at_least=1)
        if self.uses_all_data and self.kernel == GAUSSIAN and self.sigma == MEDIAN:
            problem = f"the median of a batch changes from step to step; attraction={self.attraction} needs one width"
            raise ConfigError("sigma", problem, self.sigma, "Give numbers, such as sigma=[2,5,10], or another kernel.")

    @property
    def real_examples(self) -> int | None:
        return MEASURED if self.uses_all_data else None

    @property
    def uses_all_data(self) -> bool:
        return self.attraction != BATCH

    def constants(self, data: ExampleVectors) -> Mapping[str, Any]:
        """Returns `columns` `[m, size]`, float32 `weights` `[m]` and `within`, the mean kernel of real examples."""
        within = np.float32(mean_kernel_of_pairs(self.kernel_values, data))
        if self.attraction == NYSTROEM:
            columns, weights = nystroem_landmarks(self.kernel_values, data, self.landmarks)
            return {"columns": columns, "weights": weights, "within": within}
        if not data.examples.is_in_memory:
            problem = "these examples are read from disk, too many to compare with all of them in each step"
            raise ConfigError("loss.attraction", problem, self.attraction, "Use loss.attraction=nystroem.")
        columns = data.read_stored(np.arange(data.count))
        return {"columns": columns, "weights": np.full(data.count, 1.0 / data.count, np.float32), "within": within}

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None, **constants: Any) -> Any:
        """Returns MMD², a float32 scalar, which may be below 0. `constants` are those of all data, or empty."""
        if not self.uses_all_data:
            return super().generator(fake, real)
        vectors = fake.embedding
        own = weighted_kernel_sums(self.kernel_values, vectors, vectors, is_own=True)
        # The gradient counts each pair for the first of its examples only, and the kernel is symmetric.
        repulsion = tf.reduce_mean(2.0 * own - tf.stop_gradient(own)) / max(vectors.shape[0] - 1, 1)
        attraction = weighted_kernel_sums(self.kernel_values, vectors, constants["columns"], constants["weights"])
        return repulsion - 2.0 * tf.reduce_mean(attraction) + constants["within"]

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, **_: Any) -> Any:
        """Returns -MMD² of the batch, a metric without use for training; of some examples where all data attract."""
        count = MEASURED if self.uses_all_data else None
        return -self.mmd_squared(real.embedding[:count], fake.embedding[:count])

    def mmd_witness(self, embedding: Any, real: Any, fake: Any) -> Any:
        """As that of `KernelLoss`, but beside `MEASURED` examples of each kind where all data attract."""
        if not self.uses_all_data:
            return super().mmd_witness(embedding, real, fake)
        means = [self.mean_kernel_to_first(embedding, sample) for sample in (real, fake)]
        return means[0] - means[1]

    def mean_kernel_to_first(self, embedding: Any, sample: Any) -> Any:
        """Returns the mean kernel to the first examples of a sample, without an example's kernel to itself, `[n]`."""
        first = sample[:MEASURED]
        values, others = self.kernel_values(embedding, first), float(first.shape[0])
        if embedding is sample and first.shape[0] > 1:
            values = tf.linalg.set_diag(values, tf.zeros([first.shape[0]]))
            is_among = tf.range(embedding.shape[0]) < first.shape[0]
            return tf.reduce_sum(values, axis=1) / tf.where(is_among, others - 1.0, others)
        return tf.reduce_sum(values, axis=1) / others

    def kernel_values(self, first: Any, second: Any) -> Any:
        """Returns the kernel value of each pair of rows, for kernels of a fixed width."""
        return self.compare(first, second, self.widths(first, second))
