"""Checks the value of a configuration key against the declared type of its field, and converts it."""

from __future__ import annotations

import dataclasses
import re
from functools import lru_cache
from typing import Any, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from gan_cli.errors import ConfigError, first_line

TYPE_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}
SCHEDULE = re.compile(r"\bSchedule\b")


@lru_cache(maxsize=256)
def scheduled_fields(cls: type) -> frozenset[str]:
    """The fields of a dataclass that take a schedule in place of a number.

    These are the fields that the class or one of its bases declares as `float | Schedule`: a penalty of the user's own
    takes one for its `weight` whatever it declares.
    """
    if not dataclasses.is_dataclass(cls):
        return frozenset()
    declared = {
        name for base in cls.__mro__ for name, kind in vars(base).get("__annotations__", {}).items()
        if SCHEDULE.search(str(kind))
    }  # fmt: skip
    return frozenset(field.name for field in dataclasses.fields(cls) if field.name in declared)


@lru_cache(maxsize=256)
def structured(cls: type) -> DictConfig:
    """A dataclass as a structured configuration that converts values to the types of its fields.

    A field that takes a schedule is one of numbers here. It is made once for each class, and holds the values that
    were converted last.
    """
    scheduled = scheduled_fields(cls)
    if scheduled:
        hints = get_type_hints(cls)
        kinds = {field.name: hints[field.name] for field in dataclasses.fields(cls)}
        numbers: dict[str, Any] = {name: float | None if is_optional(cls, name) else float for name in scheduled}
        cls = dataclasses.make_dataclass(cls.__name__, list({**kinds, **numbers}.items()))
    fields = OmegaConf.structured(cls)
    OmegaConf.set_readonly(fields, False)  # it is, for a frozen dataclass
    return fields


def check_type(key: str, fields: DictConfig, cls: type, name: str, value: Any) -> Any:
    """Converts `value` to the type of the field `name` of the dataclass `cls`, if that is lossless.

    Args:
        fields: `cls` as a structured configuration, which converts.
    """
    if "${" in str(value):  # a text that happens to look like an interpolation; all real ones are resolved by now
        if field_type(cls, name) not in (str, None):
            raise ConfigError(key, f"expected {expected(cls, name)}", value)
        return value
    if isinstance(value, bool) and field_type(cls, name) in (int, float):
        raise ConfigError(key, f"expected {expected(cls, name)}", value)
    try:
        fields[name] = value
        converted = fields[name]
    except MissingMandatoryValue as error:
        raise ConfigError(key, "is needed", advice=f"Give it as {key}=VALUE.") from error
    except (OmegaConfBaseException, OverflowError, ValueError) as error:  # OverflowError: a whole number for a float
        words = expected(cls, name)
        raise ConfigError(key, f"expected {words}" if words else first_line(error), value) from None
    return OmegaConf.to_container(converted) if OmegaConf.is_config(converted) else converted


def expected(cls: type, name: str) -> str:
    """What a field takes, in words; "" where its type is none of the simple ones."""
    kind = field_type(cls, name)
    words = "" if kind is None else TYPE_WORDS[kind]
    return f"{words} or a schedule {{start, end, shape, steps, delay}}" if name in scheduled_fields(cls) else words


def field_type(cls: type, name: str) -> Any:
    """The type of a dataclass field, an `X | None` giving X; None where it is none of the simple ones."""
    words = declared_types(cls, name) - {"None", "Schedule"}
    return {"int": int, "float": float, "bool": bool, "str": str}.get(words.pop()) if len(words) == 1 else None


def is_optional(cls: type, name: str) -> bool:
    return "None" in declared_types(cls, name)


def declared_types(cls: type, name: str) -> set[str]:
    """The parts of the type of a dataclass field, without the modules that they are from."""
    (declared,) = (field.type for field in dataclasses.fields(cls) if field.name == name)
    text = declared if isinstance(declared, str) else getattr(declared, "__name__", str(declared))
    return {word.strip().rpartition(".")[2] for word in text.split("|")}
