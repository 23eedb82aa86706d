"""No command runs code that lies where it reads, and none changes files through links there.

Marker modules stand in every folder that a command reads: working folder, run directory, --config-dir, data,
checkpoints and answers. Each writes its name into a file when it is imported.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from planted import RUN_READERS, SMALL, content, plant, refused

from gan_cli.commands.command_line import isolate_child_processes

DRIVER = """
import json, os, sys, traceback
from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train

commands = {"train": gan_train, "sample": gan_sample, "eval": gan_eval}
codes = []
for name, *words in json.loads(sys.argv[1]):
    try:
        codes.append(commands[name](words))
    except SystemExit as stop:
        codes.append(stop.code)
    except Exception:
        codes.append(traceback.format_exc())
    exposed = [path for path in sys.path if path in ("", ".", os.getcwd())]
    if exposed:
        codes[-1] = f"the working folder is on sys.path: {exposed}"
print("CODES", json.dumps(codes))
"""

IN_THE_RUN = [
    ["train", "--help"],
    ["train", "--cfg", "job"],
    ["train", "resume=.", "--cfg", "job"],
    ["train", "--config-dir=.", "--config-name=config", "dry_run=true"],
    ["train", "dry_run=true", *SMALL],
    ["train", "resume=.", "train.steps=12"],
    ["sample", "run=.", "n=4"],
    ["sample", "checkpoint=checkpoints/step_00000010.npz", "n=5"],
    ["sample", "checkpoint=generator.keras", "n=6"],
    ["eval", "run=.", "metric=[modes]", "samples=50", "real_samples=50"],
    ["eval", "runs=[.,../copy]", "metric=[modes]", "samples=50", "real_samples=50", "json=true"],
    ["eval", "tournament", "runs=[.,../copy]", "samples=50", "max_checkpoints=1", "json=true"],
    ["eval", "--help"],
    ["eval", "human", "results=[answers]"],
]


def test_every_command_ignores_modules_in_a_foreign_run_directory(
    foreign_run: Path, marker: Path, tmp_path: Path
) -> None:
    """One process for all commands; its `sys.path` is that of a console script."""
    Path("run/answers").mkdir()
    Path("run/answers/ann.json").write_text(json.dumps({"format": "gan-cli human answers", "version": 1}))
    shutil.copytree(foreign_run, "copy")
    plant(Path(), marker)
    (tmp_path / "bin").mkdir()
    driver = tmp_path / "bin" / "driver.py"
    driver.write_text(DRIVER)
    done = subprocess.run(
        [sys.executable, str(driver), json.dumps(IN_THE_RUN)],
        cwd=foreign_run,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert not marker.exists(), marker.read_text()
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("CODES")] or [done.stdout + done.stderr]
    codes = json.loads(line.removeprefix("CODES"))
    told = dict(zip([" ".join(words) for words in IN_THE_RUN], codes, strict=True))
    failed = {name: code for name, code in told.items() if code not in (0, None)}
    assert list(failed) == ["eval human results=[answers]"], failed  # no such file of answers is whole
    assert "ConfigError" in failed["eval human results=[answers]"]


@pytest.mark.parametrize("module", ["train", "sample", "evaluate"])
def test_a_command_started_as_a_module_ignores_modules_in_the_working_folder(
    foreign_run: Path, marker: Path, module: str
) -> None:
    command = [sys.executable, "-m", f"gan_cli.commands.{module}", "--help"]
    done = subprocess.run(command, cwd=foreign_run, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert not marker.exists(), marker.read_text()


def test_a_python_process_that_a_command_starts_ignores_modules_in_the_working_folder(
    foreign_run: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)  # and set it back afterwards
    isolate_child_processes()
    subprocess.run([sys.executable, "-c", "import queue, random"], cwd=foreign_run, check=True)
    assert not marker.exists(), marker.read_text()


LINKED = """
train.log metrics.jsonl evaluations.jsonl status.json .lock samples evaluations tensorboard mlflow wandb human outputs
"""


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_no_command_changes_anything_through_links_in_a_run_directory(
    foreign_run: Path, tmp_path: Path, kind: str
) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(foreign_run, outside / "folder")  # so that a link leads to what a command may read
    (outside / "file").write_text("precious\n")
    before = content(outside)
    for name in LINKED.split():
        path = foreign_run / name
        is_folder = path.is_dir() or name in ("evaluations", "tensorboard", "mlflow", "wandb", "human", "outputs")
        if is_folder != (kind == "folder"):
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        target = outside / "folder" / name if (outside / "folder" / name).exists() else outside / kind
        path.symlink_to(target)
    for reader in RUN_READERS.values():
        with contextlib.suppress(OSError):  # what each command says is tested in test_links.py
            refused(reader)
    assert content(outside) == before
