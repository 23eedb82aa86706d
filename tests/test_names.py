"""Names that are not UTF-8, locales that are not UTF-8 and users without a home folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PERCEPTRON, TINY
from runs import status

from gan_cli.cache import cache_folder, private_folder, set_library_folders
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError

SMALL = [*(word for word in TINY if word != "logger=[]"), "dataset=ring", *PERCEPTRON]


def test_a_run_whose_name_is_not_utf8_trains_resumes_and_samples(capsys: pytest.CaptureFixture[str]) -> None:
    name = os.fsdecode(b"r\xff\x1b")
    assert gan_train([*SMALL, "train.steps=4", f"hydra.run.dir={name}"]) == 0
    assert gan_train([f"resume={name}", "train.steps=6"]) == 0
    assert status(Path(name))["step"] == 6
    assert list(Path(name, "tensorboard").iterdir())
    assert gan_train([f"resume={name}"]) == 0
    assert "r\\udcff\\x1b has finished its 6 steps" in capsys.readouterr().out
    assert gan_sample([f"run={name}", "n=16"]) == 0
    assert len(list(Path(name, "rendered").iterdir())) == 1


def test_text_files_do_not_depend_on_the_locale() -> None:
    ascii_only = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C", "PYTHONWARNDEFAULTENCODING": "1"}
    words = [*SMALL, "train.steps=4", "hydra.run.dir=für"]
    command = [sys.executable, "-m", "gan_cli.commands.train", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env={**os.environ, **ascii_only})
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "gan_cli/" in line and "EncodingWarning" in line]
    assert gan_train(["resume=für", "train.steps=6"]) == 0


def test_a_user_without_a_home_folder_has_a_private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GAN_CLI_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.getuid", lambda: 54321)  # nobody's number
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert cache_folder().parts[-3].startswith("gan-cli-54321-")  # this process can't make a folder of that user
    monkeypatch.undo()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own = private_folder(tmp_path / "own")
    assert own == tmp_path / "own" == private_folder(own)
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    (tmp_path / "link").symlink_to(tmp_path)
    for taken in (own, tmp_path / "link"):
        assert private_folder(taken) != taken


@pytest.mark.parametrize("home", ["~", "relative", "/nonexistent"])
def test_libraries_have_a_private_folder_where_the_home_folder_is_missing(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"HOME": home, "KERAS_HOME": "", "MPLCONFIGDIR": ""}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    set_library_folders()
    private = tmp_path / f"gan-cli-{os.getuid()}"
    if home == "/nonexistent":
        assert os.environ["KERAS_HOME"] == str(private / "keras")
        assert os.environ["MPLCONFIGDIR"] == str(private / "matplotlib")
    else:
        assert Path.home() == private
    assert private.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("words", [["output=folder.png"], ["output=file/grid.png"]])
def test_an_output_that_can_not_be_written_is_one_message(words: list[str], tmp_path: Path) -> None:
    run = Path(__file__).parent / "data" / "runs_of_0_1" / "ring_mlp"
    Path("folder.png").mkdir()
    Path("file").write_text("precious")
    with pytest.raises(ConfigError, match="output"):
        gan_sample([f"run={run}", "n=16", *words])
    assert Path("file").read_text() == "precious"
