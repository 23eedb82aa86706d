"""gan-eval's work: from checked settings to an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace

from gan_cli.console import Console
from gan_cli.data import DataSpec, Examples
from gan_cli.errors import ConfigError
from gan_cli.evaluation.checkpoint_diagnostics import diagnose_checkpoint
from gan_cli.evaluation.class_frequencies import labels_for
from gan_cli.evaluation.compute_metrics import Evaluation, measure
from gan_cli.evaluation.evaluation_config import GENERATED, EvaluationJob
from gan_cli.evaluation.evaluation_sides import (
    FakeSide,
    RealSide,
    conditional_classes,
    describe,
    find_real,
    has_codes,
    open_real,
)
from gan_cli.evaluation.example_sets import ExampleSet, GeneratedExamples, StoredExamples
from gan_cli.evaluation.feature_store import cached_features, extract_features
from gan_cli.evaluation.protocol import describe_protocol
from gan_cli.evaluation.real_data import (
    NONE_HELD_OUT,
    OpenedSources,
    RealData,
    describe_files,
    open_files,
    report_skipped,
)
from gan_cli.features import FeatureExtractor, FeatureExtractorConfig
from gan_cli.metrics import Comparison, Result
from gan_cli.metrics.metric_compatibility import PlannedComparison, check_embedding, check_metrics, needs_extractor
from gan_cli.progress import ProgressReporter
from gan_cli.runs.checkpoint import checkpoint_path
from gan_cli.trained_models.load_generator import load_source


def check_evaluation(job: EvaluationJob, fake: FakeSide) -> None:
    """Raises ConfigError for what can't be measured, as far as that can be known without TensorFlow."""
    settings = job.settings
    real = find_real(job, fake)
    source = real.source if isinstance(real, RealData) else None
    if isinstance(real, RealData) and settings.split == "held_out":
        real.check_held_out("split", settings.split)
    if isinstance(real, RealData) and settings.baseline:
        real.check_held_out("baseline", settings.baseline)
    if settings.baseline and all(metric.needs_held_out for metric in job.metrics.values()):
        problem = f"{', '.join(job.metrics)} needs the held-out examples itself"
        raise ConfigError("baseline", problem, settings.baseline, "Add a metric, such as fid.")
    data = describe(job, real)
    count = None if data is None else min(data.examples, settings.real_samples or data.examples)
    if settings.fake is not None:
        fakes = describe_files("fake", settings.fake, settings.file_options)
        check_same_shape(data, fakes)
        check_same_classes(job, data, fakes)
        made, classes = min(fakes.examples, settings.samples or fakes.examples), fakes.classes
    else:
        check_same_shape(data, fake.data)
        made, classes = settings.samples or GENERATED, conditional_classes(fake)
    if data is not None:
        check_per_class(job, data.classes > 1 and (classes > 1 or fake.config is None))
    planned = PlannedComparison(source, data, count, made, classes > 1, has_codes(fake))
    try:
        check_metrics(job.metrics, job.features, planned)
    except ConfigError as error:
        key = {"samples": "fake", "real_samples": "real"}.get(error.key)
        typed = getattr(settings, error.key, None) if key else None
        if key is None or typed is not None or getattr(settings, key) is None:
            raise
        raise ConfigError(key, error.problem, getattr(settings, key), error.advice) from None


def check_per_class(job: EvaluationJob, has_classes: bool) -> None:
    """Raises ConfigError for `per_class` where a side has no classes."""
    if job.settings.per_class and not has_classes:
        problem = "needs real and generated examples with classes"
        advice = "A conditional generator, or a folder with a sub-folder for each class, has some."
        raise ConfigError("per_class", problem, True, advice)


def check_same_classes(job: EvaluationJob, real: DataSpec | None, fake: DataSpec) -> None:
    """Raises ConfigError where a metric goes class by class, and the classes of the two sides have other names."""
    if real is None or not any(metric.needs_labels for metric in job.metrics.values()):
        return
    if real.class_names and fake.class_names and real.class_names != fake.class_names:
        only = sorted(set(real.class_names) ^ set(fake.class_names))
        problem = f"its classes are other ones than the real ones: {', '.join(only[:5])}"
        raise ConfigError("fake", problem, job.settings.fake, "Give both the same sub-folders.")


def check_same_shape(real: DataSpec | None, fake: DataSpec | None) -> None:
    """Raises ConfigError where the two sides have different sizes or channels."""
    if real is None or fake is None or real.shape == fake.shape:
        return
    sizes = ["x".join(str(side) for side in spec.shape) for spec in (real, fake)]
    height, width, channels = (*fake.shape, 1, 1)[:3]
    kind = {1: "grey", 3: "rgb", 4: "rgba"}.get(channels, "auto")
    advice = f"Bring the files to one size: image_size={height}x{width} channels={kind}." if fake.is_image else ""
    raise ConfigError("real", f"the real examples are {sizes[0]}, the generated ones {sizes[1]}", advice=advice)


