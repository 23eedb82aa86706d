"""Feature matching as a term of the generator's loss, beside any adversarial one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from conftest import TINY
from runs import metric_lines

from gan_cli.checks import ConfigError
from gan_cli.commands.train import gan_train
from gan_cli.losses import DiscriminatorOutput
from gan_cli.penalties import Batch, Penalty, is_on_generator
from gan_cli.penalties.feature_matching import FeatureMatching

REAL = np.array([[1.0, 1.0, 1.0], [3.0, -1.0, 1.0]], np.float32)  # mean (2, 0, 1)
FAKE = np.array([[0.0, -2.0, 2.0], [0.0, 2.0, 2.0]], np.float32)  # mean (0, 0, 2)


def batch(**judged: object) -> Batch:
    said = {name: DiscriminatorOutput(tf.zeros(2), {"dense_2": one}) for name, one in judged.items()}
    return Batch(lambda examples: None, REAL, FAKE, **said)


def test_it_is_the_distance_of_the_means_of_what_was_said_already():
    penalty = FeatureMatching(weight=7.0, layer="dense_2")  # the weight is applied by the step
    assert float(penalty(batch(judged_real=REAL, judged_fake=FAKE))) == 5.0
    assert float(penalty(batch(judged_real=REAL, judged_fake=REAL))) == 0.0
    assert float(penalty(batch(judged_real=(REAL, REAL[:, :1]), judged_fake=(FAKE, FAKE[:, :1])))) == 9.0


def test_it_is_on_the_generator_and_asks_for_real_examples():
    penalty = FeatureMatching()
    assert isinstance(penalty, Penalty)
    assert is_on_generator(penalty)
    assert penalty.sees_real
    assert not penalty.takes_gradients
    with pytest.raises(ValueError, match="both batches"):
        penalty(batch(judged_fake=FAKE))


@pytest.mark.parametrize(
    ("words", "key"),
    [({"weight": -1.0}, "weight=-1.0"), ({"every": 0}, "every=0"), ({"layer": ""}, "layer=")],
)
def test_a_value_outside_its_range_is_refused_by_its_key(words, key):
    with pytest.raises(ConfigError, match=f"^{key}: expected"):
        FeatureMatching(**words)


def train(name: str, *words: str) -> dict:
    common = [word for word in TINY if not word.startswith("run.log_every")]
    more = ["model=mlp", "train.batch_size=16", "run.log_every=1", f"hydra.run.dir={name}"]
    assert gan_train([*common, *more, *words]) == 0
    return metric_lines(Path(name))[-1]


@pytest.mark.parametrize("update", ["alternating", "simultaneous"])
def test_beside_nothing_else_it_trains_as_the_objective_does(update):
    """A generator whose adversarial loss is frozen out by a huge weight is that of `loss=feature_matching`."""
    words = ("train.steps=3", f"train.update={update}")
    own = train("own", "loss=feature_matching", *words)
    beside = train("beside", "penalty=[feature_matching]", "penalty.feature_matching.weight=1.0e6", *words)
    assert beside["penalty_feature_matching"] == pytest.approx(own["generator_loss"], rel=1e-3)


def test_a_layer_can_be_named_and_a_wrong_one_is_told():
    words = ("penalty=[feature_matching]", "train.steps=1")
    assert train("one", *words, "penalty.feature_matching.layer=dense_1")["penalty_feature_matching"] > 0.0
    assert train("all", *words, "penalty.feature_matching.layer=all")["penalty_feature_matching"] > 0.0
    assert gan_train([*TINY, "model=mlp", *words, "penalty.feature_matching.layer=dense_9"]) != 0
