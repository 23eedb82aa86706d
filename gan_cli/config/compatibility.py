"""Checks across keys: what is right by itself and can't work together."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace

from gan_cli.config.job_builder import TrainJob
from gan_cli.config.label_checks import check_classes, name_of
from gan_cli.data import DataSpec
from gan_cli.data.class_names import describe_classes
from gan_cli.errors import ConfigError
from gan_cli.losses import EMBEDDING, FEATURES, LOGITS, PIXELS, RECONSTRUCTION
from gan_cli.metrics.metric_compatibility import COUNTS, PlannedComparison, check_metrics, choose_value
from gan_cli.models import TRUNCATE_W
from gan_cli.penalties import Penalty, Projection, Regularizer, is_on_generator
from gan_cli.penalties.phase_penalty import PhasePenalty

GIVES = {LOGITS: "logits", EMBEDDING: "vectors", RECONSTRUCTION: "its reconstructions", PIXELS: "the examples",
         FEATURES: "fixed features"}  # fmt: skip
"""Kinds of discriminator in words."""


def check_data(job: TrainJob, data: DataSpec) -> None:
    """Raises ConfigError where the data can't be trained on as configured."""
    real_examples = job.loss.real_examples
    if real_examples is None and data.examples < job.train.batch_size:
        raise ConfigError(
            "train.batch_size",
            f"the data set has only {data.examples} examples, fewer than a batch",
            job.train.batch_size,
            f"Set train.batch_size={max(1, data.examples // 2)}, or add data.",
        )
    if real_examples is not None and data.examples < real_examples:
        problem = f"the loss takes {real_examples} real examples a step, and the data set has only {data.examples}"
        raise ConfigError("loss", problem, advice="Take fewer, or add data.")
    if job.loss.output == FEATURES:
        check_features(job, data)
    if job.dataset.balance and data.classes < 2:
        problem = f"draws classes evenly, and {describe_classes(data)}"
        raise ConfigError("dataset.balance", problem, True, "Set dataset.balance=false, or give labels (docs/data.md).")
    check_classes(job, data)
    job.model.check(data)
    for name, augmentation in job.augmentations.items():
        try:
            augmentation.check(data)
        except ConfigError as error:
            raise error.below(f"augment.{name}") from None


def check_conditioning(job: TrainJob) -> None:
    """Raises ConfigError where a conditioning does not go with the loss."""
    conditioning, kind, name = job.conditioning, job.loss.output, name_of(job.conditioning)
    if conditioning.outputs and kind not in conditioning.outputs:
        wanted = " or ".join(GIVES[one] for one in conditioning.outputs)
        problem = f"needs a discriminator that gives {wanted}, and this loss asks for one that gives {GIVES[kind]}"
        raise ConfigError("conditioning", problem, name, "Use conditioning=none, or another loss.")
    try:
        conditioning.check_loss(job.loss)
    except ConfigError as error:
        raise ConfigError("conditioning", error.problem, name, error.advice) from None


def check_features(job: TrainJob, data: DataSpec) -> None:
    """Raises ConfigError where the extractor in whose features the loss compares examples can't work on the data."""
    try:
        job.features.choose(data).check(data)
    except ConfigError as error:
        raise error.below("features") from None


def check_parts(job: TrainJob) -> None:
    """Raises ConfigError where a loss, penalties, augmentations and the manner of training contradict each other."""
    check_conditioning(job)
    if not job.loss.trains_discriminator:
        check_without_discriminator(job)
    if job.loss.output == RECONSTRUCTION:
        check_autoencoder(job)
    terms = {name: penalty for name, penalty in job.penalties.items() if isinstance(penalty, Penalty)}
    for name, penalty in terms.items():
        kind, kinds = job.loss.output, penalty.outputs
        if kinds and kind not in kinds:
            wanted = " or ".join(GIVES[one] for one in kinds)
            problem = f"needs a discriminator that gives {wanted}, and this loss asks for one that gives {GIVES[kind]}"
            raise ConfigError("penalty", problem, name, "Leave it out, or use another loss.")
    for name, penalty in terms.items():
        if penalty.uses_output_weights and job.conditioning.replaces_output:
            problem = f"needs a last layer of one logit, and {name_of(job.conditioning)} has another one in its place"
            raise ConfigError("penalty", problem, name, "Leave it out, or use another conditioning.")
    for name, penalty in terms.items():
        if penalty.is_finite_difference and job.train.precision != "float32":
            problem = f"needs train.precision=float32: in {job.train.precision} a difference that small is rounding"
            raise ConfigError(f"penalty.{name}.method", problem, "finite_difference", "Use method=exact.")
    check_phases(job)
    if job.train.batch_size % job.train.pack:
        near = max(1, round(job.train.batch_size / job.train.pack)) * job.train.pack
        problem = (
            f"has to be a multiple of train.pack={job.train.pack}, the examples that the discriminator gets together"
        )
        raise ConfigError("train.batch_size", problem, job.train.batch_size, f"The nearest is {near}.")
    if job.train.accumulate > 1:
        check_accumulation(job)
    if job.loss.compares_vectors and job.train.batch_size < 2 * job.train.pack:
        problem = "this loss compares examples with others of their batch"
        raise ConfigError("train.batch_size", problem, job.train.batch_size, f"Give at least {2 * job.train.pack}.")
    if job.train.top_k < 1 and not job.loss.is_per_sample:
        problem = "the generator's loss is not a mean over its examples, of which the best could be taken alone"
        raise ConfigError("train.top_k", problem, job.train.top_k, "Use train.top_k=1, or another loss.")
    if job.train.top_k < 1 and job.conditioning.replaces_loss:
        problem = f"{name_of(job.conditioning)} takes the place of the generator's loss, with all examples"
        raise ConfigError("train.top_k", problem, job.train.top_k, "Use train.top_k=1, or another conditioning.")
    distances = {
        f"penalty.{name}.perturbation_std": penalty.perturbation_std
        for name, penalty in terms.items()
        if penalty.perturbation_std is not None
    }
    if len(set(distances.values())) > 1:
        first, second = list(distances)[:2]
        raise ConfigError(second, f"has to be equal to {first}={distances[first]}", distances[second])


