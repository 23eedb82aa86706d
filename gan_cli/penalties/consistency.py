"""Consistency: of a shifted and mirrored example the discriminator is to say what it says of the example itself.

Zhang et al. 2020, "Consistency Regularization for Generative Adversarial Networks", arXiv:1910.12027, of real examples
(CR); Zhao et al. 2021, "Improved Consistency Regularization for GANs", arXiv:2002.04724, of generated ones too, which
else take on the marks of the transformation (balanced: bCR).

Images are mirrored from left to right with probability 1/2 and shifted by whole pixels, in each direction and for each
image on its own; what comes in at the border is the image reflected there. Points, for which the papers have nothing,
get a little normal noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Batch, Penalty, output_with_same_augmentation


@dataclass(frozen=True)
class ConsistencyPenalty(Penalty):
    """E[(D(x) - D(T(x)))²], with `fake` + E[(D(G(z)) - D(T(G(z))))²], T a random transformation.

    Attributes:
        weight: λ of the papers, of both terms, at least 0.
        fake: whether generated examples count too.
        flip: whether images are mirrored.
        shift: largest shift of an image, as a share of its height and of its width, in [0, 0.5].
        noise: standard deviation of the noise on points, as a share of that of all values of the real ones; at least 0.
        every: apply it at each `every`-th step, at least 1.

    Raises:
        ConfigError: where a number is outside its range.
    """

    weight: float = 10.0
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
        """The unweighted term, a float32 scalar of at least 0."""
        for_real, for_fake = tf.unstack(tf.random.experimental.stateless_split(batch.seed, 2))
        sigma = self.noise * tf.stop_gradient(tf.math.reduce_std(tf.cast(batch.real, tf.float32)))
        said = output_with_same_augmentation(batch, batch.real, batch.real_output)
        changed = batch.discriminator(self.transform(batch.real, sigma, for_real))
        value = tf.reduce_mean(tf.square(said.logits - changed.logits))
        if self.fake:
            said = output_with_same_augmentation(batch, batch.fake, batch.fake_output)
            changed = batch.discriminator(self.transform(batch.fake, sigma, for_fake))
            value += tf.reduce_mean(tf.square(said.logits - changed.logits))
        return value

    def transform(self, examples: Any, sigma: Any, seed: Any) -> Any:
        """T of images `[batch, height, width, channels]`, and of points `[batch, n]`, which get noise of `sigma`."""
        examples = tf.cast(examples, tf.float32)
        if examples.shape.rank == 4:
            return move_images(examples, self.flip, self.shift, seed)
        return examples + sigma * tf.random.stateless_normal(tf.shape(examples), seed)


def move_images(images: Any, flip: bool, shift: float, seed: Any) -> Any:
    """Images shifted by up to `shift` of their height and width, to the nearest pixel, and mirrored half of the time.

    Args:
        images: float32 `[batch, height, width, channels]`, shape known.
        flip: whether they are mirrored at all.
        shift: in [0, 0.5].
        seed: int32 `[2]`.

    Returns:
        float32 of the same shape; every pixel is one of the same image, so that gradients flow through.
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
    """Where each pixel of a line comes from that is shifted by up to `reach`: int32 `[count, size]` in [0, size)."""
    shifts = tf.random.stateless_uniform([count, 1], seed, -reach, reach + 1, tf.int32)
    places = tf.abs(tf.range(size)[None, :] + shifts)  # reflected at the first pixel
    return (size - 1) - tf.abs((size - 1) - places)  # and at the last
