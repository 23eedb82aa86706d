"""README.md and docs/ are true: their commands run as written, and what they name exists."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from human_page import answers_file
from PIL import Image

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose, composer, config_directory
from gan_cli.config.group_choices import choices
from gan_cli.config.job_builder import GROUPS
from gan_cli.runs.stored_linked_keys import value_at

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))
}
README = PAGES["README.md"]
LONGEST_README = 200
"""Lines. What is longer belongs to a page of docs/."""


def commands_of(page: str) -> list[str]:
    """The gan-cli commands of a page's shell examples, without comments."""
    blocks = re.findall(r"```bash\n(.*?)```", page, re.S)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith(("gan-train", "gan-sample", "gan-eval"))]


COMMANDS = list(dict.fromkeys(line for page in PAGES.values() for line in commands_of(page)))
SHORTER = [
    *("train.steps=1", "train.critic_steps=1", "model=mlp", "model.width=8", "train.batch_size=8", "hydra.run.dir=run"),
    *("eval.samples=200", "eval.real_samples=200", "features=pixels"),
]
"""What a test adds to a training command so that it takes seconds. What the command sets stays, except its length."""
FEWER_SAMPLES = ["samples=200", "real_samples=200", "features=pixels"]
"""The same for `gan-eval`."""
LOADED_SLOWLY = "logger=[tensorboard,mlflow]"
"""Trains in the tests of MLflow; here a dry run checks the command."""


def shortened(words: list[str]) -> list[str]:
    has_budget = any(word.startswith("train.budget=") for word in words)
    words = [word for word in words if not word.startswith(("train.steps=", "train.budget="))]
    shorter = [word for word in SHORTER if not (has_budget and word.startswith("train.steps="))]
    shorter += ["train.budget=16_images"] if has_budget else []
    shorter += ["dry_run=true"] if LOADED_SLOWLY in words else []
    return with_missing(words, shorter)


def with_missing(words: list[str], more: list[str]) -> list[str]:
    """Returns the words with those of `more` whose key is not among them."""
    given = {word.partition("=")[0] for word in words}
    return [*words, *(word for word in more if word.partition("=")[0] not in given)]


def write_images(folder: Path, *names: str) -> None:
    """Writes the folders and arrays that the examples read from the working folder."""
    generator = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir()
        for index in range(12):
            Image.fromarray(generator.integers(0, 255, (70, 80, 3), np.uint8)).save(folder / name / f"{index}.png")
    images = generator.integers(0, 255, (40, 8, 8, 1), np.uint8)
    np.save(folder / "images.npy", images)
    np.savez(folder / "images.npz", images=images)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("gan-train")])
def test_each_gan_train_command_runs(line: str, working_folder: Path, perceptron_run: Path, eager: None) -> None:
    words = shlex.split(line)[1:]
    if "PICTURES" in line or "images.np" in line:
        write_images(working_folder, "PICTURES")
    if "resume=RUN" in words:
        (working_folder / "RUN").symlink_to(perceptron_run)  # complete: nothing is written to it
        words = [word.replace("train.steps=6000", "train.steps=15") for word in words]
        assert gan_train(words) == 0
    elif "-m" in words or "--cfg" in words or "dataset=tfds" in words or any("experiment=" in word for word in words):
        checked = [word for word in words if word != "-m" and "," not in word and not word.startswith("hydra.sweep.")]
        assert gan_train(words if "--cfg" in words else [*checked, "--cfg", "job"]) == 0
    else:
        if "train.start_from=RUN" in line:
            shutil.copytree(perceptron_run, working_folder / "RUN")
            words = [*words, "model=mlp", "model.width=16", "model.depth=1"]  # the sizes of that run
        words = shortened(words)
        assert gan_train(words) == 0
        assert Path("run/status.json").exists() == ("dry_run=true" not in words)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("gan-sample")])
def test_each_gan_sample_command_runs(
    line: str, working_folder: Path, perceptron_run: Path, labelled_run: Path
) -> None:
    shutil.copytree(perceptron_run, working_folder / "RUN")
    shutil.copytree(labelled_run, working_folder / "CONDITIONAL")
    assert gan_sample(shlex.split(line)[1:]) == 0


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("gan-eval")])
def test_each_gan_eval_command_runs(line: str, working_folder: Path, perceptron_run: Path, labelled_run: Path) -> None:
    if "PICTURES" in line or "images.np" in line:
        write_images(working_folder, "PICTURES", "MADE")
    for name in ("RUN", "OTHER"):
        shutil.copytree(perceptron_run, working_folder / name)
    shutil.copytree(labelled_run, working_folder / "CONDITIONAL")
    words = shlex.split(line)[1:]
    if words[0] == "human" and words[1].startswith("results="):
        for name in ("anna", "ben"):
            answers_file(f"{name}.json", person=name)
    measures_run = not any(word.startswith(("human", "tournament", "real=")) for word in words)
    assert gan_eval(with_missing(words, FEWER_SAMPLES) if measures_run else words) == 0


