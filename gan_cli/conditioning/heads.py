"""Heads on the features of a discriminator: layers beside its output, with one row for each example.

The features h are the input of the discriminator's layer `output`, flattened. Heads are normalised as the discriminator
is; under spectral normalisation the table of all classes is one matrix with one largest singular value (Miyato & Koyama
2018, arXiv:1802.05637, appendix A). A pack of m examples has m rows, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.lazy import keras, tf
from gan_cli.models import ModelPair
from gan_cli.models.normalization import dense

OUTPUT = "output"


class HeadBuilder:
    """Builds heads on a discriminator.

    Args:
        pair: the model.
        data: what the discriminator gets at once.
        outputs: as of `ModelPair.discriminator`.
        pack: examples in a pack.
        takes_labels: whether the network has labels as an input.

    `output` is the discriminator's own output, `labels` the int32 labels `[n]`.
    """

    def __init__(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int, takes_labels: bool) -> None:
        base = pair.discriminator(data) if outputs is None else pair.discriminator(data, outputs=outputs)
        last = base.get_layer(OUTPUT)
        self.kind, self.pack, self.examples, self.output = (
            pair.discriminator_normalization,
            pack,
            base.input,
            base.output,
        )
        self.maps = last.input
        self.initializer = getattr(last, "kernel_initializer", None) or "glorot_uniform"
        self.labels = keras.Input((), dtype="int32", name="labels") if takes_labels else None

    @property
    def features(self) -> Any:
        """h, float32 `[n / pack, size]`."""
        features = self.maps if len(self.maps.shape) == 2 else keras.ops.reshape(self.maps, (-1, size_of(self.maps)))
        return keras.ops.cast(features, "float32")

    def dense(self, name: str, units: int, use_bias: bool = False) -> Any:
        """A dense layer on the features, float32 `[n, units]`."""
        layer = dense(
            self.kind,
            units * self.pack,
            use_bias=use_bias,
            dtype="float32",
            name=name,
            kernel_initializer=another(self.initializer),
        )
        return keras.ops.reshape(layer(self.features), (-1, units))

    def per_pack(self, values: Any) -> Any:
        """Sums over the examples of a pack: `[n]` to `[n / pack]`."""
        return values if self.pack == 1 else keras.ops.sum(keras.ops.reshape(values, (-1, self.pack)), axis=1)

    def model(self, heads: Mapping[str, Any]) -> Any:
        """The discriminator with heads, by name; a head `output` replaces its own output."""
        inputs = self.examples if self.labels is None else [self.examples, self.labels]
        return keras.Model(inputs, {OUTPUT: self.output, **heads}, name="discriminator")


def pick(rows: Any, labels: Any) -> Any:
    """The entry of each row `[n, classes]` at its label, int `[n]`; both Keras tensors or both tensors."""
    return keras.ops.squeeze(keras.ops.take_along_axis(rows, keras.ops.expand_dims(labels, 1), axis=1), axis=1)


def class_vectors(labels: Any, classes: int, size: int, name: str) -> Any:
    """A trained vector of each label's class, float32 `[n, size]`; normal with variance 1 at first."""
    initializer = keras.initializers.RandomNormal(stddev=1.0)
    return keras.layers.Embedding(classes, size, embeddings_initializer=initializer, dtype="float32", name=name)(labels)


def size_of(features: Any) -> int:
    return int(tf.TensorShape(features.shape[1:]).num_elements())


def another(initializer: Any) -> Any:
    """An initializer of the same kind that draws other numbers."""
    found = keras.initializers.get(initializer)
    return type(found).from_config({**found.get_config(), "seed": None}) if hasattr(found, "seed") else found
