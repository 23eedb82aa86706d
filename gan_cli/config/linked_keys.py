"""Which keys of a composed configuration follow another key, such as `decay_steps: ${train.steps}`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, Node, OmegaConf
from omegaconf.errors import OmegaConfBaseException


def find_links(config: DictConfig) -> dict[str, str]:
    """Each key whose value is one other key's, whether in YAML or as it was typed, with that key."""
    return dict(links_below(config, config))


def links_below(node: DictConfig, root: DictConfig) -> Iterator[tuple[str, str]]:
    if node._is_none() or node._is_missing():
        return
    for name in map(str, node):
        if OmegaConf.is_interpolation(node, name):
            source = source_of(node, name, root)
            if source is not None:
                yield node._get_full_key(name), source
            continue
        value: Any = node._get_node(name)
        if isinstance(value, DictConfig):
            yield from links_below(value, root)


def source_of(node: DictConfig, name: str, root: DictConfig) -> str | None:
    """The dotted key that an interpolation gives, also one with a default, `${oc.select:key,default}`."""
    value: Any = node._get_node(name)
    text = str(value._value())
    if text.startswith("${oc.select:"):
        key = text.removeprefix("${oc.select:").partition(",")[0].strip()
        return key if OmegaConf.select(root, key, default=None) is not None else None
    if text.count("${") != 1 or ":" in text or not (text.startswith("${") and text.endswith("}")):
        return None
    try:
        target = value._dereference_node()
    except OmegaConfBaseException:
        return None
    return target._get_full_key(None) if isinstance(target, Node) else None