def check_phases(job: TrainJob) -> None:
    """Raises ConfigError where a penalty with a phase of its own does not go with the generator or its chunks."""
    chunks = job.train.accumulate
    for name, penalty in job.penalties.items():
        if not isinstance(penalty, PhasePenalty):
            continue
        if penalty.needs_styles and job.model.truncation != TRUNCATE_W:
            problem = f"{name} needs a generator with styles w, a mapping and a synthesis network"
            raise ConfigError("penalty", problem, name, "Leave it out, or use model=stylegan2.")
        part = job.train.batch_size // chunks
        if chunks > 1 and penalty.examples(job.train.batch_size) > part:
            problem = f"the phase of {name} computes its examples together, and has more than the {part} of a part"
            advice = f"Set penalty.{name}.share={1 / chunks:.3g}, or train.accumulate=1."
            raise ConfigError("train.accumulate", problem, chunks, advice)


def check_autoencoder(job: TrainJob) -> None:
    """Raises ConfigError for what looks whether real examples get the higher logits, in balance the lower ones here."""
    for name, augmentation in job.augmentations.items():
        if augmentation.learns:
            problem = (
                f"{name} follows the logits of real examples, which say nothing in the equilibrium of an auto-encoder"
            )
            raise ConfigError("augment", problem, name, "Use augment=diffaugment, say.")
    names: list[str] = [field.name for field in fields(job.model)] if is_dataclass(job.model) else []
    if "latent_size" not in names:
        problem = "an auto-encoder needs a generator for codes of another size, and this model has no field latent_size"
        advice = "Make it a dataclass with latent_size: int = 64."
        raise ConfigError("model", problem, type(job.model).__name__, advice)


def check_accumulation(job: TrainJob) -> None:
    """Raises ConfigError where the gradient of a batch is not the sum of those of its parts (`train.accumulate`)."""
    chunks, pack = job.train.accumulate, job.train.pack
    counts = [job.train.batch_size]
    if job.loss.real_examples is not None and job.loss.output != PIXELS:
        counts.append(job.loss.real_examples)
    for count in counts:
        if count % (chunks * pack):
            near = max(1, round(count / (chunks * pack))) * chunks * pack
            problem = f"{count} examples do not make equal parts" + (f" of packs of {pack}" if pack > 1 else "")
            raise ConfigError("train.accumulate", problem, chunks, f"The nearest number of examples is {near}.")
    for name, penalty in job.penalties.items():
        if not isinstance(penalty, Penalty):
            continue
        if not penalty.is_mean:
            problem = f"{name} is not a mean over examples, so the gradients of its parts do not add up"
            raise ConfigError("train.accumulate", problem, chunks, f"Leave out {name}, or use train.accumulate=1.")
        if job.loss.compares_vectors and not is_on_generator(penalty):
            problem = f"for {name} this loss compares an example with all others, which are in other parts"
            raise ConfigError("train.accumulate", problem, chunks, "Use penalty=[], or train.accumulate=1.")


