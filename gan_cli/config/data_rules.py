"""Rules for defaults that follow the data and the batch: pure functions from facts to a value and its reason.

A key that is `auto` in the YAML files, or typed so, gets the value of its rule (see `automatic_values`). The constants
come first, the rules after them, one a function, and the table of rules last. docs/training.md shows that table.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from gan_cli.data import DataSpec

AUTO = "auto"
"""The value that asks for a rule."""

PENALTY_WEIGHT, PENALTY_SIDE, PENALTY_BATCH, PENALTY_POWER = 0.5, 32, 64, 3
"""Weight of R1 and R2 for images of up to that side in batches of that size, and its growth with the side."""
PENALTY_WEIGHT_OF_POINTS = 1.0
EMA_STEPS, EMA_SHARE = 500, 0.05
"""Half-life of the averaged weights in steps, and its largest share of a run without `train.ema_ramp`."""
RATE, RATE_STEPS, RATE_LIMITS = 5e-4, 8000, (2e-4, 1e-3)
"""Learning rate of a run of that many steps, and the smallest and largest one."""
WARMUP_SHARE = 0.05
"""Largest share of the decay that the warm-up takes."""
AUGMENT_IMAGES, AUGMENT_EPOCHS, AUGMENT_SIDE = 10_000, 100, 32
"""Augmentation begins below so many images, from so many showings of each on, and from that side on."""
AUGMENT_CHOICES = ("none", "diffaugment")
"""What the rule of `augment` can choose."""
WIDTH, WIDTH_SIDE, WIDTH_POWER, WIDTH_MULTIPLE, WIDTH_LIMIT = 32, 32, 0.5, 8, 96
"""Channels next to an image of up to that side, their growth with the side, what they are a multiple of, the most."""


@dataclass(frozen=True)
class Facts:
    """What the rules know of a run.

    Attributes:
        steps: length of the run.
        batch_size: examples in a batch.
        critic_steps: updates of the discriminator in a step.
        ema_ramp: largest share of the images seen so far that the half-life may be, `train.ema_ramp`; 0 for no limit.
        decay_steps: the step at which the learning rates have decayed.
        final_fraction: share of the learning rates that is left then.
        beta_2: share of the mean squared gradient that the optimizer keeps at its first updates; None without one.
        trains_discriminator: whether the loss trains one that discriminates.
        is_mirror_symmetric: whether mirrored examples are as likely as the examples; None where that is not known.
        data: the training examples; None for rules that do without.
    """

    steps: int
    batch_size: int
    critic_steps: int = 1
    ema_ramp: float = 0.05
    decay_steps: int = 0
    final_fraction: float = 0.0
    beta_2: float | None = None
    trains_discriminator: bool = True
    is_mirror_symmetric: bool | None = None
    data: DataSpec | None = None

    @property
    def examples(self) -> DataSpec:
        assert self.data is not None
        return self.data

    @property
    def side(self) -> float:
        """Height and width of the images in one number: the side of the square of the same area, in pixels."""
        height, width, _ = self.examples.shape
        return math.sqrt(height * width)


class Choice(NamedTuple):
    """A value that a rule chose, and the reason in one line."""

    value: Any
    reason: str


@dataclass(frozen=True)
class Rule:
    """A default that follows the data and the batch.

    Attributes:
        key: the dotted key.
        formula: its value in words and numbers, as the documentation has it.
        source: where the formula comes from.
        choose: gives the value.
        placeholder: a value that its key accepts while the data is not known.
        needs_data: whether the rule looks at the examples.
        needs_length: whether the value or its reason follows the number of steps.
        sibling: a key that has to stand beside it, for rules that hold for some choices of a group only.
    """

    key: str
    formula: str
    source: str
    choose: Callable[[Facts], Choice]
    placeholder: Any
    needs_data: bool = True
    needs_length: bool = False
    sibling: str | None = None


def penalty_weight(facts: Facts) -> Choice:
    """Weight of R1 and of R2: constant up to PENALTY_SIDE, then with the third power of the side; over the batch."""
    if not facts.examples.is_image:
        return Choice(PENALTY_WEIGHT_OF_POINTS, "points have no resolution")
    growth = (max(facts.side, PENALTY_SIDE) / PENALTY_SIDE) ** PENALTY_POWER
    weight = rounded(PENALTY_WEIGHT * growth * PENALTY_BATCH / facts.batch_size)
    size = f"images of {facts.side:.3g} pixels a side in batches of {facts.batch_size}"
    return Choice(weight, f"{size}; larger images want more, larger batches less")


def ema_half_life(facts: Facts) -> Choice:
    """Half-life in images.

    With `ema_ramp`, which limits it in short runs, it does not depend on the length of the run: a run that is continued
    to a larger length is then the run that has that length from its beginning.
    """
    longest, images = EMA_STEPS * facts.batch_size, facts.steps * facts.batch_size
    share = facts.ema_ramp or EMA_SHARE
    reason = f"{EMA_STEPS} steps of {facts.batch_size}"
    if longest <= share * images:
        return Choice(longest, reason)
    if facts.ema_ramp:
        at_end = f"{share * images:,.0f} at the end of this run"
        return Choice(longest, f"{reason}; train.ema_ramp limits it to {share:.3g} of the images seen, {at_end}")
    return Choice(rounded_up(share * images), f"{share:.0%} of the {images:,} examples of this run")


def learning_rate(facts: Facts) -> Choice:
    """The rate before it decays, larger in shorter runs."""
    smallest, largest = RATE_LIMITS
    rate = min(max(RATE * math.sqrt(RATE_STEPS / facts.steps), smallest), largest)
    return Choice(rounded(rate), f"a run of {facts.steps:,} steps; shorter runs want larger rates")


def schedule(facts: Facts) -> Choice:
    """The decay of the rates."""
    left = f"{facts.final_fraction:.3g} of the rates" if facts.final_fraction else "0"
    return Choice("cosine", f"the rates fall to {left} at step {facts.decay_steps:,}, so that the last weights settle")


def warmup_steps(facts: Facts) -> Choice:
    """Steps during which the rates grow: as long as an optimizer's mean squared gradient rests on few batches."""
    if facts.beta_2 is None or facts.beta_2 >= 1:
        return Choice(0, "this optimizer has no beta_2")
    untuned, longest = round(2 / (1 - facts.beta_2)), int(WARMUP_SHARE * facts.decay_steps)
    if untuned <= longest:
        return Choice(untuned, f"2 / (1 - beta_2) with beta_2={facts.beta_2:g}")
    return Choice(longest, f"{WARMUP_SHARE:.0%} of the {facts.decay_steps:,} steps of the decay")