def evaluate(
    job: EvaluationJob, fake: FakeSide, console: Console, opened: OpenedSources
) -> tuple[Evaluation, int | None]:
    """Measures one generated side; gives the evaluation and the step of the generator. TensorFlow is loaded.

    `opened` holds the data of the generated sides before.
    """
    settings = job.settings
    real = open_real(job, fake, console, opened)
    reals = StoredExamples(real.examples, real.about, settings.real_samples, console.read_data)
    if fake.generator is None:
        stored = open_files("fake", str(settings.fake), settings.file_options, console.read_data)
        fakes: ExampleSet = StoredExamples(stored, fake.about, settings.samples)
        step = None
    else:
        generator = load_source(fake.generator, settings.weights, settings.trust)
        step = generator.metadata.step
        count = settings.samples or GENERATED
        labels = labels_for(generator, reals.data, reals.labels, count)
        about = {**fake.about, "step": step}
        fakes = GeneratedExamples(generator, about, count, settings.seed, settings.truncation, *labels)
    check_same_shape(real.examples.spec, fakes.data)
    report_skipped("real", real.examples, console)
    if isinstance(fakes, StoredExamples):
        report_skipped("fake", fakes.whole, console)
    has_classes = fakes.labels is not None
    planned = PlannedComparison(real.source, reals.data, reals.count, fakes.count, has_classes, has_codes(fake))
    check_metrics(job.metrics, job.features, planned)
    check_per_class(job, reals.labels is not None and has_classes)
    computed: dict[str, Result] = {}
    if fake.config is not None and fake.generator is not None and is_own_data(job) and step is not None:
        path = checkpoint_path(fake.generator, step) if fake.generator.is_dir() else fake.generator
        result = diagnose_checkpoint(path, fake.config, reals, real.held_out(), fakes, settings.trust)
        computed["discriminator"] = result
    evaluation = compare(job, reals, fakes, real, console, computed)
    if settings.baseline:
        evaluation = with_baseline(evaluation, job, reals, fakes, real, console)
    return evaluation, step


def with_baseline(
    evaluation: Evaluation,
    job: EvaluationJob,
    reals: StoredExamples,
    fakes: ExampleSet,
    real: RealSide,
    console: Console,
) -> Evaluation:
    """Adds the values of as many held-out real examples in place of the generated ones.

    Metrics that need held-out examples of their own are left out.
    """
    held_out = real.held_out()
    if held_out is None:
        raise ConfigError("baseline", "there are no held-out examples", job.settings.baseline, NONE_HELD_OUT)
    about = {**real.about, "split": "held_out"}
    others = StoredExamples(held_out, about, fakes.count, console.read_data)
    metrics = {name: metric for name, metric in job.metrics.items() if not metric.needs_held_out}
    found = compare(replace(job, metrics=metrics), reals, others, replace(real, held_out=lambda: None), console, {})
    baseline = {name: {**value, "count": others.count} for name, value in found.values.items()}
    return replace(evaluation, baseline=baseline, baseline_classes=found.classes)


def is_own_data(job: EvaluationJob) -> bool:
    """Whether the real examples are those that the run was trained on."""
    settings = job.settings
    return settings.real is None and job.dataset is None and settings.split == "train"


def compare(
    job: EvaluationJob,
    reals: StoredExamples,
    fakes: ExampleSet,
    real: RealSide,
    console: Console,
    computed: Mapping[str, Result],
) -> Evaluation:
    """Every metric over both sides, beside results that were computed before."""
    embedding = open_embedding(job, real, console) if needs_extractor(job.metrics) else None
    with ExitStack() as stack:
        held_out = None
        if any(metric.uses_held_out for metric in job.metrics.values()):
            aside = real.held_out()
            if aside is not None:
                about = {**real.about, "split": "held_out"}
                held_out = cached_features(StoredExamples(aside, about), embedding, console, "held-out")
        comparison = Comparison(
            real=cached_features(reals, embedding, console),
            fake=stack.enter_context(extract_features(fakes, embedding, console, "generated")),
            held_out=held_out,
            source=real.source,
            seed=job.settings.seed,
            reporter=console,
        )
        protocol = describe_protocol(job.metrics, reals, fakes, embedding, job.settings.seed)
        return measure(job.metrics, comparison, protocol, computed, job.settings.per_class)


def open_embedding(job: EvaluationJob, real: RealSide, console: Console) -> FeatureExtractor:
    """The extractor, ready for the real examples; one that is trained learns from them."""
    labelled = real.labelled if real.examples.spec.classes > 1 else None
    embedding = opened(job.features, real.examples.spec, labelled, console)
    check_embedding(job.metrics, embedding)
    return embedding


def opened(
    features: FeatureExtractorConfig,
    data: DataSpec,
    labelled: Callable[[], Examples] | None,
    reporter: ProgressReporter,
) -> FeatureExtractor:
    """The embedding of an extractor, its errors seen from the root."""
    try:
        return features.load(data, labelled, reporter)
    except ConfigError as error:
        raise (error if error.key.startswith("features") else error.below("features")) from error
