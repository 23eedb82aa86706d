"""From a `_target_` to a class: which code a configuration may name, and reading its type without running more.

A configuration that was read back from a run may name classes of gan_cli alone, because importing a module runs it.
One that the user wrote may also name modules that lie in the folder where they work or in their --config-dir; they
typed both. Anything else needs `trust=true`.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.losses import RECONSTRUCTION

ROOMS = {
    "dataset": "data",
    "model": "models",
    "loss": "losses",
    "penalty": "penalties",
    "augment": "augmentations",
    "optimizer": "optimizers",
    "logger": "loggers",
    "features": "features",
    "metric": "metrics",
}
"""Where the classes of each group lie in gan_cli. Other modules hold classes too that do what they are told."""


def check_targets(config: Mapping[str, Any], folders: list[Path], trust: bool) -> None:
    """Raises ConfigError for any `_target_`, at any depth, that may not be imported.

    Args:
        config: the configuration, with plain containers inside.
        folders: where modules of the user's own may lie; none for a configuration that was read back.
        trust: whether any module may be named.
    """
    for key, target in targets_in(config):
        if not isinstance(target, str) or "." not in target:
            raise ConfigError(key, "expected module.Class", target)
        if not (trust or is_package_target(key, target) or is_in_folders(target.rpartition(".")[0], folders)):
            raise ConfigError(
                key,
                "names code outside gan_cli, which a configuration read from disk may not run",
                target,
                "If you know that code, say trust=true.",
            )


def targets_in(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Each `_target_` in nested mappings and lists, with its dotted key."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            below = f"{key}.{name}" if key else str(name)
            if name == "_target_":
                yield below, value
            else:
                yield from targets_in(value, below)
    elif isinstance(node, list | tuple):
        for index, value in enumerate(node):
            yield from targets_in(value, f"{key}.{index}")


def is_package_target(key: str, target: str) -> bool:
    """Whether a `_target_` at `key` names a class in the room of that group in gan_cli."""
    package, room, *rest = (*target.split("."), "", "")
    return package == "gan_cli" and room == ROOMS.get(key.partition(".")[0]) and bool(rest[0])


def is_in_folders(module: str, folders: list[Path]) -> bool:
    """Whether the file of `module` lies in one of `folders`; found without importing anything."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return False
    for folder in folders:
        if (folder / f"{top}.py").is_file() or (folder / top).is_dir():
            spec = importlib.util.find_spec(top)
            places = [spec.origin, *(spec.submodule_search_locations or [])] if spec else []
            return any(place and Path(place).resolve().is_relative_to(folder.resolve()) for place in places)
    return False


def load_class(key: str, target: str) -> type:
    """The class that `target` names. Raises ConfigError where there is none, with the first cause."""
    module_name, _, name = target.rpartition(".")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # the user's own module may raise anything
        cause = error
        while cause.__cause__ is not None:
            cause = cause.__cause__  # type: ignore[assignment]
        problem = f"cannot be imported: {type(cause).__name__}: {cause}"
        raise ConfigError(key, problem, target, "Modules are looked for in this folder and in --config-dir.") from error
    found = getattr(module, name, None)
    imported = module_name.startswith("gan_cli.") and getattr(found, "__module__", None) != module_name
    if not isinstance(found, type) or imported:
        raise ConfigError(key, f"{module_name} has no class {name}", target)
    return found


def takes_gradients_of(node: Any) -> bool:
    """Whether a node of the penalty group names a class that takes gradients for each example."""
    return bool(attribute_of("penalty", node, "uses_input_gradients"))


def rebuilds_examples(node: Any) -> bool:
    """Whether the node of the loss group names a class whose discriminator is an auto-encoder."""
    return bool(attribute_of("loss", node, "output") == RECONSTRUCTION)


def attribute_of(group: str, node: Any, name: str) -> Any:
    """An attribute of the class that a node of a group names.

    None for any class without it, and for one that may not be imported: what is wrong with that is told where the group
    is built.
    """
    target = node.get("_target_") if isinstance(node, Mapping) else None
    if not isinstance(target, str):
        return None
    loaded = sys.modules.get(target.rpartition(".")[0])
    if loaded is None and is_package_target(group, target):
        try:
            return getattr(load_class(group, target), name, None)
        except ConfigError:
            return None
    return getattr(getattr(loaded, target.rpartition(".")[2], None), name, None)
