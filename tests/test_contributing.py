"""The example in CONTRIBUTING.md works as it stands there, and the files that it names exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import TINY

from gan_cli.commands.train import gan_train
from gan_cli.config.config_trust import ConfigOrigin
from gan_cli.config.target_allowlist import load_class
from gan_cli.config.user_modules import set_own_folders
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.non_saturating import NonSaturatingLoss

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()


@pytest.fixture
def example(working_folder: Path) -> Path:
    """The files of the example, written as the text says, below the working folder."""
    files = dict(re.findall(r"^`([\w/]+\.(?:py|yaml))`:\n\n```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
    assert {Path(name).suffix for name in files} == {".py", ".yaml"}
    for name, content in files.items():
        (working_folder / name).parent.mkdir(parents=True, exist_ok=True)
        (working_folder / name).write_text(content)
    return working_folder / "mine"


@pytest.mark.usefixtures("example")
def test_the_command_of_the_example_trains() -> None:
    (typed,) = re.findall(r"^gan-train (--config-dir .*)$", TEXT, re.MULTILINE)
    assert gan_train([*shlex.split(typed), *TINY, "model=mlp", "train.steps=2", "hydra.run.dir=run"]) == 0
    loss = yaml.safe_load(Path("run/config.yaml").read_text())["loss"]
    assert loss == {"_target_": "smoothed.SmoothedLoss", "target": 0.8}


def test_the_loss_of_the_example_is_what_its_text_says(example: Path) -> None:
    set_own_folders([example])
    smoothed: Any = load_class("loss", "smoothed.SmoothedLoss", ConfigOrigin(is_stored=False))
    generator = np.random.default_rng(0)
    real, fake = (DiscriminatorOutput(generator.normal(0, 3, 50).astype(np.float32)) for _ in range(2))
    one = NonSaturatingLoss()
    assert float(smoothed(target=1.0).discriminator(real, fake)) == pytest.approx(float(one.discriminator(real, fake)))
    assert float(smoothed(target=1.0).generator(fake, None)) == pytest.approx(float(one.generator(fake, None)))
    says_target = DiscriminatorOutput(np.float32([np.log(0.9 / 0.1)]))  # where D(x) is 0.9, the loss is the entropy
    sure = DiscriminatorOutput(np.float32([-50]))
    entropy = -0.9 * np.log(0.9) - 0.1 * np.log(0.1)
    assert float(smoothed(target=0.9).discriminator(says_target, sure)) == pytest.approx(entropy, rel=1e-5)


def test_mutation_testing_names_files_that_exist() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mutmut"]
    assert all(list(ROOT.glob(pattern)) for pattern in settings["only_mutate"])
    deselected = [word.split("=")[1] for word in settings["pytest_add_cli_args"] if word.startswith("--deselect")]
    tests = [*settings["pytest_add_cli_args_test_selection"], *deselected]
    assert [test for test in tests if not (ROOT / test.split("::")[0]).is_file()] == []
    assert all(f"def {test.split('::')[1]}(" in (ROOT / test.split("::")[0]).read_text() for test in deselected)
