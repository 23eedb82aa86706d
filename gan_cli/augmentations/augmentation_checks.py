"""Checks that several augmentations share: their on/off switches, and that the data holds images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError


def check_switches(switches: Mapping[str, Any]) -> None:
    """Raises ConfigError where a switch is neither true nor false, or none is on.

    Args:
        switches: value by key, at least two.
    """
    for key, value in switches.items():
        if not isinstance(value, bool):
            raise ConfigError(key, "expected true or false", value)
    if not any(switches.values()):
        *others, last = switches
        problem = f"{', '.join(others)} and {last} are all switched off"
        raise ConfigError(next(iter(switches)), problem, advice="Leave the augmentation out: augment=[].")


def check_images(data: DataSpec) -> None:
    """Raises ConfigError for points."""
    if not data.is_image:
        problem = "changes images, and this data set holds points"
        raise ConfigError("", problem, advice="Use augment=apa or augment=instance_noise.")
