"""What each logger writes is read back by the destination's own reader."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_class
from omegaconf import OmegaConf
from PIL import Image

from gan_cli.errors import ConfigError
from gan_cli.loggers import Writer, check_installed
from gan_cli.loggers.logger_group import open_loggers
from gan_cli.loggers.metrics_replay import numbers_of
from gan_cli.loggers.mlflow import MLflow
from gan_cli.loggers.tensorboard import TensorBoard
from gan_cli.loggers.wandb import WeightsAndBiases, run_identity

CONFIG = {"seed": 3, "train": {"steps": 40}, "penalty": {"r1": {"weight": 1.5}}, "tags": [], "nothing": {}}
YAML_FILES = sorted((Path(__file__).parent.parent / "configs" / "logger").glob("*.yaml"))
LONGER = {"train": {"steps": 80}}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "20261120-101502_dcgan_wgan_digits_seed0"
    (directory / "samples").mkdir(parents=True)
    return directory


def do_steps(writer: Writer, directory: Path, steps: range) -> None:
    """What a training loop does: the run directory first, then its loggers."""
    for step in steps:
        line = {"step": step, "loss": step / 8, "logits": -float(step)}
        with (directory / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(line) + "\n")
        writer.write_scalars(step, numbers_of(line))
        if step % 20 == 0:
            path = directory / "samples" / f"step_{step:08d}.png"
            Image.new("L", (6, 4), step).save(path)
            writer.write_picture(step, "samples", path)


def interrupted_and_resumed(logger: Any, directory: Path) -> None:
    """40 steps of which a kill lost the last 15, and their repetition in a new process."""
    writer = logger.open(directory, directory.name, CONFIG, resumed_from=0)
    do_steps(writer, directory, range(5, 45, 5))
    writer.close("interrupted")
    lines = (directory / "metrics.jsonl").read_text().splitlines(keepends=True)
    for folder in directory.glob("wandb/offline-run-*"):  # named by the second, which may be that of the next attempt
        folder.rename(folder.with_name(f"{folder.name}-first"))
    writer = logger.open(directory, directory.name, CONFIG | LONGER, resumed_from=25)
    (directory / "metrics.jsonl").write_text("".join(lines[:5]))
    do_steps(writer, directory, range(30, 65, 5))
    writer.close("finished")


STEPS = list(range(5, 65, 5))
PICTURES = [20, 40, 60]


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda path: path.stem)
def test_each_yaml_builds_its_logger_under_its_own_name(path: Path) -> None:
    ((name, node),) = OmegaConf.to_container(OmegaConf.load(path)).items()  # type: ignore[union-attr]
    assert name == path.stem
    cls = get_class(node.pop("_target_"))  # type: ignore[union-attr]
    assert set(node) == set(OmegaConf.structured(cls))
    OmegaConf.merge(OmegaConf.structured(cls), node)
    try:
        cls(**node).check()
    except ConfigError as error:  # where the extra is not installed, that is what it must say
        assert f"gan-cli[{name}]" in str(error)


def test_loggers_are_checked_without_importing_what_they_write_to() -> None:
    program = (
        "import sys; from gan_cli.loggers import mlflow, tensorboard, wandb;"
        "tensorboard.TensorBoard(True).check();"
        "sys.exit(bool({'tensorflow', 'wandb', 'mlflow', 'tensorboard'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_missing_package_is_reported_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigError, match=r"needs the package not_there.*pip install \"gan-cli\[wandb\]\""):
        check_installed("wandb", "not_there")


def test_a_folder_of_a_packages_name_is_not_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "left_behind").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match="needs the package left_behind"):
        check_installed("wandb", "left_behind")


def test_only_numbers_of_a_line_are_drawn() -> None:
    assert numbers_of({"step": 7, "loss": 1, "state": "x", "flag": True, "none": None}) == {"loss": 1.0}


def read_events(directory: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(directory / "tensorboard"), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    return events.Reload()


def tensorboard_steps(directory: Path, tag: str) -> list[int]:
    return [event.step for event in read_events(directory).Tensors(tag)]


def test_tensorboard_holds_numbers_pictures_and_the_configuration(run: Path) -> None:
    import tensorflow as tf

    writer = TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 25, 5))
    events = read_events(run)  # before it is closed: a run is watched while it trains
    writer.close("finished")
    losses = events.Tensors("loss")
    assert [(event.step, tf.make_ndarray(event.tensor_proto)) for event in losses] == [
        (s, s / 8) for s in (5, 10, 15, 20)
    ]
    ((width, height, png),) = (event.tensor_proto.string_val for event in events.Tensors("samples"))
    assert (width, height) == (b"6", b"4")
    assert tf.io.decode_png(png).numpy().ravel().tolist() == [20] * 24
    (config,) = events.Tensors("config")
    assert "    train:\n      steps: 40\n" in config.tensor_proto.string_val[0].decode()


def test_a_resumed_run_has_each_step_once_in_tensorboard(run: Path) -> None:
    interrupted_and_resumed(TensorBoard(pictures=True), run)
    assert tensorboard_steps(run, "loss") == STEPS
    assert tensorboard_steps(run, "logits") == STEPS
    assert tensorboard_steps(run, "samples") == PICTURES
    assert tensorboard_steps(run, "config") == [0]


def test_a_run_that_begins_again_from_the_start_repeats_nothing(run: Path) -> None:
    for state in ("interrupted", "finished"):
        writer = TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=0)
        do_steps(writer, run, range(0, 25, 5))
        writer.close(state)
    assert tensorboard_steps(run, "loss") == [0, 5, 10, 15, 20]
    assert tensorboard_steps(run, "samples") == [0, 20]


def test_pictures_can_be_left_out(run: Path) -> None:
    interrupted_and_resumed(TensorBoard(pictures=False), run)
    assert "samples" not in read_events(run).Tags()["tensors"]


@pytest.mark.parametrize("kind", ["postscript", "empty", "cut", "huge"])
def test_a_picture_that_is_no_whole_png_is_left_out(run: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 45, 5))
    writer.close("interrupted")
    path = run / "samples" / "step_00000020.png"
    if kind == "huge":
        Image.new("1", (14_000, 14_000)).save(path)
    else:
        postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
        path.write_bytes({"postscript": postscript, "empty": b"", "cut": path.read_bytes()[:50]}[kind])
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("Ghostscript was started"))
    with pytest.warns(UserWarning, match=r"step_00000020.png is left out of the logger"):
        TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=40).close("finished")
    assert tensorboard_steps(run, "samples") == [40]
    assert tensorboard_steps(run, "loss") == list(range(5, 45, 5))


@pytest.fixture
def no_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A proxy for every connection, which notes them and lets none through; and nobody is logged in."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(200).decode(errors="replace"))

    thread = threading.Thread(target=refuse)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, address)
    for name in ("NO_PROXY", "no_proxy", "WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield asked
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def wandb_records(path: Path) -> list[Any]:
    """The records that an offline file holds so far: LevelDB's log format after seven bytes of its own."""
    from wandb.proto import wandb_internal_pb2

    data, position, parts, records = path.read_bytes(), 7, b"", []
    assert b":W&B".startswith(data[:4])
    while position + 7 <= len(data):
        left_in_block = 32768 - position % 32768
        if left_in_block < 7:  # too little for a header, so it is padding
            position += left_in_block
            continue
        length, kind = struct.unpack("<HB", data[position + 4 : position + 7])
        if position + 7 + length > len(data):
            break
        parts += data[position + 7 : position + 7 + length]
        position += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            records.append(wandb_internal_pb2.Record.FromString(parts))
            parts = b""
    return records


