"""MHinge-GAN: one multi-class hinge loss over the classes of real examples and a class of generated ones.

Kavalerov et al. 2021, "A Multi-Class Hinge Loss for Conditional GANs", arXiv:1912.04216, equations 5 to 7; code
ilyakava/BigGAN-PyTorch. The loss is that of Crammer & Singer 2001. It takes the place of the loss of real and fake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.conditioning import Conditioning
from gan_cli.conditioning.class_losses import at_label, mean_over_others, others
from gan_cli.conditioning.heads import OUTPUT, HeadBuilder, pick
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError, check_number
from gan_cli.lazy import tf
from gan_cli.losses import LOGITS, DiscriminatorOutput, Loss
from gan_cli.losses.hinge import HingeLoss
from gan_cli.models import ModelPair

CLASS_SCORES, FEATURES = "class_scores", "class_features"
SMALLEST = -1e30
"""Stands for the score of a class that does not count in a maximum."""


@dataclass(frozen=True)
class MultiHinge(Conditioning):
    """K + 1 scores in place of one logit; the generator also matches mean features.

    The logit, which penalties, augmentations and the log use, is the score of the wanted class less that of generated
    examples.

    Attributes:
        generator_weight: factor of the generator's hinge loss, at least 0.
        matching_weight: factor of its feature matching, at least 0.

    Raises:
        ConfigError: where a number is outside its range.
    """

    generator_weight: float = 0.05
    matching_weight: float = 1.0

    needs_labels: ClassVar[bool] = True
    uses_label_input: ClassVar[bool] = True
    outputs: ClassVar[tuple[str, ...]] = (LOGITS,)
    replaces_loss: ClassVar[bool] = True
    replaces_output: ClassVar[bool] = True
    generator_needs_real: ClassVar[bool] = True
    discriminator_terms: ClassVar[tuple[str, ...]] = ("discriminator_class_loss",)
    generator_terms: ClassVar[tuple[str, ...]] = ("generator_class_loss", "generator_matching_loss")

    def __post_init__(self) -> None:
        check_number("generator_weight", self.generator_weight, at_least=0.0)
        check_number("matching_weight", self.matching_weight, at_least=0.0)

    def check_loss(self, loss: Loss) -> None:
        """Raises ConfigError for a loss that it does not generalise."""
        if not isinstance(loss, HingeLoss):
            raise ConfigError("", "is a hinge loss of all classes, in place of loss=hinge", advice="Use loss=hinge.")

    def network(self, pair: ModelPair, data: DataSpec, outputs: int | None, pack: int) -> Any:
        """The pair's discriminator with scores of `data.classes` + 1 classes."""
        builder = HeadBuilder(pair, data, outputs, pack, takes_labels=True)
        scores = builder.dense(OUTPUT, data.classes + 1, use_bias=True)
        margin = builder.per_pack(pick(scores, builder.labels) - scores[:, data.classes])
        return builder.model({OUTPUT: margin, CLASS_SCORES: scores, FEATURES: builder.features})

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Mapping[str, Any]:
        of_real, of_fake = real.heads[CLASS_SCORES], fake.heads[CLASS_SCORES]
        generated = tf.fill(tf.shape(fake.labels), of_fake.shape[1] - 1)
        return {"discriminator_class_loss": crammer_singer(of_real, real.labels) + crammer_singer(of_fake, generated)}

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None) -> Mapping[str, Any]:
        if real is None:
            raise ValueError("feature matching needs the discriminator's output for real examples")
        hinge = crammer_singer(fake.heads[CLASS_SCORES], fake.labels)
        matching = distance_of_mean_features(real.heads[FEATURES], fake.heads[FEATURES])
        return {
            "generator_class_loss": self.generator_weight * hinge,
            "generator_matching_loss": self.matching_weight * matching,
        }


def crammer_singer(scores: Any, labels: Any) -> Any:
    """Mean of max(0, 1 + largest score of another class - score of the label); scores `[n, classes]`."""
    other = tf.where(others(scores, labels) > 0, scores, tf.constant(SMALLEST, scores.dtype))
    return tf.reduce_mean(tf.nn.relu(1.0 + tf.reduce_max(other, axis=1) - at_label(scores, labels)))


def weston_watkins(scores: Any, labels: Any) -> Any:
    """Mean over examples and other classes k of max(0, 1 + score of k - score of the label)."""
    return mean_over_others(tf.nn.relu(1.0 + scores - at_label(scores, labels)[:, None]), scores, labels)


def complement_hinge(scores: Any) -> Any:
    """Mean of max(0, 1 - largest score of a real class + score of generated examples, which is the last)."""
    return tf.reduce_mean(tf.nn.relu(1.0 - tf.reduce_max(scores[:, :-1], axis=1) + scores[:, -1]))


def distance_of_mean_features(real: Any, fake: Any) -> Any:
    """Mean over features of the distance between both batches' means, `[n, features]`; no gradient for real ones."""
    of_real = tf.stop_gradient(tf.reduce_mean(real, axis=0))
    return tf.reduce_mean(tf.abs(tf.reduce_mean(fake, axis=0) - of_real))
