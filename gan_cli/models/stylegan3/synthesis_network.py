"""StyleGAN3's synthesis network: from one w for each layer to an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from gan_cli.models.stylegan3.alias_free_layer import AliasFreeLayer
from gan_cli.models.stylegan3.layer_schedule import LayerPlan
from gan_cli.models.stylegan3.synthesis_input import SynthesisInput

OUTPUT_SCALE = 0.25
INPUT = "fourier_features"
"""The name of the layer that a user's rotation and shift reach."""


def synthesis_network(schedule: Sequence[LayerPlan], style_size: int, magnitude_half_life: float) -> Any:
    """A Keras model from ws `[n, count_w(schedule), style_size]` to float32 images; they are not bounded.

    Args:
        schedule: see `layer_schedule`.
        style_size: of w.
        magnitude_half_life: see `AliasFreeLayer`.
    """
    given = keras.Input((count_w(schedule), style_size), name="ws")
    first = schedule[0].before
    features = SynthesisInput(first.size, first.channels, first.rate, first.cutoff, name=INPUT)(given)
    for index, plan in enumerate(schedule):
        name = "to_rgb" if plan.to_rgb else f"layer_{index}"
        features = AliasFreeLayer(plan, index + 1, magnitude_half_life, name=name)([features, given])
    images = keras.layers.Rescaling(OUTPUT_SCALE, dtype="float32", name="images")(features)
    return keras.Model([given], images, name="synthesis")  # a list, as StyleGAN2's, which may have noise too


def count_w(schedule: Sequence[LayerPlan]) -> int:
    """How many w there are: one for the Fourier features and one for each layer."""
    return len(schedule) + 1
