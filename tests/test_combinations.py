"""What can't work together is told before anything is built or written: by its key, with what to do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from composition import data_of, job_of
from test_command_line import error_of

from gan_cli.augmentations import Augmentation
from gan_cli.config.compatibility import check_data, check_parts
from gan_cli.config.job_builder import TrainJob
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.losses import PIXELS
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties.r1 import R1


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["train.pack=3"], ["train.batch_size=64: has to be a multiple of train.pack=3", "The nearest is 63."]),
        (["train.pack=100"], ["train.batch_size=64", "The nearest is 100."]),
        (["train.pack=0"], ["train.pack=0", "at least 1"]),
        (["train.top_k=0"], ["train.top_k=0", "above 0"]),
        (["train.top_k=1.5"], ["train.top_k=1.5", "at most 1"]),
        (["train.top_k_steps=0"], ["train.top_k_steps=0", "at least 1"]),
        (["loss=feature_matching", "train.top_k=0.5"], ["train.top_k=0.5: the generator's loss is not a mean", "loss"]),
        (["loss=mmd", "penalty=soft_margin"], ["penalty=soft_margin", "logits", "vectors", "Leave it out, or use"]),
        (["loss=began", "penalty=soft_margin"], ["penalty=soft_margin", "logits", "reconstructions"]),
        (["loss=mmd_pixels", "penalty=r1"], ["penalty=r1", "trains no discriminator", "penalty=[]"]),
        (["loss=mmd_pixels", "penalty=weight_clip"], ["penalty=weight_clip", "trains no discriminator"]),
        (["loss=mmd_pixels", "penalty=feature_matching"], ["penalty=feature_matching", "trains no discriminator"]),
        (["loss=mmd_pixels", "augment=apa"], ["augment=apa", "trains no discriminator, which apa learns from"]),
        (["loss=mmd_pixels", "train.critic_steps=2"], ["train.critic_steps=2", "Set train.critic_steps=1."]),
    ],
)
def test_what_contradicts_is_reported_with_its_key_and_what_to_do(words: list[str], parts: list[str]) -> None:
    message = error_of(*words)
    assert all(part in message for part in parts), message
    assert len(message) < 400


@dataclass(frozen=True)
class NearR1(R1):
    """A penalty that asks for neighbours."""

    perturbation_std: float = 0.1


def test_neighbours_of_two_distances_are_refused_and_of_one_are_not() -> None:
    job = job_of("loss=non_saturating")
    check_parts(replace(job, penalties={"a": NearR1(), "b": R1(), "c": NearR1()}))
    with pytest.raises(ConfigError, match=r"^penalty.c.perturbation_std=0.2: has to be equal to penalty.a.perturb"):
        check_parts(replace(job, penalties={"a": NearR1(), "b": R1(), "c": NearR1(perturbation_std=0.2)}))


class OnlySquare(Augmentation):
    """Refuses what is not square."""

    def check(self, data: DataSpec) -> None:
        raise ConfigError("", "turns squares only", advice="Use square images.")


def test_an_augmentation_that_can_not_take_the_data_is_named() -> None:
    job = replace(job_of("loss=non_saturating"), augmentations={"turn": OnlySquare()})
    with pytest.raises(ConfigError, match=r"^augment.turn: turns squares only. Use square images.$"):
        check_data(job, data_of((8, 12, 1)))


class NothingToTrain(WassersteinLoss):
    """A loss of a user's own without a discriminator."""

    output: ClassVar[str] = PIXELS


@pytest.mark.parametrize("name", ["penalties", "augmentations"])
def test_what_needs_no_discriminator_goes_with_a_loss_that_trains_none(name: str) -> None:
    """A term of the generator that looks at no layer, and an augmentation that learns nothing."""

    class OfGenerator(R1):
        on_generator: ClassVar[bool] = True

    job: TrainJob = replace(job_of("loss=non_saturating"), loss=NothingToTrain())
    check_parts(replace(job, **{name: {"own": OfGenerator() if name == "penalties" else Augmentation()}}))
    with pytest.raises(ConfigError, match="trains no discriminator"):
        check_parts(replace(job, penalties={"own": R1()}))
