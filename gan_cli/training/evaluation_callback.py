"""Runs the periodic evaluations during training, and writes and reports their results."""

from __future__ import annotations

import traceback

from gan_cli.evaluation.compute_metrics import Evaluation
from gan_cli.evaluation.periodic_evaluation import (
    EvaluationInterrupted,
    InterruptibleReporter,
    PeriodicEvaluator,
    one_line_summary,
)
from gan_cli.runs.atomic_files import link_atomically
from gan_cli.runs.checkpoint import checkpoint_path, read_checkpoint_step
from gan_cli.runs.evaluations_log import TRAINING, as_columns
from gan_cli.runs.signals import StopRequest
from gan_cli.training.run_writer import RunWriter
from gan_cli.training.time_estimate import EVALUATION, TimeEstimate


class EvaluationCallback:
    """Called by the training loop when an evaluation is due.

    Attributes:
        is_missing: whether an evaluation was interrupted; it is repeated when the run is resumed.
    """

    def __init__(self, evaluator: PeriodicEvaluator, writer: RunWriter, stop: StopRequest) -> None:
        self.evaluator, self.writer = evaluator, writer
        self.reported: set[str] = set()
        self.is_missing = False
        self.reporter = InterruptibleReporter(writer.console, lambda: stop.requested)
        for text in evaluator.replay_history(writer.run.evaluations.of_training()):
            writer.console.line(text)
        self.restore_best()
        self.update_progress_text()

    @property
    def ends(self) -> bool:
        """Whether training should stop early."""
        return self.evaluator.early_stop_reason() is not None

    def prepare(self, estimate: TimeEstimate) -> None:
        """Extracts the features of real examples, and sets what an evaluation is expected to take.

        An error is left to the first evaluation, which reports it.
        """
        try:
            seconds = self.evaluator.prepare(self.writer.checkpoints.state.averaged, self.reporter)
            estimate.expect(EVALUATION, seconds)
        except EvaluationInterrupted:
            return
        except Exception:
            self.writer.console.write_log(traceback.format_exc())

    def evaluate(self, step: int) -> None:
        """Evaluates the state of `step` and writes the results.

        A stop request during the evaluation interrupts it; it is repeated when the run is resumed. Any other error is
        reported as a warning, and training continues.
        """
        try:
            self.reporter.progress("evaluation", 0, 1)
            state = self.writer.checkpoints.state
            evaluation = self.evaluator.evaluate(state.averaged, state.discriminator, step, self.reporter)
        except EvaluationInterrupted:
            self.is_missing = True
            return
        except Exception as error:
            self.writer.console.warn(f"evaluation at step {step} failed: {type(error).__name__}: {error}")
            self.writer.console.write_log(traceback.format_exc())
            return
        self.write(step, evaluation)
        verdict = self.evaluator.update_best(step, evaluation.values)
        if verdict.is_best:
            self.keep_best_before_end(step)
            self.writer.keep_best(step)
        summary = one_line_summary(evaluation, self.evaluator.watch, verdict.is_best)
        self.writer.console.line(f"evaluation at step {step}: {summary}")
        for text in (*evaluation.notes, verdict.warning):
            if text and text not in self.reported:
                self.reported.add(text)
                self.writer.console.warn(text)
        self.update_progress_text()

    def write(self, step: int, evaluation: Evaluation) -> None:
        """Writes the results to evaluations.jsonl, metrics.jsonl and the loggers, and their images."""
        run, found = self.writer.run, evaluation.as_dict()
        decides = {"decides": self.evaluator.watch.name} if self.evaluator.watch else {}
        try:
            evaluation.write_pictures(run.evaluation_pictures, step)
        except OSError as error:
            self.writer.console.warn(f"pictures can't be written into {run.evaluation_pictures} ({error.strerror})")
        run.evaluations.append(TRAINING, step, {**decides, **found})
        self.writer.write_evaluation(step, as_columns(found))

    def resume_at(self, step: int) -> None:
        """Repeats the evaluation of a resumed step if it is missing; otherwise writes its stored results again."""
        done = [line for line in self.writer.run.evaluations.of_training() if line["step"] == step]
        if done:
            self.writer.write_evaluation(step, as_columns(done[-1]))
        else:
            self.evaluate(step)

    def update_progress_text(self) -> None:
        """Sets the best value for the progress line."""
        watch = self.evaluator.watch
        if watch is not None and watch.best is not None:
            self.writer.last_evaluation_text = f"best {watch.name} {watch.best:.4g}"

    def keep_best_before_end(self, step: int) -> None:
        """Keeps the best checkpoint so far where this evaluation is due only because the run ends here.

        An extended run drops this evaluation and needs the former best again.
        """
        run = self.writer.run
        if step % self.evaluator.settings.every != 0 and run.best.is_file():
            link_atomically(run.best, run.best_before_end)

    def restore_best(self) -> None:
        """Links best.npz to the checkpoint of the best step, if the run was killed before it was linked."""
        run, watch = self.writer.run, self.evaluator.watch
        if watch is None or watch.best_step is None or read_checkpoint_step(run.best) == watch.best_step:
            return
        saved = checkpoint_path(run.checkpoints, watch.best_step)
        if read_checkpoint_step(saved) == watch.best_step:
            link_atomically(saved, run.best)

    def describe_best(self) -> list[str]:
        """Returns a line about the best step, for the end of the run."""
        watch, best = self.evaluator.watch, self.writer.run.best
        if watch is None or watch.best is None:
            return []
        kept = f", kept in {best}" if read_checkpoint_step(best) == watch.best_step else ""
        return [f"Best {watch.name}: {watch.best:.4g} at step {watch.best_step}{kept}"]
