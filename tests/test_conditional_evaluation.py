"""Evaluation of a conditional run by the real commands: a table of classes, the human page, the tournament."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from human_page import content, decoded
from sklearn.datasets import load_digits
from test_tournament import SMALL, tournament

from gan_cli import load_generator
from gan_cli.commands.evaluate import gan_eval
from gan_cli.data.digits import Digits
from gan_cli.errors import ConfigError
from gan_cli.evaluation.example_sets import StoredExamples
from gan_cli.metrics import Comparison
from gan_cli.metrics.class_accuracy import ClassAccuracy
from gan_cli.metrics.in_memory_features import InMemoryFeatures
from gan_cli.metrics.intra_fid import IntraFrechetDistance
from gan_cli.metrics.prdc import PrecisionRecall, prdc
from gan_cli.runs.checkpoint import load_checkpoint
from gan_cli.tournament.discriminator_scores import loss_of
from gan_cli.trained_models.restore_model import restore_discriminator
from gan_cli.trained_models.score_examples import score_examples


@pytest.fixture
def labelled(labelled_run: Path) -> Path:
    """A copy of a conditional run, to write to."""
    return Path(shutil.copytree(labelled_run, "labelled"))


@dataclass(frozen=True)
class Labelled:
    """Examples with labels, as discriminators take them."""

    values: np.ndarray
    labels: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        return self.values[rows]


def labelled_side(seed: int, counts: tuple[int, ...]) -> InMemoryFeatures:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int32)
    rows = (labels[:, None] + random.normal(size=(len(labels), 3))).astype(np.float32)
    return InMemoryFeatures(rows=rows, scores=-np.square(rows[:, :1] - np.arange(3)).astype(np.float32), labels=labels)


def test_numbers_of_a_class_are_those_of_its_examples_alone() -> None:
    real, fake = labelled_side(0, (40, 30, 20)), labelled_side(1, (30, 30, 4))
    comparison = Comparison(real, fake)
    found = PrecisionRecall(neighbours=5).class_rows(comparison)
    assert found.keys() == {0, 1}  # the third has too few generated examples for five neighbours
    assert real.rows is not None
    assert fake.rows is not None
    expected = prdc(real.rows[real.labels == 1], fake.rows[fake.labels == 1], 5)
    assert [found[1][name] for name in ("coverage", "density", "precision", "recall")] == expected.tolist()
    accuracies = ClassAccuracy().class_rows(comparison)
    whole = ClassAccuracy()(comparison).values["class_accuracy"].value
    shares = np.bincount(fake.labels) / fake.count  # type: ignore[arg-type]
    assert sum(shares[label] * row["class_accuracy"] for label, row in accuracies.items()) == pytest.approx(whole)
    distances = [row["fid"] for row in IntraFrechetDistance().class_rows(comparison).values()]
    assert np.mean(distances) == pytest.approx(IntraFrechetDistance()(comparison).values["intra_fid"].value)


def test_gan_eval_prints_a_row_for_each_class(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"run={labelled}", "metric=[prdc]", "features=pixels", "samples=100", "real_samples=200"]
    assert gan_eval([*words, "per_class=true"]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("class"))
    assert lines[start].split() == ["class", "real", "generated", "precision", "recall", "density", "coverage"]
    assert [line.split()[0] for line in lines[start + 1 : start + 11]] == [str(label) for label in range(10)]
    recorded = json.loads((labelled / "evaluations.jsonl").read_text().splitlines()[-1])
    assert sum(row["generated"] for row in recorded["classes"].values()) == 100
    assert recorded["protocol"]["fake"]["labels"] == "class frequencies of the real examples"


def test_a_baseline_has_columns_in_the_table_of_classes(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = labelled / "config.yaml"
    config.write_text(re.sub(r"held_out: 0(\.0)?\n", "held_out: 0.5\n", config.read_text("utf-8")), "utf-8")
    words = [f"run={labelled}", "features=pixels", "samples=400", "baseline=true"]
    assert gan_eval([*words, "metric=[prdc,cas]", "metric.cas.steps=1", "metric.cas.width=2", "per_class=true"]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = ["precision", "recall", "density", "coverage"]
    header = next(line for line in lines if line.startswith("class"))
    assert header.split("generated ")[1].split() == [
        *names,
        *(word for name in names for word in (name, "(real", "images)")),
    ]
    recorded = json.loads((labelled / "evaluations.jsonl").read_text().splitlines()[-1])
    generated, real = recorded["classes"], recorded["baseline_classes"]
    assert generated.keys() == real.keys() == {str(label) for label in range(10)}
    assert sum(row["generated"] for row in real.values()) == 400
    assert all(real[label]["precision"] > generated[label]["precision"] for label in real)
    assert "cas" in recorded["values"]
    assert "cas" not in recorded["baseline"]  # it needs the held-out images itself
    with pytest.raises(ConfigError, match=r"^baseline=true: cas needs the held-out examples itself"):
        gan_eval([*words, "metric=[cas]"])


@pytest.mark.parametrize(
    ("words", "key"),
    [(["metric=[fid]", "per_class=true"], "per_class"), (["metric=[prdc]", "per_class=true"], "per_class")],
)
def test_a_table_of_classes_that_there_are_not_is_refused(perceptron_run: Path, words: list[str], key: str) -> None:
    with pytest.raises(ConfigError) as error:
        gan_eval([f"run={perceptron_run}", *words])
    assert error.value.key == key


def test_the_human_page_shows_the_class_that_was_asked_for(
    labelled: Path, perceptron_run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gan_eval(["human", f"run={labelled}", "n=20", "seed=3", "show_class=true"]) == 0
    page = content(Path(capsys.readouterr().out.strip()))
    assert page["protocol"]["show_class"] is True
    shown = [decoded(f"data:image/png;base64,{one}").tobytes() for one in page["images"]]
    digits = load_digits()
    real = {
        np.round(image * (255 / 16)).astype(np.uint8).tobytes(): label
        for image, label in zip(digits.images, digits.target, strict=True)
    }
    of_real = [name for image, name in zip(shown, page["classes"], strict=True) if image in real]
    of_fake = [(image, name) for image, name in zip(shown, page["classes"], strict=True) if image not in real]
    assert all(str(real[image]) == name for image, name in zip(shown, page["classes"], strict=True) if image in real)
    assert sorted(of_real) == sorted(name for _, name in of_fake)  # so that a class says nothing of the answer
    generator = load_generator(labelled)
    made = {
        (generator.images([seed], classes=name)[0].tobytes(), name) for seed in range(3, 13) for name in set(of_real)
    }
    assert set(of_fake) <= made
    with pytest.raises(ConfigError, match=r"^show_class=true: needs real images with classes"):
        gan_eval(["human", f"run={perceptron_run}", "n=4", "show_class=true", "output=page.html"])


def test_discriminators_of_a_tournament_get_the_class_of_each_example(
    labelled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(labelled, "other")
    found = tournament(capsys, f"runs=[{labelled},other]", "output=out.png")
    saved = load_checkpoint(labelled / "checkpoints" / "step_00000004.npz")
    discriminator = restore_discriminator(saved, loss_of(saved, trust=False), trust=False)
    count = int(SMALL.removeprefix("samples="))
    stored = StoredExamples(Digits().open(), {}, count)
    assert stored.labels is not None
    real = score_examples(discriminator, Labelled(stored.read(0, count), stored.labels))
    images = load_generator(labelled).images(range(count))
    fake, other = (
        score_examples(discriminator, Labelled(images, (np.arange(count, dtype=np.int32) + shift) % 10))
        for shift in (0, 1)
    )
    assert found["win_rates"][0][0] == pytest.approx((fake[:, None] > real).mean(), abs=1e-12)
    assert not np.array_equal(fake, other)
