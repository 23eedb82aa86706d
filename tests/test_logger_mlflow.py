"""The MLflow logger: what it writes is read back by MLflow; a server that is away costs little."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from logged_steps import CONFIG, PICTURES, STEPS, do_steps, interrupted_and_resumed

from gan_cli.loggers.logger_group import open_loggers
from gan_cli.loggers.mlflow import MLflow


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "20261120-101502_dcgan_wgan_digits_seed0"
    (directory / "samples").mkdir(parents=True)
    return directory


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


def test_mlflow_holds_a_resumed_run_once_and_whole_also_in_another_experiment(
    mlflow: Any, run: Path, no_way_out: list[str]
) -> None:
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
    changed = MLflow(tracking_uri=None, experiment="f", pictures=False)
    changed.open(run, run.name, CONFIG, resumed_from=60).close("interrupted")
    (again,) = client.search_runs([client.get_experiment_by_name("f").experiment_id])
    history = client.get_metric_history(again.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(step, step / 8) for step in STEPS]
    assert again.info.status == "KILLED"
    assert the_run(client).info.status == "FINISHED"
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
