"""Limits of `${...}` in a composed configuration, part of which somebody else may have written.

`a: ${b}${b}`, `b: ${c}${c}` and so on are some lines, and 2^40 texts at 40 levels. OmegaConf resolves each of them. So
the size of what interpolations insert is computed before anything is resolved. Aliases of YAML are limited in
`gan_cli.runs.yaml_limits`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from gan_cli.errors import ConfigError

MOST_CHARACTERS = 100_000
"""Characters that interpolations insert in the whole configuration; those of a run here insert some hundred."""
LONGEST_CHAIN = 20
"""Interpolations that lead to one value; OmegaConf resolves each inside the one before."""
MOST_COMPUTED_KEYS = 100
"""Interpolations such as `${a.${b}}`; each may refer to any key that fits."""

TAKING_VALUES = ("path_name", "if_gradient_penalty", "if_loss", "if_model")
"""Functions of `gan_cli.config.resolvers`: their arguments are values, those of others may name keys."""

INNERMOST = re.compile(r"\$\{([^${}]*)\}")
COMPUTED = "\0"
"""What stands for an inner interpolation in the text of an outer one."""

Path = tuple[str, ...]


def check_interpolations(config: DictConfig) -> None:
    """Raises ConfigError where interpolations expand to too much, or are chained too deeply. Resolves nothing."""
    InterpolationCounter(OmegaConf.to_container(config, resolve=False)).count((), 0)


class InterpolationCounter:
    """Counts the characters of values with all interpolations resolved; at least as many as there will be.

    Args:
        config: the whole configuration, as plain containers with interpolations.
    """

    def __init__(self, config: Any) -> None:
        self.nodes: dict[Path, Any] = dict(nodes_below(config, ()))
        self.names = {path: ".".join(path) for path in self.nodes}
        self.sizes: dict[Path, int] = {}
        self.inserted = self.computed = 0

    def count(self, path: Path, chain: int) -> int:
        """Returns the characters of the node at `path`. A node that holds itself has none there; OmegaConf refuses it.

        Args:
            chain: interpolations that lead to it.
        """
        if path in self.sizes:
            return self.sizes[path]
        if chain > LONGEST_CHAIN:
            problem = f"more than {LONGEST_CHAIN} interpolations lead to its value, each to the next"
            raise ConfigError(self.names[path], problem, advice="Refer to the last key directly.")
        self.sizes[path] = 0
        node = self.nodes[path]
        if isinstance(node, dict | list):
            size = sum(self.count((*path, key), chain) for key in keys_of(node))
        else:
            text = str(node)
            targets = list(self.targets(path, text)) if "${" in text else []
            inserted = sum(self.count(target, chain + 1) for target in targets)
            self.inserted += inserted
            size = len(text) + inserted
            if self.inserted > MOST_CHARACTERS:
                problem = f"interpolations expand to more than {MOST_CHARACTERS:,} characters"
                raise ConfigError(self.names[path], problem, advice="Write the value out.")
        self.sizes[path] = size
        return size

    def targets(self, path: Path, text: str) -> Iterator[Path]:
        """The nodes that a text may refer to: of a key that is computed, all that fit."""
        for content in interpolations(text):
            resolver, colon, arguments = content.partition(":")
            if colon and resolver in TAKING_VALUES:
                continue  # interpolations inside are counted by themselves
            names = arguments.split(",") if colon else [content]
            if resolver == "hydra":
                names = [f"hydra.{name}" for name in names]
            for name in names:
                yield from self.find(path, name.strip(" '\""))

    def find(self, path: Path, name: str) -> Iterator[Path]:
        """The nodes of a key as it stands in an interpolation at `path`; nothing where there is no such key."""
        relative = len(name) - len(name.lstrip("."))
        parts = [part for part in name.lstrip(".").replace("[", ".").replace("]", "").split(".") if part]
        start = path[: max(len(path) - relative, 0)] if relative else ()
        if not parts:
            return
        if COMPUTED in name:
            self.computed += 1
            if self.computed > MOST_COMPUTED_KEYS:
                problem = f"more than {MOST_COMPUTED_KEYS} interpolations compute the key that they refer to"
                raise ConfigError(self.names[path], problem, advice="Write the key out.")
            beginning, *_, end = ".".join([*start, *parts]).split(COMPUTED)
            yield from (
                one for one, dotted in self.names.items() if dotted.startswith(beginning) and dotted.endswith(end)
            )
            return
        found: Path = start
        for part in parts:
            node = self.nodes.get((*found, part), ...)
            if node is ...:
                return
            found = (*found, part)
            if isinstance(node, str):  # an interpolation in the middle of a key, or the end of it
                break
        yield found


def nodes_below(node: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every container and value, with its path."""
    yield path, node
    if isinstance(node, dict | list):
        for key, value in zip(keys_of(node), node.values() if isinstance(node, dict) else node, strict=True):
            yield from nodes_below(value, (*path, key))


def keys_of(node: dict[Any, Any] | list[Any]) -> list[str]:
    return [str(key) for key in (node if isinstance(node, dict) else range(len(node)))]


def interpolations(text: str) -> Iterator[str]:
    """What stands in each `${...}` of a text, inner ones first; escaped ones, which a resolver may read, too."""
    text = text.replace("\\", "")
    while "${" in text:
        contents = INNERMOST.findall(text)
        if not contents:
            return
        yield from contents
        text = INNERMOST.sub(COMPUTED, text)
