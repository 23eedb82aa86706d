"""Every loss with every penalty and every augmentation: they take a step together, or are refused before they begin."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np
import pytest
from composition import (
    FEWER_KERNELS,
    NEED_STYLES,
    Networks,
    choices_of,
    data_of,
    do,
    job_with_conditioning,
    job_with_loss,
    networks_of,
    refusal_of,
    weights_of,
    with_part,
)
from composition_page import PAGE, read, write

from gan_cli.config.job_builder import TrainJob
from gan_cli.penalties import Penalty, Projection

LOSSES, PENALTIES, AUGMENTATIONS, CONDITIONINGS = (
    choices_of(group) for group in ("loss", "penalty", "augment", "conditioning")
)
PENALTIES = [name for name in PENALTIES if name not in NEED_STYLES]
IMAGES, POINTS = (8, 8, 1), (2,)
MANNERS: dict[str, dict[str, Any]] = {
    "train.update=simultaneous": {"update": "simultaneous"},
    "train.critic_steps=3": {"critic_steps": 3},
    "train.top_k=0.5": {"top_k": 0.5, "top_k_steps": 1},
    "train.pack=2": {"pack": 2},
    "train.accumulate=2": {"accumulate": 2},
}
PACKED, ACCUMULATED = "train.pack=2", "train.accumulate=2"
EACH_PART_ALONE = "non_saturating"
"""The loss with which each part takes a step of its own; with others, all parts that are not refused take one."""
LOSS_OF = {"multi_hinge": "hinge"}
"""The loss with which a conditioning takes a step with all parts, where it is not `EACH_PART_ALONE`."""
LOSSES_A_STEP = 8
"""A conditioning takes a step with one in so many of its losses, each conditioning with others."""
Outcomes = dict[str, str]


def small_job(loss: str) -> TrainJob:
    """A loss without penalties on the smallest images."""
    return job_with_loss(loss, IMAGES, *FEWER_KERNELS.get(loss, ()))


def reason_against(job: TrainJob, shape: tuple[int, ...]) -> str:
    """Why a job is refused, said of any part, "" where it is not."""
    error = refusal_of(job, data_of(shape))
    if error is None:
        return ""
    assert error.advice, f"{error}: it does not say what to do"
    names = sorted([*job.penalties, *job.augmentations], key=len, reverse=True)
    return next((error.problem.replace(name, "it") for name in names if name in error.problem), error.problem)


def take_step(job: TrainJob, networks: Networks, part: str = "") -> None:
    """Takes a step, which leaves everything finite and, for a `part`, other weights than without it."""
    state, step = networks.step_of(job)
    metrics = do(step, IMAGES)
    assert metrics.keys() == step.intervals.keys()
    assert np.isfinite(list(metrics.values())).all(), metrics
    learned = weights_of(state)
    assert np.isfinite(learned).all()
    terms = [metrics[f"penalty_{name}"] for name, one in job.penalties.items() if isinstance(one, Penalty)]
    if part and (any(terms) or not terms):  # the value of a penalty may be 0 for these examples
        assert not np.array_equal(learned, networks.learned), f"{part} changes nothing: {metrics}"


@cache
def shared_networks(loss: str) -> Networks:
    """Networks for a loss, which its jobs with one penalty after another begin with."""
    return networks_of(small_job(loss), IMAGES)


def networks_that_learned(job: TrainJob, networks: Networks) -> Networks:
    """The networks, with what they learn in a step of a job."""
    state, step = networks.step_of(job)
    do(step, IMAGES)
    networks.learned = weights_of(state)
    return networks


def has_projection(job: TrainJob) -> bool:
    return any(isinstance(one, Projection) for one in job.penalties.values())


def parts_outcomes(job: TrainJob, networks: Networks, group: str, alone: bool = False) -> Outcomes:
    """Why each choice of a group is refused; those that are not take one step together or, `alone`, one each."""
    names = PENALTIES if group == "penalty" else AUGMENTATIONS
    found = {choice: reason_against(with_part(job, group, choice), IMAGES) for choice in names}
    accepted = [choice for choice, reason in found.items() if not reason]
    # A projection changes the weights whatever the penalties do, so it takes a step without them.
    projections = [choice for choice in accepted if has_projection(with_part(job, group, choice))]
    others = [choice for choice in accepted if choice not in projections]
    for choices in [[choice] for choice in accepted] if alone else filter(None, (projections, others)):
        together = job
        for choice in choices:
            together = with_part(together, group, choice)
        assert reason_against(together, IMAGES) == ""
        take_step(together, networks, " and ".join(choices))
    return {f"{group}={choice}": reason for choice, reason in found.items()}


def with_manners(job: TrainJob, *manners: str) -> TrainJob:
    """The job with these manners of training."""
    settings = {key: value for manner in manners for key, value in MANNERS[manner].items()}
    return replace(job, train=replace(job.train, **settings))


def manners_outcomes(job: TrainJob, networks: Networks) -> Outcomes:
    """Why each manner of training is refused; those that are not take a step, several together."""
    found = {manner: reason_against(with_manners(job, manner), IMAGES) for manner in MANNERS}
    packed = [manner for manner in (PACKED, ACCUMULATED) if not found[manner]]
    others = [manner for manner in MANNERS if manner not in (PACKED, ACCUMULATED) and not found[manner]]
    for manners in filter(None, (packed, others)):
        with_them = with_manners(job, *manners)
        assert reason_against(with_them, IMAGES) == ""
        take_step(with_them, networks_of(with_them, IMAGES) if PACKED in manners else networks)
    return found


@cache
def of_loss(loss: str) -> Outcomes:
    """What a loss goes with; the same loss by two names, with other recipes, with the same."""
    job = small_job(loss)
    same = next(name for name in LOSSES if small_job(name).loss == job.loss)
    if same != loss:
        return of_loss(same)
    networks = networks_that_learned(job, networks_of(job, IMAGES))
    alone = loss == EACH_PART_ALONE
    found = parts_outcomes(job, networks, "penalty", alone) | parts_outcomes(job, networks, "augment", alone)
    return found | manners_outcomes(job, networks)


@cache
def of_penalty(penalty: str) -> Outcomes:
    """What a penalty goes with, besides losses."""
    job = with_part(small_job(EACH_PART_ALONE), "penalty", penalty)
    networks = networks_that_learned(job, shared_networks(EACH_PART_ALONE))
    found = parts_outcomes(job, networks, "augment")
    in_chunks = with_manners(job, ACCUMULATED)
    found[ACCUMULATED] = reason_against(in_chunks, IMAGES)
    if not found[ACCUMULATED]:
        take_step(in_chunks, networks)
    return found


@cache
def of_conditioning(conditioning: str) -> Outcomes:
    """What a conditioning goes with; it takes a step with some of the losses, and one with all other parts together."""
    found = {}
    for place, loss in enumerate(LOSSES):
        job = job_with_conditioning(conditioning, loss, IMAGES)
        found[f"loss={loss}"] = reason = reason_against(job, IMAGES)
        if not reason and (place + CONDITIONINGS.index(conditioning)) % LOSSES_A_STEP == 0:
            take_step(job, networks_of(job, IMAGES))
    job = job_with_conditioning(conditioning, LOSS_OF.get(conditioning, EACH_PART_ALONE), IMAGES)
    together = job
    for group, choices in (("penalty", PENALTIES), ("augment", AUGMENTATIONS)):
        for choice in choices:
            with_it = with_part(job, group, choice)
            found[f"{group}={choice}"] = reason = reason_against(with_it, IMAGES)
            if not reason and not has_projection(with_it):
                together = with_part(together, group, choice)
    found |= {manner: reason_against(with_manners(job, manner), IMAGES) for manner in MANNERS}
    assert reason_against(together, IMAGES) == ""
    take_step(together, networks_of(together, IMAGES))
    return found


def is_penalty(column: str) -> bool:
    return column.startswith("penalty=")


def page_sections(
    loss: Callable[[str], Outcomes], penalty: Callable[[str], Outcomes], conditioning: Callable[[str], Outcomes]
) -> dict[str, Any]:
    """The tables of the page, from the outcomes of each row."""
    conditionings = {f"conditioning={name}": conditioning(name) for name in CONDITIONINGS}
    rows = {f"loss={name}": loss(name) for name in LOSSES}
    return {
        "Losses and penalties": {n: {c: r for c, r in row.items() if is_penalty(c)} for n, row in rows.items()},
        "Losses, augmentations, and the manner of training": {
            n: {c: r for c, r in row.items() if not is_penalty(c)} for n, row in rows.items()
        },
        "Penalties, augmentations, and gradient accumulation": {f"penalty={name}": penalty(name) for name in PENALTIES},
        "Conditionings and losses": {
            n: {c: r for c, r in row.items() if c.startswith("loss=")} for n, row in conditionings.items()
        },
        "Conditionings and penalties": {
            n: {c: r for c, r in row.items() if is_penalty(c)} for n, row in conditionings.items()
        },
        "Conditionings, augmentations, and the manner of training": {
            n: {c: r for c, r in row.items() if not is_penalty(c) and not c.startswith("loss=")}
            for n, row in conditionings.items()
        },
    }


def points_note() -> str:
    """What does not go with points."""
    reasons: dict[str, list[str]] = {}
    job = job_with_loss("non_saturating", POINTS)
    for choice in AUGMENTATIONS:
        reason = reason_against(with_part(job, "augment", choice), POINTS)
        if reason:
            reasons.setdefault(reason, []).append(f"`augment={choice}`")
    lines = [f"- {', '.join(names)}: {reason}." for reason, names in reasons.items()]
    title = "Of these, what does not go with points in the plane (`dataset=ring`, `dataset=grid`):"
    return "\n".join([title, "", *lines])


def found_before() -> dict[str, Outcomes]:
    """The rows of the page as it is, those of the same loss together."""
    rows: dict[str, Outcomes] = {}
    for section in read(PAGE.read_text(encoding="utf-8"))[0].values():
        for name, row in section.items():
            rows[name] = rows.get(name, {}) | row
    return rows


@pytest.mark.skipif("GAN_CLI_WRITE_DOCS" not in os.environ, reason="GAN_CLI_WRITE_DOCS is not set")
def test_write_the_page() -> None:
    page = write(page_sections(of_loss, of_penalty, of_conditioning), {"Points": points_note()})
    PAGE.write_text(page, encoding="utf-8")


@pytest.mark.parametrize("loss", LOSSES)
def test_what_a_loss_goes_with_is_what_the_page_says(loss: str) -> None:
    assert of_loss(loss) == found_before()[f"loss={loss}"]


@pytest.mark.parametrize("penalty", PENALTIES)
def test_what_a_penalty_goes_with_is_what_the_page_says(penalty: str) -> None:
    assert of_penalty(penalty) == found_before()[f"penalty={penalty}"]


@pytest.mark.parametrize("conditioning", CONDITIONINGS)
def test_what_a_conditioning_goes_with_is_what_the_page_says(conditioning: str) -> None:
    assert of_conditioning(conditioning) == found_before()[f"conditioning={conditioning}"]


def row_of(rows: dict[str, Outcomes], group: str, name: str) -> Outcomes:
    return rows[f"{group}={name}"]


def test_the_page_has_all_choices_and_nothing_else() -> None:
    rows = found_before()
    sections = page_sections(*(partial(row_of, rows, group) for group in ("loss", "penalty", "conditioning")))
    page = write(sections, {"Points": points_note()})
    assert page == PAGE.read_text(encoding="utf-8"), "GAN_CLI_WRITE_DOCS=1 writes it again, as its first lines say"
