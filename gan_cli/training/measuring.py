"""The evaluations of a run: made, told and written down, and remembered where the run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_cli.evaluation.during import BrokenOff, Evaluator, Interruptible, in_one_line
from gan_cli.evaluation.measure import Evaluation
from gan_cli.runs.checkpoint import DamagedCheckpoint, read_about
from gan_cli.runs.evaluations import TRAINING
from gan_cli.runs.files import write_whole
from gan_cli.runs.stopping import StopRequest
from gan_cli.training.record import Record


class Measuring:
    """What the loop calls when an evaluation is due.

    Attributes:
        is_best: whether the latest evaluation is the best so far.
        ends: whether training should not go on.
    """

    def __init__(self, evaluator: Evaluator, record: Record, stop: StopRequest) -> None:
        self.evaluator, self.record, self.stop = evaluator, record, stop
        self.is_best = False
        self.told: set[str] = set()
        self.teller = Interruptible(record.console, lambda: stop.requested)
        evaluator.recall(record.run.evaluations.of_training())
        self.drop_best_of_later()
        self.remember()

    @property
    def ends(self) -> bool:
        return self.evaluator.why_to_end() is not None

    def evaluate(self, step: int) -> bool:
        """Measures the state of `step`; gives whether that was done, which it is not where somebody asks to stop."""
        self.is_best = False
        if self.stop.requested:
            return False
        try:
            evaluation = self.evaluator.evaluate(self.record.state, step, self.teller)
        except BrokenOff:
            return False
        verdict = self.evaluator.consider(step, evaluation.values)
        self.is_best = verdict.is_best
        decides = {"decides": self.evaluator.watch.name} if self.evaluator.watch else {}
        self.record.run.evaluations.append(TRAINING, step, {**decides, **evaluation.as_dict()})
        self.record.measured = as_columns(evaluation.as_dict())
        self.write_pictures(step, evaluation)
        told = in_one_line(evaluation, self.evaluator.watch, verdict.is_best)
        self.record.console.line(f"evaluation at step {step}: {told}")
        for text in (*evaluation.notes, verdict.warning):
            if text and text not in self.told:
                self.told.add(text)
                self.record.console.warn(text)
        self.remember()
        return True

    def catch_up(self, step: int) -> None:
        """Makes the evaluation of a step at which the run was stopped before it was made; else puts it in its place."""
        done = [line for line in self.record.run.evaluations.of_training() if line["step"] == step]
        if done:
            self.record.measured = as_columns(done[-1])
        elif not self.evaluate(step):
            return
        self.record.measured_late(step)
        if self.is_best:
            self.record.keep_best()

    def remember(self) -> None:
        """The number that decides, for the line of progress."""
        watch = self.evaluator.watch
        if watch is not None and watch.best is not None:
            self.record.measured_in_words = f"best {watch.name} {watch.best:.4g}"

    def write_pictures(self, step: int, evaluation: Evaluation) -> None:
        folder = self.record.run.evaluation_pictures
        for name, image in evaluation.pictures.items():
            folder.mkdir(exist_ok=True)
            path = folder / f"step_{step:08d}_{name}.png"
            write_whole(path, lambda file, image=image: image.save(file, format="PNG"))  # type: ignore[misc]

    def drop_best_of_later(self) -> None:
        """Removes a best checkpoint from after the step at which the run goes on: its evaluation is gone too."""
        best = self.record.run.best
        if not best.is_file():
            return
        try:
            later = read_about(best).step > self.record.step
        except DamagedCheckpoint:
            later = True
        if later:
            best.unlink()

    def describe_best(self) -> list[str]:
        """A line for the end of the run."""
        watch = self.evaluator.watch
        if watch is None or watch.best is None:
            return []
        return [f"Best {watch.name}: {watch.best:.4g} at step {watch.best_step}, kept in {self.record.run.best}"]


def as_columns(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """An evaluation as entries of a line of metrics.jsonl: each number, its uncertainty, and the protocol of all."""
    columns: dict[str, Any] = {}
    for name, told in evaluation["values"].items():
        columns[name] = told["value"]
        for key in ("uncertainty", "low", "high"):
            if key in told:
                columns[f"{name}_{key}"] = told[key]
    return {**columns, "protocol": evaluation["protocol"]}