def wandb_rows(path: Path) -> list[dict[str, Any]]:
    """The logged rows of an offline file."""
    import wandb

    wandb.teardown()  # waits for the process that writes the file: `finish` does not
    records = wandb_records(path)
    assert any(record.WhichOneof("record_type") == "exit" for record in records), f"{path} has no end"
    items = [record.history.item for record in records if record.WhichOneof("record_type") == "history"]
    return [{item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in row} for row in items]


def test_wandb_offline_needs_neither_network_nor_login(run: Path, no_way_out: list[str]) -> None:
    pytest.importorskip("wandb")
    logger = WeightsAndBiases(mode="offline", project="p", entity=None, tags=["a"], pictures=True)
    interrupted_and_resumed(logger, run)
    files = sorted(run.glob("wandb/offline-run-*/*.wandb"))
    identity = (run / "wandb" / "run_id.txt").read_text().strip()
    assert {file.name for file in files} == {f"run-{identity}.wandb"}
    rows = [row for file in files for row in wandb_rows(file)]
    by_step = {row["_step"]: row for row in rows if "loss" in row}
    assert sorted(by_step) == STEPS
    assert all(row["loss"] == step / 8 for step, row in by_step.items())
    assert {row["_step"] for row in rows if "samples.path" in row} == set(PICTURES)
    assert no_way_out == []


def test_a_logger_that_joins_a_resumed_run_gets_the_steps_before(run: Path) -> None:
    pytest.importorskip("wandb")
    writer = TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 30, 5))
    writer.close("interrupted")
    joining = WeightsAndBiases(mode="offline", project="p", entity=None, tags=[], pictures=False)
    joining.open(run, run.name, CONFIG, resumed_from=20).close("finished")
    (file,) = run.glob("wandb/offline-run-*/*.wandb")
    assert [row["_step"] for row in wandb_rows(file)] == [5, 10, 15, 20]


def test_wandb_starts_a_new_run_where_its_project_has_changed(run: Path, no_way_out: list[str]) -> None:
    pytest.importorskip("wandb")
    logger = WeightsAndBiases(mode="offline", project="p", entity=None, tags=[], pictures=False)
    writer = logger.open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 30, 5))
    writer.close("interrupted")
    former = (run / "wandb" / "run_id.txt").read_text().strip()
    other = WeightsAndBiases(mode="offline", project="q", entity=None, tags=[], pictures=False)
    other.open(run, run.name, CONFIG, resumed_from=20).close("finished")
    identity = (run / "wandb" / "run_id.txt").read_text().strip()
    assert identity != former
    (file,) = run.glob(f"wandb/offline-run-*/run-{identity}.wandb")
    assert [row["_step"] for row in wandb_rows(file)] == [5, 10, 15, 20]


