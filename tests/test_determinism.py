"""The same run twice gives the same bits.

Whether an update may overtake a read is seen in the graph that TensorFlow executes, not by waiting for it to happen.
"""

from __future__ import annotations

import pytest
from conftest import TINY
from executed_graph import ExecutedGraph, record_graph

from gan_cli.config.compose import compose
from gan_cli.config.job_builder import build_job
from gan_cli.devices import set_up_tensorflow
from gan_cli.lazy import tf
from gan_cli.training.build_training import build_compiled_loop, build_state, build_step, open_training_batches
from gan_cli.training.compiled_loop import CompiledLoop

SMALL = ("model.width=4", "train.batch_size=8")
MLP = ("model=mlp", "model.depth=1")
RPGAN = ("loss=rpgan", "penalty.r1.every=1", "penalty.r2.every=1")


def compiled_loop_of(*words: str) -> CompiledLoop:
    job = build_job(compose("train", [*TINY, *SMALL, *words]).config)
    set_up_tensorflow(job.seed, job.train.deterministic)
    examples = job.dataset.open(None)
    state = build_state(job, examples.spec)
    batches = open_training_batches(job, examples)
    return build_compiled_loop(job, build_step(job, state), batches, state)


def executed_graph_of(loop: CompiledLoop) -> ExecutedGraph:
    return record_graph(lambda: loop(0, 1))


@pytest.mark.parametrize(
    "words",
    [
        ["model=dcgan", *RPGAN, "model.discriminator_dropout=0.3"],
        [*MLP, "loss=wgan_gp", "train.critic_steps=2", "augment=diffaugment"],
        ["model=dcgan", "loss=minimax", "penalty=[r1,lecam]", "penalty.r1.every=2", "train.precision=mixed_float16"],
    ],
    ids=["R1 and R2", "a gradient penalty, an inner loop and a gradient of its own", "conditions"],
)
def test_no_update_may_overtake_a_read(words: list[str]) -> None:
    assert list(executed_graph_of(compiled_loop_of(*words)).races()) == []


def test_the_pass_that_is_turned_off_would_let_an_update_overtake_a_read() -> None:
    """Where this fails, TensorFlow or Keras has changed, and the pass may be of use again: gan_cli/devices.py."""
    loop = compiled_loop_of(*MLP, *RPGAN)
    tf.config.optimizer.set_experimental_options({"dependency_optimization": True})
    try:
        races = list(executed_graph_of(loop).races())
    finally:
        tf.config.optimizer.set_experimental_options({"dependency_optimization": False})
    assert races and all("optimizer/ResourceApplyAdam" in update and "ReadVariableOp" in read for update, read in races)
