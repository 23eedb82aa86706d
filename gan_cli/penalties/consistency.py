"""Consistency regularisation: the logit of an example and that of a shifted and mirrored copy should be equal.

Zhang et al. 2020, "Consistency Regularization for Generative Adversarial Networks", arXiv:1910.12027, for real
examples (CR); Zhao et al. 2021, "Improved Consistency Regularization for GANs", arXiv:2002.04724, also for generated
examples, which would otherwise show artifacts of the transformation (balanced: bCR). The heads of a conditioning count
too, see `gan_cli.conditioning.output_distance`.

Images are mirrored from left to right with probability 1/2 and shifted by whole pixels, independently for each image
and axis, with reflection padding. Points get normal noise; the papers have no transformation of points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.conditioning.output_distance import output_distance
from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty, output_with_same_augmentation
from gan_cli.schedule import Schedule


@dataclass(frozen=True)
class ConsistencyPenalty(Penalty):
    """E[(D(x) - D(T(x)))²], with `fake` + E[(D(G(z)) - D(T(G(z))))²], T a random transformation.

    Attributes:
        weight: λ of the papers, of both terms, at least 0.
        fake: whether the term of generated examples is added.
        flip: whether images are mirrored at random.
        shift: largest shift of an image, as a fraction of its height and of its width, in [0, 0.5].
        noise: standard deviation of the noise on points, as a fraction of that of all values of real examples; at
            least 0.
        every: interval in steps, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float | Schedule = 10.0
    fake: bool = False
    flip: bool = True
    shift: float = 0.125
    noise: float = 0.01
    every: int = 1

    def __post_init__(self) -> None:
        check_number("weight", self.weight, at_least=0.0)
        check_number("shift", self.shift, at_least=0.0, at_most=0.5)
        check_number("noise", self.noise, at_least=0.0)
        check_number("every", self.every, at_least=1)

    def __call__(self, batch: Batch) -> Any:
        """Returns the unweighted term, a float32 scalar of at least 0."""
        for_real, for_fake = tf.unstack(tf.random.experimental.stateless_split(batch.seed, 2))
        sigma = self.noise * tf.stop_gradient(tf.math.reduce_std(tf.cast(batch.real, tf.float32)))
        output = output_with_same_augmentation(batch, batch.real, batch.real_output)
        changed = batch.discriminator(self.transform(batch.real, sigma, for_real))
        value = output_distance(output, changed)
        if self.fake:
            output = output_with_same_augmentation(batch, batch.fake, batch.fake_output)
            changed = batch.discriminator(self.transform(batch.fake, sigma, for_fake))
            value += output_distance(output, changed)
        return value

    def transform(self, examples: Any, sigma: Any, seed: Any) -> Any:
        """Returns T of images `[batch, height, width, channels]`, or points `[batch, n]` with noise of std `sigma`."""
        examples = tf.cast(examples, tf.float32)
        if examples.shape.rank == 4:
            return move_images(examples, self.flip, self.shift, seed)
        return examples + sigma * tf.random.stateless_normal(tf.shape(examples), seed)


def move_images(images: Any, flip: bool, shift: float, seed: Any) -> Any:
    """Returns images shifted by up to `shift` of height and width, in whole pixels, and mirrored with probability 1/2.

    Args:
        images: float32 `[batch, height, width, channels]`, shape known.
        flip: whether images are mirrored.
        shift: in [0, 0.5].
        seed: int32 `[2]`.

    Returns:
        float32 of the same shape. Each pixel is copied from the same image, so gradients flow through.
    """
    count, height, width, _ = images.shape
    for_rows, for_columns, for_flip = tf.unstack(tf.random.experimental.stateless_split(seed, 3))
    rows = places(count, height, round(shift * height), for_rows)
    columns = places(count, width, round(shift * width), for_columns)
    if flip:
        mirrored = tf.random.stateless_uniform([count, 1], for_flip) < 0.5
        columns = tf.where(mirrored, width - 1 - columns, columns)
    return tf.gather(tf.gather(images, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)


def places(count: int, size: int, reach: int, seed: Any) -> Any:
    """Returns the source index of each pixel of a line shifted by up to `reach`, int32 `[count, size]` in [0, size)."""
    shifts = tf.random.stateless_uniform([count, 1], seed, -reach, reach + 1, tf.int32)
    places = tf.abs(tf.range(size)[None, :] + shifts)  # reflected at the first pixel
    return (size - 1) - tf.abs((size - 1) - places)  # and at the last
