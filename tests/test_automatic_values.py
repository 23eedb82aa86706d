"""Automatic values: what is typed against them, how they are shown, resume, and data that is not known yet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import PERCEPTRON, TINY
from PIL import Image

from gan_cli.commands.train import gan_train
from gan_cli.config.compose import Composition, compose
from gan_cli.config.data_rules import RULES
from gan_cli.config.launch_plan import choose_for_data, prepare
from gan_cli.config.rule import AUTO
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.runs.run_directory import RunDirectory, read_config


def chosen(composition: Composition) -> dict[str, Any]:
    return {one.key: one.value for one in composition.choices.chosen}


def write_pictures(folder: str, count: int = 12, side: int = 64) -> None:
    Path(folder).mkdir()
    generator = np.random.default_rng(0)
    for index in range(count):
        pixels = generator.integers(0, 255, (side, side, 3), np.uint8)
        Image.fromarray(pixels).save(f"{folder}/{index}.png")


def test_a_folder_alone_gets_what_suits_its_images() -> None:
    write_pictures("pictures")
    words = ["dataset=folder", "dataset.path=pictures", "loss=rpgan", "train.batch_size=8", "train.steps=2000"]
    config = compose("train", words).config
    assert config["penalty"]["r1"]["weight"] == config["penalty"]["r2"]["weight"] == 8.0
    assert config["train"]["ema_half_life"] == 4000
    assert config["dataset"]["flip"] is False
    assert list(config["augment"]) == ["diffaugment"]
    assert (
        config["augment"]["diffaugment"] == compose("train", ["augment=diffaugment"]).config["augment"]["diffaugment"]
    )
    assert config["optimizer"]["learning_rate"] == config["optimizer"]["generator_learning_rate"] == 1.1e-3


MODEL = {"model.width": 48, "model.stem": False, "model.hidden": 512, "model.latent_size": 64}
"""What the rules choose for photographs of 64x64."""


def test_what_is_typed_wins() -> None:
    write_pictures("pictures")
    words = ["dataset=folder", "dataset.path=pictures", "loss=rpgan", "train.batch_size=8"]
    typed = ["augment=none", "penalty.r1.weight=3", "dataset.flip=true", "train.ema_half_life=7", "optimizer=sgd"]
    composition = compose("train", [*words, *typed])
    assert chosen(composition) == {"penalty.r2.weight": 8.0, **MODEL}
    assert composition.config["augment"] == {}
    assert compose("train", [*words, "augment=[]"]).config["augment"] == {}
    assert list(compose("train", [*words, "augment=ada"]).config["augment"]) == ["ada"]
    both = compose("train", [*words, "augment=[ada,auto]"]).config["augment"]
    assert list(both) == ["ada", "diffaugment"]


def test_a_typed_auto_asks_for_the_rule_and_what_is_linked_follows_it() -> None:
    words = ["experiment=ring", "penalty.r1.weight=auto", "penalty.r2.weight=${penalty.r1.weight}"]
    composition = compose("train", words)
    assert composition.config["penalty"]["r1"]["weight"] == composition.config["penalty"]["r2"]["weight"] == 1.0
    assert composition.links["penalty.r2.weight"] == "penalty.r1.weight"
    assert "penalty.r2.weight" not in chosen(composition)
    assert chosen(compose("train", ["model.width=auto"]))["model.width"] == 16


@pytest.mark.parametrize(
    "word",
    ["train.steps=auto", "model.growth=auto", "optimizer.generator_learning_rate=auto", "model.kernel_size=auto"],
)
def test_an_auto_without_a_rule_is_refused_with_the_keys_that_have_one(word: str) -> None:
    with pytest.raises(ConfigError, match=rf"{word}.*`auto` goes with penalty.r1.weight, .*model.width") as error:
        prepare("train", [word], None)
    assert error.value.key == word.partition("=")[0]


def test_the_width_of_perceptrons_has_no_rule() -> None:
    with pytest.raises(ConfigError, match=r"model.width=auto: expected a whole number.*`auto` goes with"):
        prepare("train", ["model=mlp", "model.width=auto"], None)


def test_the_configuration_is_shown_with_numbers_where_it_is_resolved(capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_train(["loss=rpgan", "--cfg", "job", "--resolve"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert shown == compose("train", ["loss=rpgan"]).config
    assert gan_train(["loss=rpgan", "--cfg", "job"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["train"]["ema_half_life"] == AUTO


RING = [*TINY, "dataset=ring", *PERCEPTRON, "penalty=r1", "hydra.run.dir=out/run", "train.steps=4", "run.log_every=2"]


def test_a_run_says_what_was_chosen_and_keeps_it_on_resume(capsys: pytest.CaptureFixture[str], eager: None) -> None:
    assert gan_train(RING) == 0
    out = capsys.readouterr().out
    assert "chosen for this data:" in out
    assert "    penalty.r1.weight=1.0: points have no resolution" in out
    assert "    train.ema_half_life=8000: 500 steps of 16; train.ema_ramp limits it" in out
    assert "optimizer.learning_rate=" not in out
    run = RunDirectory(Path("out/run"))
    before = read_config(run)
    assert before["train"]["ema_half_life"] == 8000
    assert before["augment"] == {}
    assert gan_train(["resume=out/run", "train.steps=8", "run.log_every=4"]) == 0
    out = capsys.readouterr().out
    assert "chosen for this data" not in out
    after = read_config(run)
    assert after["train"] == before["train"] | {"steps": 8, "top_k_steps": 8}
    assert after["penalty"] == before["penalty"]


def write_run(words: list[str], **changes: Any) -> None:
    """An unfinished run of `words` that has no checkpoint yet."""
    composition = compose("train", words)
    run = RunDirectory(Path("out/run"))
    run.path.mkdir(parents=True)
    config = composition.config | {key: composition.config[key] | value for key, value in changes.items()}
    run.prepare(config, [word for word in words if word != "resume=auto"], composition.links)


BEGINNING = ["loss=rpgan", "hydra.run.dir=out/run", "resume=auto"]


def test_resume_auto_finds_a_run_whose_automatic_values_differ_and_keeps_them() -> None:
    rates = dict.fromkeys(("learning_rate", "generator_learning_rate", "discriminator_learning_rate"), 3e-4)
    augment = compose("train", ["augment=diffaugment"]).config["augment"]
    write_run(BEGINNING, train={"ema_half_life": 777}, optimizer=rates, augment=augment)
    job, plan = prepare("train", BEGINNING, None)
    assert plan.resumes
    assert (job.train.ema_half_life, job.optimizer.generator_learning_rate) == (777, 3e-4)
    assert list(job.augmentations) == ["diffaugment"]
    assert plan.choices.chosen == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"train": {"batch_size": 32}},
        {"optimizer": {"generator_learning_rate": 3e-4}},
        {"augment": {"mine": {"_target_": "mine.Mine"}}},
        {"train": {"ema_half_life": ["x"]}},
    ],
    ids=str,
)
def test_resume_auto_takes_no_run_of_another_configuration(changes: dict[str, Any]) -> None:
    write_run(BEGINNING, **changes)
    with pytest.raises(ConfigError, match=r"holds a run already"):
        prepare("train", BEGINNING, None)


def test_resume_auto_takes_no_run_of_other_words() -> None:
    write_run([*BEGINNING, "train.ema_half_life=777"])
    with pytest.raises(ConfigError, match=r"holds a run already"):
        prepare("train", BEGINNING, None)


def test_a_group_that_is_chosen_on_resume_gets_its_values() -> None:
    write_run(["loss=non_saturating", *BEGINNING[1:]])
    job, plan = prepare("train", ["resume=out/run", "penalty=[r1]", "train.ema_half_life=auto"], None)
    assert {one.key: one.value for one in plan.choices.chosen} == {
        "penalty.r1.weight": 0.5,
        "train.ema_half_life": 32_000,
    }
    assert job.config["penalty"]["r1"]["weight"] == 0.5


def test_a_choice_that_the_run_has_already_keeps_its_numbers_on_resume() -> None:
    write_run(BEGINNING, optimizer={"warmup_steps": 7})
    job, plan = prepare(
        "train", ["resume=out/run", "optimizer=adam_r3gan", "penalty=[r1,r2]", "train.steps=9000"], None
    )
    assert job.optimizer.warmup_steps == 7
    assert plan.choices.chosen == ()
    assert job.optimizer.decay_steps == 9000


UNKNOWN = """\
from dataclasses import dataclass
import numpy as np
from gan_cli.data import DataSpec, Examples, InMemory, Source

