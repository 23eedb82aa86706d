"""From a `_target_` to a class: the one way from a configuration to code.

A `_target_` may name a class that the YAML files in configs/ name, in the package of its group. A configuration that
the user composed may also name a class of a module that lies in the working folder or in --config-dir. Anything else
needs `trust=true`, because importing a module runs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gan_cli.config.config_directory import configured_targets
from gan_cli.config.config_trust import STORED, ConfigOrigin
from gan_cli.config.user_modules import import_module, is_own_module
from gan_cli.errors import ConfigError, nearest
from gan_cli.losses import RECONSTRUCTION

PACKAGES = {
    "dataset": "data",
    "model": "models",
    "loss": "losses",
    "conditioning": "conditioning",
    "penalty": "penalties",
    "augment": "augmentations",
    "optimizer": "optimizers",
    "logger": "loggers",
    "features": "features",
    "metric": "metrics",
}
"""The package below gan_cli that holds the classes of each group."""

_composing: ContextVar[ConfigOrigin] = ContextVar("composing", default=STORED)
"""The origin of the configuration that is composed now, for resolvers, which Hydra calls without it."""


def check_targets(config: Mapping[str, Any], origin: ConfigOrigin) -> None:
    """Raises ConfigError for any `_target_`, at any depth, that a configuration of this origin may not name."""
    for key, target in targets_in(config):
        check_class_name(key, target, origin)


def check_class_name(key: str, target: Any, origin: ConfigOrigin) -> None:
    """Raises ConfigError unless a configuration of this origin may name the class `target`. Imports nothing."""
    if not isinstance(target, str) or "." not in target:
        raise ConfigError(key, "expected module.Class", target)
    if is_package_target(key, target) or origin.trust:
        return
    if target.partition(".")[0] == "gan_cli":
        group = key.partition(".")[0]
        targets = sorted(name for name in configured_targets() if is_package_target(group, name))
        raise ConfigError(key, f"is no class for the group {group}", target, nearest(target, targets))
    if not (origin.allows_own_modules and is_own_module(target.rpartition(".")[0])):
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
    """Whether a `_target_` at `key` names a class that a YAML file of gan-cli names for that group."""
    package, room, *_ = (*target.split("."), "")
    return package == "gan_cli" and room == PACKAGES.get(key.partition(".")[0]) and target in configured_targets()


def load_class(key: str, target: Any, origin: ConfigOrigin = STORED) -> type:
    """The class that `target` names.

    Raises:
        ConfigError: where a configuration of this origin may not name it, and where there is no such class, with the
            first cause.
    """
    check_class_name(key, target, origin)
    module_name, _, name = target.rpartition(".")
    try:
        module = import_module(module_name)
    except Exception as error:  # the user's own module may raise anything
        cause = error
        while cause.__cause__ is not None:
            cause = cause.__cause__  # type: ignore[assignment]
        problem = f"cannot be imported: {type(cause).__name__}: {cause}"
        advice = "Modules are looked for in the working folder and in --config-dir."
        raise ConfigError(key, problem, target, advice) from error
    found = getattr(module, name, None)
    imported = module_name.startswith("gan_cli.") and getattr(found, "__module__", None) != module_name
    if not isinstance(found, type) or imported:
        raise ConfigError(key, f"{module_name} has no class {name}", target)
    return found


@contextmanager
def composing(origin: ConfigOrigin) -> Iterator[None]:
    """Says of which origin the configuration is that is composed in this block."""
    token = _composing.set(origin)
    try:
        yield
    finally:
        _composing.reset(token)


def takes_gradients_of(node: Any) -> bool:
    """Whether a node of the penalty group names a class that takes gradients for each example."""
    return bool(attribute_of("penalty", node, "uses_input_gradients"))


def rebuilds_examples(node: Any) -> bool:
    """Whether the node of the loss group names a class whose discriminator is an auto-encoder."""
    return bool(attribute_of("loss", node, "output") == RECONSTRUCTION)


def attribute_of(group: str, node: Any, name: str) -> Any:
    """An attribute of the class that a node of a group names.

    None for any class without it, and for one that may not be imported: the error is raised where the group is built.
    """
    target = node.get("_target_") if isinstance(node, Mapping) else None
    try:
        return getattr(load_class(group, target, _composing.get()), name, None)
    except ConfigError:
        return None
