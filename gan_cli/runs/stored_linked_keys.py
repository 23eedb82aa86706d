"""Links in a stored configuration: keys whose value follows another key, such as `optimizer.decay_steps`.

config.yaml holds a link as `${train.steps}`, exactly and with nothing around it, so that a change of train.steps
later changes what follows it, on resume and where the file is used as a primary configuration. Everything else that
looks like an interpolation is text here: nothing in a stored configuration is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from gan_cli.errors import ConfigError

LINK = re.compile(r"\$\{([A-Za-z_]\w*(?:\.\w+)*)\}")

LONGEST_CHAIN = 20
"""Links that lead to one value."""

LINKS_OF_0_1: Mapping[str, str] = {
    "train.top_k_steps": "train.steps",
    "optimizer.decay_steps": "train.steps",
    "optimizer.generator_learning_rate": "optimizer.learning_rate",
    "optimizer.discriminator_learning_rate": "optimizer.learning_rate",
    "augment.instance_noise.steps": "train.steps",
    "penalty.latent_diversity.perturbation_std": "penalty.latent_consistency.perturbation_std",
}
"""Key to the key that it followed, in configurations that release 0.1 wrote, which hold values alone."""


def insert_links(config: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    """Copies `config` with `${source}` for each key of `links` whose value is that of its source."""
    linked = deepcopy(dict(config))
    for key, source in links.items():
        parent, name = parent_of(linked, key)
        is_there = parent is not None and name in parent and has_key(linked, source)
        if is_there and value_at(config, key) == value_at(config, source):
            parent[name] = f"${{{source}}}"
    return linked


def insert_links_of_0_1(config: Mapping[str, Any], typed: set[str]) -> dict[str, Any]:
    """Copies a configuration of release 0.1 with links, but for keys that the user typed; a newer one unchanged."""
    if next(links_in(config), None) is not None:
        return deepcopy(dict(config))
    return insert_links(config, {key: source for key, source in LINKS_OF_0_1.items() if key not in typed})


def resolve_links(config: Mapping[str, Any]) -> dict[str, Any]:
    """Copies `config` with the value of its source for each link. A link to no key of `config` stays as it is.

    Raises:
        ConfigError: where links go round in a circle, or a chain of them is too long.
    """
    resolved = deepcopy(dict(config))
    for key, source in list(links_in(config)):
        passed = [key]
        while has_key(config, source):
            if source in passed:
                raise ConfigError(source, "refers to itself", value_at(config, source))
            passed.append(source)
            if len(passed) > LONGEST_CHAIN:
                raise ConfigError(key, f"more than {LONGEST_CHAIN} links lead to its value, each to the next")
            value = value_at(config, source)
            match = LINK.fullmatch(value) if isinstance(value, str) else None
            if match is None:
                parent, name = parent_of(resolved, key)
                assert parent is not None
                parent[name] = deepcopy(value)
                break
            source = match[1]
    return resolved


def links_in(node: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each key that holds a link, with dots, and its source. A name with a dot of its own can't be named so."""
    for name, value in node.items():
        if not isinstance(name, str) or "." in name:
            continue
        if isinstance(value, Mapping):
            yield from links_in(value, f"{prefix}{name}.")
        elif isinstance(value, str) and (match := LINK.fullmatch(value)):
            yield f"{prefix}{name}", match[1]


def parent_of(config: Any, key: str) -> tuple[Any, str]:
    """The mapping that holds the last part of a dotted key, and that part. None for a mapping that is not there."""
    *parents, name = key.split(".")
    node = config
    for parent in parents:
        node = node.get(parent) if isinstance(node, Mapping) else None
    return (node if isinstance(node, Mapping) else None), name


def has_key(config: Any, key: str) -> bool:
    """Whether `config` has a value at a dotted key."""
    parent, name = parent_of(config, key)
    return parent is not None and name in parent


def value_at(config: Any, key: str) -> Any:
    """The value at a dotted key. Raises KeyError where there is none."""
    parent, name = parent_of(config, key)
    if parent is None:
        raise KeyError(key)
    return parent[name]