def check_without_discriminator(job: TrainJob) -> None:
    """Raises ConfigError for what a loss can't use that trains no discriminator."""
    why = "this loss compares the examples themselves and trains no discriminator"
    for name, penalty in job.penalties.items():
        if not is_on_generator(penalty) or uses_layer(penalty):
            raise ConfigError("penalty", f"{why}, which {name} is about", name, "Leave it out: penalty=[].")
    for name, augmentation in job.augmentations.items():
        if augmentation.learns:
            raise ConfigError("augment", f"{why}, which {name} learns from", name, "Use augment=diffaugment, say.")
    if job.loss.uses_all_data and (job.augmentations or job.train.pack > 1):
        key, value = ("augment", next(iter(job.augmentations))) if job.augmentations else ("train.pack", job.train.pack)
        problem = "this loss compares generated examples with all of the data as it is, neither augmented nor packed"
        raise ConfigError(key, problem, value, "Leave it out, or use loss.attraction=batch.")
    if job.loss.output == FEATURES and job.train.pack > 1:
        problem = "the fixed network of the features takes one example at a time"
        raise ConfigError("train.pack", problem, job.train.pack, "Set train.pack=1.")
    if job.train.freeze_discriminator:
        value = job.train.freeze_discriminator
        raise ConfigError("train.freeze_discriminator", why, value, "Set train.freeze_discriminator=0.")
    if job.train.critic_steps > 1:
        raise ConfigError("train.critic_steps", why, job.train.critic_steps, "Set train.critic_steps=1.")


def check_job(job: TrainJob, data: DataSpec | None = None) -> DataSpec | None:
    """Checks what can be known before TensorFlow is loaded; gives the training data's description where it is known.

    Args:
        data: that description, where it is known already.
    """
    for name, logger in job.loggers.items():
        try:
            logger.check()
        except ConfigError as error:
            raise error.below(f"logger.{name}") from None
    check_parts(job)
    data = data or describe_training_data(job)
    if data is not None:
        check_data(job, data)
    check_evaluation(job, data)
    return data


def check_evaluation(job: TrainJob, data: DataSpec | None) -> None:
    """Raises ConfigError for what can't be measured during training."""
    section = job.evaluation
    if not job.metrics:
        for key in ("best_by", "patience"):
            if getattr(section, key) is not None:
                raise ConfigError(
                    f"eval.{key}", "needs something to measure", getattr(section, key), "Add metric=[fid], say."
                )
        return
    if section.best_by is not None or section.patience is not None or section.stop_on_collapse:
        choose_value("eval.best_by", section.best_by, job.metrics)
    count = None if data is None else min(data.examples, section.real_samples or data.examples)
    conditioning = job.conditioning
    labels = {"fakes_have_classes": conditioning.needs_labels, "fakes_have_codes": conditioning.draws_targets}
    try:
        check_metrics(job.metrics, job.features, PlannedComparison(job.dataset, data, count, section.samples, **labels))
    except ConfigError as error:
        raise (error.below("eval") if error.key in COUNTS else error) from None


def describe_training_data(job: TrainJob) -> DataSpec | None:
    """The examples without those that are held out; None where nothing is known before a download."""
    try:
        data = job.dataset.describe()
    except ConfigError as error:
        raise error.below("dataset") from None
    if data is None:
        return None
    return replace(data, examples=data.examples - int(data.examples * job.evaluation.held_out))


def warnings_for(job: TrainJob) -> list[str]:
    """What will run, and probably not as it was meant."""
    notes = []
    taking = [name for name, penalty in job.penalties.items() if uses_input_gradients(penalty)]
    normalization = job.model.discriminator_normalization
    if taking and normalization == "batch":
        notes.append(
            f"Warning: model.discriminator_normalization=batch with penalty {', '.join(taking)}: batch normalization "
            "makes the output for one image depend on the others, so its gradient is not that of the image alone "
            "(WGAN-GP, arXiv:1704.00028, section 4). Use layer, instance, spectral or none."
        )
    bounding = [one for one in job.penalties.values() if isinstance(one, Projection) or uses_input_gradients(one)]
    if job.loss.critic and not bounding and normalization != "spectral":
        notes.append(
            "Warning: a Wasserstein loss without gradient penalty, clip or spectral normalization: nothing bounds the "
            "critic, and its loss can grow without end. Use penalty=gradient_penalty or penalty=weight_clip."
        )
    frozen = [key for key in ("freeze_discriminator", "freeze_generator") if getattr(job.train, key)]
    if frozen and job.train.start_from is None:
        notes.append(
            f"Warning: train.{frozen[0]} without train.start_from: the frozen layers keep their random initial weights."
        )
    if "soft_margin" in job.penalties and normalization == "spectral":
        notes.append(
            "Warning: penalty=soft_margin with model.discriminator_normalization=spectral does nothing: it shrinks the "
            "last layer's weights, whose size spectral normalization takes out. Use another normalization."
        )
    return notes


def uses_input_gradients(penalty: Regularizer | Projection) -> bool:
    return isinstance(penalty, Penalty) and penalty.uses_input_gradients


def uses_layer(penalty: Regularizer | Projection) -> bool:
    return isinstance(penalty, Penalty) and penalty.layer is not None
