"""`train.start_from`: finds the checkpoint or generator file whose weights a new run begins with, without TensorFlow.

The path names a run directory, one of its checkpoints (.npz) or a generator.keras. Anybody may have written it: no code
that it names is run unless the user says `trust=true`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from gan_cli.config.config_trust import stored
from gan_cli.config.job_builder import stored_section
from gan_cli.config.target_allowlist import check_targets
from gan_cli.data.input_paths import existing
from gan_cli.errors import ConfigError, show
from gan_cli.runs.checkpoint import (
    Checkpoint,
    DamagedCheckpointError,
    has_checkpoint,
    load_newest,
    read_checkpoint_header,
)
from gan_cli.runs.run_directory import find_run

KEY = "train.start_from"
KERAS_FILE = ".keras"
NAMED_CLASSES = ("model", "conditioning", "loss")
"""Parts of the other run's configuration that its networks are built from."""


def find_start(typed: str) -> Path:
    """The checkpoint or .keras file that `typed` names, or the folder of checkpoints of a run.

    Raises:
        ConfigError: where there is none.
    """
    path = existing(KEY, typed)
    if path.is_file() and path.suffix in (".npz", KERAS_FILE):
        return path
    if not path.is_dir():
        raise ConfigError(KEY, "expected a run directory, a checkpoint (.npz) or a generator.keras", typed)
    run = find_run(KEY, path)
    if has_checkpoint(run.checkpoints):
        return run.checkpoints
    if run.generator.is_file():
        return run.generator
    raise ConfigError(KEY, "has no checkpoint yet", typed, "Train it further, or name another run.")


def read_start(typed: str, load: Callable[[Path], Checkpoint], warn: Callable[[str], None]) -> Checkpoint | None:
    """The checkpoint that `typed` names, the newest valid one of a run; None where it names a .keras file.

    Raises:
        ConfigError: where none can be read.
    """
    source = find_start(typed)
    if source.suffix == KERAS_FILE:
        return None
    try:
        found = load_newest(source, warn, load) if source.is_dir() else load(source)
    except DamagedCheckpointError as error:
        raise ConfigError(KEY, str(error)) from error
    if found is None:
        raise ConfigError(KEY, "none of its checkpoints can be read whole", typed)
    return found


def check_start_source(typed: str, trust: bool) -> None:
    """Raises ConfigError for a start that can't be read, or that names code that it may not run."""
    checkpoint = read_start(typed, read_checkpoint_header, lambda text: None)
    if checkpoint is None:
        return
    config = checkpoint.config
    with errors_of_start(typed):
        stored_section(config, "model")
        check_targets({name: config[name] for name in NAMED_CLASSES if name in config}, stored(trust))


@contextmanager
def errors_of_start(typed: str) -> Iterator[None]:
    """Says of errors about the other run's files and configuration which key they came in by."""
    try:
        yield
    except ConfigError as error:
        if error.key == KEY:
            raise
        what = error.key if error.value is ... else f"{error.key}={show(error.value)}"
        problem = f"{what}: {error.problem}" if what else error.problem
        raise ConfigError(KEY, problem, typed, error.advice) from error
