"""Evaluates the EMA generator at regular steps of training, always by the same protocol.

Training is not disturbed: everything that is drawn here is a function of the seed, no variable of the training state is
written, and its clock stands still meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from gan_cli.config.job_builder import TrainJob
from gan_cli.data import Examples
from gan_cli.data.chunk_length import chunk_length
from gan_cli.evaluation.best_tracker import BestTracker
from gan_cli.evaluation.checkpoint_diagnostics import FirstExamples
from gan_cli.evaluation.class_frequencies import labels_for
from gan_cli.evaluation.compute_metrics import Evaluation, measure
from gan_cli.evaluation.discriminator_diagnostics import health
from gan_cli.evaluation.example_sets import GeneratedExamples, StoredExamples
from gan_cli.evaluation.feature_store import StoredFeatures, cached_features, extract_features
from gan_cli.evaluation.protocol import describe_protocol
from gan_cli.evaluation.real_data import describe_dataset, open_held_out
from gan_cli.evaluation.recorded_evaluations import same_protocol
from gan_cli.features import FeatureExtractor
from gan_cli.metrics import Comparison
from gan_cli.metrics.metric_compatibility import check_embedding, choose_value, needs_extractor, value_names
from gan_cli.progress import ProgressReporter
from gan_cli.sampling.generator_metadata import metadata_of
from gan_cli.sampling.generator_weights import EMA
from gan_cli.sampling.loaded_generator import LoadedGenerator


class EvaluationInterrupted(Exception):
    """A stop was requested during an evaluation."""


@dataclass(frozen=True)
class InterruptibleReporter(ProgressReporter):
    """Interrupts the work that reports its progress here when a stop is requested."""

    reporter: ProgressReporter
    is_stopped: Callable[[], bool]

    def line(self, text: str) -> None:
        self.reporter.line(text)

    def warn(self, text: str) -> None:
        self.reporter.warn(text)

    def progress(self, what: str, done: int, total: int) -> None:
        if self.is_stopped():
            raise EvaluationInterrupted
        self.reporter.progress(what, done, total)


@dataclass(frozen=True)
class Verdict:
    """What an evaluation says of the run.

    Attributes:
        is_best: whether it is the best so far by the number that decides.
        warning: about a collapse that has just been seen, None without.
    """

    is_best: bool = False
    warning: str | None = None


class PeriodicEvaluator:
    """Measures a run's averaged generator and its discriminator.

    Args:
        job: with its metrics, its data set and `eval.*`.
        training: the examples that training sees.
        aside: those kept from it, None where the data set may have a split of its own.
        reporter: shows the progress.

    Raises:
        ConfigError: where the extractor can't be had, or can't give what a metric asks for.
    """

    def __init__(self, job: TrainJob, training: Examples, aside: Examples | None, reporter: ProgressReporter) -> None:
        self.job, self.settings, self.training = job, job.evaluation, training
        self.embedding = self.open_embedding(reporter) if needs_extractor(job.metrics) else None

        def reading(done: int, total: int) -> None:
            reporter.progress("reading data", done, total)

        self.aside = aside or open_held_out(job.dataset, reading)
        about = describe_dataset(job.config["dataset"])
        self.reals = StoredExamples(training, about, self.settings.real_samples, reading)
        self.held_out = StoredExamples(self.aside, {**about, "split": "held_out"}) if self.aside else None
        self.real_features: dict[str, StoredFeatures] = {}
        self.watch = new_best_tracker(job)

    def set_job(self, job: TrainJob) -> None:
        """Takes the same job with another length."""
        self.job, self.settings = job, job.evaluation

    def open_embedding(self, reporter: ProgressReporter) -> FeatureExtractor:
        from gan_cli.evaluation.evaluation_job import opened

        spec = self.training.spec
        embedding = opened(self.job.features, spec, (lambda: self.training) if spec.classes > 1 else None, reporter)
        check_embedding(self.job.metrics, embedding)
        return embedding

    def prepare(self, generator: Any, reporter: ProgressReporter) -> float:
        """Extracts the features of real examples, once a run, and returns about how many seconds an evaluation takes.

        That is the time of generated examples and their features, measured on the second of two chunks. What metrics
        compute from features is not part of it. Raises what the reporter raises.
        """
        self.features_of("real", self.reals, reporter)
        self.held_out_features(reporter)
        batch, seconds = 1 if self.embedding is None else self.embedding.batch_size, 0.0
        count = min(self.settings.samples, chunk_length(self.training.spec.example_bytes, batch))
        for _ in range(2):  # the first one compiles
            reporter.progress("timing an evaluation", 0, 1)
            fakes = self.generated(generator, step=0)  # a new one, since it keeps its last batch
            began = time.perf_counter()
            examples = fakes.read(0, count)
            if self.embedding is not None:
                self.embedding(examples)
            seconds = time.perf_counter() - began
        reporter.progress("timing an evaluation", 1, 1)
        return seconds * self.settings.samples / count

    def evaluate(self, generator: Any, discriminator: Any, step: int, reporter: ProgressReporter) -> Evaluation:
        """Computes all metrics at a step. Raises what the reporter raises.

        Args:
            generator: the EMA generator, a Keras model.
            discriminator: the discriminator, for its diagnostics.
            step: the step that both are of.
            reporter: of the progress.
        """
        job, fakes = self.job, self.generated(generator, step)
        with ExitStack() as stack:
            comparison = Comparison(
                real=self.features_of("real", self.reals, reporter),
                fake=stack.enter_context(extract_features(fakes, self.embedding, reporter, "generated")),
                held_out=self.held_out_features(reporter),
                source=job.dataset,
                reporter=reporter,
            )
            diagnostics = self.diagnose(discriminator, fakes)
            return measure(job.metrics, comparison, self.protocol(fakes), {"discriminator": diagnostics})

    def generated(self, averaged: Any, step: int) -> GeneratedExamples:
        """The samples of the EMA generator at `step`, always from the same latents."""
        model = self.job.model
        spec = self.training.spec
        condition = self.job.conditioning.condition(spec)
        metadata = metadata_of(model, spec, step, condition)
        about = {"weights": EMA, "step": step}
        generator, count = LoadedGenerator(averaged, metadata), self.settings.samples
        labels, labels_about = None, ""
        if condition is not None:
            labels, labels_about = labels_for(generator, spec, self.reals.labels, count)
        return GeneratedExamples(generator, about, count, labels=labels, labels_about=labels_about)

    def protocol(self, fakes: GeneratedExamples) -> dict[str, Any]:
        return describe_protocol(self.job.metrics, self.reals, fakes, self.embedding, seed=0)

    def held_out_features(self, reporter: ProgressReporter) -> StoredFeatures | None:
        wanted = any(metric.uses_held_out for metric in self.job.metrics.values())
        return self.features_of("held-out", self.held_out, reporter) if wanted and self.held_out else None

    def features_of(self, name: str, examples: StoredExamples, reporter: ProgressReporter) -> StoredFeatures:
        """The features of real examples, extracted once a run."""
        if name not in self.real_features:
            self.real_features[name] = cached_features(examples, self.embedding, reporter, name)
        return self.real_features[name]

    def diagnose(self, discriminator: Any, fakes: GeneratedExamples) -> Any:
        """The diagnostics of the discriminator on the first examples of each side."""
        held_out = FirstExamples(self.held_out) if self.held_out else None
        return health(discriminator, self.job.loss, FirstExamples(self.reals), held_out, FirstExamples(fakes))

    def update_best(self, step: int, values: Mapping[str, Mapping[str, Any]]) -> Verdict:
        """Takes in what was measured at `step`, and says what that means."""
        watch = self.watch
        if watch is None or watch.name not in values:
            return Verdict()
        before = watch.collapsed
        is_best = watch.see(step, values)
        if not watch.collapsed or before:
            return Verdict(is_best)
        now = values[watch.name]["value"]
        text = (
            f"{watch.name} is {'infinite' if now is None else f'{now:.4g}'} at step {step}, more than "
            f"{watch.collapse_ratio:g} times worse than its best, {watch.best:.4g} at step {watch.best_step}"
        )
        return Verdict(is_best, f"Late collapse: {text}")

    def replay_history(self, lines: Sequence[Mapping[str, Any]]) -> list[str]:
        """Takes in the recorded evaluations of a run that is resumed; returns messages about them.

        Args:
            lines: of its evaluations.jsonl. Those that were measured in another way do not count.
        """
        self.watch = watch = new_best_tracker(self.job)
        if watch is None or not lines:
            return []
        counting = same_protocol(lines, watch.name, self.protocol(self.generated(None, 0)))
        for line in counting:
            self.update_best(line["step"], line["values"])
        if len(counting) == len(lines):
            return []
        others = f"{len(lines) - len(counting)} of {len(lines)} evaluations so far"
        return [f"{others} had no {watch.name} or measured it in another way; new ones are not compared with them"]

    def early_stop_reason(self) -> str | None:
        """The reason to stop training, None where it should continue."""
        watch, settings = self.watch, self.settings
        if watch is None:
            return None
        if settings.patience is not None and watch.since_best >= settings.patience:
            times = f"{watch.since_best} evaluation{'s' if watch.since_best > 1 else ''}"
            return f"{watch.name} has had no new best for {times}; to continue: eval.patience=null"
        if settings.stop_on_collapse and watch.collapsed:
            return f"{watch.name} has collapsed; to continue: eval.stop_on_collapse=false"
        return None


def new_best_tracker(job: TrainJob) -> BestTracker | None:
    """A watch over the number that decides; None where no metric gives one."""
    if not any(value_names(job.metrics).values()):
        return None
    name, better = choose_value("eval.best_by", job.evaluation.best_by, job.metrics)
    return BestTracker(name, better, job.evaluation.collapse_ratio)


def one_line_summary(evaluation: Evaluation, watch: BestTracker | None, is_best: bool) -> str:
    """The metrics' numbers, the one that decides first; the discriminator's are in the logs."""
    names = [name for name, entry in evaluation.values.items() if entry["metric"] != "discriminator"]
    if watch is not None and watch.name in names:
        names = [watch.name, *(name for name in names if name != watch.name)]
    text = []
    for name in names:
        value = evaluation.values[name]["value"]
        best = " (best)" if is_best and watch is not None and name == watch.name else ""
        text.append(f"{name} {'infinite' if value is None else f'{value:.4g}'}{best}")
    return ", ".join(text)
