"""Rules for defaults that follow the data and the batch: pure functions from facts to a value and its reason.

A key that is `auto` in the YAML files, or typed so, gets the value of its rule (see `automatic_values`). The constants
come first, the rules after them, one a function, and the table of rules last. docs/training.md shows that table.
"""

from __future__ import annotations

import math
from typing import Any

from gan_cli.config.model_rules import MODEL_RULES
from gan_cli.config.rule import AUTO, Choice, Facts, Rule, rounded, rounded_up

PENALTY_WEIGHT, PENALTY_SIDE, PENALTY_BATCH = 0.5, 32, 64
"""Weight of R1 and R2 for images of up to that side in batches of that size; it grows with the side."""
PENALTY_WEIGHT_OF_POINTS = 1.0
EMA_STEPS, EMA_SHARE = 500, 0.05
"""Half-life of the averaged weights in steps, and its largest share of a run without `train.ema_ramp`."""
RATE, RATE_SIDE, RATE_POWER, RATE_LIMITS = 2e-3, 28, 0.75, (2e-4, 4e-3)
"""Learning rate for images of that side, how it falls with the side, and the smallest and largest one."""
RATE_OF_POINTS, RATE_STEPS = 1e-3, 8000
"""Learning rate for points, and the length of a run up to which rates do not depend on it, in steps."""
WARMUP_SHARE = 0.05
"""Largest share of the decay that the warm-up takes."""
AUGMENT_IMAGES, AUGMENT_EPOCHS, AUGMENT_SIDE = 10_000, 100, 32
"""Augmentation begins below so many images, from so many showings of each on, and from that side on."""
AUGMENT_CHOICES = ("none", "diffaugment")
"""What the rule of `augment` can choose."""


def penalty_weight(facts: Facts) -> Choice:
    """Weight of R1 and of R2: constant up to PENALTY_SIDE, then in proportion to the side; over the batch."""
    if not facts.examples.is_image:
        return Choice(PENALTY_WEIGHT_OF_POINTS, "points have no resolution")
    growth = max(facts.side, PENALTY_SIDE) / PENALTY_SIDE
    weight = rounded(PENALTY_WEIGHT * growth * PENALTY_BATCH / facts.batch_size)
    if facts.r1_weight_per_pixel is not None:
        weight = float(f"{facts.r1_weight_per_pixel * facts.side**2 / facts.batch_size:.6g}")
    size = f"images of {facts.side:.3g} pixels a side in batches of {facts.batch_size}"
    return Choice(weight, f"{size}; larger images want more, larger batches less")


def ema_half_life(facts: Facts) -> Choice:
    """Half-life in images.

    With `ema_ramp`, which limits it in short runs, it does not depend on the length of the run: a run that is continued
    to a larger length is then the run that has that length from its beginning.
    """
    steps = EMA_STEPS if facts.ema_batches is None else facts.ema_batches
    longest, images = round(steps * facts.batch_size), facts.steps * facts.batch_size
    share = facts.ema_ramp or EMA_SHARE
    reason = f"{steps:g} steps of {facts.batch_size}"
    if longest <= share * images:
        return Choice(longest, reason)
    if facts.ema_ramp:
        at_end = f"{share * images:,.0f} at the end of this run"
        return Choice(longest, f"{reason}; train.ema_ramp limits it to {share:.3g} of the images seen, {at_end}")
    return Choice(rounded_up(share * images), f"{share:.0%} of the {images:,} examples of this run")


def learning_rate(facts: Facts) -> Choice:
    """The rate before it decays, smaller for larger images, deeper networks and in long runs."""
    smallest, largest = RATE_LIMITS
    if facts.examples.is_image:
        rate = RATE * (RATE_SIDE / facts.side) ** RATE_POWER
        reason = f"images of {facts.side:.3g} pixels a side; larger ones want smaller rates"
        if facts.depth > 1:
            rate /= math.sqrt(facts.depth)
            reason += f", and so do {facts.depth} convolutions a size"
    else:
        rate, reason = RATE_OF_POINTS, "points have no resolution"
    if facts.steps > RATE_STEPS:
        rate *= math.sqrt(RATE_STEPS / facts.steps)
        reason += f", and so does a run of {facts.steps:,} steps"
    return Choice(rounded(min(max(rate, smallest), largest)), reason)


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


WEIGHT_FORMULA = (
    f"{PENALTY_WEIGHT:g} * side / {PENALTY_SIDE} * {PENALTY_BATCH} / batch size, with a side of at least "
    f"{PENALTY_SIDE} pixels; {PENALTY_WEIGHT_OF_POINTS:g} for points; 0.0002 * side^2 / batch size with "
    "`model=stylegan2 loss=non_saturating`"
)
WEIGHT_SOURCE = (
    "[measured](experiments_log.md): .5, 1 and 2 are as good on MNIST, 1 was the best of five on EuroSAT; "
    "NVlabs stylegan2-ada divides by the batch too; R3GAN has .05 for 32 pixels and 150 for 256"
)

RULES = (
    Rule("penalty.r1.weight", WEIGHT_FORMULA, WEIGHT_SOURCE, penalty_weight, placeholder=1.0),
    Rule("penalty.r2.weight", WEIGHT_FORMULA, "as `penalty.r1.weight`", penalty_weight, placeholder=1.0),
    Rule(
        "train.ema_half_life",
        f"{EMA_STEPS} * batch size, 312.5 times with `model=stylegan2`; `train.ema_ramp` limits it to a share of the "
        f"images seen, so that short runs have less. Without that ramp at most {EMA_SHARE:.0%} of the run's images",
        "smolix/d2l-neu: 32,000 images in batches of 64; NVlabs stylegan2-ada: 312 batches",
        ema_half_life,
        placeholder=10_000,
        needs_data=False,
        needs_length=True,
    ),
    Rule(
        "optimizer.learning_rate",
        f"{RATE:g} * ({RATE_SIDE} / side)^{RATE_POWER:g} / (`model.depth` of `convnet`)^0.5, and {RATE_OF_POINTS:g} "
        f"for points; times ({RATE_STEPS} / steps)^0.5 in longer runs; from {RATE_LIMITS[0]:g} to {RATE_LIMITS[1]:g}",
        "[measured](experiments_log.md) on digits, MNIST and EuroSAT; R3GAN has 2e-4 for 490,000 steps",
        learning_rate,
        placeholder=2e-4,
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
    *MODEL_RULES,
)
"""All rules, in the order of the start block."""


def has_rule(key: str, value: Any) -> bool:
    """Whether a value is the `auto` of a rule."""
    return bool(value == AUTO) and any(rule.key == key for rule in RULES)