def flip(facts: Facts) -> Choice:
    """Mirrored images, where the data set says that they are as likely."""
    if facts.is_mirror_symmetric is None:
        return Choice(False, "mirrored examples may be of another kind (writing, for one); where not, type true")
    if facts.is_mirror_symmetric:
        return Choice(True, "of this data set mirrored images are as likely, which doubles the data")
    return Choice(False, "of this data set mirrored images are of another kind")


def augment(facts: Facts) -> Choice:
    """DiffAugment where the discriminator is about to learn the examples by heart."""
    data = facts.examples
    if not data.is_image:
        return Choice("none", "points can't be augmented")
    if not facts.trains_discriminator:
        return Choice("none", "this loss has no discriminator that could overfit")
    if data.examples >= AUGMENT_IMAGES:
        return Choice("none", f"{data.examples:,} images; it helps below {AUGMENT_IMAGES:,}")
    if min(data.shape[:2]) < AUGMENT_SIDE:
        return Choice("none", f"images of {data.shape[0]}x{data.shape[1]}; holes and shifts hide too much of them")
    epochs = facts.steps * facts.batch_size * facts.critic_steps / data.examples
    shown = f"{data.examples:,} images, each shown {epochs:,.0f} times"
    if epochs < AUGMENT_EPOCHS:
        return Choice("none", f"{shown}; the discriminator overfits from about {AUGMENT_EPOCHS} on")
    return Choice("diffaugment", f"{shown}, which the discriminator would learn by heart")


def width(facts: Facts) -> Choice:
    """Channels next to the image, with the square root of its side."""
    if not facts.examples.is_image:
        return Choice(WIDTH, "points have no resolution")
    channels = WIDTH * (max(facts.side, WIDTH_SIDE) / WIDTH_SIDE) ** WIDTH_POWER
    multiple = min(round(channels / WIDTH_MULTIPLE) * WIDTH_MULTIPLE, WIDTH_LIMIT)
    return Choice(multiple, f"images of {facts.side:.3g} pixels a side; larger ones have more detail")


