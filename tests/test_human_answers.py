"""Files of answers to pages of gan-eval human: read as text from strangers, pooled, and their error rates."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from human_page import answers_file

from gan_cli.commands.evaluate import gan_eval
from gan_cli.errors import ConfigError
from gan_cli.human_evaluation.error_rates import over_people
from gan_cli.statistics import wilson


def test_the_interval_over_people_is_that_of_the_resampled_people() -> None:
    # Two people drawn from two: a quarter each of the first twice and the second twice, so the bounds are theirs.
    assert over_people([10, 40], [100, 100]) == (50, 200, 0.1, 0.4)
    assert over_people([30] * 12, [100] * 12) == (360, 1200, 0.3, 0.3)
    many = over_people(np.random.default_rng(0).binomial(100, 0.3, 400).tolist(), [100] * 400)
    low, high = wilson(many.wrong, many.answers)  # nobody is better than another here, so both agree
    assert (many.low, many.high) == (pytest.approx(low, abs=0.001), pytest.approx(high, abs=0.001))
    with pytest.raises(ValueError, match="1 people"):
        over_people([1], [2])


def pooled(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert gan_eval(["human", *words, "json=true"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_files_of_several_people_are_pooled(capsys: pytest.CaptureFixture[str]) -> None:
    answers_file("ann.json", wrong=2, person="Ann")
    answers_file("ben.json", wrong=6, person="Ben", page="4567", protocol={"seed": 5})
    answers_file("somebody.json", wrong=1)
    words = "results=[ann.json,ben.json,somebody.json]"
    found = pooled(capsys, words)
    assert (found["all"]["wrong"], found["all"]["answers"], found["all"]["rate"]) == (9, 30, 0.3)
    assert (found["fake"]["wrong"], found["real"]["wrong"]) == (8, 1)
    assert (found["all"]["low"], found["all"]["high"]) == over_people([2, 6, 1], [10, 10, 10])[2:]
    assert "3 people are few" in found["notes"][0]
    assert [each["all"]["rate"] for each in found["people"]] == [0.2, 0.6, 0.1]
    assert gan_eval(["human", words]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(lines[1].split()) == "Ann 10 20.0 % 5.7 to 51.0 % 40.0 % 0.0 % 5.50 s"
    assert " ".join(lines[4].split()).startswith("all 3 people 30 30.0 %")


def test_one_persons_interval_is_wilsons(capsys: pytest.CaptureFixture[str]) -> None:
    found = pooled(capsys, f"results={answers_file('ann.json')}")
    assert (found["all"]["low"], found["all"]["high"]) == wilson(2, 10)
    assert found["notes"] == []


def test_a_copy_counts_once_and_one_name_is_one_person(capsys: pytest.CaptureFixture[str]) -> None:
    answers_file("a/first.json", person="Ann")
    shutil.copyfile("a/first.json", "a/copy.json")
    answers_file("a/second.json", person=" ann ", wrong=4)
    found = pooled(capsys, "results=a")
    assert (found["all"]["answers"], len(found["people"])) == (20, 1)
    assert any("is a copy of" in note for note in found["notes"])
    assert any("2 times" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"protocol": {"seconds": 0.5}}, "seconds is None there and 0.5 here"),
        ({"protocol": {"fake": {"run": "a run", "step": 8}}}, "fake.step is 7 there and 8 here"),
        ({"session": "session of ann.json", "wrong": 3}, "the same sitting"),
    ],
)
def test_unlike_answers_are_not_pooled(changes: dict[str, Any], told: str) -> None:
    answers_file("ann.json")
    answers_file("ben.json", **changes)
    with pytest.raises(ConfigError, match=told) as error:
        gan_eval(["human", "results=[ann.json,ben.json]"])
    assert error.value.key == "results"


def test_files_that_contradict_each_other_are_not_pooled() -> None:
    answers_file("ann.json")
    found = json.loads(answers_file("ben.json").read_text())
    found["answers"][0]["truth"] = "real"
    Path("ben.json").write_text(json.dumps(found))
    with pytest.raises(ConfigError, match=r"image 0 is real, and ann.json that it is fake"):
        gan_eval(["human", "results=[ann.json,ben.json]"])


def with_answer(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda whole: whole["answers"][0].update(changes)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda whole: whole.clear(),
        lambda whole: whole.update(format="another"),
        lambda whole: whole.update(version=2),
        lambda whole: whole.update(answers=[]),
        lambda whole: whole.update(answers={}),
        lambda whole: whole["answers"].pop(),
        lambda whole: whole.update(answers=[7] * 10),
        lambda whole: whole.update(session=None),
        lambda whole: whole.update(page="\x1b[2J"),
        lambda whole: whole.update(person=["Ann"]),
        lambda whole: whole.update(protocol=[]),
        lambda whole: whole["protocol"].update(real="noise"),
        lambda whole: whole["protocol"].update(real={"name": "\x1b[2J"}),
        lambda whole: whole["protocol"].update(real={"name": "noise", "shape": 5}),
        lambda whole: whole["protocol"].update(deep=[[[[]]]]),
        with_answer(image=1),
        with_answer(image=10),
        with_answer(image=True),
        with_answer(truth="maybe"),
        with_answer(answer=["real"]),
        with_answer(seconds="1"),
        with_answer(seconds=-1),
        with_answer(seconds=10**400),
        with_answer(seconds=float("nan")),
    ],
)
def test_a_file_that_is_not_as_the_page_writes_it_is_refused(spoil: Callable[[dict[str, Any]], None]) -> None:
    path = answers_file("ann.json")
    whole = json.loads(path.read_text())
    spoil(whole)
    path.write_text(json.dumps(whole))
    with pytest.raises(ConfigError, match="is no file of answers") as error:
        gan_eval(["human", "results=[ann.json]"])
    assert error.value.key == "results"


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"\xff\xfe", b"null", b'{"format": "gan-cli human an'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    Path("ann.json").write_bytes(text)
    for words in ("results=ann.json", "results=."):
        with pytest.raises(ConfigError, match="is no file of answers"):
            gan_eval(["human", words])


def test_a_name_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_eval(["human", f"results={answers_file('ann.json', person=chr(27) + '[2J')}"]) == 0
    assert "?[2J" in capsys.readouterr().out


def test_pooled_results_are_written_and_answers_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    answers_file("answers/ann.json")
    before = Path("answers/ann.json").read_bytes()
    for _ in range(2):  # the second time the folder holds the pooled results too
        found = pooled(capsys, "results=answers", "output=answers/pooled.json")
        assert json.loads(Path("answers/pooled.json").read_text()) == found
    with pytest.raises(ConfigError, match="is there already") as error:
        gan_eval(["human", "results=answers", "output=answers/ann.json"])
    assert error.value.key == "output"
    assert Path("answers/ann.json").read_bytes() == before
