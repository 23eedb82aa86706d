"""Which groups and choices there are, as Hydra's loader finds them on its search path."""

from __future__ import annotations

from functools import lru_cache

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType

LISTS = ("penalty", "augment", "metric", "logger")
"""Groups of which any number of choices can be selected."""


def loader() -> ConfigLoaderImpl:
    """Hydra's config loader."""
    found = GlobalHydra.instance().config_loader()
    assert isinstance(found, ConfigLoaderImpl)
    return found


def groups(parent: str = "") -> list[str]:
    """The groups of configs/ and of the user's own folders; Hydra's own are not listed."""
    found = options(loader(), parent, ObjectType.GROUP)
    return sorted(name for name in found if name != "hydra" and not name.startswith("__"))


def choices(group: str) -> list[str]:
    """What a group offers; names that start with an underscore are parts of others."""
    return sorted(name for name in options(loader(), group, ObjectType.CONFIG) if not name.startswith("_"))


@lru_cache(maxsize=64)
def options(found: ConfigLoaderImpl, parent: str, kind: ObjectType) -> tuple[str, ...]:
    """Groups or choices in a group, listed once for each loader, which would copy its search path for each list."""
    return tuple(found.repository.get_group_options(parent, kind))
