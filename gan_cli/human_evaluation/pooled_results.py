"""Several people's answers together, where they were asked the same: one error rate with an interval over people."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.evaluation.protocol import differences, short
from gan_cli.evaluation.result_table import aligned, describe_facts
from gan_cli.human_evaluation.answers import Answers
from gan_cli.human_evaluation.error_rates import ENOUGH_PEOPLE, Rate, over_answers, over_people

FORMAT = "gan-cli human error rates"
MAY_DIFFER = ("seed", "versions")
"""What two pages may differ in whose answers are pooled: which images of the same generator and data set they show."""
HEADS = ("answers", "error rate", "95 % interval", "fakes taken for real", "reals taken for fake", "median time")
KINDS: Mapping[str, tuple[str, ...]] = {"all": (), "fake": ("fake",), "real": ("real",)}
WILSON, BOOTSTRAP = "Wilson's, over answers", "percentiles over resampled people"


@dataclass(frozen=True)
class Person:
    """One person and all their sittings."""

    name: str
    sittings: tuple[Answers, ...]

    def counts(self, *kinds: str) -> tuple[int, int]:
        """How many answers are wrong, and how many there are; see `Answers.counts`."""
        each = [sitting.counts(*kinds) for sitting in self.sittings]
        return sum(wrong for wrong, _ in each), sum(answers for _, answers in each)

    def seconds(self) -> list[float]:
        return [answer.seconds for sitting in self.sittings for answer in sitting.given]


@dataclass(frozen=True)
class Pooled:
    """What several people's answers come to.

    Attributes:
        people: one at least, in the order of their files.
        rates: `all`, and of the `fake` images (taken for real) and the `real` ones (taken for fake).
        by: how the intervals were found.
        notes: sentences that a reader of the numbers must know.
        protocol: of the first file; the others differ in `MAY_DIFFER` alone.
    """

    people: tuple[Person, ...]
    rates: Mapping[str, Rate]
    by: str
    notes: tuple[str, ...]
    protocol: Mapping[str, Any]


def pool(answers: Sequence[Answers]) -> Pooled:
    """All the answers as one. Raises ConfigError where they are of unlike pages or contradict each other."""
    kept, notes = drop_copies(answers)
    check_alike(kept)
    people = tuple(group(kept))
    notes += [
        f"{person.name} answered {len(person.sittings)} times; that is one person."
        for person in people
        if len(person.sittings) > 1
    ]
    if 1 < len(people) < ENOUGH_PEOPLE:
        notes.append(f"{len(people)} people are few: the interval is too narrow with fewer than {ENOUGH_PEOPLE}.")
    if len(people) == 1:
        return Pooled(people, rates_of(people[0]), WILSON, tuple(notes), kept[0].protocol)
    counts = {name: [person.counts(*kinds) for person in people] for name, kinds in KINDS.items()}
    rates = {name: over_people([w for w, _ in each], [n for _, n in each]) for name, each in counts.items()}
    return Pooled(people, rates, BOOTSTRAP, tuple(notes), kept[0].protocol)


def rates_of(person: Person) -> dict[str, Rate]:
    return {name: over_answers(*person.counts(*kinds)) for name, kinds in KINDS.items()}


def drop_copies(answers: Sequence[Answers]) -> tuple[list[Answers], list[str]]:
    """Each sitting once, and what was left out. Raises ConfigError for two files that give one sitting differently."""
    first: dict[str, Answers] = {}
    notes = []
    for each in answers:
        before = first.setdefault(each.session, each)
        if before is each:
            continue
        if (before.given, before.page) != (each.given, each.page):
            problem = f"holds the same sitting as {before.path}, with other answers"
            raise ConfigError("results", problem, each.path, "One of the two was changed: leave it out.")
        notes.append(f"{each.path} is a copy of {before.path}; it counts once.")
    return list(first.values()), notes


def check_alike(answers: Sequence[Answers]) -> None:
    """Raises ConfigError unless all were shown the same kind of thing in the same way."""
    truths: dict[tuple[str, int], tuple[str, Answers]] = {}
    for each in answers:
        unlike = list(differences(comparable(answers[0].protocol), comparable(each.protocol)))
        if unlike:
            words = "; ".join(f"{key} is {short(before)} there and {short(now)} here" for key, before, now in unlike)
            problem = f"was not asked the same as {answers[0].path}: {words}"
            raise ConfigError("results", problem, each.path, "Pool the answers of one protocol at a time.")
        for answer in each.given:
            truth, before = truths.setdefault((each.page, answer.image), (answer.truth, each))
            if truth != answer.truth:
                problem = f"says that image {answer.image} is {answer.truth}, and {before.path} that it is {truth}"
                raise ConfigError("results", problem, each.path, "One of the two was changed: leave it out.")


def comparable(protocol: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in protocol.items() if key not in MAY_DIFFER}


def group(answers: Sequence[Answers]) -> Iterator[Person]:
    """The sittings of each person; who gave no name is somebody else each time."""
    sittings: dict[str, list[Answers]] = {}
    for each in answers:
        sittings.setdefault(f"name {each.person.casefold()}" if each.person else each.session, []).append(each)
    for found in sittings.values():
        yield Person(found[0].person or f"nameless {found[0].session[:8]}", tuple(found))


def as_json(pooled: Pooled) -> dict[str, Any]:
    """The same as plain JSON."""
    people = [
        {
            "person": person.name,
            "files": [str(sitting.path) for sitting in person.sittings],
            **{name: rate_fields(rate) for name, rate in rates_of(person).items()},
            "median_seconds": statistics.median(person.seconds()),
        }
        for person in pooled.people
    ]
    rates = {name: rate_fields(rate) for name, rate in pooled.rates.items()}
    notes, protocol = list(pooled.notes), dict(pooled.protocol)
    return {"format": FORMAT, **rates, "interval": pooled.by, "notes": notes, "people": people, "protocol": protocol}


def rate_fields(rate: Rate) -> dict[str, Any]:
    return {"wrong": rate.wrong, "answers": rate.answers, "rate": rate.value, "low": rate.low, "high": rate.high}


def table(pooled: Pooled) -> list[str]:
    """A line a person and one for all of them, what was asked, and the notes."""
    rows: list[tuple[str, ...]] = [("", *HEADS)]
    for person in pooled.people:
        rows.append((person.name, *cells(rates_of(person), person.seconds())))
    if len(pooled.people) > 1:
        seconds = [value for person in pooled.people for value in person.seconds()]
        rows.append((f"all {len(pooled.people)} people", *cells(pooled.rates, seconds)))
    limit = pooled.protocol.get("seconds")
    asked = {
        "real": describe_facts(pooled.protocol["real"]),
        "generated": describe_facts(pooled.protocol["fake"]),
        "time": "each image is shown as long as it takes" if limit is None else f"each image is shown for {limit} s",
        "interval": WILSON if len(pooled.people) == 1 else f"each person: {WILSON}; all: {BOOTSTRAP}",
    }
    format_protocol = [f"{name:<10} {text}" for name, text in asked.items()]
    return [*aligned(rows, right=range(1, 7)), "", *format_protocol, *(f"Note: {note}" for note in pooled.notes)]


def cells(rates: Mapping[str, Rate], seconds: Sequence[float]) -> tuple[str, ...]:
    everything = rates["all"]
    interval = f"{100 * everything.low:.1f} to {100 * everything.high:.1f} %"
    shares = [f"{100 * rates[kind].value:.1f} %" for kind in ("all", "fake", "real")]
    return str(everything.answers), shares[0], interval, shares[1], shares[2], f"{statistics.median(seconds):.2f} s"
