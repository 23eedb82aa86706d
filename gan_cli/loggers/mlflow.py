"""MLflow: a database in the run directory, or a tracking server."""

from __future__ import annotations

import logging
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.loggers import Logger, Writer, check_installed
from gan_cli.loggers.metrics_replay import replay
from gan_cli.runs.atomic_files import make_folder, read_text, remove_folder, write_text
from gan_cli.runs.symlink_checks import check_inside_run

FOLDER = "mlflow"
IDENTITY_FILE = "run_id.txt"
PLACE_FILE = "place.txt"  # beside run_id.txt: the server that gave the id, or the folder of the database
STATES = {"finished": "FINISHED", "interrupted": "KILLED"}  # any other state is FAILED
PARAMETERS_AT_ONCE = 100  # the server's limit
REQUEST_LIMITS = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""Of MLflow, unless the user has set others. Its own, 7 and 120 seconds, stop training for minutes where a server is
away. Each request is tried so; the first that fails disables the logger."""
PARAMETER_LENGTH = 500  # characters; the limit of the oldest servers in use


@dataclass(frozen=True)
class MLflow(Logger):
    """Logs to MLflow. A resumed run keeps its id, unless the server, the database or the experiment has changed.

    Args:
        tracking_uri: the server's address; None for a SQLite file in RUN/mlflow, which needs no network. MLflow no
            longer maintains its older storage in plain files.
        experiment: name of the experiment; it is created if it does not exist.
        pictures: whether sample grids are logged besides numbers.
    """

    tracking_uri: str | None
    experiment: str
    pictures: bool

    def check(self) -> None:
        database = ("sqlalchemy", "alembic") if self.tracking_uri is None else ()
        check_installed("mlflow", "mlflow", *database)

    def check_stored_values(self) -> None:
        if self.tracking_uri is not None:
            raise ConfigError("tracking_uri", "names a server or a place outside the run directory", self.tracking_uri)

    def open(self, directory: Path, name: str, config: dict[str, Any], resumed_from: int) -> MLflowWriter:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # usage reports, on by default
        for variable, limit in REQUEST_LIMITS.items():
            os.environ.setdefault(variable, limit)
        from mlflow.tracking import MlflowClient

        check_inside_run(directory / FOLDER, run=directory)
        folder = (directory / FOLDER).resolve()
        if self.tracking_uri is None:
            logging.getLogger("mlflow.store.db").setLevel(logging.WARNING)  # it logs each new table
            remove_unknown_database(folder)
        make_folder(folder)
        client = MlflowClient(tracking_uri=self.tracking_uri or f"sqlite:///{folder / 'mlflow.db'}")
        identity_file, place = folder / IDENTITY_FILE, self.tracking_uri or str(folder)
        if identity_file.is_file() and stored_place(folder) == place:  # else the id is one of another server
            identity = read_text(identity_file).strip()
            if self.tracking_uri is None:
                check_database(client, identity, folder)
            if is_in_experiment(client, identity, self.experiment):
                client.update_run(identity, status="RUNNING")
                return MLflowWriter(client, identity, self.pictures, last_steps(client, identity))
        artifacts = (folder / "artifacts").as_uri() if self.tracking_uri is None else None
        experiment = client.get_experiment_by_name(self.experiment)
        where = experiment.experiment_id if experiment else client.create_experiment(self.experiment, artifacts)
        identity = client.create_run(where, run_name=name).info.run_id
        if self.tracking_uri is None:
            check_database(client, identity, folder)
        write_text(identity_file, f"{identity}\n")
        write_text(folder / PLACE_FILE, f"{place}\n")  # last: an id is used only with its own place
        write_parameters(client, identity, config)
        writer = MLflowWriter(client, identity, self.pictures, {})
        replay(writer, directory, resumed_from)
        return writer


def is_in_experiment(client: Any, identity: str, name: str) -> bool:
    """Whether the stored run belongs to the experiment of that name, which may have changed since."""
    experiment = client.get_experiment_by_name(name)
    return experiment is not None and client.get_run(identity).info.experiment_id == experiment.experiment_id


def check_database(client: Any, identity: str, folder: Path) -> None:
    """Raises ConfigError for a database in a run directory that can't be read, or that sends pictures elsewhere.

    The run may come from anybody, and MLflow writes wherever its database says.
    """
    advice = f"Delete {folder}; it is filled again from metrics.jsonl and samples/."
    try:
        place = str(client.get_run(identity).info.artifact_uri)
    except Exception as error:  # MLflow and SQLAlchemy raise many kinds
        problem = f"the MLflow database of the run can't be read ({type(error).__name__})"
        raise ConfigError("", problem, advice=advice) from error
    if not is_file_uri_below(place, folder):
        raise ConfigError("", f"the MLflow database of the run names {place}, outside the run", advice=advice)


def is_file_uri_below(uri: str, folder: Path) -> bool:
    """Whether `uri` names a path in `folder`, with symbolic links followed."""
    parts = urllib.parse.urlsplit(uri)
    path = Path(urllib.request.url2pathname(parts.path))
    is_local = parts.scheme in ("", "file") and parts.netloc in ("", "localhost") and path.is_absolute()
    return is_local and path.resolve().is_relative_to(folder.resolve())


def remove_unknown_database(folder: Path) -> None:
    """Removes the database of a run directory that was moved or copied, or one without a stored id; it is filled again.

    MLflow stores absolute paths, so pictures would go to the old place. A database without an id is none that gan-cli
    has finished, and its experiment may name any place.
    """
    is_known = stored_place(folder) == str(folder) and (folder / IDENTITY_FILE).is_file()
    if folder.is_dir() and not is_known:
        remove_folder(folder)


def stored_place(folder: Path) -> str:
    """The server or folder whose run id is stored; "" where none is."""
    path = folder / PLACE_FILE
    return read_text(path).strip() if path.is_file() else ""


def last_steps(client: Any, identity: str) -> dict[str, int]:
    """The last logged step of each metric."""
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


class MLflowWriter(Writer):
    """Writes to one run. Skips steps that an earlier attempt has logged, since MLflow would store both."""

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
            self.client.log_artifact(self.identity, str(path), name)  # the file names hold the step

    def close(self, state: str) -> None:
        self.client.set_terminated(self.identity, STATES.get(state, "FAILED"))
