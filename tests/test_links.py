"""No command writes, truncates or deletes through a symbolic link that leaves a run directory."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from conftest import PERCEPTRON, TINY
from PIL import Image
from runs import status

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError
from gan_cli.evaluation.compute_metrics import Evaluation
from gan_cli.runs.atomic_files import make_folder, open_to_append, remove_file, remove_folder, write_text
from gan_cli.runs.symlink_checks import LeavingLinkError

SMALL = [*TINY, "dataset=ring", *PERCEPTRON, "run.keep_checkpoints=2"]
STORED_RUN = Path(__file__).parent / "data" / "runs_of_0_1" / "digits_dcgan"
WRITTEN_BY_TRAINING = [
    "train.log",
    "metrics.jsonl",
    "evaluations.jsonl",
    "status.json",
    "environment.json",
    "overrides.yaml",
    "config.yaml",
    ".lock",
    "generator.keras",
    "samples",
    "samples/real.png",
    "samples/step_00000012.png",
    "checkpoints",
    "checkpoints/best.npz",
    "evaluations",
    "tensorboard",
    "mlflow",
    "mlflow/mlflow.db",
    "wandb",
    "wandb/run_id.txt",
]


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    assert gan_train([*SMALL, "train.steps=10", f"hydra.run.dir={run}"]) == 0
    return run


@pytest.fixture
def run(whole_run: Path) -> Path:
    return Path(shutil.copytree(whole_run, "run"))


@pytest.fixture
def outside() -> Path:
    """A folder of somebody's own files, with names that commands write and delete."""
    folder = Path("outside")
    names = ("step_00000012.png", "step_00000099.npz", ".x.tmp", "events.out.tfevents.1", "place.txt", "mlflow.db")
    for name in ("folder", "folder/deep"):
        (folder / name).mkdir(parents=True)
    for name in (*names, *(f"folder/{name}" for name in names), "file"):
        (folder / name).write_text("precious")
    return folder