@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "```python" in text])
def test_each_python_example_runs(page: str, working_folder: Path, perceptron_run: Path) -> None:
    (working_folder / "RUN").symlink_to(perceptron_run)
    for example in re.findall(r"```python\n(.*?)```", PAGES[page], re.S):
        names: dict[str, np.ndarray] = {}
        exec(example, names)
        assert names["images"].shape == (16, 8, 8, 1)


def test_the_table_of_groups_is_complete() -> None:
    page = PAGES["docs/training.md"].partition("## Defaults that follow the data")[0]
    with composer(None):
        for group in GROUPS:
            (row,) = re.findall(rf"^\| `{group}`.*$", page, re.M)
            assert set(re.findall(r"`(\w+)`", row.split("|")[3])) == set(choices(group)), group


EXPLAINED_ON = {
    "loss": "losses",
    "penalty": "losses",
    "augment": "augmentation",
    "conditioning": "conditional",
    "metric": "metrics",
    "features": "metrics",
}


@pytest.mark.parametrize(("group", "page"), EXPLAINED_ON.items())
def test_each_choice_is_explained_on_its_page(group: str, page: str) -> None:
    with composer(None):
        for choice in set(choices(group)) - {"none"}:
            assert f"`{choice}`" in PAGES[f"docs/{page}.md"], choice


def test_each_experiment_is_listed_with_its_picture() -> None:
    page = PAGES["docs/experiments.md"]
    for path in (config_directory() / "experiment").glob("*.yaml"):
        assert f"`gan-train experiment={path.stem}" in page
        if "\n# Not measured yet." in path.read_text(encoding="utf-8"):
            assert f"`gan-train experiment={path.stem}" in page.partition("## Not measured yet")[2]
            continue
        assert f"images/{path.stem}.png" in page
        with Image.open(ROOT / "docs" / "images" / f"{path.stem}.png") as image:
            assert min(image.size) >= 256
        assert re.search(r"Measured 20\d\d-\d\d-\d\d", path.read_text(encoding="utf-8"))


COMMANDS_OF_TABLES = {"training": "train", "data": "train", "metrics": "train", "sampling": "sample"}
"""The pages with tables of keys, defaults and meanings, and whose keys they are."""


@pytest.mark.parametrize("page", COMMANDS_OF_TABLES)
def test_tables_of_keys_show_the_defaults_of_the_configuration(page: str) -> None:
    words = ["dataset=folder", "dataset.path=."] if page == "data" else []
    defaults = compose(COMMANDS_OF_TABLES[page], words).choices.automatic.config
    tables = re.findall(r"\| key \| default \| meaning \|\n\|[-|]+\n((?:\|.*\n)+)", PAGES[f"docs/{page}.md"])
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| `?([^|`]+?)`? \|", "".join(tables), re.M)
    values = {key: yaml.safe_load(text) for key, text in rows if " " not in text and text != "newest"}
    assert values
    assert {key: value_at(defaults, key) for key in values} == values


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_file(page: str) -> None:
    text = PAGES[page]
    targets = re.findall(r"\]\(((?!http)[^)#]+)(?:#[^)]*)?\)", text) + re.findall(r'src="([^"]+)"', text)
    generated = {"configuration.md"}
    for target in set(targets) - generated:
        assert ((ROOT / page).parent / target).exists(), target


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < LONGEST_README


def test_the_page_of_configuration_keys_has_every_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    page = import_module("configuration_page").render()
    keys = set(re.findall(r"^\| `([\w.]+)` \|", page, re.M))
    with composer(None):
        for path in config_directory().glob("*/[!_]*.yaml"):
            if path.parent.name == "experiment":
                continue
            written = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            is_global = path.read_text(encoding="utf-8").startswith("# @package _global_")
            for key in leaves(written, "" if is_global else path.parent.name):
                assert key in keys, f"{path.name}: {key}"


def leaves(node: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """The dotted keys of a YAML file that hold values."""
    for name, value in node.items():
        key = f"{prefix}.{name}".lstrip(".")
        if name in ("_target_", "defaults", "hydra"):
            continue
        if isinstance(value, dict):
            yield from leaves(value, key)
        else:
            yield key
