"""Losses (`loss=...`), one per file: a frozen dataclass, derived from `Loss`, with the two equations of its paper.

The default penalty, optimizer and number of discriminator updates of a loss are not in its class but in its YAML,
which selects them in the other config groups. Command-line overrides replace them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from gan_cli.data.example_vectors import ExampleVectors

LOGITS, EMBEDDING, RECONSTRUCTION, PIXELS = "logits", "embedding", "reconstruction", "pixels"
FEATURES = "features"
WITHOUT_DISCRIMINATOR = (PIXELS, FEATURES)
NOTHING: Mapping[str, Any] = MappingProxyType({})


class DiscriminatorOutput(NamedTuple):
    """The output of the discriminator for a batch.

    Attributes:
        logits: float32 `[batch]`, unbounded; never probabilities. High means real. For a loss that compares vectors,
            the witness function of these.
        features: activations `[batch, ...]` of the layers that a loss or a penalty names, by that name; see `layer`.
        embedding: float32 vectors `[batch, size]` where the loss compares vectors, else None.
        heads: what a conditioning's heads give, float32 `[examples, ...]` by their name; see `gan_cli.conditioning`.
        labels: of the examples, int32 `[examples]`; None without a conditioning.
        codes: their continuous codes, float32 `[examples, codes]`; None without.
    """

    logits: Any
    features: Mapping[str, Any] = NOTHING
    embedding: Any = None
    heads: Mapping[str, Any] = NOTHING
    labels: Any = None
    codes: Any = None


class Loss(ABC):
    """Base class of losses: the loss of the discriminator and the loss of the generator, both minimised.

    A subclass defines `discriminator` and `generator`, pure functions of the discriminator's outputs. Everything else
    has a default. Class attributes may also be properties.

    Attributes:
        generator_needs_real: whether `generator` uses its argument `real`. If not, `real` is None and the step saves a
            forward pass of the discriminator.
        critic: whether the paper calls the discriminator a critic (Wasserstein losses).
        is_per_sample: whether the generator's loss is a mean over generated examples, each with its own logit (and that
            of its real partner), so that it can be restricted to the best of them (`train.top_k`).
        uses_step: whether both losses get the step, an int64 scalar, as the keyword `step`.
        output: the kind of discriminator that is built, see `gan_cli.models.discriminator`.
            LOGITS: one logit for each example.
            EMBEDDING: a vector of `embedding_size` numbers for each example. Needs `mmd_witness`.
            PIXELS: no discriminator; the values of the examples are the vectors, and only the generator is trained.
            Needs `mmd_witness`.
            FEATURES: no discriminator; the vectors are the features of the extractor that `features=...` chooses, and
            only the generator is trained. Needs `mmd_witness`.
            RECONSTRUCTION: an auto-encoder; the logits are minus the mean absolute error of each example.
        embedding_size: the size of the vectors of EMBEDDING.
        layer: a layer of the discriminator by name, `auto` for the last one before its output, whose activations are in
            `features[layer]`; `all` for a tuple with the activations of each layer that has an activation function.
            None: no features.
        initial_state: float32 scalars that training updates and a checkpoint stores, by name, with their first values.
            Both losses, `measure` and `next_state` then get each as a keyword.
        measures: names of the additional metrics that `measure` returns.
    """

    generator_needs_real: ClassVar[bool] = False
    critic: ClassVar[bool] = False
    is_per_sample: ClassVar[bool] = False
    uses_step: ClassVar[bool] = False
    output: ClassVar[str] = LOGITS
    embedding_size: int = 16
    layer: str | None = None
    initial_state: ClassVar[Mapping[str, float]] = NOTHING
    measures: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, *_: Any, **state: Any) -> Any:
        """Returns the discriminator's loss, a float32 scalar.

        `state` holds the scalars of `initial_state`, the arrays of `constants` and, with `uses_step`, `step`.
        """

    @abstractmethod
    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None, *_: Any, **state: Any) -> Any:
        """Returns the generator's loss, a float32 scalar; `real` is None unless `generator_needs_real`."""

    @property
    def decision_threshold(self) -> float | None:
        """The logit of the optimal discriminator when generated and real examples have the same distribution.

        It separates real from generated examples. None: only differences of logits matter, so any logit is optimal.
        """
        return None

    @property
    def estimates_density_ratio(self) -> bool:
        """Whether the logit of the optimal discriminator is the log density ratio of real to generated examples."""
        return False

    def mmd_witness(self, embedding: Any, real: Any, fake: Any) -> Any:
        """Returns the witness function of vectors, float32 `[n]`: high for vectors that are more like the real ones.

        Penalties and metrics use it as logits. If `embedding` is the same tensor as `real` or `fake`, no example is
        compared with itself.

        Args:
            embedding: float32 `[n, size]`.
            real, fake: float32 vectors of real and of generated examples, any number of each.
        """
        raise NotImplementedError(f"{type(self).__name__} does not compare vectors")

    @property
    def real_examples(self) -> int | None:
        """The number of real examples of a step, None for `train.batch_size`. Only without a discriminator."""
        return None

    @property
    def uses_all_data(self) -> bool:
        """Whether it has `constants`, for which all training examples are read before the first step."""
        return False

    def constants(self, data: ExampleVectors) -> Mapping[str, Any]:
        """Returns arrays that are computed once from all training examples, by name; called with `uses_all_data`.

        Both losses get each as a keyword, as a tensor. They are functions of the data alone: a resumed run computes
        the same ones again.

        Raises:
            ConfigError: where they can't be computed from these examples.
        """
        return NOTHING

    def next_state(
        self, real: DiscriminatorOutput, fake: DiscriminatorOutput, *_: Any, **state: Any
    ) -> Mapping[str, Any]:
        """Returns the scalars of `initial_state` after an update of the discriminator, by name."""
        return state

    def measure(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, *_: Any, **state: Any) -> Mapping[str, Any]:
        """Returns additional float32 scalars for the metrics log, one for each name in `measures`."""
        return {}

    @property
    def trains_discriminator(self) -> bool:
        """Whether there is a discriminator to train."""
        return self.output not in WITHOUT_DISCRIMINATOR

    @property
    def compares_vectors(self) -> bool:
        """Whether the loss is a function of vectors, whose logits are those of `mmd_witness`."""
        return self.output in (EMBEDDING, *WITHOUT_DISCRIMINATOR)