def content(folder: Path) -> dict[str, str | None]:
    return {str(path): path.read_text() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def replace_by_link(path: Path, outside: Path) -> None:
    """Puts a link to a file or folder of `outside` where `path` is, or where it would be."""
    is_folder = path.is_dir() or (not path.suffix and path.name != ".lock")
    if path.is_dir():
        shutil.rmtree(path)
    if path.name == "config.yaml":  # which is read before links are looked for
        shutil.copyfile(path, outside / "file")
    path.unlink(missing_ok=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to((outside / ("folder" if is_folder else "file")).absolute())


@pytest.mark.parametrize("name", WRITTEN_BY_TRAINING)
def test_resuming_refuses_a_run_with_a_link_that_leaves_it(run: Path, outside: Path, name: str) -> None:
    replace_by_link(run / name, outside)
    before = content(outside)
    with pytest.raises(ConfigError, match=rf"resume=run: {name} is a symbolic link to /.*outside the run directory"):
        gan_train(["resume=run", "train.steps=14", "logger=[tensorboard]"])
    assert content(outside) == before


def test_a_dangling_link_creates_nothing(run: Path) -> None:
    (run / "train.log").unlink()
    (run / "train.log").symlink_to(Path("created").absolute())
    with pytest.raises(ConfigError, match="symbolic link"):
        gan_train(["resume=run", "train.steps=14"])
    assert not Path("created").exists()


def test_a_pipe_in_a_run_directory_is_refused_and_not_waited_for(run: Path) -> None:
    (run / "train.log").unlink()
    os.mkfifo(run / "train.log")
    with pytest.raises(ConfigError, match=r"train.log is a pipe"):
        gan_train(["resume=run", "train.steps=14"])


def test_a_new_run_refuses_an_early_file_that_is_a_link(outside: Path) -> None:
    Path("new").mkdir()
    replace_by_link(Path("new/.lock"), outside)
    before = content(outside)
    with pytest.raises(ConfigError, match=r"hydra.run.dir=new: .lock is a symbolic link"):
        gan_train([*SMALL, "train.steps=2", "hydra.run.dir=new"])
    assert content(outside) == before


def test_links_inside_a_run_and_to_a_run_are_followed(run: Path) -> None:
    (run / "samples").rename(run / "grids")
    (run / "samples").symlink_to("grids")
    Path("latest").symlink_to("run")
    assert gan_train(["resume=latest", "train.steps=12"]) == 0
    assert status(run)["step"] == 12
    assert (run / "grids/step_00000012.png").is_file()


def test_sampling_does_not_write_through_a_link(run: Path, outside: Path) -> None:
    replace_by_link(run / "rendered", outside)
    before = content(outside)
    for words in (["n=4"], ["n=4", "format=files"], ["n=4", "format=npz"], ["output=run/rendered/x.png"]):
        with pytest.raises(ConfigError, match=r"link (leads out of|that leaves) the run directory"):
            gan_sample(["run=run", *words])
    assert content(outside) == before


def test_evaluating_does_not_write_through_a_link(run: Path, outside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replace_by_link(run / "evaluations.jsonl", outside)
    replace_by_link(run / "evaluations", outside)
    before = content(outside)
    assert gan_eval(["run=run", "metric=[modes]", "samples=64"]) == 0
    assert content(outside) == before
    said = capsys.readouterr()
    assert "modes" in said.out  # the numbers are shown all the same
    assert "evaluations.jsonl can't be written" in said.err


def test_a_tournament_does_not_write_through_a_link(run: Path, outside: Path) -> None:
    replace_by_link(run / "plots", outside)
    before = content(outside)
    with pytest.raises(ConfigError, match="symbolic link leads out of the run directory"):
        gan_eval(["tournament", "runs=run", "samples=8", "output=run/plots/t.png"])
    assert content(outside) == before


def test_a_survey_does_not_write_through_a_link(outside: Path) -> None:
    run = Path(shutil.copytree(STORED_RUN, "run"))
    replace_by_link(run / "human", outside)
    before = content(outside)
    with pytest.raises(ConfigError, match="symbolic link leads out of the run directory"):
        gan_eval(["human", "run=run", "n=4"])
    assert content(outside) == before


@pytest.mark.parametrize("link", ["human", "plots", "rendered"])
def test_no_command_writes_through_a_link_in_a_run_that_is_named_by_a_link(run: Path, outside: Path, link: str) -> None:
    stored = Path(shutil.copytree(STORED_RUN, "stored")) if link == "human" else run
    replace_by_link(stored / link, outside)
    Path("alias").symlink_to(stored)
    before = content(outside)
    command = {
        "human": lambda: gan_eval(["human", "run=alias", "n=4"]),
        "plots": lambda: gan_eval(["tournament", "runs=alias", "samples=8", "output=alias/plots/t.png"]),
        "rendered": lambda: gan_sample(["run=alias", "n=4"]),
    }[link]
    with pytest.raises(ConfigError, match=r"link (leads out of|that leaves) the run directory"):
        command()
    assert content(outside) == before


def test_links_into_a_run_do_not_lead_out_of_it(run: Path, outside: Path) -> None:
    (run / "checkpoints" / "human").symlink_to((outside / "folder").absolute())
    Path("part").symlink_to(run / "checkpoints")
    before = content(outside)
    (run / "evaluations").symlink_to((outside / "folder").absolute())
    Path("alias").symlink_to(run)
    with pytest.raises(LeavingLinkError):
        Evaluation({}, (), {}, {"pairs": Image.new("L", (4, 4))}).write_pictures(Path("alias/evaluations"), 1)
    with pytest.raises(LeavingLinkError):
        write_text(Path("part/human/page.html"), "")
    write_text(Path("part/page.html"), "")
    assert content(outside) == before


def test_every_function_that_writes_refuses_a_leaving_link(run: Path, outside: Path) -> None:
    before = content(outside)
    (run / "folder").symlink_to((outside / "folder").absolute())
    (run / "file").symlink_to((outside / "file").absolute())
    for use in (
        lambda: write_text(run / "folder/x", ""),
        lambda: remove_file(run / "folder/place.txt"),
        lambda: remove_folder(run / "folder"),
        lambda: make_folder(run / "folder/new"),
        lambda: open_to_append(run / "file"),
    ):
        with pytest.raises(LeavingLinkError):
            use()
    assert content(outside) == before


def test_a_planted_temporary_file_is_not_written_through(run: Path, outside: Path) -> None:
    before = content(outside)
    (run / f".status.json.{os.getpid()}.tmp").symlink_to((outside / "file").absolute())
    write_text(run / "status.json", "{}")
    write_text(run / "file", "new")
    assert (run / "status.json").read_text() == "{}"
    assert content(outside) == before