def rounded(value: float) -> float:
    """Two significant digits."""
    return float(f"{value:.2g}")


def rounded_up(value: float) -> int:
    """The next whole number with at most two significant digits, at least 1."""
    unit = 10 ** max(math.floor(math.log10(max(value, 1))) - 1, 0)
    return max(math.ceil(round(value / unit, 6)) * unit, 1)


WEIGHT_FORMULA = (
    f"{PENALTY_WEIGHT:g} * (side / {PENALTY_SIDE})^{PENALTY_POWER} * {PENALTY_BATCH} / batch size, with a side of at "
    f"least {PENALTY_SIDE} pixels; {PENALTY_WEIGHT_OF_POINTS:g} for points"
)
WEIGHT_SOURCE = (
    "NVlabs stylegan2-ada divides by the batch too; R3GAN has .05 for 32 pixels and 150 for 256, smolix/d2l-neu 10 for "
    "64 pixels in batches of 64, where 1 to 100 are as good"
)

RULES = (
    Rule("penalty.r1.weight", WEIGHT_FORMULA, WEIGHT_SOURCE, penalty_weight, placeholder=1.0),
    Rule("penalty.r2.weight", WEIGHT_FORMULA, "as `penalty.r1.weight`", penalty_weight, placeholder=1.0),
    Rule(
        "train.ema_half_life",
        f"{EMA_STEPS} * batch size; `train.ema_ramp` limits it to a share of the images seen, so that short runs have "
        f"less. Without that ramp at most {EMA_SHARE:.0%} of the run's images",
        "smolix/d2l-neu: 32,000 images in batches of 64; NVlabs stylegan2-ada: 312 batches",
        ema_half_life,
        placeholder=10_000,
        needs_data=False,
        needs_length=True,
    ),
    Rule(
        "optimizer.learning_rate",
        f"{RATE:g} * (steps / {RATE_STEPS})^-0.5, from {RATE_LIMITS[0]:g} to {RATE_LIMITS[1]:g}",
        "MNIST in 8,000 steps, 5e-4; R3GAN in 490,000, 2e-4",
        learning_rate,
        placeholder=2e-4,
        needs_data=False,
        needs_length=True,
    ),
    Rule(
        "optimizer.schedule",
        "`cosine`",
        "R3GAN (brownvc/R3GAN)",
        schedule,
        placeholder="constant",
        needs_data=False,
        needs_length=True,
    ),
    Rule(
        "optimizer.warmup_steps",
        f"2 / (1 - beta_2), at most {WARMUP_SHARE:.0%} of `optimizer.decay_steps`; 0 without a beta_2",
        "Ma & Yarats 2019, arXiv:1910.04209",
        warmup_steps,
        placeholder=0,
        needs_data=False,
        needs_length=True,
    ),
    Rule(
        "dataset.flip",
        "`true` where the data set says that mirrored images are as likely: CIFAR, EuroSAT, flowers. `false` for "
        "digits, letters, clothes (all shoes of Fashion-MNIST point to the left), folders and arrays",
        "StyleGAN2-ADA and R3GAN mirror CIFAR-10",
        flip,
        placeholder=False,
        needs_data=False,
    ),
    Rule(
        "augment",
        f"`diffaugment` below {AUGMENT_IMAGES:,} images of at least {AUGMENT_SIDE} pixels a side, each shown "
        f"{AUGMENT_EPOCHS} times or more; else `none`",
        "Zhao 2020, arXiv:2006.10738, from 32 pixels on; Karras 2020, arXiv:2006.06676, on when overfitting begins",
        augment,
        placeholder="none",
        needs_length=True,
    ),
    Rule(
        "model.width",
        f"{WIDTH} * (side / {WIDTH_SIDE})^{WIDTH_POWER:g}, with a side of at least {WIDTH_SIDE} pixels, at most "
        f"{WIDTH_LIMIT}; a multiple of {WIDTH_MULTIPLE}; for convolutional models",
        "width 32 for MNIST; DCGAN (arXiv:1511.06434) has wider networks for 64 pixels",
        width,
        placeholder=WIDTH,
        sibling="kernel_size",
    ),
)
"""All rules, in the order of the start block."""


def has_rule(key: str, value: Any) -> bool:
    """Whether a value is the `auto` of a rule."""
    return bool(value == AUTO) and any(rule.key == key for rule in RULES)
