"""Training of the small classifier: Adam on the cross-entropy, the same bits each time on the same CPU.

All that is drawn (first weights, order, shifts) comes from one NumPy generator of its own, whose stream NumPy promises
never to change; what is computed is a TensorFlow function without random operations and without Keras.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gan_cli.data import Examples
from gan_cli.errors import check_number
from gan_cli.features.batched_inference import full_float32
from gan_cli.features.classifier_network import apply, initial_weights, weight_shapes
from gan_cli.lazy import tf
from gan_cli.progress import ProgressReporter

BATCH = 64
REPORT_EVERY = 50  # steps
SHIFT = 28  # images are moved by up to a 28th of their side: a pixel of MNIST, none of the 8x8 digits
FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-7  # of Adam (Kingma & Ba, arXiv:1412.6980)


@dataclass(frozen=True)
class Recipe:
    """How a classifier is trained. configs/features/classifier.yaml explains each.

    Raises:
        ConfigError: for a number out of its range.
    """

    steps: int = 3000
    width: int = 32
    learning_rate: float = 0.001
    seed: int = 0

    def __post_init__(self) -> None:
        check_number("steps", self.steps, at_least=1)
        check_number("width", self.width, at_least=1)
        check_number("learning_rate", self.learning_rate, above=0)
        check_number("seed", self.seed, at_least=0, at_most=2**32 - 1)  # what RandomState takes


def train(examples: Examples, recipe: Recipe, reporter: ProgressReporter) -> dict[str, np.ndarray]:
    """Weights, by name, of a classifier trained on uint8 images with int32 labels in 0 .. classes - 1."""
    spec = examples.spec
    random = np.random.RandomState(recipe.seed)
    weights = initial_weights(weight_shapes(spec.shape, spec.classes, recipe.width), random)
    variables = {name: tf.Variable(array, trainable=True) for name, array in weights.items()}
    update = update_step(variables)
    with full_float32():
        for step, indices in enumerate(batches(spec.examples, recipe.steps, random)):
            images, labels = examples.read(indices)
            rate = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * step / recipe.steps))  # ends at 0
            numbers = (tf.constant(number, tf.float32) for number in (rate, step + 1))
            update(tf.constant(shifted(images, random)), tf.constant(labels), *numbers)
            if (step + 1) % REPORT_EVERY == 0 or step + 1 == recipe.steps:
                reporter.progress("training the classifier", step + 1, recipe.steps)
    return {name: variable.numpy() for name, variable in variables.items()}


def batches(examples: int, steps: int, random: np.random.RandomState) -> Iterator[np.ndarray]:
    """Indices of `steps` batches: epoch after epoch, each time in another order."""
    waiting = np.zeros(0, np.int64)
    for _ in range(steps):
        while len(waiting) < BATCH:
            waiting = np.concatenate([waiting, random.permutation(examples)])
        yield waiting[:BATCH]
        waiting = waiting[BATCH:]


def shifted(images: np.ndarray, random: np.random.RandomState) -> np.ndarray:
    """Each of the images `[n, height, width, channels]` moved a little at random; its border is repeated."""
    count, height, width, _ = images.shape
    furthest = (height // SHIFT, width // SHIFT)
    if furthest == (0, 0):
        return images
    down, right = (random.randint(-side, side + 1, (count, 1)) for side in furthest)
    rows = np.clip(np.arange(height) + down, 0, height - 1)
    columns = np.clip(np.arange(width) + right, 0, width - 1)
    moved: np.ndarray = images[np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def update_step(variables: Mapping[str, Any]) -> Callable[[Any, Any, Any, Any], None]:
    """One step of Adam as a compiled function of uint8 images, int32 labels, learning rate and step from 1."""
    first = {name: tf.Variable(tf.zeros_like(variable), trainable=False) for name, variable in variables.items()}
    second = {name: tf.Variable(tf.zeros_like(variable), trainable=False) for name, variable in variables.items()}

    def update(images: Any, labels: Any, rate: Any, step: Any) -> None:
        with tf.GradientTape() as tape:
            _, logits = apply(variables, images)
            right = tf.one_hot(labels, logits.shape[1])  # TensorFlow's own cross-entropy has two ways of computing
            loss = -tf.reduce_mean(tf.reduce_sum(right * tf.nn.log_softmax(logits), axis=1))
        gradients = tape.gradient(loss, dict(variables))
        for name, gradient in gradients.items():
            mean = first[name].assign(FIRST_DECAY * first[name] + (1 - FIRST_DECAY) * gradient)
            square = second[name].assign(SECOND_DECAY * second[name] + (1 - SECOND_DECAY) * gradient**2)
            unbiased_mean, unbiased_square = mean / (1 - FIRST_DECAY**step), square / (1 - SECOND_DECAY**step)
            variables[name].assign_sub(rate * unbiased_mean / (tf.sqrt(unbiased_square) + EPSILON))

    compiled: Callable[[Any, Any, Any, Any], None] = tf.function(update, autograph=False)
    return compiled
