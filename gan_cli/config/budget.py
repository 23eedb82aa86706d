"""`train.budget`: the length of a run as a duration or as a number of images."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gan_cli.config.config_trust import ConfigOrigin
from gan_cli.errors import MAX_INTEGER, ConfigError

NUMBER = r"(\d{1,12}(?:\.\d{1,6})?)"
DURATION = re.compile(f"(?:{NUMBER}h)?(?:{NUMBER}m)?(?:{NUMBER}s)?")
IMAGES = re.compile(f"{NUMBER}([km]?)_images")
SECONDS = (3600.0, 60.0, 1.0)
"""Of an hour, a minute and a second."""
FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}
EXPECTED = "expected a duration such as 90s, 10m, 1h or 1h30m, or images such as 50000_images, 500k_images or 2m_images"

UNPLANNED = MAX_INTEGER
"""Steps of a job whose length is planned when training starts."""


@dataclass(frozen=True)
class Budget:
    """How long a run may be: one of the two is None.

    Attributes:
        seconds: of training, with its evaluations, sample grids and checkpoints.
        images: real images that the generator's updates go with, train.batch_size each.
    """

    seconds: float | None = None
    images: int | None = None


def parse_budget(value: Any) -> Budget | None:
    """Returns the budget that a configuration names; None for null.

    Raises:
        ConfigError: with the key `budget`, for anything else than a duration or a number of images above 0.
    """
    if value is None:
        return None
    text = value.strip().lower() if isinstance(value, str) else ""
    if match := IMAGES.fullmatch(text):
        images = round(float(match[1]) * FACTORS[match[2]])
        if 1 <= images <= MAX_INTEGER * 1_000:
            return Budget(images=images)
    elif text and (match := DURATION.fullmatch(text)):
        seconds = sum(float(part or 0) * unit for part, unit in zip(match.groups(), SECONDS, strict=True))
        if 0 < seconds < MAX_INTEGER:
            return Budget(seconds=seconds)
    raise ConfigError("budget", EXPECTED, value)


def steps_for_images(images: int, batch_size: int) -> int:
    """Returns the steps in which a run sees that many images: the last batch is a whole one."""
    return -(-images // batch_size)


def apply_budget(config: DictConfig, origin: ConfigOrigin) -> None:
    """Sets `train.steps` of a composed configuration where its budget is a number of images.

    A typed `train.steps` replaces a budget that was not typed. A stored configuration holds the steps that were planned
    for its budget already.

    Raises:
        ConfigError: for a budget that can't be read, and for one that is typed with `train.steps`.
    """
    try:
        value = OmegaConf.select(config, "train.budget")
    except OmegaConfBaseException:  # reported where the whole configuration is resolved
        return
    budget = read_budget(value)
    if budget is None:
        return
    check_single_length(origin.typed_keys, value)
    batch_size = OmegaConf.select(config, "train.batch_size")
    if "train.steps" in origin.typed_keys:
        config.train.budget = None
    elif is_planned_here(origin) and budget.images is not None and isinstance(batch_size, int) and batch_size > 0:
        config.train.steps = steps_for_images(budget.images, batch_size)


def seconds_to_plan(config: Mapping[str, Any], origin: ConfigOrigin) -> float | None:
    """Returns the duration that a new run is planned for; None where its steps are known."""
    train = config.get("train")
    budget = read_budget(train.get("budget")) if isinstance(train, Mapping) else None
    return budget.seconds if budget is not None and is_planned_here(origin) else None


def is_planned_here(origin: ConfigOrigin) -> bool:
    """Whether the length of a run is planned now: the steps of a stored configuration are those of its budget."""
    return not origin.is_stored or "train.budget" in origin.typed_keys


def read_budget(value: Any) -> Budget | None:
    """As `parse_budget`, with the whole key in errors."""
    try:
        return parse_budget(value)
    except ConfigError as error:
        raise error.below("train") from None


def check_single_length(typed: Collection[str], budget: Any) -> None:
    """Raises ConfigError where both a budget and a number of steps are typed."""
    if "train.budget" in typed and "train.steps" in typed:
        problem = "sets the length of the run, and so does train.steps, which is typed too"
        raise ConfigError("train.budget", problem, budget, "Leave one of them out.")
