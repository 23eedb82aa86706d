"""Adaptive discriminator augmentation (ADA): a pipeline of random transformations, stronger with more overfitting.

Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data", arXiv:2006.06676: the pipeline is in
appendix B, the strength that adapts in section 3. Distributions and order are those of NVlabs/stylegan2-ada-pytorch,
training/augment.py, whose probabilities are all the strength p itself. Since an example is transformed with
a probability below 1, the generator can't win by making transformed examples (section 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gan_cli.augmentations.adaptive_strength import AdaptiveStrength
from gan_cli.augmentations.affine_resampling import move_whole_pixels, resample
from gan_cli.augmentations.augmentation_checks import check_images, check_switches
from gan_cli.augmentations.color_transforms import draw_coloring, transform_colors
from gan_cli.augmentations.frequency_filter import apply_gains, draw_gains
from gan_cli.augmentations.geometric_transforms import draw_affine, draw_blit
from gan_cli.augmentations.noise_and_cutout import add_noise, cut_out, draw_cutout, draw_noise_deviations
from gan_cli.data import DataSpec
from gan_cli.lazy import tf
from gan_cli.schedule import Schedule

PARTS = ("blit", "geometry", "color", "filter", "noise", "cutout")


@dataclass(frozen=True)
class AdaptiveAugmentation(AdaptiveStrength):
    """Six classes of transformations, each transformation with probability p.

    Attributes:
        blit: flips from left to right, quarter turns, shifts by whole pixels.
        geometry: scaling, turning, stretching, shifting by any amount.
        color: brightness, contrast, luma flip, hue, saturation.
        filter: gains on four bands of spatial frequencies.
        noise: normal noise.
        cutout: a grey rectangle of half the width and height.
        target: of the mean sign of what the discriminator says of real examples, between -1 and 1.
        ramp_images: real examples in which p goes from 0 to 1 if it goes up all the time.
        interval: updates of the discriminator between two changes of p.
        probability: p itself, in [0, 1], where it does not adapt; the three above have no effect then. None: p adapts.

    Raises:
        ConfigError: where a switch is neither true nor false, none is on, or a number is outside its range.
    """

    blit: bool
    geometry: bool
    color: bool
    filter: bool
    noise: bool
    cutout: bool
    target: float | Schedule
    ramp_images: int
    interval: int
    probability: float | Schedule | None = None

    def __post_init__(self) -> None:
        check_switches({part: getattr(self, part) for part in PARTS})
        self.check_probability()

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points."""
        check_images(data)

    def __call__(self, examples: Any, strength: Any, seed: Any) -> Any:
        """Images in [-1, 1], each transformed as its own draws say: exactly as they were where p is 0. Not clipped.

        The six classes come in their published order; what one draws does not depend on which others are on.
        """
        images, strength = examples, tf.cast(strength, tf.float32)
        batch = tf.shape(images)[0]
        to_move, to_color, to_filter, to_noise, to_cut = tf.unstack(tf.random.experimental.stateless_split(seed, 5))
        if self.blit or self.geometry:
            images = self.transform_geometry(images, strength, to_move)
        if self.color:
            images = transform_colors(images, draw_coloring(batch, strength, to_color))
        if self.filter:
            images = apply_gains(images, draw_gains(batch, strength, to_filter))
        if self.noise:
            to_draw, to_add = tf.unstack(tf.random.experimental.stateless_split(to_noise, 2))
            images = add_noise(images, draw_noise_deviations(batch, strength, to_draw), to_add)
        if self.cutout:
            images = cut_out(images, draw_cutout(batch, strength, to_cut))
        return images

    def transform_geometry(self, images: Any, strength: Any, seed: Any) -> Any:
        """One map for all changes of place; where it moves whole pixels only, they are exactly as they were."""
        batch, (height, width) = tf.shape(images)[0], images.shape[1:3]
        to_blit, to_move = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        back = draw_blit(batch, height, width, strength if self.blit else 0.0, to_blit).inverse()
        if not self.geometry:
            return move_whole_pixels(images, back)
        return resample(images, back.after(draw_affine(batch, height, width, strength, to_move).inverse()))
