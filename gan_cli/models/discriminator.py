"""The discriminator that a loss asks for, out of a pair that knows nothing of losses.

It is one Keras model from a batch of examples to one of

- logits, float32 `[batch]`, of a loss that compares logits;
- vectors, float32 `[batch, size]`, of a loss that compares vectors: of the pair's own network, of the fixed network of
  a feature extractor, or of no network at all, the examples' own values;
- logits that are minus the mean absolute error with which an auto-encoder gives examples back. Its encoder is the
  pair's discriminator and its decoder the pair's generator (BEGAN, arXiv:1703.10717, section 3.5, has both of one
  architecture), so that any pair makes one.

With `pack` above 1 its input is that many examples, concatenated on the last axis (PacGAN, arXiv:1712.04086,
section 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, Protocol

from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, nearest
from gan_cli.features import FeatureExtractor
from gan_cli.lazy import keras, tf
from gan_cli.losses import EMBEDDING, FEATURES, PIXELS, RECONSTRUCTION, Loss
from gan_cli.models import ModelPair

AUTO, ALL = "auto", "all"
ENCODER = "encoder"
"""The name of the pair's discriminator in an auto-encoder."""
NETWORK, JOINED = "network", "joined"
"""Names of layers of a discriminator that gets labels joined to its examples: the pair's own, and its input."""
VALUES_A_CODE = 8
"""How many values of an example at least come to one number of an auto-encoder's code. With as many numbers as values
it learns to copy whatever it is given, and no longer distinguishes real examples from others: BEGAN with codes of 64,
16, 8 and 4 numbers covered 0.00, 0.00, 0.06 and 0.06 of the 8x8 digits (dcgan of width 32, 1,000 steps, one run
each)."""


class NetworkBuilder(Protocol):
    """What a conditioning does for the discriminator, see `gan_cli.conditioning.Conditioning.network`."""

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any: ...


def build_discriminator(
    pair: ModelPair,
    data: DataSpec,
    loss: Loss,
    pack: int = 1,
    extractor: FeatureExtractor | None = None,
    conditioning: NetworkBuilder | None = None,
) -> Any:
    """A Keras model, as above, for examples of `data`, `pack` of them at once.

    A conditioning may give it an input for labels, and a dictionary of heads as its output.

    Raises:
        ConfigError: where the loss compares features and the extractor has no network with a gradient.
    """
    seen, kind = packed_spec(data, pack), loss.output
    if kind == PIXELS:
        return identity(seen)
    if kind == FEATURES:
        return fixed_network(seen, extractor)
    if kind == RECONSTRUCTION:
        return autoencoder(pair, seen)
    outputs = loss.embedding_size if kind == EMBEDDING else None
    if conditioning is not None:
        return conditioning.network(pair, seen, outputs, pack)
    return pair.discriminator(seen) if outputs is None else pair.discriminator(seen, outputs=outputs)


def packed_spec(data: DataSpec, pack: int) -> DataSpec:
    """What a discriminator is built for that sees `pack` examples at once."""
    return replace(data, shape=(*data.shape[:-1], data.shape[-1] * pack))