def test_a_wandb_id_of_release_0_1_which_has_no_place_is_kept(run: Path) -> None:
    (run / "wandb").mkdir()
    (run / "wandb" / "run_id.txt").write_text("old\n")
    assert run_identity(run, run.name, "team/project") == ("old", False)


def test_wandb_modes_other_than_the_two_are_refused() -> None:
    with pytest.raises(ConfigError, match="Did you mean offline"):
        WeightsAndBiases(mode="ofline", project="p", entity=None, tags=[], pictures=True)


@pytest.fixture
def mlflow() -> Any:
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("alembic")
    return pytest.importorskip("mlflow")


def mlflow_client(mlflow: Any, directory: Path) -> Any:
    return mlflow.MlflowClient(tracking_uri=f"sqlite:///{directory / 'mlflow' / 'mlflow.db'}")


def the_run(client: Any) -> Any:
    experiment = client.get_experiment_by_name("e")
    (found,) = client.search_runs([experiment.experiment_id])
    return found


def test_mlflow_holds_a_resumed_run_once_and_whole(mlflow: Any, run: Path, no_way_out: list[str]) -> None:
    interrupted_and_resumed(MLflow(tracking_uri=None, experiment="e", pictures=True), run)
    client = mlflow_client(mlflow, run)
    found = the_run(client)
    history = client.get_metric_history(found.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(step, step / 8) for step in STEPS]
    assert found.info.status == "FINISHED"
    assert found.info.run_name == run.name
    assert found.data.params["penalty.r1.weight"] == "1.5"
    pictures = [item.path for item in client.list_artifacts(found.info.run_id, "samples")]
    assert pictures == [f"samples/step_{step:08d}.png" for step in PICTURES]
    assert no_way_out == []


def test_mlflow_starts_a_new_run_where_its_place_has_changed(mlflow: Any, run: Path, tmp_path: Path) -> None:
    logger = MLflow(tracking_uri=None, experiment="e", pictures=True)
    writer = logger.open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 25, 5))
    writer.close("failed")
    moved = run.rename(tmp_path / "elsewhere")
    writer = logger.open(moved, moved.name, CONFIG, resumed_from=20)
    do_steps(writer, moved, range(25, 45, 5))
    writer.close("finished")
    client = mlflow_client(mlflow, moved)
    found = the_run(client)
    assert [metric.step for metric in client.get_metric_history(found.info.run_id, "loss")] == STEPS[:8]
    assert len(client.list_artifacts(found.info.run_id, "samples")) == 2
    assert not run.exists()
    server = f"sqlite:///{moved / 'mlflow' / 'mlflow.db'}"  # the same database, as if it were a server's
    writer = MLflow(tracking_uri=server, experiment="f", pictures=False).open(moved, "again", CONFIG, resumed_from=40)
    writer.close("finished")
    (again,) = client.search_runs([client.get_experiment_by_name("f").experiment_id])
    assert [metric.step for metric in client.get_metric_history(again.info.run_id, "loss")] == STEPS[:8]


def test_mlflow_starts_a_new_run_where_its_experiment_has_changed(mlflow: Any, run: Path) -> None:
    writer = MLflow(tracking_uri=None, experiment="e", pictures=False).open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 15, 5))
    writer.close("interrupted")
    changed = MLflow(tracking_uri=None, experiment="f", pictures=False)
    changed.open(run, run.name, CONFIG, resumed_from=10).close("finished")
    client = mlflow_client(mlflow, run)
    (found,) = client.search_runs([client.get_experiment_by_name("f").experiment_id])
    assert [metric.step for metric in client.get_metric_history(found.info.run_id, "loss")] == [5, 10]
    assert the_run(client).info.status == "KILLED"


def test_a_tracking_server_that_is_away_is_asked_three_times_and_then_left(
    mlflow: Any, run: Path, no_way_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_RETRIES", "TIMEOUT"):
        monkeypatch.delenv(f"MLFLOW_HTTP_REQUEST_{name}", raising=False)
    for name in ("BACKOFF_FACTOR", "BACKOFF_JITTER"):  # waits between requests would add seconds
        monkeypatch.setenv(f"MLFLOW_HTTP_REQUEST_{name}", "0")
    warnings: list[str] = []
    logger = MLflow(tracking_uri="http://tracking.invalid", experiment="e", pictures=False)
    group = open_loggers({"mlflow": logger}, run, CONFIG, 0, warnings.append)
    assert group.writers == []
    assert len(warnings) == 1
    assert "MLflow can't be opened and is disabled" in warnings[0]
    assert len(no_way_out) == 3
