"""Where a convolutional model has self-attention: `model.attention`, a list of resolutions.

A resolution is the shorter side of a map of features, in pixels. Self-attention follows the first layers of that
resolution in each network. A network that has no such map gets none.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from gan_cli.errors import ConfigError

SMALLEST = 2
"""Pixels of a side: keys and values are pooled by 2x2."""


def parse_attention(value: Any) -> tuple[int, ...]:
    """The resolutions in a list, or of one number. Raises ConfigError for anything else."""
    given = tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    for one in given:
        if isinstance(one, bool) or not isinstance(one, int) or one < SMALLEST:
            expected = f"expected resolutions of at least {SMALLEST} pixels, such as [16]"
            raise ConfigError("attention", expected, value, "Leave it out for no attention.")
    return given


def check_attention(value: Any, resolutions: Collection[int], images: str) -> None:
    """Raises ConfigError for a resolution that neither network has.

    Args:
        value: of `model.attention`.
        resolutions: those of the maps of features in either network.
        images: the size of images, for the message.
    """
    known = sorted(one for one in resolutions if one >= SMALLEST)
    for one in parse_attention(value):
        if one not in known:
            near = min(known, key=lambda other: abs(other - one))
            problem = f"no network for images of {images} has features of {one} pixels; expected of {known}"
            raise ConfigError("model.attention", problem, value, f"Did you mean [{near}]?")


class Attention:
    """Adds self-attention to the features of one network, once for each resolution.

    Args:
        value: of `model.attention`.
        kind: of the kernels, see `gan_cli.models.normalization`.
        initializer: of the kernels, a name that Keras knows.
    """

    def __init__(self, value: Any, kind: str, initializer: str) -> None:
        self.missing = set(parse_attention(value))
        self.kind, self.initializer = kind, initializer

    def __call__(self, features: Any) -> Any:
        """Features `[n, height, width, channels]` with self-attention where the list names their resolution."""
        resolution = min(features.shape[1:3])
        if resolution not in self.missing:
            return features
        from gan_cli.models.layers.self_attention import self_attention  # here, since it defines Keras layers

        self.missing.remove(resolution)
        return self_attention(features, self.kind, f"attention_{resolution}", self.initializer)
