"""Replaces each `auto` of a composed configuration that a rule of `data_rules` knows by the value that it chooses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import yaml

from gan_cli.config.budget import UNPLANNED, read_budget
from gan_cli.config.compatibility import describe_training_data
from gan_cli.config.config_directory import config_directory
from gan_cli.config.config_trust import STORED, ConfigOrigin
from gan_cli.config.data_rules import AUGMENT_CHOICES, RULES
from gan_cli.config.job_builder import TrainJob, build_job
from gan_cli.config.rule import AUTO, Facts, Rule
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, show
from gan_cli.losses import RECONSTRUCTION
from gan_cli.losses.non_saturating import NonSaturatingLoss
from gan_cli.runs.stored_linked_keys import has_key, insert_links, parent_of, resolve_links, value_at


@dataclass(frozen=True)
class ChosenValue:
    """The value that a rule chose for a key, and why, in one line."""

    key: str
    value: Any
    reason: str

    def __str__(self) -> str:
        return f"{self.key}={show(self.value)}: {self.reason}"


@dataclass(frozen=True)
class AutomaticConfig:
    """A configuration as it was composed, in which `auto` may stand for the value of a rule.

    Attributes:
        config: plain containers. A run whose length is planned when training starts has UNPLANNED steps.
        links: keys whose value follows another key, with that key. They follow what is chosen for it.
        origin: where the configuration comes from.
    """

    config: Mapping[str, Any]
    links: Mapping[str, str]
    origin: ConfigOrigin = STORED

    @property
    def budget_seconds(self) -> float | None:
        """The duration that the length of the run is planned for; None where its steps are known."""
        train = self.config.get("train")
        if not isinstance(train, Mapping) or train.get("steps") != UNPLANNED:
            return None
        budget = read_budget(train.get("budget"))
        return None if budget is None else budget.seconds

    def with_steps(self, steps: int | str) -> AutomaticConfig:
        """The same with another `train.steps`, which the keys that are linked to it follow."""
        linked = insert_links(self.config, self.links)
        linked["train"]["steps"] = steps
        return replace(self, config=resolve_links(linked))

    def with_planned_length(self, run: Mapping[str, Any]) -> AutomaticConfig:
        """The same with the steps that a stored run was planned with, if both have the same budget."""
        train, planned = self.config.get("train"), run.get("train")
        if not (isinstance(train, Mapping) and isinstance(planned, Mapping)):
            return self
        budget, steps = train.get("budget"), planned.get("steps")
        if budget is None or budget != planned.get("budget") or not isinstance(steps, int) or steps == train["steps"]:
            return self
        return self.with_steps(steps)

    def choose(self, data: DataSpec | None = None) -> ChosenConfig:
        """Applies the rules.

        Args:
            data: the training examples. Default: as the data set describes itself, where it can before a download.

        Returns:
            A configuration that `build_job` refuses where it is wrong; all of its rules have a placeholder then.
        """
        rules = self.rules()
        if not rules:
            return ChosenConfig(self, dict(self.config), data=data)
        config = self.with_values({rule.key: rule.placeholder for rule in rules})
        if "train" not in config:  # of another command, which only reads the data
            return ChosenConfig(self, config)
        try:
            facts = facts_of(build_job(config, self.origin), data)
        except (ConfigError, OSError):  # is raised again where the job is built and checked
            return ChosenConfig(self, config, pending=tuple(rule.key for rule in rules))
        choices = {rule.key: rule.choose(facts) for rule in rules if facts.data is not None or not rule.needs_data}
        values = {rule.key: choices[rule.key].value if rule.key in choices else rule.placeholder for rule in rules}
        has_length = self.budget_seconds is None
        known = [rule.key for rule in rules if rule.key in choices and (has_length or not rule.needs_length)]
        return ChosenConfig(
            self,
            self.with_values(values),
            chosen=tuple(ChosenValue(key, *choices[key]) for key in known),
            pending=tuple(rule.key for rule in rules if rule.key not in known),
            data=facts.data,
        )

    def with_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration with a value in place of `auto` for each key, and for the keys that follow it."""
        config = deepcopy(dict(self.config))
        for key, value in values.items():
            if key == "augment":
                config[key] = with_augmentation(config[key], value)
                continue
            for follower in (key, *self.followers(key)):
                parent, name = parent_of(config, follower)
                parent[name] = value
        return config

    def with_values_of(self, run: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration with the values that a stored run has for the rules, where those are values of a rule."""
        values = {rule.key: rule.placeholder for rule in self.rules()}
        for key in values:
            if key == "augment":
                nodes = {choice: with_augmentation(self.config[key], choice) for choice in AUGMENT_CHOICES}
                values[key] = next((choice for choice in nodes if nodes[choice] == run.get(key)), values[key])
            elif has_key(run, key) and isinstance(value_at(run, key), bool | int | float | str):
                values[key] = value_at(run, key)
        return self.with_values(values)

    def rules(self) -> list[Rule]:
        """The rules that choose a value here. A key that follows another one has none of its own."""
        return [rule for rule in RULES if rule.key not in self.links and is_automatic(self.config, rule)]

    def followers(self, key: str) -> list[str]:
        """The keys that follow `key`, through other keys too."""
        found = [one for one, source in self.links.items() if source == key and has_key(self.config, one)]
        return [*found, *(further for follower in found for further in self.followers(follower))]


@dataclass(frozen=True)
class ChosenConfig:
    """A configuration without `auto` for a rule, and what is still to be decided before training.

    Attributes:
        automatic: the same with `auto`.
        config: plain containers.
        chosen: the values that rules chose, in the order of the rules.
        pending: keys of rules that wait for the data or for the length of the run. They have a placeholder; while only
            the length is not known, it is the value for a long run.
        data: the training examples; None where no rule asked for them or they are not known.
    """

    automatic: AutomaticConfig
    config: dict[str, Any]
    chosen: tuple[ChosenValue, ...] = ()
    pending: tuple[str, ...] = ()
    data: DataSpec | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing waits for the data or for the length of the run."""
        return not self.pending and self.automatic.budget_seconds is None

    @property
    def shown(self) -> dict[str, Any]:
        """The configuration with `auto` for all that waits."""
        automatic = self.automatic if self.automatic.budget_seconds is None else self.automatic.with_steps(AUTO)
        return automatic.with_values({one.key: one.value for one in self.chosen})

    def with_data(self, data: DataSpec) -> ChosenConfig:
        """The choices for these training examples; the same ones where no rule waits."""
        return self.automatic.choose(data) if self.pending else self

    def with_length(self, steps: int) -> ChosenConfig:
        """The choices for a run of that many steps."""
        return self.automatic.with_steps(steps).choose(self.data)


def describe_pending(choices: ChosenConfig) -> list[str]:
    """A line for the length and one for the rules that wait, with what they wait for; none where all is decided."""
    lines, is_planned_later = [], choices.automatic.budget_seconds is not None
    if is_planned_later:
        lines.append("train.steps follows from train.budget and the speed that is measured when training starts.")
    if choices.pending:
        known = "the length of the run" if is_planned_later else "the data"
        lines.append(f"Chosen when {known} is known: {', '.join(choices.pending)}.")
    return lines


def is_automatic(config: Mapping[str, Any], rule: Rule) -> bool:
    """Whether the key of a rule is `auto`."""
    if rule.key == "augment":
        return has_key(config, "augment.auto") and bool(value_at(config, "augment.auto") == AUTO)
    if rule.sibling is not None and not has_key(config, f"{rule.key.rpartition('.')[0]}.{rule.sibling}"):
        return False
    return has_key(config, rule.key) and bool(value_at(config, rule.key) == AUTO)


def with_augmentation(nodes: Mapping[str, Any], choice: str) -> dict[str, Any]:
    """The nodes of the group with the one of `choice` in the place of `auto`, unless it is there already."""
    found: dict[str, Any] = {}
    for name, node in nodes.items():
        found.update(read_choice(choice, without=nodes) if name == AUTO else {name: node})
    return found


def read_choice(choice: str, without: Iterable[str]) -> dict[str, Any]:
    """The nodes in the file of a choice of augment, but for those that are there."""
    nodes = yaml.safe_load((config_directory() / "augment" / f"{choice}.yaml").read_text("utf-8"))
    return {name: node for name, node in nodes.items() if name not in without}


def facts_of(job: TrainJob, data: DataSpec | None) -> Facts:
    """What the rules know of a job whose automatic values have placeholders."""
    train, optimizer = job.train, job.config["optimizer"]
    beta_2, model = optimizer.get("beta_2"), job.config["model"]
    return Facts(
        steps=train.steps,
        batch_size=train.batch_size,
        critic_steps=train.critic_steps,
        ema_ramp=train.warm_up_share,
        decay_steps=min(job.optimizer.decay_steps, train.steps),
        final_fraction=job.optimizer.final_fraction,
        beta_2=beta_2.get("start") if isinstance(beta_2, Mapping) else beta_2,  # of a schedule, at its beginning
        trains_discriminator=job.loss.trains_discriminator and job.loss.output != RECONSTRUCTION,
        is_mirror_symmetric=job.dataset.is_mirror_symmetric,
        depth=model["depth"] if "stem" in model else 1,  # others count layers in another way
        r1_weight_per_pixel=job.model.r1_weight_per_pixel if isinstance(job.loss, NonSaturatingLoss) else None,
        ema_batches=job.model.ema_batches,
        data=data or describe_training_data(job),
    )
