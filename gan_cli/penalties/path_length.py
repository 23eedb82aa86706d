"""Path length regularisation: a step of fixed size in w is to change the image by a fixed amount.

Karras et al. 2020, arXiv:1912.04958, section 3.2, equation 4, in the form of NVlabs/stylegan2-ada-pytorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.models.generator_parts import split_generator
from gan_cli.penalties.path_lengths import path_length_penalty, path_lengths, path_noise
from gan_cli.penalties.phase_penalty import PhaseBatch, PhasePenalty, PhaseValue
from gan_cli.schedule import Schedule

MEAN = "mean"


@dataclass(frozen=True)
class PathLength(PhasePenalty):
    """E[(||J^T y|| - a)^2], J the Jacobian of an image by its styles ws, y noise, a the moving mean of the lengths.

    Attributes:
        weight: factor of the penalty, at least 0.
        every: interval in steps, at least 1.
        share: share of the batch size, in (0, 1].
        decay: weight of a batch in the moving mean, in (0, 1].

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 2.0
    every: int = 4
    share: float = 0.5
    decay: float = 0.01

    needs_styles: ClassVar[bool] = True
    initial_state: ClassVar[Mapping[str, float]] = MappingProxyType({MEAN: 0.0})

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("every", self.every, at_least=1)
        check_number("share", self.share, above=0.0, at_most=1.0)
        check_number("decay", self.decay, above=0.0, at_most=1.0)

    def __call__(self, batch: PhaseBatch) -> PhaseValue:
        """Returns the mean penalty of the batch, and the moving mean of lengths.

        The batch moves the average of w and its styles are mixed, as in the generator's update.
        """
        lengths = self.lengths(batch)
        penalties, mean = path_length_penalty(lengths, tf.convert_to_tensor(batch.state[MEAN]), self.decay)
        return PhaseValue(tf.reduce_mean(penalties), {MEAN: mean})

    def lengths(self, batch: PhaseBatch) -> Any:
        """Returns the path length of each example, float32 `[n]`."""
        parts = split_generator(batch.generator)
        ws, *noise = parts.styles_of(batch.inputs)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(ws)
            images = tf.cast(parts.examples_of([ws, *noise]), tf.float32)
            product = tf.reduce_sum(images * path_noise(images, batch.draw_normal(images.shape)))
        return path_lengths(tf.cast(tape.gradient(product, ws), tf.float32))
