"""`penalty=path_length` and its phase. The published values are compared in `test_golden_stylegan2`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from random_numbers import draw_alike_where_xla_compiles

from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose
from gan_cli.config.job_builder import TrainJob, build_job
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.optimizers.adam import Adam
from gan_cli.penalties.path_length import PathLength
from gan_cli.penalties.phase_penalty import PhasePenalty
from gan_cli.random_seeds import Purpose, fold
from gan_cli.schedule import Schedule
from gan_cli.training.build_training import build_state, build_step
from gan_cli.training.generator_inputs import GeneratorInputs
from gan_cli.training.generator_phases import GeneratorPhases

SEED, RATE, BATCH = 5, 0.01, 7
TINY = ["model=stylegan2", "model.channel_base=32", "model.channel_max=4", "model.style_size=6", "dataset=digits"]


def linear_generator() -> keras.Model:
    """Latents [2] -> w [3] -> ws [2, 3] -> images 2x2, linear, with layers named as in any generator with styles."""
    latents, ws = keras.Input((2,)), keras.Input((2, 3))
    mapping = keras.Model(latents, keras.layers.Dense(3, use_bias=False)(latents), name="mapping")
    pixels = keras.layers.Dense(4, use_bias=False)(keras.layers.Flatten()(ws))
    synthesis = keras.Model(ws, keras.layers.Reshape((2, 2, 1))(pixels), name="synthesis")
    inputs = keras.Input((2,))
    generator = keras.Model(inputs, synthesis(keras.layers.RepeatVector(2)(mapping(inputs))))
    values = np.random.default_rng(0)
    generator.set_weights([values.normal(size=one.shape) for one in generator.get_weights()])
    return generator


def phases_of(penalty: PathLength, state: Any) -> GeneratorPhases:
    generator, optimizer = linear_generator(), keras.optimizers.SGD(RATE)
    optimizer.build(generator.trainable_variables)
    inputs = GeneratorInputs(lambda seed: tf.random.stateless_normal([BATCH, 2], seed), SEED)
    own = {"own": penalty}
    return GeneratorPhases(
        own, {"own": 3}, generator, optimizer, generator.trainable_variables, inputs, SEED, {"penalty/own": state}
    )


def penalty_by_hand(kernel: Any, mean: Any, step: int, count: int) -> tuple[Any, Any]:
    """The penalty and the new mean for the linear generator, whose gradient is the kernel times the noise."""
    noise = tf.random.stateless_normal([count, 2, 2, 1], fold(SEED, Purpose.PHASE_PENALTY, 3, step)) / 2.0
    gradients = tf.reshape(tf.reshape(noise, [count, 4]) @ tf.transpose(kernel), [count, 2, 3])
    lengths = tf.sqrt(tf.reduce_mean(tf.reduce_sum(gradients**2, axis=2), axis=1))
    moved = mean + 0.01 * (tf.reduce_mean(lengths) - mean)
    return tf.reduce_mean((lengths - moved) ** 2), moved


def test_a_phase_is_an_update_by_the_scaled_penalty_alone_at_its_interval_for_its_share_of_a_batch() -> None:
    mean = tf.Variable(0.7)
    phases = phases_of(PathLength(weight=1.5, every=4), {"mean": mean})
    assert phases.intervals() == {"penalty_own": 4}
    kernels = [tf.constant(one) for one in phases.generator.get_weights()]
    skipped = phases(tf.constant(6, tf.int64), None)
    assert (float(skipped["penalty_own"]), float(mean)) == (0.0, pytest.approx(0.7))
    with tf.GradientTape() as tape:
        tape.watch(kernels[1])
        value, moved = penalty_by_hand(kernels[1], 0.7, 8, 3)  # half of 7 examples
    expected = kernels[1] - RATE * 1.5 * 4 * tape.gradient(value, kernels[1])
    due = phases(tf.constant(8, tf.int64), None)
    np.testing.assert_allclose(due["penalty_own"], value, rtol=1e-5)
    np.testing.assert_allclose(mean, moved, rtol=1e-6)
    mapping, kernel = phases.generator.get_weights()
    np.testing.assert_allclose(kernel, expected, rtol=1e-5)
    np.testing.assert_array_equal(mapping, kernels[0])  # a linear generator's lengths do not depend on w


def test_the_phase_is_the_same_where_xla_compiles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_alike_where_xla_compiles(monkeypatch)
    found = []
    for is_compiled in (False, True):
        mean = tf.Variable(0.7)
        phases = phases_of(PathLength(every=2), {"mean": mean})
        run = tf.function(phases, jit_compile=is_compiled, autograph=False)
        values = [run(tf.constant(step, tf.int64), None)["penalty_own"] for step in (0, 1, 2)]
        found.append([*values, mean, *phases.generator.get_weights()])
    for plain, compiled in zip(*found, strict=True):
        np.testing.assert_allclose(plain, compiled, rtol=1e-5)


@pytest.mark.parametrize(
    ("share", "batch", "count"), [(0.5, 64, 32), (0.5, 5, 2), (0.1, 5, 1), (0.3, 10, 3), (1, 3, 3)]
)
def test_a_share_is_rounded_down_to_at_least_one_example(share: float, batch: int, count: int) -> None:
    assert PathLength(share=share).examples(batch) == count


def job_of(*words: str) -> TrainJob:
    return build_job(compose("train", [*TINY, "logger=[]", "train.batch_size=4", *words]).config)


def test_the_generators_optimizer_is_corrected_for_the_updates_of_phases_and_the_other_is_not() -> None:
    """By the published numbers for one update more in 4 steps."""
    data = DataSpec((8, 8, 1), 100, 10)
    job = job_of()
    state = build_state(job, data)
    build_step(job, state).set_optimizer_schedules(tf.constant(0, tf.int64))
    corrected, other = state.generator_optimizer, state.discriminator_optimizer
    assert (corrected.beta_1, corrected.beta_2) == (0.0, pytest.approx(0.9919919678228657))
    assert float(corrected.learning_rate) == pytest.approx(0.002)
    assert (other.beta_2, float(other.learning_rate)) == (0.99, pytest.approx(0.0025))
    job = job_of("penalty=[]")
    assert build_state(job, data).generator_optimizer.beta_2 == 0.99


def test_a_schedule_of_beta_2_is_corrected_at_each_step() -> None:
    beta_2 = Schedule(0.9, 0.99, steps=10)
    assert Adam(beta_2=beta_2).with_update_ratio(0.8).beta_2 == beta_2
    job = job_of("optimizer.beta_2={start:0.9,end:0.99}", "train.steps=10")
    state = build_state(job, DataSpec((8, 8, 1), 100, 10))
    build_step(job, state).set_optimizer_schedules(tf.constant(0, tf.int64))
    np.testing.assert_allclose(state.generator_optimizer.scheduled_beta_2, 0.9**0.8, rtol=1e-6)
    np.testing.assert_allclose(state.discriminator_optimizer.scheduled_beta_2, 0.9, rtol=1e-6)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model=convnet", "penalty=path_length"], "penalty.*needs a generator with styles w"),
        (
            ["model.minibatch_std_group=0", "train.accumulate=4"],
            r"accumulate=4: .*more than the 1 of a part.*share=0.25",
        ),
    ],
    ids=["no styles", "accumulation"],
)
def test_it_is_refused_before_anything_is_created(working_folder: Path, words: list[str], message: str) -> None:
    given = [word for word in TINY if not word.startswith("model") or words[0] != "model=convnet"]
    with pytest.raises(ConfigError, match=message):
        gan_train([*given, *words, "train.batch_size=4", "hydra.run.dir=run"])
    assert not Path("run").exists()


def test_a_generator_without_these_layers_is_refused_where_its_model_says_that_it_has_styles() -> None:
    job = job_of()
    state = build_state(job, DataSpec((8, 8, 1), 100, 10))
    state.generator = keras.Sequential([keras.Input((6,)), keras.layers.Dense(64)])
    with pytest.raises(ConfigError, match="layers mapping and synthesis"):
        build_step(job, state)


def test_its_base_class_asks_for_nothing_but_its_value() -> None:
    class Nothing(PhasePenalty):
        def __call__(self, batch: Any) -> Any:
            raise NotImplementedError

    assert Nothing().on_generator
    assert Nothing().examples(8) == 4
