"""The README is true: its commands run as they stand there, and what it names exists."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import command
from human_page import answers_file
from PIL import Image

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.config.compose import composer, config_directory
from gan_cli.config.group_choices import choices
from gan_cli.config.job_builder import GROUPS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```bash\n(.*?)```", README, re.S)
    for line in block.splitlines()
    if line.startswith(("gan-train", "gan-sample", "gan-eval"))
]
SHORTER = ["train.steps=2", "model.width=8", "train.batch_size=8", "hydra.run.dir=run"]
"""What a test adds to a command, so that it takes seconds; what the command itself sets stays, but for its length."""


def shortened(words: list[str]) -> list[str]:
    words = [word for word in words if not word.startswith("train.steps=")]
    given = {word.partition("=")[0] for word in words}
    return [*words, *(word for word in SHORTER if word.partition("=")[0] not in given)]


def with_pictures(folder: Path, *names: str) -> None:
    """What the README's examples of one's own data find in the working folder."""
    generator = np.random.default_rng(0)
    for name in names:
        (folder / name).mkdir()
        for index in range(12):
            Image.fromarray(generator.integers(0, 255, (70, 80, 3), np.uint8)).save(folder / name / f"{index}.png")
    images = generator.integers(0, 255, (40, 8, 8, 1), np.uint8)
    np.save(folder / "images.npy", images)
    np.savez(folder / "images.npz", images=images)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("gan-train")])
def test_each_gan_train_command_runs(line: str, working_folder: Path, finished_run: Path) -> None:
    words = shlex.split(line)[1:]
    with_pictures(working_folder, "PICTURES")
    if "resume=RUN" in words:
        (working_folder / "RUN").symlink_to(finished_run)  # complete: nothing is written to it
        words = [word.replace("train.steps=6000", "train.steps=15") for word in words]
        assert gan_train(words) == 0
    elif "-m" in words or "--cfg" in words or "dataset=tfds" in words or any("experiment=" in word for word in words):
        checked = [word for word in words if word != "-m" and "," not in word]
        done = command("gan-train", *(words if "--cfg" in words else [*checked, "--cfg", "job"]))
        assert done.returncode == 0, done.stderr
    else:
        assert gan_train(shortened(words)) == 0
        assert Path("run/status.json").exists() == ("dry_run=true" not in words)


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("gan-sample")])
def test_each_gan_sample_command_runs(line: str, working_folder: Path, finished_run: Path) -> None:
    shutil.copytree(finished_run, working_folder / "RUN")
    assert gan_sample(shlex.split(line)[1:]) == 0


@pytest.mark.parametrize("line", [line for line in COMMANDS if line.startswith("gan-eval")])
def test_each_gan_eval_command_runs(line: str, working_folder: Path, finished_run: Path) -> None:
    with_pictures(working_folder, "PICTURES", "MADE")
    for name in ("RUN", "OTHER"):
        shutil.copytree(finished_run, working_folder / name)
    words = shlex.split(line)[1:]
    if words[0] == "human" and words[1].startswith("results="):
        for name in ("anna", "ben"):
            answers_file(f"{name}.json", person=name)
    assert gan_eval(words) == 0


def test_the_notebook_example_runs(working_folder: Path, finished_run: Path) -> None:
    (working_folder / "RUN").symlink_to(finished_run)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict[str, np.ndarray] = {}
    exec(example, names)
    assert names["images"].shape == (16, 8, 8, 1)


def test_the_table_of_choices_is_complete() -> None:
    with composer(None):
        for group in GROUPS:
            (row,) = re.findall(rf"^\| `{group}`.*$", README, re.M)
            if group != "experiment":
                named = set(re.findall(r"`(\w+)`", row.partition("|")[2].partition("|")[2]))
                assert named - {"metrics"} == set(choices(group)), group


def test_each_experiment_is_in_the_table_with_its_picture() -> None:
    for path in (config_directory() / "experiment").glob("*.yaml"):
        assert f"`gan-train experiment={path.stem}" in README
        picture = ROOT / "docs" / "images" / f"{path.stem}.png"
        assert f"docs/images/{path.stem}.png" in README
        with Image.open(picture) as image:
            assert min(image.size) >= 256
        assert re.search(r"Measured 20\d\d-\d\d-\d\d", path.read_text())


def test_what_it_links_to_exists() -> None:
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", README) + re.findall(r'src="([^"]+)"', README):
        assert (ROOT / target).exists(), target
