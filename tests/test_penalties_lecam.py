"""LeCam regularisation against the published loop, and drift, which both look at logits that are there already."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from by_hand import do, make_step
from conftest import PERCEPTRON, TINY
from runs import assert_same_run, metric_lines

from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError
from gan_cli.losses import DiscriminatorOutput
from gan_cli.losses.wgan import WassersteinLoss
from gan_cli.penalties import Batch
from gan_cli.penalties.drift import Drift
from gan_cli.penalties.lecam import LeCam, distances
from gan_cli.runs.checkpoint import list_checkpoints


def batch_of(real: object, fake: object, step: int = 0, state: dict[str, float] | None = None) -> Batch:
    judged = [DiscriminatorOutput(tf.constant(logits, tf.float32)) for logits in (real, fake)]
    return Batch(None, None, None, *judged, step=tf.constant(step, tf.int64), state=state or dict(LeCam.initial_state))


def test_distances_count_beyond_the_other_kinds_average_alone():
    # real 2 and -4 beside 1: 1² and 0; generated 0 and 5 beside 3: 3² and 0
    real, fake = tf.constant([2.0, -4.0]), tf.constant([0.0, 5.0])
    assert float(distances(real, fake, 3.0, 1.0)) == pytest.approx((1 + 0) / 2 + (9 + 0) / 2)


def test_averages_and_penalties_are_those_of_the_published_loop():
    generator, penalty = np.random.default_rng(0), LeCam(decay=0.9, start=3)
    state = dict(penalty.initial_state)
    published = {"real": 1000.0, "fake": 1000.0}  # google/lecam-gan, third_party/utils.py: ema_losses
    for step in range(8):
        real, fake = generator.normal(1, 1, 5).astype(np.float32), generator.normal(-1, 1, 5).astype(np.float32)
        decay = 0.0 if step < 3 else 0.9
        for kind, logits in (("fake", fake), ("real", real)):
            published[kind] = published[kind] * decay + logits.mean() * (1 - decay)
        expected = 0.0
        if step > 3:  # third_party/train_fns.py: after the averages are updated
            expected = (np.maximum(real - published["fake"], 0) ** 2).mean()
            expected += (np.maximum(published["real"] - fake, 0) ** 2).mean()
        batch = batch_of(real, fake, step, state)
        assert float(penalty(batch)) == pytest.approx(expected, rel=1e-5)
        state = {name: float(value) for name, value in penalty.next_state(batch).items()}
        assert state == pytest.approx({**published, "begun": 1.0}, rel=1e-5)


@pytest.mark.parametrize(("start", "step"), [(0, 0), (1000, 5000)])
def test_the_averages_begin_with_the_first_batch_also_where_there_is_no_start_or_it_is_past(start, step):
    batch = batch_of([2.0], [-3.0], step)
    state = LeCam(start=start).next_state(batch)
    assert (float(state["real"]), float(state["fake"])) == (2.0, -3.0)
    after = LeCam(start=start, decay=0.5).next_state(batch_of([4.0], [-5.0], step + 1, state))
    assert float(after["real"]) == (4.0 if step + 1 < start else 3.0)


def test_no_gradient_flows_through_the_averages():
    logits = tf.constant([1.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(logits)
        judged = DiscriminatorOutput(logits), DiscriminatorOutput(tf.constant([0.0]))
        state = {"real": tf.constant(0.0), "fake": tf.constant(0.0), "begun": tf.constant(1.0)}
        value = LeCam(decay=0.5, start=1)(Batch(None, None, None, *judged, step=5, state=state))
    # 1/2 (1² + 3²) beside the generated average 0; the real average (2 / 2) would add a slope if it had one
    np.testing.assert_allclose(tape.gradient(value, logits), [1.0, 3.0], rtol=1e-6)


def test_the_step_carries_the_averages_on_through_every_update_of_the_critic():
    step = make_step(WassersteinLoss(), {"lecam": LeCam(decay=0.5, start=1, every=2)}, critic_steps=2, rates=(0.0, 0.0))
    first = do(step, 0)
    real, fake = first["real_logits"], first["fake_logits"]
    state = step.state["penalty/lecam"]
    assert (float(state["real"]), float(state["fake"])) == pytest.approx((real, fake))
    for name in ("real", "fake"):
        state[name].assign(0.0)
    do(step, 1)  # a step that leaves the penalty out: the averages of two updates go on all the same
    assert (float(state["real"]), float(state["fake"])) == pytest.approx((0.75 * real, 0.75 * fake))


def test_a_run_with_lecam_resumes_exactly(eager):
    every_line = [word for word in TINY if not word.startswith("run.log_every")] + ["run.log_every=1"]
    words = [*PERCEPTRON, "penalty=[lecam]", "penalty.lecam.start=3", "train.steps=9"]
    assert gan_train([*every_line, *words, "hydra.run.dir=whole"]) == 0
    shutil.copytree("whole", "killed")
    for checkpoint in list_checkpoints(Path("killed/checkpoints"))[:-1]:
        checkpoint.unlink()  # all but the first, of step 5
    assert gan_train(["resume=killed"]) == 0
    assert_same_run(Path("whole"), Path("killed"))
    values = [line["penalty_lecam"] for line in metric_lines(Path("whole"))]
    assert values[:4] == [0.0] * 4  # steps 0 to 3
    assert values[4] > 0.0


def test_drift_is_the_mean_square_of_the_logits_of_real_examples():
    assert float(Drift()(batch_of([3.0, -1.0], [100.0]))) == pytest.approx(5.0)


def test_drift_costs_no_pass_of_the_critic():
    step = make_step(WassersteinLoss(), {"drift": Drift(weight=1.0)})
    do(step)
    assert step.discriminator.calls == 3  # real, fake, and fake again for the generator


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: LeCam(decay=1.0), "^decay=1.0: expected a number at least 0 and below 1"),
        (lambda: LeCam(start=-1), "^start=-1: expected a whole number at least 0"),
        (lambda: LeCam(weight=-0.3), "^weight=-0.3: expected"),
        (lambda: Drift(every=0), "^every=0: expected"),
    ],
)
def test_a_number_outside_its_range_is_refused_by_its_key(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
