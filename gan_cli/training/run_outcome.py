"""How a training run ended: written to status.json and sent to the loggers, whatever happens."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from gan_cli.console import Console
from gan_cli.runs.run_directory import RunDirectory
from gan_cli.runs.status import Status
from gan_cli.training.checkpoint_writer import NonFiniteError
from gan_cli.training.resume_run import RestoredState
from gan_cli.training.run_writer import RunWriter


@dataclass
class RunOutcome:
    """How a run ended; `state` is that of status.json."""

    state: str = "failed"
    writer: RunWriter | None = None


@contextmanager
def record_outcome(run: RunDirectory, console: Console, restored: RestoredState) -> Iterator[RunOutcome]:
    """Writes status.json and closes the loggers when training ends; a NonFiniteError or OSError is reported here."""
    outcome, problem = RunOutcome(), None
    run.write_status(Status("running", restored.step))
    try:
        yield outcome
    except NonFiniteError as error:
        problem = str(error)
        console.error(problem)
    except OSError as error:  # a full disk, a folder that is gone
        console.write_log(traceback.format_exc())
        problem = f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
        saved = outcome.writer.checkpoints.last if outcome.writer else restored.checkpoint
        console.error(f"{problem}\nLast checkpoint: {saved or 'none yet'}. Resume with: gan-train resume={run.path}")
    except BaseException as error:
        problem = f"{type(error).__name__}: {error}"
        console.write_log(traceback.format_exc())
        raise
    finally:
        if problem is not None:
            outcome.state = "failed"
        step = outcome.writer.clock.step if outcome.writer else restored.step
        with suppress(OSError):  # a full disk must not hide what went wrong
            run.write_status(Status(outcome.state, step, problem))
        if outcome.writer is not None:
            outcome.writer.loggers.close(outcome.state)