@dataclass(frozen=True)
class Unknown(Source):
    flip: bool = False
    is_mirror_symmetric = True

    def describe(self):
        return None

    def open(self, progress=None):
        spec = DataSpec((32, 32, 1), 40)
        return InMemory(spec, np.zeros((40, 32, 32, 1), np.uint8), np.zeros(40, np.int32), [])
"""


@pytest.fixture
def unknown() -> list[str]:
    """The words for a data set that describes itself only when it is there."""
    Path("own/dataset").mkdir(parents=True)
    Path("own/dataset/unknown.yaml").write_text("_target_: unknown_source.Unknown\nflip: auto\n")
    Path("own/unknown_source.py").write_text(UNKNOWN)
    words = ["dataset=unknown", "loss=non_saturating", "penalty=r1", "model.width=auto", "train.batch_size=16"]
    return ["--config-dir", "own", *words, "train.steps=400"]


def test_rules_wait_for_data_that_is_not_known_before_a_download(unknown: list[str]) -> None:
    job, plan = prepare("train", unknown[2:], "own")
    assert [one.key for one in plan.choices.chosen] == ["train.ema_half_life", "dataset.flip"]
    assert job.dataset.flip
    job, plan = choose_for_data(job, plan, DataSpec((32, 32, 1), 40))
    assert list(job.augmentations) == ["diffaugment"]
    assert job.config["penalty"]["r1"]["weight"] == 2.0
    assert {one.key for one in plan.choices.chosen} >= {"augment", "penalty.r1.weight", "model.width"}
    assert plan.choices.is_final


def test_a_configuration_shows_auto_where_a_rule_waits(unknown: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_train([*unknown, "--cfg", "job", "--resolve"]) == 0
    shown = yaml.safe_load(capsys.readouterr().out)
    assert (shown["penalty"]["r1"]["weight"], shown["augment"]) == (AUTO, {"auto": AUTO})
    assert shown["train"]["ema_half_life"] == 8000


def test_a_dry_run_says_what_was_chosen_when_the_data_was_there(
    unknown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert gan_train([*unknown, "model.width=8", "dry_run=true"]) == 0
    out = capsys.readouterr().out
    assert "penalty.r1.weight=2.0: images of 32 pixels a side in batches of 16" in out
    assert "DiffAugment(" in out


def test_the_documentation_shows_the_rules_as_they_are() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "training.md").read_text("utf-8")
    table = page.partition("## Defaults that follow the data")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    assert rows == [f"| `{rule.key}` | {rule.formula} | {rule.source} |" for rule in RULES]
