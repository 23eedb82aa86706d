"""Reads YAML that somebody else may have written: aliases in it must not expand to more than memory holds.

Ten lists, each with ten aliases of the one before, are some lines and 10^10 values ("billion laughs"). PyYAML shares
them, but code that copies, prints or merges them expands them.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

MOST_NODES = 100_000
"""Keys and values with all aliases expanded; a run's configuration has some hundred."""


MOST_BRACKETS = 50
"""Brackets and braces inside each other. Interpolations are parsed recursively, and so is YAML."""

BRACKET = re.compile(r"[\[\]{}]")


class YamlLimitError(yaml.YAMLError):
    """A YAML text that is nested too deeply, or expands to too much."""


def load_yaml(text: str) -> Any:
    """What a YAML text holds, as plain values. Raises yaml.YAMLError, for every text that can't be loaded."""
    check_aliases(text)
    try:
        return yaml.safe_load(text)
    except RecursionError as error:
        raise YamlLimitError("it is nested too deeply") from error
    except (ValueError, TypeError) as error:  # 2026-13-45 is no date, {} is no key
        raise YamlLimitError(f"a value in it can't be read ({error})") from error


def check_aliases(text: str) -> None:
    """Raises YamlLimitError where aliases in a text expand to too much, or hold themselves."""
    if "*" not in text or "&" not in text:
        return
    try:
        document = yaml.compose(text, yaml.SafeLoader)
        nodes = 0 if document is None else count_nodes(document, {})
    except RecursionError as error:
        raise YamlLimitError("it is nested too deeply") from error
    except yaml.YAMLError:
        return  # the error is raised where it is loaded
    if nodes > MOST_NODES:
        raise YamlLimitError(f"its aliases expand to more than {MOST_NODES:,} values")


def check_brackets(text: str) -> None:
    """Raises YamlLimitError where brackets and braces are nested too deeply, wherever in a text they stand."""
    depth = 0
    for bracket in BRACKET.findall(text):
        depth = depth + 1 if bracket in "[{" else max(depth - 1, 0)
        if depth > MOST_BRACKETS:
            raise YamlLimitError(f"more than {MOST_BRACKETS} brackets in it are nested in each other")


def count_nodes(node: yaml.Node, counts: dict[int, int]) -> int:
    """Nodes of a document with its aliases expanded. An alias that holds itself counts as too many.

    Args:
        counts: those of the nodes that were visited, by `id`.
    """
    if id(node) not in counts:
        counts[id(node)] = MOST_NODES + 1  # while its children are counted
        children = []
        if isinstance(node, yaml.SequenceNode):
            children = node.value
        elif isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        counts[id(node)] = 1 + sum(count_nodes(child, counts) for child in children)
    return counts[id(node)]
