"""`train.accumulate`: a batch in parts has the update of the whole batch, in the memory of a part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from composition import (
    BATCH,
    FEWER_KERNELS,
    data_of,
    do,
    job_of,
    job_with_loss,
    networks_of,
    real_examples,
    refusal_of,
    weights_of,
    with_part,
)
from conftest import TINY

from gan_cli.commands.train import gan_train
from gan_cli.config.compatibility import check_parts
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import TrainJob, build_job
from gan_cli.errors import ConfigError
from gan_cli.training.build_training import build_state, build_step

IMAGES = (8, 8, 1)
CASES: list[tuple[str, list[str], dict[str, Any]]] = [
    ("non_saturating", [], {}),
    ("rpgan", ["r1", "r2"], {"update": "simultaneous"}),
    ("rgan_average", [], {}),
    ("dual_contrastive", [], {"update": "simultaneous"}),
    ("feature_matching", [], {}),
    ("began", [], {}),
    ("mmd", [], {}),
    ("mmd_pixels", ["latent_diversity"], {}),
    ("drifting", [], {}),
    ("hinge", ["orthogonal", "latent_consistency", "activation", "drift"], {"critic_steps": 3}),
    ("wgan", ["weight_clip"], {"pack": 2}),
    ("hinge", [], {"top_k": 0.5, "top_k_steps": 1}),
]


def job_of_case(loss: str, penalties: list[str], settings: dict[str, Any]) -> TrainJob:
    job = job_with_loss(loss, IMAGES, *FEWER_KERNELS.get(loss, ()))
    for penalty in penalties:
        job = with_part(job, "penalty", penalty)
    return replace(job, train=replace(job.train, **settings))


@pytest.mark.parametrize(("loss", "penalties", "settings"), CASES, ids=lambda one: str(one))
def test_parts_have_the_gradients_and_metrics_of_the_whole(
    loss: str, penalties: list[str], settings: dict[str, Any]
) -> None:
    job = job_of_case(loss, penalties, settings)
    networks, found = networks_of(job, IMAGES), []
    for parts in (1, 4):
        in_parts = replace(job, train=replace(job.train, accumulate=parts))
        assert refusal_of(in_parts, data_of(IMAGES)) is None
        state, step = networks.step_of(in_parts)
        metrics = do(step, IMAGES)
        assert metrics.keys() == step.intervals.keys()
        optimizers = (state.generator_optimizer, state.discriminator_optimizer)
        found.append((metrics, [update for one in optimizers for update in one.given]))
    whole, parts = found
    for name, value in whole[0].items():
        assert parts[0][name] == pytest.approx(value, rel=1e-4, abs=1e-5), name
    for expected, gradients in zip(whole[1], parts[1], strict=True):
        largest = max(np.abs(one).max() for one in expected)
        for one, other in zip(expected, gradients, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-4, atol=1e-5 * largest)


SCHEDULED = [
    "loss=hinge",
    "model=mlp",
    "model.width=8",
    "penalty=[r1,drift]",
    "penalty.r1.weight={start: 1, end: 0.1, steps: 4}",
    "penalty.drift.weight={start: 0, end: 1, shape: cosine}",
    "optimizer.beta_2={start: 0.5, end: 0.9, steps: 3}",
    "optimizer.epsilon=1e-3",  # below it a gradient of 0 is rounding, which Adam would enlarge
    "optimizer.learning_rate=0.01",
    "train.top_k=0.5",
    "train.top_k_steps=2",
    "train.steps=6",
]


def test_parts_follow_the_schedules_of_weights_and_beta_2_and_take_the_best_of_the_whole_batch() -> None:
    found = []
    for parts in (1, 4):
        job = build_job(compose("train", [f"train.batch_size={BATCH}", f"train.accumulate={parts}", *SCHEDULED]).config)
        tf.keras.utils.set_random_seed(3)
        state = build_state(job, data_of(IMAGES))
        step = build_step(job, state)
        metrics = [do(step, IMAGES, number) for number in range(5)]
        found.append((metrics, weights_of(state)))
    whole, in_parts = found
    assert [one["weight_r1"] for one in in_parts[0]] == pytest.approx([1, 0.775, 0.55, 0.325, 0.1])
    assert [in_parts[0][number]["beta_2"] for number in (0, 3)] == pytest.approx([0.5, 0.9])
    for before, now in zip(whole[0], in_parts[0], strict=True):
        assert now == pytest.approx(before, rel=1e-3, abs=1e-5)
    np.testing.assert_allclose(in_parts[1], whole[1], rtol=1e-3, atol=1e-5)


def test_a_compiled_step_in_parts_is_the_eager_one() -> None:
    job = job_of_case("rpgan", ["r1"], {"accumulate": 2})
    networks, found = networks_of(job, IMAGES), []
    for compiled in (False, True):
        state, step = networks.step_of(job)
        function = tf.function(step, autograph=False) if compiled else step
        function(real_examples(IMAGES, 1), tf.constant(5, tf.int64))
        found.append(np.concatenate([one.ravel() for one in state.generator.get_weights()]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-5, atol=1e-7)


def shapes_in(graph: Any) -> Iterator[list[Any]]:
    """The known shapes of all tensors of a graph, those of the bodies of its loops included."""
    for operation in graph.get_operations():
        for output in operation.outputs:
            if output.shape.rank is not None:
                yield output.shape.as_list()
    for function in graph._functions.values():
        inner = getattr(function, "graph", None)
        if inner is not None and inner is not graph:
            yield from shapes_in(inner)


def test_no_activation_of_the_whole_batch_exists() -> None:
    width, shapes = 6, {}
    for parts in (1, 4):
        job = job_of_case("rpgan", ["r1"], {"accumulate": parts})
        job = replace(job, model=replace(job.model, width=width))  # type: ignore[type-var]
        _, step = networks_of(job, IMAGES).step_of(job)
        function = tf.function(step, autograph=False)
        graph = function.get_concrete_function(real_examples(IMAGES, 1), tf.constant(5, tf.int64)).graph
        shapes[parts] = list(shapes_in(graph))
    assert [BATCH, width] in shapes[1]
    assert [BATCH // 4, width] in shapes[4]
    assert [BATCH, width] not in shapes[4]


REFUSED = [
    (["train.accumulate=3"], r"^train.accumulate=3: 64 examples do not make equal parts.*nearest .* is 63"),
    (["train.accumulate=32", "train.pack=4"], r"^train.accumulate=32: .* packs of 4"),
    (["train.accumulate=4", "penalty=[lecam]"], r"^train.accumulate=4: lecam is not a mean"),
    (["train.accumulate=4", "penalty=[gradient_penalty_max]"], r"is not a mean over examples"),
    (["train.accumulate=4", "penalty=[r1]", "penalty.r1.share=0.5"], r"is not a mean over examples"),
    (["train.accumulate=4", "loss=mmd"], r"^train.accumulate=4: for gradient_penalty_mmd this loss"),
    (
        ["train.accumulate=4", "loss=drifting", "loss.space=features", "loss.positives=30"],
        r"^train.accumulate=4: 30 examples do not make",
    ),
]


@pytest.mark.parametrize(("words", "problem"), REFUSED, ids=lambda one: str(one))
def test_what_does_not_add_up_is_refused(words: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        check_parts(build_job(compose("train", words).config))
    with pytest.raises(ConfigError, match=r"^train.accumulate=0"):
        job_of("train.accumulate=0")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["model.generator_normalization=batch"], "the generator's layer normalization"),
        (["model.discriminator_normalization=spectral"], "the discriminator's layer dense_1"),
        (["model.discriminator_dropout=0.2"], "the discriminator's layer dropout_1"),
    ],
)
def test_layers_that_a_call_changes_are_refused_before_a_run_begins(words: list[str], problem: str) -> None:
    with pytest.raises(ConfigError, match=rf"^train.accumulate=2: {problem}"):
        gan_train([*TINY, "model=mlp", *words, "train.accumulate=2", "train.steps=1", "hydra.run.dir=run"])
    assert not Path("run").exists()
