"""MLflow: a database in the run directory, or a tracking server."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.loggers import check_installed
from gan_cli.loggers.metrics_replay import replay
from gan_cli.runs.atomic_files import make_folder, read_text, remove_folder, write_text
from gan_cli.runs.links import check_target

FOLDER = "mlflow"
STATES = {"finished": "FINISHED", "interrupted": "KILLED"}  # any other state is FAILED
PARAMETERS_AT_ONCE = 100  # the server's limit
PARAMETER_LENGTH = 500  # characters; the limit of the oldest servers in use


@dataclass(frozen=True)
class MLflow:
    """A run at MLflow. A resumed run goes on under the same id.

    Args:
        tracking_uri: the server's address; None for a SQLite file in RUN/mlflow, which needs no network. MLflow keeps
            its folder of plain files as an alternative to that alive no longer.
        experiment: name of the experiment; it is made where there is none.
        pictures: whether sample grids are recorded besides numbers.
    """

    tracking_uri: str | None
    experiment: str
    pictures: bool

    def check(self) -> None:
        database = ("sqlalchemy", "alembic") if self.tracking_uri is None else ()
        check_installed("mlflow", "mlflow", *database)

    def open(self, directory: Path, name: str, config: dict[str, Any], resumed_from: int) -> MLflowWriter:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # it reports to its makers unless told not to
        from mlflow.tracking import MlflowClient

        check_target(directory / FOLDER, run=directory)
        folder = (directory / FOLDER).resolve()
        if self.tracking_uri is None:
            logging.getLogger("mlflow.store.db").setLevel(logging.WARNING)  # it announces each new table
            forget_if_moved(folder)
        make_folder(folder)
        client = MlflowClient(tracking_uri=self.tracking_uri or f"sqlite:///{folder / 'mlflow.db'}")
        identity_file = folder / "run_id.txt"
        if identity_file.is_file():
            identity = read_text(identity_file).strip()
            client.update_run(identity, status="RUNNING")
            return MLflowWriter(client, identity, self.pictures, last_steps(client, identity))
        artifacts = (folder / "artifacts").as_uri() if self.tracking_uri is None else None
        experiment = client.get_experiment_by_name(self.experiment)
        where = experiment.experiment_id if experiment else client.create_experiment(self.experiment, artifacts)
        identity = client.create_run(where, run_name=name).info.run_id
        write_text(folder / "place.txt", f"{folder}\n")
        write_text(identity_file, f"{identity}\n")
        write_parameters(client, identity, config)
        writer = MLflowWriter(client, identity, self.pictures, {})
        replay(writer, directory, resumed_from)
        return writer


def forget_if_moved(folder: Path) -> None:
    """Removes the database of a run directory that was moved or copied since; it is filled anew.

    MLflow keeps absolute paths, so pictures would go to the old place.
    """
    place = folder / "place.txt"
    if folder.is_dir() and not (place.is_file() and read_text(place).strip() == str(folder)):
        remove_folder(folder)


def last_steps(client: Any, identity: str) -> dict[str, int]:
    """The last recorded step of each metric."""
    names = client.get_run(identity).data.metrics
    return {name: max(metric.step for metric in client.get_metric_history(identity, name)) for name in names}


def write_parameters(client: Any, identity: str, config: dict[str, Any]) -> None:
    """The configuration, both as one file and as parameters, which MLflow can search and compare."""
    from mlflow.entities import Param

    client.log_dict(identity, config, "config.yaml")
    parameters = [Param(key, str(value)[:PARAMETER_LENGTH]) for key, value in flat(config)]
    for start in range(0, len(parameters), PARAMETERS_AT_ONCE):
        client.log_batch(identity, params=parameters[start : start + PARAMETERS_AT_ONCE])


def flat(node: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested mappings."""
    for key, value in node.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


class MLflowWriter:
    """Writes to one run. Leaves out what stands there from an earlier attempt, since MLflow would keep both."""

    def __init__(self, client: Any, identity: str, takes_pictures: bool, last_steps: dict[str, int]) -> None:
        self.client, self.identity = client, identity
        self.takes_pictures, self.last_steps = takes_pictures, last_steps

    def write_scalars(self, step: int, values: Mapping[str, float]) -> None:
        from mlflow.entities import Metric

        now = int(1000 * time.time())
        new = {name: value for name, value in values.items() if step > self.last_steps.get(name, -1)}
        self.client.log_batch(self.identity, metrics=[Metric(name, value, now, step) for name, value in new.items()])

    def write_picture(self, step: int, name: str, path: Path) -> None:
        if self.takes_pictures:
            self.client.log_artifact(self.identity, str(path), name)  # files are named by their step

    def close(self, state: str) -> None:
        self.client.set_terminated(self.identity, STATES.get(state, "FAILED"))
