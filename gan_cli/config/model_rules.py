"""Rules for the sizes of convolutional models, as the rules in `data_rules`."""

from __future__ import annotations

from gan_cli.config.rule import Choice, Facts, Rule

WIDTH, WIDTH_SIDE, WIDTH_POWER, WIDTH_MULTIPLE, WIDTH_LIMIT = 32, 32, 0.5, 8, 96
"""Channels next to an image of that side, their growth with the side, what they are a multiple of, the most."""
SMALL_SIDE, SMALL_HIDDEN, HIDDEN = 16, 256, 512
"""Images of up to that side have features of their own size and that many units in dense layers, others the last."""
SIMPLE_SIDE, SIMPLE_LATENTS, LATENTS = 32, 16, 64
"""Grey images of up to that side have the first number of latents, others the second."""


def width(facts: Facts) -> Choice:
    """Channels next to the image, with the square root of its side."""
    if not facts.examples.is_image:
        return Choice(WIDTH, "points have no resolution")
    channels = WIDTH * (facts.side / WIDTH_SIDE) ** WIDTH_POWER
    multiple = min(max(round(channels / WIDTH_MULTIPLE), 1) * WIDTH_MULTIPLE, WIDTH_LIMIT)
    return Choice(multiple, f"images of {facts.side:.3g} pixels a side; larger ones have more detail")


def stem(facts: Facts) -> Choice:
    """Features of the image's own size, where they cost little."""
    if facts.examples.is_image and facts.side <= SMALL_SIDE:
        return Choice(True, f"images of {facts.side:.3g} pixels a side; features of that size cost little")
    return Choice(False, "features of the image's own size would take most of the time")


def hidden(facts: Facts) -> Choice:
    """Units of the dense layers."""
    if facts.examples.is_image and facts.side <= SMALL_SIDE:
        return Choice(SMALL_HIDDEN, f"images of {facts.side:.3g} pixels a side; larger ones have more detail")
    return Choice(HIDDEN, f"images of more than {SMALL_SIDE} pixels a side")


def latent_size(facts: Facts) -> Choice:
    """Latents, few for images that vary in few ways."""
    data = facts.examples
    if data.is_image and data.shape[-1] == 1 and facts.side <= SIMPLE_SIDE:
        return Choice(SIMPLE_LATENTS, "small grey images vary in few ways")
    return Choice(LATENTS, "images that vary in many ways")


MODEL_RULES = (
    Rule(
        "model.width",
        f"{WIDTH} * (side / {WIDTH_SIDE})^{WIDTH_POWER:g}, at most {WIDTH_LIMIT}; a multiple of {WIDTH_MULTIPLE}; for "
        "convolutional models",
        "width 32 for MNIST; DCGAN (arXiv:1511.06434) has wider networks for 64 pixels",
        width,
        placeholder=WIDTH,
        sibling="kernel_size",
    ),
    Rule(
        "model.stem",
        f"`true` for images of up to {SMALL_SIDE} pixels a side; for `convnet`",
        "[measured](experiments_log.md) on digits",
        stem,
        placeholder=False,
        sibling="upsampling",
    ),
    Rule(
        "model.hidden",
        f"{SMALL_HIDDEN} for images of up to {SMALL_SIDE} pixels a side, else {HIDDEN}; for `convnet`",
        "[measured](experiments_log.md) on digits and MNIST",
        hidden,
        placeholder=HIDDEN,
        sibling="upsampling",
    ),
    Rule(
        "model.latent_size",
        f"{SIMPLE_LATENTS} for grey images of up to {SIMPLE_SIDE} pixels a side, else {LATENTS}; for `convnet`",
        "[measured](experiments_log.md) on digits and MNIST; 64 is that of R3GAN and of Lucic et al. 2017",
        latent_size,
        placeholder=LATENTS,
        sibling="upsampling",
    ),
)
"""In the order of the start block."""
