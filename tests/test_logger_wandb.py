"""The logger of Weights & Biases: its offline files are read back; it needs no network."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
from logged_steps import CONFIG, PICTURES, STEPS, do_steps, interrupted_and_resumed

from gan_cli.errors import ConfigError
from gan_cli.loggers.tensorboard import TensorBoard
from gan_cli.loggers.wandb import WeightsAndBiases, run_identity


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "20261120-101502_dcgan_wgan_digits_seed0"
    (directory / "samples").mkdir(parents=True)
    return directory


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
