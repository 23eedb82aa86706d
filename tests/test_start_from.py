"""`train.start_from` and frozen blocks: what is taken from another run, what stays, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from composition import choices_of, job_of
from conftest import PERCEPTRON, TINY
from runs import assert_same_run, newest_arrays

from gan_cli.commands.train import gan_train
from gan_cli.conditioning.none import NoConditioning
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.models import ModelPair
from gan_cli.models.network_blocks import blocks, freeze_blocks, weighted_layers
from gan_cli.models.shape_only_build import deferred_variables
from gan_cli.runs.checkpoint import checkpoint_path, load_checkpoint
from gan_cli.trained_models.stored_networks import by_layer
from gan_cli.training.start_from import compare

NETWORKS = ("generator", "averaged", "discriminator")
OWN_MODEL = """
from dataclasses import dataclass
from gan_cli.models.mlp import MLP

@dataclass(frozen=True)
class Own(MLP):
    pass
"""


def start(directory: str, *words: str) -> int:
    return gan_train([*TINY, *PERCEPTRON, "train.steps=10", f"hydra.run.dir={directory}", *words])


def arrays_of(run: Path, step: int) -> dict[str, np.ndarray]:
    return load_checkpoint(checkpoint_path(run / "checkpoints", step)).arrays


def assert_equal_parts(first: dict[str, np.ndarray], second: dict[str, np.ndarray], *parts: str) -> None:
    names = [name for name in first if name.partition("/")[0] in parts]
    assert names
    for name in names:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def refusal(*words: str) -> str:
    with pytest.raises(ConfigError) as error:
        start("refused", *words)
    assert not Path("refused").exists()
    return str(error.value)


def test_a_start_takes_all_networks_and_resumes_exactly_without_the_other_run(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    others = newest_arrays(run)
    words = ("train.start_from=RUN", "train.freeze_discriminator=1", "train.freeze_generator=1", "seed=3")
    assert start("tuned", *words) == 0
    printed = capsys.readouterr().out
    assert "start from     RUN, step 15; layers taken: generator 2 of 2, averaged generator 2 of 2" in printed
    assert "frozen: dense_1" in printed
    began, ended = arrays_of(Path("tuned"), 0), newest_arrays(Path("tuned"))
    assert_equal_parts(others, began, *NETWORKS)
    for part in ("generator", "discriminator"):  # kernel and bias of the first block, then those of the last
        for index, stays in enumerate((True, True, False, False)):
            name = f"{part}/{index:04d}"
            assert np.array_equal(began[name], ended[name]) is stays, name
    (entry,) = json.loads(Path("tuned/environment.json").read_text())
    assert entry["start_from"]["path"] == "RUN"
    assert entry["start_from"]["layers"]["discriminator"] == {"taken": 2, "of": 2}

    shutil.rmtree(run)
    for step in (0, 5):  # as kills before and after the first checkpoint of a step leave it
        killed = Path(shutil.copytree("tuned", f"killed_{step}"))
        for path in (killed / "checkpoints").glob("step_*.npz"):
            if int(path.stem.removeprefix("step_")) > step:
                path.unlink()
        assert gan_train([f"resume={killed}"]) == 0
        assert_same_run(Path("tuned"), killed)
        assert "start_from" not in json.loads((killed / "environment.json").read_text())[-1]

    for word in ("train.start_from=RUN", "train.freeze_discriminator=0"):
        with pytest.raises(ConfigError, match=word.partition("=")[0]):
            gan_train(["resume=tuned", word, "train.steps=20"])


def test_a_generator_file_gives_both_generators(run: Path) -> None:
    others = newest_arrays(run)
    Path("link.keras").symlink_to(run / "generator.keras")
    assert start("tuned", "train.start_from=link.keras", "train.steps=1") == 0
    began = arrays_of(Path("tuned"), 0)
    assert_equal_parts(others, began, "averaged")
    for index in range(4):
        np.testing.assert_array_equal(began[f"generator/{index:04d}"], others[f"averaged/{index:04d}"])
    assert not np.array_equal(began["discriminator/0000"], others["discriminator/0000"])


def test_layers_that_do_not_fit_are_named_and_stay_random(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = next((run / "checkpoints").glob("step_*15.npz"))
    assert start("tuned", f"train.start_from={checkpoint}", "model.latent_size=5", "dry_run=true") == 0
    printed = capsys.readouterr().out
    assert "generator 1 of 2" in printed
    assert "discriminator 2 of 2" in printed
    assert "other shapes, generator: dense_1 (kernel 5x" in printed
    assert start("tuned", f"train.start_from={checkpoint}", "conditioning=concat", "dry_run=true") == 0
    printed = capsys.readouterr().out  # labels are joined to what the first layers get
    assert "layers taken: generator 1 of 2, averaged generator 1 of 2, discriminator 1 of 2" in printed


def test_what_can_not_be_a_start_is_refused(run: Path) -> None:
    Path("text.txt").write_text("no run")
    Path("empty").mkdir()
    Path("damaged.npz").write_bytes(b"no checkpoint")
    os.mkfifo("pipe.npz")
    for value in ("RUM", "text.txt", "empty", "damaged.npz", "pipe.npz"):
        assert "train.start_from" in refusal(f"train.start_from={value}"), value
    assert "Did you mean RUN?" in refusal("train.start_from=RUM")
    other = ("model.width=5", "model.latent_size=5", "dataset=ring")
    assert "no layer fits" in refusal("train.start_from=RUN", *other)


def test_more_blocks_than_there_are_can_not_be_frozen() -> None:
    for network in ("discriminator", "generator"):
        text = refusal(f"train.freeze_{network}=9")
        assert f"train.freeze_{network}=9: the {network} has 2 blocks with weights (dense_1, output)" in text
        assert "Give at most 1." in text


def test_code_that_the_other_run_names_is_not_run() -> None:
    Path("own_start_model.py").write_text(OWN_MODEL)
    assert start("own", "model._target_=own_start_model.Own", "train.steps=1") == 0
    text = refusal("train.start_from=own")
    assert "train.start_from=own" in text
    assert "trust=true" in text
    assert start("trusted", "train.start_from=own", "trust=true", "dry_run=true") == 0


def small_pair(model: str) -> ModelPair:
    """The pair of a model at its smallest preset or at width 4."""
    fields = vars(job_of(f"model={model}").model)
    sizes = {"width": 4, "attention": "[]"} if "width" in fields else {"size": "tiny"}
    return job_of(f"model={model}", *(f"model.{name}={value}" for name, value in sizes.items() if name in fields)).model


@pytest.mark.parametrize("model", choices_of("model"))
def test_every_model_is_taken_by_its_layers_and_frozen_by_its_blocks(model: str) -> None:
    pair = small_pair(model)
    data = DataSpec((2,), 100) if model == "mlp" else DataSpec((32, 32, 1), 100)
    wider = DataSpec((*data.shape[:-1], data.shape[-1] + 1), 100)
    for build in (pair.generator, lambda spec: NoConditioning().network(pair, spec, None, 1)):
        network = build(data)
        stored = by_layer(network, {id(one): one.numpy() for one in network.variables})
        fit = compare(network, stored)
        assert fit.taken == list(weighted_layers(network))
        assert fit.count == len(stored)
        known = blocks(network)
        assert len(known) > 1
        assert_frozen_keeps_its_bits(network, len(known) - 1)
    with deferred_variables():
        of_wider = compare(build(wider), stored)  # the discriminator for one more channel
    assert of_wider.taken
    assert of_wider.different


def assert_frozen_keeps_its_bits(network: Any, count: int) -> None:
    """A call in training changes no weight of a frozen block, and gradients pass through to the input."""
    freeze_blocks("key", network, count)
    frozen = [one for block in blocks(network)[:count] for layer in block.layers for one in layer.weights]
    trained = {id(one) for one in network.trainable_variables}
    assert trained
    assert not any(id(one) in trained for one in frozen)
    before = [one.numpy().copy() for one in frozen]
    inputs = [tf.random.stateless_normal([4, *one.shape[1:]], [1, 2]) for one in network.inputs]
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = network(inputs if len(inputs) > 1 else inputs[0], training=True)
        total = tf.reduce_sum(outputs**2)
    gradient = tape.gradient(total, inputs)[0]
    assert np.isfinite(gradient).all()
    assert np.abs(gradient).max() > 0
    for one, array in zip(frozen, before, strict=True):
        np.testing.assert_array_equal(one.numpy(), array, err_msg=one.path)
