"""Configuration keys and classes that were renamed, so that stored runs still load.

A stored configuration (config.yaml, checkpoints) is read with the new names. What the user types is not translated: the
error for an old key names the new one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

RENAMED_KEYS: Mapping[str, str] = {
    "train.averaging_half_life": "train.ema_half_life",
    "train.averaging_ramp": "train.ema_ramp",
    "penalty.*.neighbour_distance": "penalty.*.perturbation_std",
    "metric.*.most": "metric.*.max_samples",
    "most": "max_checkpoints",  # of gan-eval tournament
}
"""Old dotted key to new dotted key. `*` stands for one part, the same in both. Only the last part differs."""

RENAMED_TARGETS: Mapping[str, str] = {}
"""Old `_target_` to new `_target_`."""


def new_name(key: str) -> str | None:
    """The new dotted name of a renamed key; None where the key was not renamed."""
    for old, new in RENAMED_KEYS.items():
        pattern = re.escape(old).replace(r"\*", r"([^.]+)")
        match = re.fullmatch(pattern, key)
        if match:
            return new.replace("*", match[1]) if match.groups() else new
    return None


def upgrade_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """A stored configuration with the names of today. Where both names are there, the new one's value is kept."""
    upgraded = upgrade_node(config, "")
    assert isinstance(upgraded, dict)
    return upgraded


def upgrade_node(node: Any, prefix: str) -> Any:
    if not isinstance(node, Mapping):
        return node
    upgraded: dict[Any, Any] = {}
    for name, value in node.items():
        key = f"{prefix}{name}"
        renamed = new_name(key)
        if renamed is not None and is_package_node(node):
            upgraded.setdefault(renamed.rpartition(".")[2], value)
        elif name == "_target_" and isinstance(value, str):
            upgraded[name] = RENAMED_TARGETS.get(value, value)
        else:
            upgraded[name] = upgrade_node(value, f"{key}.")
    return upgraded


def is_package_node(node: Mapping[str, Any]) -> bool:
    """Whether a node is one of gan_cli's: a class of the user's own may have a key of an old name."""
    return str(node.get("_target_", "gan_cli.")).startswith("gan_cli.")


def upgrade_override(override: str) -> str:
    """A stored `key=value` with the name of today."""
    key, equals, value = override.partition("=")
    bare = key.lstrip("+~")
    return f"{key[: len(key) - len(bare)]}{new_name(bare) or bare}{equals}{value}"
