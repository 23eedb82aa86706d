"""Models (`model=...`), one a file: a frozen dataclass, derived from `ModelPair`, that builds both networks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from gan_cli.data import DataSpec
from gan_cli.models.condition import AUTO, Condition

if TYPE_CHECKING:
    import keras

TRUNCATE_LATENTS, RESAMPLE_LATENTS, TRUNCATE_W = "latents", "resampled_latents", "w"
"""What the truncation of samples moves: the latents themselves, or the styles w of StyleGAN towards their average."""


class ModelPair(ABC):
    """Base class of models: a generator and a discriminator.

    A subclass defines `generator` and `discriminator`; everything else has a default. The outputs of both networks are
    float32 whatever the compute type, so that losses and penalties are computed in float32. A model knows nothing of
    losses, files or configuration.

    Attributes:
        latent_size: how many numbers the generator gets for an example.
        latent_distribution: `normal`, or `uniform` on [-1, 1].
        generator_normalization, discriminator_normalization: one of `gan_cli.models.normalization.NORMALIZATIONS`.
        conditionings: the ways in which its generator takes a condition, such as a label, its default first; see
            `gan_cli.models.condition_layers`. Empty: it takes none.
        conditioning: one of them, or `auto` for the one that suits.
        truncation: what `truncation` of samples means: `latents` are scaled, `resampled_latents` are drawn within a
            threshold, or styles `w` move to their average. A generator with `w` has the layers `mapping`,
            a model from latents, and conditions, to w; `w_average`, whose variable `average` is their average; and
            `synthesis`, a model from ws `[batch, layers, size]`, and noise, to examples.
        standing_statistics: from how many batches gan-sample computes the moments of batch normalisation by default; 0
            for the averages of training.
        r1_weight_per_pixel: the published weight of R1 with the non-saturating loss, times batch size over pixels; None
            where nothing is published.
        ema_batches: the published half-life of averaged weights in batches; None where nothing is published.
    """

    latent_size: int = 64
    latent_distribution: str = "normal"
    generator_normalization: str = "none"
    discriminator_normalization: str = "none"
    conditionings: ClassVar[tuple[str, ...]] = ()
    conditioning: str = AUTO
    truncation: ClassVar[str] = TRUNCATE_LATENTS
    standing_statistics: ClassVar[int] = 0
    r1_weight_per_pixel: ClassVar[float | None] = None
    ema_batches: ClassVar[float | None] = None

    def check(self, data: DataSpec) -> None:  # noqa: B027
        """Raises ConfigError if the networks can't be built for `data`, with what is supported. Loads no TensorFlow."""

    def noise_size(self, data: DataSpec) -> int:
        """Returns how many normal numbers the generator gets for an example besides latents and condition.

        A network draws no random numbers itself. A generator of a model with such numbers has them as its last input,
        named `noise`, `[batch, noise_size]`.
        """
        return 0

    def without_noise(self) -> ModelPair:
        """Returns the pair whose generator needs no such numbers, for a decoder."""
        return self

    @abstractmethod
    def generator(self, data: DataSpec, condition: Condition | None = None) -> keras.Model:
        """Returns a model from latents `[batch, latent_size]` to float32 examples `[batch, *data.shape]`.

        Images are within `data.value_range`, or trained to be, and clipped to it where they are shown. The inputs are
        latents, conditions `[batch, condition.size]` with a condition, and noise where `noise_size` is not 0. A model
        without `conditionings` needs no argument for a condition.
        """

    @abstractmethod
    def discriminator(self, data: DataSpec, outputs: int | None = None) -> keras.Model:
        """Returns a functional model from examples `[batch, *data.shape]` to float32 logits `[batch]`.

        With `outputs`, for losses that compare vectors, to float32 vectors `[batch, outputs]`. The last layer with
        weights is named `output`; losses may use the activations of the layers before it, and the heads of a
        conditioning are built on its input.
        """

    def auxiliary_losses(self) -> Mapping[str, float]:
        """Returns the weights of terms of the discriminator's loss that the model has of its own, by a layer's name.

        The output of that layer of the discriminator, float32 `[n]`, is averaged over real examples.
        """
        return {}

    def without_auxiliary_losses(self) -> ModelPair:
        """Returns the same model without these terms, for losses that use its discriminator as an encoder."""
        return self


def build_generator(pair: ModelPair, data: DataSpec, condition: Condition | None) -> Any:
    """Returns the generator of a pair. Raises ConfigError where it does not take the condition."""
    return pair.generator(data) if condition is None else pair.generator(data, condition)
