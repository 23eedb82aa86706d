"""InfoGAN: codes without labels, that the discriminator's features find again in generated examples.

Chen et al. 2016, "InfoGAN: Interpretable Representation Learning by Information Maximizing Generative Adversarial
Nets", arXiv:1606.03657. One categorical code takes the place of a label; continuous ones are uniform on [-1, 1]. The
heads that predict them, Q, are trained with the generator and by its optimizer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.class_losses import cross_entropy
from gan_cli.conditioning.heads import HeadBuilder
from gan_cli.conditioning.mutual_information import gaussian_loss, unit_gaussian_loss
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.losses import DiscriminatorOutput
from gan_cli.models import ModelPair
from gan_cli.models.condition import CONCAT, Condition, Targets

CATEGORY, MEAN, LOG_VARIANCE = "code_logits", "code_mean", "code_log_variance"
FIXED, LEARNED = "fixed", "learned"


@dataclass(frozen=True)
class InfoGAN(Conditioning):
    """Adds the loss of predicted codes to the generator's.

    Attributes:
        categories: values of the categorical code, at least 2.
        continuous: continuous codes, at least 0.
        weight: factor of the categorical code's term, at least 0.
        continuous_weight: factor of the continuous codes' term, at least 0.
        variance: of continuous codes given the example: `fixed` to 1, or `learned`.

    Raises:
        ConfigError: where a value is outside its range.
    """

    categories: int = 10
    continuous: int = 2
    weight: float = 1.0
    continuous_weight: float = 1.0
    variance: str = FIXED

    draws_targets: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("categories", self.categories, at_least=2, at_most=2**16)
        check_number("continuous", self.continuous, at_least=0, at_most=2**16)
        check_number("weight", self.weight, at_least=0.0)
        check_number("continuous_weight", self.continuous_weight, at_least=0.0)
        check_choice("variance", self.variance, (FIXED, LEARNED))
        if self.variance == LEARNED and not self.continuous:
            raise ConfigError("variance", "is that of continuous codes, and there are none", LEARNED, "Use fixed.")

    @property
    def generator_heads(self) -> tuple[str, ...]:  # type: ignore[override]
        heads = (CATEGORY, MEAN) if self.continuous else (CATEGORY,)
        return (*heads, LOG_VARIANCE) if self.variance == LEARNED else heads

    @property
    def generator_terms(self) -> tuple[str, ...]:  # type: ignore[override]
        terms = ("generator_code_loss", "generator_continuous_code_loss")
        return terms if self.continuous else terms[:1]

    def condition(self, data: DataSpec) -> Condition:
        return Condition(self.categories, self.continuous, CONCAT, codes=True)

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with the heads of Q."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=False)
        sizes = dict.fromkeys(self.generator_heads, self.continuous) | {CATEGORY: self.categories}
        return builder.model({name: builder.dense(name, size, use_bias=True) for name, size in sizes.items()})

    def draw_targets(self, seed: Any, count: int) -> Targets:
        """Returns uniform codes of `count` examples."""
        for_category, for_continuous = tf.unstack(tf.random.experimental.stateless_split(seed, 2))
        labels = tf.random.stateless_uniform([count], for_category, 0, self.categories, tf.int32)
        if not self.continuous:
            return Targets(labels)
        return Targets(labels, tf.random.stateless_uniform([count, self.continuous], for_continuous, -1.0, 1.0))

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        terms = {"generator_code_loss": self.weight * cross_entropy(fake.heads[CATEGORY], fake.labels)}
        if self.continuous:
            mean = fake.heads[MEAN]
            if self.variance == LEARNED:
                value = gaussian_loss(fake.codes, mean, fake.heads[LOG_VARIANCE])
            else:
                value = unit_gaussian_loss(fake.codes, mean)
            terms["generator_continuous_code_loss"] = self.continuous_weight * value
        return terms