def pack_examples(examples: Any, pack: int) -> Any:
    """`[batch, ..., n]` to `[batch / pack, ..., n * pack]`: neighbours in the batch are concatenated."""
    if pack == 1:
        return examples
    batch, *inner, last = examples.shape
    groups = tf.reshape(examples, [batch // pack, pack, *inner, last])
    beside = tf.transpose(groups, [0, *range(2, 2 + len(inner)), 1, 2 + len(inner)])
    return tf.reshape(beside, [batch // pack, *inner, pack * last])


def unpack_examples(packed: Any, pack: int) -> Any:
    """The inverse of `pack_examples`."""
    if pack == 1:
        return packed
    batch, *inner, last = packed.shape
    groups = tf.reshape(packed, [batch, *inner, pack, last // pack])
    apart = tf.transpose(groups, [0, 1 + len(inner), *range(1, 1 + len(inner)), 2 + len(inner)])
    return tf.reshape(apart, [batch * pack, *inner, last // pack])


def identity(data: DataSpec) -> Any:
    """A model without weights, from examples to their own values `[batch, values]`."""
    examples = keras.Input(data.shape, name="examples")
    vectors = keras.layers.Reshape((math.prod(data.shape),), dtype="float32", name="values")(examples)
    return keras.Model(examples, vectors, name="discriminator")


def fixed_network(data: DataSpec, extractor: FeatureExtractor | None) -> Any:
    """A model from examples to the features of an extractor, whose weights are not trained but stored with the others.

    Raises:
        ConfigError: where the extractor has no network with a gradient.
    """
    if extractor is None or extractor.network is None:
        problem = "these features have no gradient with respect to an image"
        raise ConfigError("features", problem, advice="Use features=random, features=classifier, or loss.space=pixels.")
    from gan_cli.models.fixed_features import FixedFeatures  # here, since it defines a Keras layer

    examples = keras.Input(data.shape, name="examples")
    features = FixedFeatures(extractor.network, dtype="float32", name="features")(examples)
    return keras.Model(examples, features, name="discriminator")


def autoencoder(pair: ModelPair, data: DataSpec) -> Any:
    """A model from examples to minus the mean absolute error of their reconstruction, float32 `[batch]`.

    The code between its halves is as large as the generator's latents (section 3.5 of the paper), and less for examples
    with few values.
    """
    size = min(pair.latent_size, max(math.prod(data.shape) // VALUES_A_CODE, 1))
    pair = pair.without_auxiliary_losses()
    encoder = pair.discriminator(data, outputs=size)
    decoder = as_decoder(pair, size).generator(data)
    encoder.name, decoder.name = ENCODER, "decoder"
    examples = keras.Input(data.shape, name="examples")
    # A nested model's own `output` is not part of the network around it; what these layers give is.
    code = keras.layers.Activation("linear", dtype="float32", name="code")(encoder(examples))
    rebuilt = keras.layers.Activation("linear", dtype="float32", name="rebuilt")(decoder(code))
    wrong = keras.ops.abs(keras.ops.cast(examples, "float32") - rebuilt)
    logits = -keras.ops.mean(wrong, axis=tuple(range(1, 1 + len(data.shape))))
    return keras.Model(examples, logits, name="discriminator")


def as_decoder(pair: ModelPair, size: int) -> ModelPair:
    """The pair whose generator is a discriminator's decoder, for codes of `size` numbers.

    It is normalised as the encoder is: batches of real and of generated examples, each normalised by itself, would get
    the same statistics before they are compared.
    """
    pair = pair.without_noise()
    changes: dict[str, Any] = {"latent_size": size}
    if "generator_normalization" in {field.name for field in fields(pair)}:  # type: ignore[arg-type]
        changes["generator_normalization"] = pair.discriminator_normalization
    return replace(pair, **changes)  # type: ignore[type-var]


def with_features(discriminator: Any, layers: Mapping[str, str]) -> Any:
    """The same network, with a dictionary of inner activations by layer's name beside its output.

    Args:
        discriminator: a Keras model as above.
        layers: names of its layers, `auto` for the last one before its output, `all` for those with an activation
            function, a tuple; each with the key that named it.

    Raises:
        ConfigError: where it has no such layer.
    """
    if not layers:
        return discriminator
    inner = next((layer for layer in discriminator.layers if layer.name == NETWORK), None)
    if isinstance(inner, keras.Model):
        outputs = with_features(inner, layers)(discriminator.get_layer(JOINED).output)
        return keras.Model(discriminator.input, outputs, name="discriminator_with_features")
    features = {
        name: activations(discriminator) if name == ALL else inner_output(discriminator, name, key)
        for name, key in layers.items()
    }
    return keras.Model(discriminator.input, (discriminator.output, features), name="discriminator_with_features")


def activations(discriminator: Any) -> tuple[Any, ...]:
    """The symbolic outputs of its layers with an activation function; the last one before the output without such."""
    found = [layer.output for layer in discriminator.layers if activates(layer)]
    return tuple(found) or (inner_output(discriminator, AUTO, ""),)


def activates(layer: Any) -> bool:
    """Whether a layer ends in an activation function that is not linear."""
    function = getattr(layer, "activation", None)
    if function is not None:
        return function is not keras.activations.linear
    layers = keras.layers
    return isinstance(layer, layers.ReLU | layers.LeakyReLU | layers.PReLU | layers.ELU)


def inner_output(discriminator: Any, name: str, key: str) -> Any:
    """The symbolic output of a layer."""
    inner = [one for one in discriminator.layers if not isinstance(one, keras.layers.InputLayer | keras.Model)]
    if name == AUTO:
        output = next((layer for layer in inner if layer.name == "output"), None)
        if output is not None:  # heads of a conditioning may lie before it in the order of layers
            return output.output if output is inner[0] else output.input
        last = next((index for index, layer in enumerate(inner) if layer.name == "rebuilt"), len(inner) - 1)
        return inner[max(last - 1, 0)].output
    known = {layer.name: layer for layer in inner}
    if name not in known:
        expected = f"the discriminator has no such layer; expected auto, all or one of {', '.join(known)}"
        raise ConfigError(key, expected, name, nearest(name, known))
    return known[name].output
