"""The ways to normalise a network, by name: a layer after each linear one, or another kind of linear layer.

- `batch`: over the batch and the positions (Ioffe & Szegedy 2015, arXiv:1502.03167), with the momentum 0.9 and the
  epsilon 1e-5 of PyTorch's DCGAN;
- `layer`: over all positions and channels of one example, with a scale and an offset for each channel, as the code of
  WGAN-GP does in its critic (Ba et al. 2016, arXiv:1607.06450; arXiv:1704.00028, section 4);
- `instance`: over the positions of one channel of one example (Ulyanov et al. 2016, arXiv:1607.08022);
- `spectral`: the kernel over its largest singular value (Miyato et al. 2018, arXiv:1802.05957);
- `none`.
"""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import keras

NORMALIZATIONS = ("batch", "layer", "instance", "spectral", "none")
EPSILON = 1e-5


def normalization(kind: str, name: str, epsilon: float = EPSILON) -> Any:
    """The layer that normalises features `[batch, ..., channels]`, None where `kind` has none between the layers.

    Args:
        kind: one of `NORMALIZATIONS`.
        name: of the layer.
        epsilon: added to the variance.
    """
    if kind == "batch":
        return keras.layers.BatchNormalization(momentum=0.9, epsilon=epsilon, name=name)
    if kind == "layer":
        return keras.layers.GroupNormalization(groups=1, epsilon=epsilon, name=name)
    if kind == "instance":
        return keras.layers.GroupNormalization(groups=-1, epsilon=epsilon, name=name)
    return None


def has_offset(kind: str) -> bool:
    """Whether the layer of that kind adds an offset of its own, which makes a bias before it useless."""
    return kind in ("batch", "layer", "instance")


def dense(kind: str, units: int, **options: Any) -> Any:
    """A dense layer, spectrally normalised where `kind` is `spectral`; `options` as in Keras."""
    if kind == "spectral":
        from gan_cli.models.spectral_normalization import SpectralDense

        return SpectralDense(units, **options)
    return keras.layers.Dense(units, **options)


def convolution(kind: str, filters: int, kernel_size: int, strides: int, **options: Any) -> Any:
    """A convolution with "same" padding, spectrally normalised where `kind` is `spectral`."""
    if kind == "spectral":
        from gan_cli.models.spectral_normalization import SpectralConv2D

        return SpectralConv2D(filters, kernel_size, strides, **options)
    return keras.layers.Conv2D(filters, kernel_size, strides, padding="same", **options)


def transposed_convolution(kind: str, filters: int, kernel_size: int, strides: int, **options: Any) -> Any:
    """A transposed convolution with "same" padding, spectrally normalised where `kind` is `spectral`."""
    if kind == "spectral":
        from gan_cli.models.spectral_normalization import SpectralConv2DTranspose

        return SpectralConv2DTranspose(filters, kernel_size, strides, **options)
    return keras.layers.Conv2DTranspose(filters, kernel_size, strides, padding="same", **options)


def logits_or_vectors(values: Any, outputs: int | None) -> Any:
    """A discriminator's last activations, `[batch, 1]` as logits `[batch]`, or as they are where vectors are wanted."""
    return values if outputs else keras.layers.Reshape((), dtype="float32", name="logits")(values)
