"""Networks (`model=...`), one pair a file: a frozen dataclass that builds a generator and a discriminator.

The contract:

- `latent_size: int` and `latent_distribution: str` (`normal` or `uniform` on [-1, 1]) say what the generator is fed.
- `check(data)` raises `ConfigError` where the pair can't be built for that data, and names what it can be built for.
  It does not load TensorFlow.
- `generator(data)` is a Keras model from latents `[batch, latent_size]` to float32 examples `[batch, *data.shape]`
  within `data.value_range` for images; `discriminator(data)` one from examples to float32 logits `[batch]`, and
  `discriminator(data, outputs=n)` one to float32 vectors `[batch, n]`, for losses that compare vectors. A functional
  model whose last layer with weights is named `output`; losses may look at what comes before it.
- The output is float32 whatever the compute type, so that losses and penalties are computed in float32.
- Models know nothing of losses, files or configuration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from gan_cli.data import DataSpec

if TYPE_CHECKING:
    import keras


class ModelPair(Protocol):
    """What `model=...` builds."""

    latent_size: int
    latent_distribution: str

    def check(self, data: DataSpec) -> None: ...

    def generator(self, data: DataSpec) -> keras.Model: ...

    def discriminator(self, data: DataSpec, outputs: int | None = None) -> keras.Model: ...
