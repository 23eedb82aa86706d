"""Logits of a trained discriminator for examples.

Examples are scored in inference mode (moving averages in batch normalisation, no dropout, no step of the power
iteration), so that no variable of the discriminator changes, and in batches of one size, so that the logit of an
example does not depend on the other examples.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from gan_cli.conditioning.heads import OUTPUT
from gan_cli.data import DataSpec
from gan_cli.data.pipeline import to_float
from gan_cli.errors import ConfigError
from gan_cli.lazy import tf
from gan_cli.losses import Loss

if TYPE_CHECKING:
    import keras

BATCH = 64
"""Examples of a call; other sizes may give other last bits."""

SCORED_AT_ONCE = 1000
"""Vectors that are scored at once: each is compared with all others, which takes memory."""

_compiled: weakref.WeakKeyDictionary[keras.Model, Callable] = weakref.WeakKeyDictionary()


class ExampleRows(Protocol):
    """Examples `[n, ...]` that are read a batch at a time: a NumPy array is one."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: slice, /) -> np.ndarray: ...


@runtime_checkable
class LabelledRows(Protocol):
    """Examples with their labels, for discriminators that take them."""

    @property
    def labels(self) -> np.ndarray | None:
        """int32 `[n]`; None where the examples have none."""
        ...


def score_examples(discriminator: keras.Model, examples: ExampleRows) -> np.ndarray:
    """Scores examples with a discriminator, in inference mode.

    Args:
        discriminator: a Keras model of `gan_cli.models.discriminator`. One that takes packs of examples
            gets them in their order; examples that do not fill a pack are left out.
        examples: uint8 images `[n, height, width, channels]` or float32 points `[n, 2]`; any n. Memory holds a batch.
            For a discriminator that takes labels, `LabelledRows`.

    Returns:
        float64 logits `[n]`, high means real; or vectors `[n, size]`, for `scored`.

    Raises:
        ConfigError: where the discriminator takes labels, and the examples have none.
    """
    labels = labels_for(discriminator, examples)
    pack = pack_of(discriminator, examples.shape)
    logits = []
    for start in range(0, examples.shape[0] // pack, BATCH):
        rows = packed(examples[start * pack : (start + BATCH) * pack], pack)
        fill = np.repeat(rows[-1:], BATCH - len(rows), axis=0)
        inputs = [tf.constant(np.concatenate([rows, fill]))]
        if labels is not None:
            part = labels[start * pack : start * pack + len(rows) * pack]
            inputs.append(tf.constant(np.pad(part, (0, BATCH * pack - len(part)), mode="edge"), tf.int32))
        logits_of_batch = _forward(discriminator)(*inputs)
        logits.append(logits_of_batch.numpy()[: len(rows)])
    return np.concatenate(logits).astype(np.float64) if logits else np.zeros(0)


def pack_of(discriminator: keras.Model, shape: tuple[int, ...]) -> int:
    """How many examples of this shape, whose last axis is channels or coordinates, a discriminator takes at once."""
    return int(discriminator.inputs[0].shape[-1]) // shape[-1]


def labels_for(discriminator: keras.Model, examples: ExampleRows) -> np.ndarray | None:
    """The labels of examples, for a discriminator that takes them. Raises ConfigError where there are none."""
    if len(discriminator.inputs) == 1:
        return None
    labels = examples.labels if isinstance(examples, LabelledRows) else None
    if labels is None:
        problem = "the discriminator takes the class of an example, and these examples have none"
        raise ConfigError("conditioning", problem, advice="Compare runs with labels, or runs without.")
    return labels


def packed(examples: np.ndarray, pack: int) -> np.ndarray:
    """`pack` examples concatenated on the last axis, as `gan_cli.models.discriminator` packs them."""
    if pack == 1:
        return examples
    groups = examples[: len(examples) // pack * pack].reshape(-1, pack, *examples.shape[1:])
    return np.concatenate([groups[:, place] for place in range(pack)], axis=-1)


def scored(loss: Loss, said: np.ndarray, real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """Logits, float64 `[n]`, of what a discriminator said: vectors are scored beside those of other examples.

    A vector is more like itself than like any other, so where `said` is `real` or `fake`, the same array, each half of
    it is scored beside the other half: else known examples would seem more real than unknown ones.

    Args:
        loss: that the discriminator was trained by.
        said: logits `[n]` or vectors `[n, size]`.
        real, fake: the same of real and of generated examples.
    """
    if not loss.compares_vectors:
        return said
    half = len(said) // 2
    if half and (said is real or said is fake):
        first, second = said[:half], said[half:]
        beside = [(second, fake), (first, fake)] if said is real else [(real, second), (real, first)]
        return np.concatenate(
            [witness_logits(loss, one, *two) for one, two in zip((first, second), beside, strict=True)]
        )
    return witness_logits(loss, said, real, fake)


def witness_logits(loss: Loss, said: np.ndarray, real: np.ndarray, fake: np.ndarray) -> np.ndarray:
    """The witness of vectors `[n, size]` beside those of a real and of a generated sample, float64 `[n]`."""
    beside = [tf.constant(one, tf.float32) for one in (real, fake)]
    chunks = (said[start : start + SCORED_AT_ONCE] for start in range(0, len(said), SCORED_AT_ONCE))
    scores = [loss.mmd_witness(tf.constant(one, tf.float32), *beside).numpy() for one in chunks]
    return np.concatenate(scores).astype(np.float64) if scores else np.zeros(0)


def _forward(model: keras.Model) -> Callable[[Any], Any]:
    """The model's graph, traced once for each kind of examples and forgotten with the model."""
    if model not in _compiled:
        proxy = weakref.proxy(model)  # a strong reference here would keep the model alive for ever

        @tf.function(autograph=False)
        def forward(values: Any, *labels: Any) -> Any:
            examples = to_float(values, DataSpec(tuple(values.shape[1:]), BATCH))
            output = proxy([examples, *labels] if labels else examples, training=False)
            return tf.cast(output[OUTPUT] if isinstance(output, Mapping) else output, tf.float32)

        _compiled[model] = forward
    return _compiled[model]
