"""Where a configuration comes from, which decides what code it may name and which values it may hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from gan_cli.errors import ConfigError


@dataclass(frozen=True)
class ConfigOrigin:
    """Where a configuration comes from.

    Attributes:
        is_stored: whether it was read from disk: from a run, a checkpoint, or a whole configuration in --config-dir.
            Somebody else may have written it. One that is not stored was composed from the YAML files of gan-cli, the
            user's own groups and what the user typed.
        trust: whether the user typed `trust=true`: everything is allowed.
        typed_keys: dotted keys that the user typed. Their values are the user's, also in a stored configuration.
    """

    is_stored: bool = True
    trust: bool = False
    typed_keys: frozenset[str] = field(default_factory=frozenset)

    @property
    def allows_own_modules(self) -> bool:
        """Whether a `_target_` may name a module in the user's folders."""
        return self.trust or not self.is_stored

    @property
    def restricts_values(self) -> bool:
        """Whether a value may not name a place outside the run, or a network."""
        return self.is_stored and not self.trust


STORED = ConfigOrigin()


def stored(trust: bool, typed_keys: Iterable[str] = ()) -> ConfigOrigin:
    """The origin of a configuration that was read from disk."""
    return ConfigOrigin(is_stored=True, trust=trust, typed_keys=frozenset(typed_keys))


@runtime_checkable
class RestrictsStoredValues(Protocol):
    """A configuration class with fields that may name a place outside the run, or a network."""

    def check_stored_values(self) -> None:
        """Raises ConfigError, with the field as its key, for a value that a stored configuration may not have."""
        ...


def check_stored_values(key: str, part: object, origin: ConfigOrigin) -> None:
    """Raises ConfigError where a part of a stored configuration writes outside the run or uses a network.

    A value that the user typed is allowed.
    """
    if not (origin.restricts_values and isinstance(part, RestrictsStoredValues)):
        return
    try:
        part.check_stored_values()
    except ConfigError as error:
        full = error.below(key)
        if full.key in origin.typed_keys:
            return
        raise ConfigError(
            full.key,
            f"{full.problem}, which a configuration read from disk may not choose",
            full.value,
            f"If you want that, type the value yourself ({full.key}=...), or say trust=true.",
        ) from None
