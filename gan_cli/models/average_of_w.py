"""Tells the layer that holds the average of StyleGAN's styles w from others."""

from __future__ import annotations

from typing import Any


def is_average_of_w(layer: Any) -> bool:
    """Whether a layer holds the average of w: a state that does not enter its output in training."""
    from gan_cli.models.layers.style_vectors import AverageW  # here, since it loads Keras

    return isinstance(layer, AverageW)
