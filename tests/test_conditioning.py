"""Class-conditional training: labels reach both networks, and what can't work is refused before anything is made."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from composition import (
    CLASSES,
    LABELS,
    choices_of,
    data_of,
    do,
    job_of,
    model_for,
    networks_of,
    real_examples,
)
from conftest import PERCEPTRON
from PIL import Image
from runs import assert_resumes_exactly, metric_lines, newest_arrays, train
from test_command_line import error_of

from gan_cli.commands.train import gan_train
from gan_cli.conditioning import Conditioning
from gan_cli.config.compatibility import check_data, check_parts
from gan_cli.config.job_builder import TrainJob
from gan_cli.config.label_checks import check_labels
from gan_cli.data import InMemory
from gan_cli.errors import ConfigError
from gan_cli.models.condition import Targets
from gan_cli.models.discriminator import build_discriminator, with_features
from gan_cli.training.build_training import build_state, build_step

IMAGES, POINTS = (8, 8, 1), (2,)
PRECISIONS = ("float32", "mixed_bfloat16")
WITH_LABELS = tuple(name for name in choices_of("conditioning") if name != "infogan")


def job_with(conditioning: str, shape: tuple[int, ...] = IMAGES, *words: str, **train: Any) -> TrainJob:
    loss = ["loss=hinge"] if conditioning == "multi_hinge" else []
    job = job_of(f"conditioning={conditioning}", *loss, *words)
    return replace(job, model=model_for(shape), penalties={}, train=replace(job.train, critic_steps=1, **train))


def one_step(job: TrainJob, shape: tuple[int, ...] = IMAGES, labels: np.ndarray = LABELS) -> dict[str, float]:
    """A step from the same weights each time; returns its metrics, and the weights of the generator under `weights`."""
    state, step = networks_of(job, shape).step_of(job)
    given = tf.constant(np.stack([labels] * job.train.critic_steps))
    metrics = step(real_examples(shape, job.train.critic_steps), tf.constant(0, tf.int64), given)
    assert metrics.keys() == step.intervals.keys()
    found: dict[str, Any] = {name: float(value) for name, value in metrics.items()}
    assert np.isfinite(list(found.values())).all(), found
    return found | {"weights": np.concatenate([one.ravel() for one in state.generator.get_weights()])}


@pytest.mark.parametrize("shape", [IMAGES, POINTS])
@pytest.mark.parametrize("conditioning", WITH_LABELS)
def test_the_labels_change_what_both_networks_learn(conditioning: str, shape: tuple[int, ...]) -> None:
    job = job_with(conditioning, shape)
    first, same, other = (one_step(job, shape, labels) for labels in (LABELS, LABELS, LABELS[::-1].copy()))
    assert np.array_equal(first["weights"], same["weights"])
    assert first["generator_loss"] != other["generator_loss"]
    assert not np.array_equal(first["weights"], other["weights"])


@pytest.mark.parametrize("manner", [{"update": "simultaneous", "critic_steps": 2}, {"pack": 2, "accumulate": 2}])
@pytest.mark.parametrize("conditioning", WITH_LABELS)
def test_each_conditioning_goes_with_each_manner_of_training(conditioning: str, manner: dict[str, Any]) -> None:
    job = job_with(conditioning, POINTS)
    job = replace(job, train=replace(job.train, **manner))
    check_parts(job)
    one_step(job, POINTS)


def test_the_best_generated_examples_train_the_generator_except_by_a_loss_of_all() -> None:
    best = {"top_k": 0.5, "top_k_steps": 1}
    one_step(job_with("auxiliary_classifier", POINTS, **best), POINTS)
    with pytest.raises(ConfigError, match=r"^train\.top_k=0\.5: multi_hinge takes the place of the generator's loss"):
        check_parts(job_with("multi_hinge", POINTS, **best))


@pytest.mark.parametrize("conditioning", WITH_LABELS)
def test_half_precision_changes_losses_by_at_most_five_percent(conditioning: str) -> None:
    single, half = (one_step(job_with(conditioning, POINTS, precision=name), POINTS) for name in PRECISIONS)
    losses = [name for name in single if name.endswith("_loss")]
    np.testing.assert_allclose([half[name] for name in losses], [single[name] for name in losses], rtol=0.05, atol=0.02)


@pytest.mark.parametrize("conditioning", WITH_LABELS)
def test_chunks_of_a_batch_add_up_to_its_gradient(conditioning: str) -> None:
    parts = one_step(job_with(conditioning, POINTS, accumulate=4), POINTS)
    whole = one_step(job_with(conditioning, POINTS, accumulate=1), POINTS)
    np.testing.assert_allclose(parts["weights"], whole["weights"], atol=2e-5)
    assert parts["discriminator_loss"] == pytest.approx(whole["discriminator_loss"], rel=1e-4)


def test_without_conditioning_nothing_changes() -> None:
    job = job_with("none")
    assert job == replace(job_of(), model=job.model, penalties={}, train=job.train, config=job.config)
    assert one_step_without_labels(job).keys() == one_step_without_labels(replace(job, loss=job.loss)).keys()
    network = build_discriminator(job.model, data_of(IMAGES), job.loss)
    assert len(network.inputs) == 1


def one_step_without_labels(job: TrainJob) -> dict[str, float]:
    _, step = networks_of(job, IMAGES).step_of(job)
    return do(step, IMAGES)


def test_labels_are_joined_to_examples_as_maps() -> None:
    job = job_with("concat")
    network = build_discriminator(job.model, data_of(IMAGES), job.loss, conditioning=job.conditioning)
    inner, joined = network.get_layer("network"), network.get_layer("joined")
    assert inner.input_shape == (None, 8, 8, 1 + CLASSES)
    examples = real_examples(IMAGES, 1)[0]
    given = keras.Model(network.inputs, joined.output)([examples, tf.constant(LABELS)]).numpy()
    np.testing.assert_array_equal(given[..., :1], examples)
    np.testing.assert_array_equal(given[:, 3, 5, 1:], np.eye(CLASSES)[LABELS])
    named = with_features(network, {"auto": "loss.layer"})([examples, tf.constant(LABELS)])
    assert named[1]["auto"].shape[0] == len(LABELS)


def test_projection_adds_the_inner_product_of_the_class_and_the_features() -> None:
    job = job_with("projection")
    network = build_discriminator(job.model, data_of(IMAGES), job.loss, conditioning=job.conditioning)
    examples = real_examples(IMAGES, 1)[0]
    output = network.get_layer("output")
    features = keras.Model(network.inputs, output.input)([examples, tf.constant(LABELS)]).numpy()
    (table,) = network.get_layer("class_vectors").get_weights()
    weights, bias = output.get_weights()
    expected = np.sum(table.T[LABELS] * features, axis=1) + features @ weights[:, 0] + bias[0]
    found = network([examples, tf.constant(LABELS)])["output"].numpy()
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["conditioning=projektion"], ["conditioning=projektion", "Did you mean projection?"]),
        (["conditioning=projection", "loss=mmd"], ["conditioning=projection", "gives logits", "vectors"]),
        (["conditioning=auxiliary_classifier", "loss=mmd_pixels"], ["conditioning=auxiliary_classifier", "examples"]),
        (["conditioning=concat", "loss=began"], ["conditioning=concat", "reconstructions"]),
        (["conditioning=concat", "dataset.classes=[3]"], ["conditioning=concat", "two classes", "the only class is 3"]),
        (["dataset.classes=[3,77]"], ["dataset.classes=77", "the classes are 0 to 9"]),
        (["model=mlp", "model.conditioning=batch_norm"], ["model.conditioning=batch_norm", "concat, product"]),
        (
            ["conditioning=concat", "model.conditioning=batch_norm", "model.generator_normalization=none"],
            ["model.conditioning=batch_norm", "generator_normalization=batch", "first_map"],
        ),
        (
            ["conditioning=auxiliary_classifier", "conditioning.trained_on=fake"],
            ["conditioning.trained_on=fake", "real"],
        ),
    ],
)
def test_what_can_not_work_is_refused_before_anything_is_made(words: list[str], parts: list[str]) -> None:
    message = error_of(*words)
    assert all(part in message for part in parts), message
    assert not Path("outputs").exists()


def test_data_without_labels_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for number in range(4):
        Image.fromarray(np.full((8, 8), 60 * number, np.uint8)).save(tmp_path / f"{number}.png")
    message = error_of("conditioning=projection", "dataset=folder", f"dataset.path={tmp_path}", "train.batch_size=2")
    assert "there are no classes" in message
    assert "conditioning=none" in message


class Unprepared(Conditioning):
    needs_labels = True


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2, 3], r"^dataset: 1 of 4 examples have a label such as 3; the classes are 0 to 2"),
        ([0, 1, 2, -1], r"needs labels, and 1 of 4 examples have none \(-1\)"),
        ([-2, 1, 2, 0], r"^dataset: 1 of 4 examples have a label such as -2"),
    ],
)
def test_labels_that_are_missing_or_out_of_range_are_refused(labels: list[int], message: str) -> None:
    examples = InMemory(replace(data_of(POINTS), examples=4), np.zeros((4, 2)), np.array(labels, np.int32), [])
    with pytest.raises(ConfigError, match=message):
        check_labels(Unprepared(), examples)
    assert check_labels(Conditioning(), examples) == []


def test_a_class_without_examples_is_reported() -> None:
    spec = replace(data_of(POINTS), examples=2, class_names=("cat", "dog", "emu"))
    warnings = check_labels(Unprepared(), InMemory(spec, np.zeros((2, 2)), np.array([0, 2], np.int32), []))
    assert warnings == ["no example has the class dog: the generator learns nothing about it"]


def test_a_model_that_takes_no_labels_is_refused() -> None:
    class Plain(type(job_of("model=mlp").model)):  # type: ignore[misc]
        conditionings = ()

    job = replace(job_with("projection"), model=Plain())
    with pytest.raises(ConfigError, match="takes no labels"):
        check_data(job, data_of(IMAGES))


def test_generated_examples_that_stand_for_real_ones_keep_their_class() -> None:
    from gan_cli.augmentations.apa import neighbours

    fake = tf.range(8, dtype=tf.float32)[:, None]
    assert neighbours(fake, tf.constant(LABELS)).numpy().ravel().tolist() == [6, 7, 5, 0, 1, 2, 3, 4]
    assert neighbours(fake, None).numpy().ravel().tolist() == [7, 0, 1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("conditioning", choices_of("conditioning"))
def test_a_run_with_some_classes_resumes_exactly(conditioning: str) -> None:
    loss = "hinge" if conditioning == "multi_hinge" else "non_saturating"
    words = [
        *PERCEPTRON,
        f"conditioning={conditioning}",
        f"loss={loss}",
        "dataset.classes=[1,3,5]",
        "dataset.balance=true",
    ]
    whole = train("whole", 7, *words)
    assert_resumes_exactly(whole)
    assert {f"{name}_loss" for name in ("generator", "discriminator")} <= metric_lines(whole)[0].keys()


def test_terms_are_logged_by_their_names() -> None:
    job = job_with("auxiliary_classifier", POINTS)
    metrics = one_step(job, POINTS)
    assert metrics["discriminator_class_loss"] == pytest.approx(np.log(CLASSES), rel=0.5)
    assert metrics["generator_class_loss"] == pytest.approx(np.log(CLASSES), rel=0.5)


def test_targets_of_a_batch_are_the_labels_of_its_real_examples() -> None:
    job = job_with("projection", POINTS)
    step = build_step(job, build_state(job, data_of(POINTS)))
    context = step.context(tf.constant(0, tf.int64), 0, tf.constant(LABELS[None]))
    assert isinstance(context.targets, Targets)
    _, condition = step.inputs.join(tf.zeros([8, job.model.latent_size]), context.targets)
    np.testing.assert_array_equal(condition, np.eye(CLASSES)[LABELS])


@pytest.mark.usefixtures("eager")
def test_a_run_without_labels_is_the_same_with_and_without_the_key() -> None:
    """The keys of stored runs of earlier releases."""
    run = train("run", 4, *PERCEPTRON)
    config = (run / "config.yaml").read_text()
    before = newest_arrays(run)
    lines = config.splitlines()
    start = lines.index("conditioning:")
    (run / "config.yaml").write_text("\n".join([*lines[:start], *lines[start + 2 :]]) + "\n")
    assert gan_train([f"resume={run}", "train.steps=6"]) == 0
    longer = train("longer", 6, *PERCEPTRON)
    arrays, expected = newest_arrays(run), newest_arrays(longer)
    assert all(np.array_equal(arrays[name], expected[name]) for name in before if name.startswith("generator/"))


def test_a_conditional_run_does_not_go_on_with_other_classes(labelled_run: Path, working_folder: Path) -> None:
    run = shutil.copytree(labelled_run, working_folder / "run")
    before = newest_arrays(run)
    with pytest.raises(ConfigError, match=r"the classes are other ones: the classes are 0 to 9 before, and .* 9, 8, 7"):
        gan_train([f"resume={run}", "train.steps=8", "dataset.classes=[9,8,7,6,5,4,3,2,1,0]"])
    assert newest_arrays(run).keys() == before.keys()


def test_consistency_penalties_compare_class_logits_too() -> None:
    job = job_with("auxiliary_classifier")
    penalty = job_of("penalty=consistency").penalties
    both = [one_step(replace(one, penalties=penalty)) for one in (job, job_with("none"))]
    assert both[0]["penalty_consistency"] > both[1]["penalty_consistency"] > 0


def test_infogan_needs_no_labels_and_trains_its_heads_with_the_generator() -> None:
    job = job_with("infogan", POINTS)
    state = build_state(job, replace(data_of(POINTS), classes=0))
    step = build_step(job, state)
    heads = [state.discriminator.get_layer(name) for name in job.conditioning.generator_heads]
    moved = {id(variable) for head in heads for variable in head.trainable_variables}
    assert moved <= {id(variable) for variable in step.variables.generator}
    assert not moved & {id(variable) for variable in step.variables.discriminator}
    before = [head.get_weights()[0] for head in heads]
    metrics = do(step, POINTS)
    assert {"generator_code_loss", "generator_continuous_code_loss"} <= metrics.keys()
    assert all(not np.array_equal(old, head.get_weights()[0]) for old, head in zip(before, heads, strict=True))
