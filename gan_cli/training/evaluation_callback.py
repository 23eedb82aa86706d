"""The evaluations of a run: made, told and written down, and remembered where the run goes on."""

from __future__ import annotations

import traceback

from gan_cli.evaluation.periodic_evaluation import (
    EvaluationInterrupted,
    InterruptibleReporter,
    PeriodicEvaluator,
    one_line_summary,
)
from gan_cli.evaluation.run_metrics import Evaluation
from gan_cli.runs.atomic_files import link_atomically
from gan_cli.runs.checkpoint import checkpoint_path, read_checkpoint_step
from gan_cli.runs.evaluations_log import TRAINING, as_columns
from gan_cli.runs.signals import StopRequest
from gan_cli.training.run_writer import RunWriter


class EvaluationCallback:
    """What the loop calls when an evaluation is due.

    Attributes:
        is_missing: whether an evaluation was broken off, which is made when the run goes on.
    """

    def __init__(self, evaluator: PeriodicEvaluator, record: RunWriter, stop: StopRequest) -> None:
        self.evaluator, self.record = evaluator, record
        self.told: set[str] = set()
        self.is_missing = False
        self.teller = InterruptibleReporter(record.console, lambda: stop.requested)
        for text in evaluator.replay_history(record.run.evaluations.of_training()):
            record.console.line(text)
        self.restore_best()
        self.remember()

    @property
    def ends(self) -> bool:
        """Whether training should not go on."""
        return self.evaluator.early_stop_reason() is not None

    def evaluate(self, step: int) -> None:
        """Measures the state of `step` and writes down what was found.

        Where somebody asks to stop meanwhile it is left for when the run goes on. Whatever else goes wrong is told, and
        training goes on: it has taken longer than any evaluation.
        """
        try:
            self.teller.progress("evaluation", 0, 1)
            evaluation = self.evaluator.evaluate(self.record.state, step, self.teller)
        except EvaluationInterrupted:
            self.is_missing = True
            return
        except Exception as error:
            self.record.console.warn(f"evaluation at step {step} failed: {type(error).__name__}: {error}")
            self.record.console.write_log(traceback.format_exc())
            return
        self.write_down(step, evaluation)
        verdict = self.evaluator.update_best(step, evaluation.values)
        if verdict.is_best:
            self.record.keep_best(step)
        told = one_line_summary(evaluation, self.evaluator.watch, verdict.is_best)
        self.record.console.line(f"evaluation at step {step}: {told}")
        for text in (*evaluation.notes, verdict.warning):
            if text and text not in self.told:
                self.told.add(text)
                self.record.console.warn(text)
        self.remember()

    def write_down(self, step: int, evaluation: Evaluation) -> None:
        """Into evaluations.jsonl, the metric logs, and pictures."""
        run, found = self.record.run, evaluation.as_dict()
        decides = {"decides": self.evaluator.watch.name} if self.evaluator.watch else {}
        try:
            evaluation.write_pictures(run.evaluation_pictures, step)
        except OSError as error:
            self.record.console.warn(f"pictures can't be written into {run.evaluation_pictures} ({error.strerror})")
        run.evaluations.append(TRAINING, step, {**decides, **found})
        self.record.measured(step, as_columns(found))

    def catch_up(self, step: int) -> None:
        """Makes the evaluation of a step at which the run was stopped before it was made; else puts it in its place."""
        done = [line for line in self.record.run.evaluations.of_training() if line["step"] == step]
        if done:
            self.record.measured(step, as_columns(done[-1]))
        else:
            self.evaluate(step)

    def remember(self) -> None:
        """The number that decides, for the line of progress."""
        watch = self.evaluator.watch
        if watch is not None and watch.best is not None:
            self.record.last_evaluation_text = f"best {watch.name} {watch.best:.4g}"

    def restore_best(self) -> None:
        """Makes best.npz the checkpoint of the best step so far, where a kill came before the two were one."""
        run, watch = self.record.run, self.evaluator.watch
        if watch is None or watch.best_step is None or read_checkpoint_step(run.best) == watch.best_step:
            return
        saved = checkpoint_path(run.checkpoints, watch.best_step)
        if read_checkpoint_step(saved) == watch.best_step:
            link_atomically(saved, run.best)

    def describe_best(self) -> list[str]:
        """A line for the end of the run."""
        watch, best = self.evaluator.watch, self.record.run.best
        if watch is None or watch.best is None:
            return []
        kept = f", kept in {best}" if read_checkpoint_step(best) == watch.best_step else ""
        return [f"Best {watch.name}: {watch.best:.4g} at step {watch.best_step}{kept}"]
