"""TensorFlow's side of training_speed.py: the tutorial's step, this tool's bare step, and its whole loop.

Run by training_speed.py: `python tensorflow_contenders.py NAME FOLDER [key=value ...]`, where FOLDER holds images.npz
and takes the runs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from interleaved_timing import Line

from gan_cli.commands.train import gan_train
from gan_cli.config.job_builder import TrainJob
from gan_cli.config.launch_plan import prepare
from gan_cli.data.pipeline import Batches
from gan_cli.devices import load_tensorflow, set_up_tensorflow
from gan_cli.training import run_training
from gan_cli.training.build_training import build_compiled_loop, build_state, build_step, open_training_batches
from gan_cli.training.compiled_loop import CallLength, CompiledLoop, LoopResult

BATCH, WIDTH, LATENTS = 64, 64, 100
PAIR = (
    *("model=convnet", "model.width=32", "model.hidden=512", "model.latent_size=16", "model.stem=false"),
    *("loss=rpgan", "penalty=[r1,r2]", "penalty.r1.every=1", "penalty.r2.every=1", "augment=none"),
)
LOOP_STEPS = 50  # of the whole loop in a turn: one line of the log, as by default


def versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    return {"TensorFlow": tf.__version__, "Keras": keras.__version__}


def open_job(words: list[str]) -> tuple[TrainJob, CompiledLoop, Batches]:
    """What `gan-train` would make of `words`: models, optimizers, data and the compiled step."""
    job, _ = prepare("train", words, None)
    load_tensorflow()
    set_up_tensorflow(job.seed, job.train.deterministic)
    examples = job.dataset.open(None)
    batches = open_training_batches(job, examples)
    state = build_state(job, examples.spec)
    calls = build_compiled_loop(job, build_step(job, state), batches, state)
    return job, calls, batches


def bare_step(words: list[str]) -> Callable[[], int]:
    """One step a call on a fixed batch: models, losses, gradients, optimizers and metrics, and nothing else."""
    import tensorflow as tf

    job, calls, batches = open_job(words)
    real, _ = batches.batch(batches.feed(0, 1), tf.constant(0, tf.int64), tf.constant(0, tf.int64))
    function = tf.function(calls.compiled_step)
    step = 0

    def advance() -> int:
        nonlocal step
        float(function(real, tf.constant(step, tf.int64))["generator_loss"])
        step += 1
        return job.train.batch_size

    return advance


def many_steps(words: list[str]) -> Callable[[], int]:
    """As many steps a call as training takes, with its data and the averaging of weights."""
    job, calls, _ = open_job(words)
    pace, step = CallLength("auto", longest=1000), 0

    def advance() -> int:
        nonlocal step
        count = pace.count
        pace.update(count, calls(step, count))
        step += count
        return count * job.train.batch_size

    for _ in range(12):  # until the pace has been found
        advance()
    return advance


class TurnTaking:
    """The compiled calls of a real run, which pause where a turn ends: at the first call after its last step.

    What the run did since its last call (logs, pictures, checkpoints) belongs to the turn that ends.
    """

    def __init__(self, calls: CompiledLoop, line: Line) -> None:
        self.calls, self.line = calls, line
        self.end_of_turn = LOOP_STEPS  # the first turn compiles and is not reported
        self.began = time.perf_counter()
        self.inside = 0.0
        self.warmed_up = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.calls, name)

    def __call__(self, first_step: int, count: int) -> LoopResult:
        if first_step >= self.end_of_turn:
            self.end_turn()
        began = time.perf_counter()
        result = self.calls(first_step, count)
        self.inside += time.perf_counter() - began
        return result

    def end_turn(self) -> None:
        if self.warmed_up:
            seconds = time.perf_counter() - self.began
            self.line.tell(examples=LOOP_STEPS * self.calls.decay.batch_size, seconds=seconds, inside=self.inside)
        else:
            self.warmed_up = True
            self.line.tell(versions=versions())
        if self.line.wait_for_turn() is None:
            raise KeyboardInterrupt  # the run ends here
        self.end_of_turn += LOOP_STEPS
        self.inside, self.began = 0.0, time.perf_counter()


def whole_loop(words: list[str], line: Line) -> None:
    """`gan-train` itself, pausing between turns."""
    make = run_training.build_compiled_loop
    run_training.build_compiled_loop = lambda *parts: TurnTaking(make(*parts), line)
    with suppress(KeyboardInterrupt):
        gan_train(words)


def tutorial_step() -> Callable[[], int]:
    """The step of https://www.tensorflow.org/tutorials/generative/dcgan over Keras layers of this tool's shapes.

    Both networks are updated from one forward pass, the loss takes labels, and a Python loop calls the compiled step.
    """
    load_tensorflow()
    import keras
    import numpy as np
    import tensorflow as tf
    from keras import layers

    def up(filters: int, **options: Any) -> Any:
        return layers.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False, **options)

    def down(filters: int) -> Any:
        return layers.Conv2D(filters, 4, strides=2, padding="same", use_bias=False)

    w = WIDTH
    generator = keras.Sequential([
        keras.Input((LATENTS,)), layers.Dense(4 * 4 * 4 * w, use_bias=False), layers.Reshape((4, 4, 4 * w)),
        layers.BatchNormalization(), layers.ReLU(), up(2 * w), layers.BatchNormalization(), layers.ReLU(),
        up(w), layers.BatchNormalization(), layers.ReLU(), up(3, activation="tanh"),
    ])  # fmt: skip
    discriminator = keras.Sequential([
        keras.Input((32, 32, 3)), down(w), layers.LeakyReLU(0.2), down(2 * w), layers.BatchNormalization(),
        layers.LeakyReLU(0.2), down(4 * w), layers.BatchNormalization(), layers.LeakyReLU(0.2), layers.Flatten(),
        layers.Dense(1),
    ])  # fmt: skip
    cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)
    of_generator, of_discriminator = (keras.optimizers.Adam(2e-4, beta_1=0.5) for _ in range(2))

    @tf.function
    def train_step(images: Any) -> Any:
        noise = tf.random.normal([BATCH, LATENTS])
        with tf.GradientTape() as generator_tape, tf.GradientTape() as discriminator_tape:
            generated = generator(noise, training=True)
            real, fake = discriminator(images, training=True), discriminator(generated, training=True)
            generator_loss = cross_entropy(tf.ones_like(fake), fake)
            real_loss = cross_entropy(tf.ones_like(real), real)
            discriminator_loss = real_loss + cross_entropy(tf.zeros_like(fake), fake)
        gradients = generator_tape.gradient(generator_loss, generator.trainable_variables)
        of_generator.apply_gradients(zip(gradients, generator.trainable_variables, strict=True))
        gradients = discriminator_tape.gradient(discriminator_loss, discriminator.trainable_variables)
        of_discriminator.apply_gradients(zip(gradients, discriminator.trainable_variables, strict=True))
        return generator_loss

    pixels = np.random.default_rng(0).integers(0, 256, (BATCH, 32, 32, 3))
    images = tf.constant(pixels / 127.5 - 1.0, tf.float32)

    def advance() -> int:
        float(train_step(images))
        return BATCH

    return advance


def main(name: str, folder: Path, words: list[str]) -> None:
    line = Line()
    if name == "tutorial":
        line.serve(tutorial_step(), versions=versions())
        return
    run, loss = f"hydra.run.dir={folder / name}", "loss=non_saturating"
    if name.startswith("mlp"):
        words = [
            "dataset=ring",
            "model=mlp",
            "model.depth=3",
            "model.width=256",
            "train.batch_size=256",
            loss,
            run,
            *words,
        ]
    elif name.startswith("pair"):
        data = ["dataset=npz", f"dataset.path={folder / 'images.npz'}", f"train.batch_size={BATCH}"]
        words = [*data, *PAIR, run, *words]
    else:
        data = [f"dataset.path={folder / 'images.npz'}"]
        shape = [f"model.width={WIDTH}", f"train.batch_size={BATCH}"]
        words = ["dataset=npz", *data, "model=dcgan", loss, *shape, run, *words]
    if name == "loop":
        whole_loop(words, line)
    elif name == "mlp":
        line.serve(many_steps(words), versions=versions())
    else:
        line.serve(bare_step(words), versions=versions())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
