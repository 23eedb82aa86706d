"""Self-attention over the positions of a map of features.

Zhang et al. 2019, "Self-Attention Generative Adversarial Networks", arXiv:1805.08318, section 3, with what all released
code adds to the text: keys and values are max-pooled by 2x2. There are no biases, and scores are not scaled.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from gan_cli.models.normalization import convolution

QUERY_SHARE, VALUE_SHARE = 8, 2
"""The channels of queries and keys, and of values, are an eighth and a half of those of the features."""


@keras.saving.register_keras_serializable("gan_cli")
class DotProductAttention(keras.layers.Layer):
    """softmax(q k^T) v, for queries `[n, h, w, c]`, keys `[n, a, b, c]` and values `[n, a, b, d]`: `[n, h, w, d]`.

    Weights of the softmax are computed in float32.
    """

    def call(self, inputs: Any) -> Any:
        queries, keys, values = inputs
        height, width = queries.shape[1:3]
        rows, columns, others = (flat(one) for one in (queries, keys, values))
        scores = ops.matmul(rows, ops.transpose(columns, (0, 2, 1)))
        weights = ops.cast(ops.softmax(ops.cast(scores, "float32"), axis=-1), others.dtype)
        return ops.reshape(ops.matmul(weights, others), (-1, height, width, values.shape[-1]))

    def compute_output_shape(self, input_shape: Any) -> Any:
        queries, _, values = input_shape
        return (*queries[:3], values[-1])


@keras.saving.register_keras_serializable("gan_cli")
class GatedSum(keras.layers.Layer):
    """x + gate y, with a trained number `gate` that is 0 at first."""

    def build(self, input_shape: Any) -> None:
        self.gate = self.add_weight(shape=(), initializer="zeros", name="gate")

    def call(self, inputs: Any) -> Any:
        features, added = inputs
        return features + self.gate * added

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]


def flat(features: Any) -> Any:
    """`[n, height, width, channels]` to `[n, height * width, channels]`."""
    return ops.reshape(features, (-1, features.shape[1] * features.shape[2], features.shape[3]))


def self_attention(features: Any, kind: str, name: str, initializer: str) -> Any:
    """Features `[n, height, width, channels]`, sides of at least 2, with what each position sees of the others.

    Args:
        features: a Keras tensor.
        kind: as in `gan_cli.models.normalization.convolution`: `spectral`, or another.
        name: the beginning of the names of layers.
        initializer: of kernels, a name that Keras knows.
    """
    channels = features.shape[-1]

    def projected(inputs: Any, filters: int, part: str) -> Any:
        options = {"use_bias": False, "kernel_initializer": keras.initializers.get(initializer)}
        return convolution(kind, filters, 1, 1, name=f"{name}_{part}", **options)(inputs)

    def pooled(inputs: Any, part: str) -> Any:
        return keras.layers.MaxPooling2D(2, name=f"{name}_{part}_pooling")(inputs)

    narrow, half = max(channels // QUERY_SHARE, 1), max(channels // VALUE_SHARE, 1)
    queries = projected(features, narrow, "query")
    keys = pooled(projected(features, narrow, "key"), "key")
    values = pooled(projected(features, half, "value"), "value")
    seen = DotProductAttention(name=f"{name}_product")([queries, keys, values])
    return GatedSum(name=f"{name}_sum")([features, projected(seen, channels, "output")])
