"""What a finished run leaves behind, and what its console said."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from conftest import ANY_LOSS, PERCEPTRON, TINY
from PIL import Image
from runs import status
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from gan_cli.commands.train import gan_train
from gan_cli.runs.checkpoint import checkpoint_step, list_checkpoints, load_checkpoint
from gan_cli.runs.environment import describe_rounding_changes
from gan_cli.runs.metrics_log import MetricsLog
from gan_cli.runs.run_directory import RunDirectory, read_config


def test_it_holds_what_the_contract_names(finished_run: Path) -> None:
    names = {path.name for path in finished_run.iterdir() if not path.name.startswith(".")}
    files = {"config.yaml", "overrides.yaml", "environment.json", "status.json", "train.log", "metrics.jsonl"}
    assert names - {"stdout.txt", "stderr.txt"} == files | {"tensorboard", "samples", "checkpoints", "generator.keras"}
    assert sorted(path.name for path in (finished_run / "samples").iterdir()) == [
        "real.png",
        "step_00000000.png",
        "step_00000006.png",
        "step_00000012.png",
        "step_00000015.png",
    ]
    assert [checkpoint_step(path) for path in list_checkpoints(finished_run / "checkpoints")] == [15, 10, 5]
    assert status(finished_run) == {"state": "finished", "step": 15, "error": None}


def test_the_configuration_is_whole_and_its_interpolations_resolve(finished_run: Path) -> None:
    text = (finished_run / "config.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(text)["optimizer"]["decay_steps"] == "${train.steps}"  # follows what is typed on resume
    config = read_config(RunDirectory(finished_run))
    assert config["model"]["width"] == 8
    assert config["optimizer"]["generator_learning_rate"] == 0.004  # of small images
    assert config["train"]["steps"] == config["optimizer"]["decay_steps"] == 15
    assert "hydra" not in config
    typed = yaml.safe_load((finished_run / "overrides.yaml").read_text(encoding="utf-8"))
    assert "model.width=8" in typed


def test_the_environment_says_with_what_it_was_made(finished_run: Path) -> None:
    (start,) = json.loads((finished_run / "environment.json").read_text())
    assert "model.width=8" in start["command"]
    assert start["packages"]["tensorflow"]
    assert start["packages"]["keras"] == keras.__version__
    assert start["devices"][0]
    assert start["usable_cpus"] == len(os.sched_getaffinity(0))
    assert len(start["git"]["commit"]) == 40
    assert start["git"]["dirty"] in (True, False)


@pytest.mark.parametrize(
    ("starts", "lines"),
    [
        ([{"usable_cpus": 2}, {"usable_cpus": 2}], []),
        (
            [{"usable_cpus": 2}, {"usable_cpus": 1}],
            ["The run was begun on 2 cores, this is 1 core: rounding may differ."],
        ),
        ([{}, {"usable_cpus": 1, "onednn": True}], []),
        (
            [{"onednn": False}, {"onednn": False}, {"onednn": True}],
            ["The run was begun without oneDNN (TF_ENABLE_ONEDNN_OPTS=0): rounding may differ."],
        ),
        ([{"usable_cpus": 2}, {"usable_cpus": 1, "devices": ["CPU", "NVIDIA H100"]}], []),
    ],
    ids=["as many", "fewer", "not recorded", "oneDNN", "a GPU"],
)
def test_what_rounds_otherwise_is_described(starts: list[dict[str, Any]], lines: list[str], tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    path.write_text(json.dumps([{"devices": ["CPU"], **start} for start in starts]))
    assert describe_rounding_changes(path) == lines


def test_a_resumed_run_tells_another_number_of_cores(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["logger=[]", *PERCEPTRON, "dataset=ring", "hydra.run.dir=run"]
    assert gan_train([*short, "train.steps=1"]) == 0
    assert "The run was begun on" not in capsys.readouterr().out
    cores = len(os.sched_getaffinity(0))
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(cores + 1)))
    assert gan_train(["resume=run", "train.steps=2"]) == 0
    assert f"this is {cores + 1} cores: rounding may differ." in capsys.readouterr().out


def test_each_line_of_the_log_has_losses_logits_norms_and_speed(finished_run: Path) -> None:
    lines = MetricsLog(finished_run / "metrics.jsonl").read()
    assert [line["step"] for line in lines] == [4, 8, 12, 15]
    assert [line["images"] for line in lines] == [256, 512, 768, 960]
    for line in lines:
        for name in ("generator_loss", "discriminator_loss", "real_logits", "fake_logits", "seconds"):
            assert math.isfinite(line[name])
        assert line["generator_gradient_norm"] > 0
        assert line["discriminator_gradient_norm"] > 0
    assert lines[-1]["images_per_second"] > 0
    assert lines[-1]["seconds"] > lines[0]["seconds"]


def test_tensorboard_has_the_same_numbers(finished_run: Path) -> None:
    events = EventAccumulator(str(finished_run / "tensorboard"))
    events.Reload()
    lines = MetricsLog(finished_run / "metrics.jsonl").read()
    tags = events.Tags()["tensors"]
    (tag,) = [tag for tag in tags if tag.endswith("generator_loss")]
    values = {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in events.Tensors(tag)}
    assert values == pytest.approx({line["step"]: line["generator_loss"] for line in lines})


def test_pictures_are_grids_that_can_be_seen(finished_run: Path) -> None:
    for name, contrast in (("real.png", 200), ("step_00000015.png", 2)):  # grey mush after 15 steps
        with Image.open(finished_run / "samples" / name) as picture:
            assert 512 <= max(picture.size) <= 1040
            first_image = np.array(picture)[: picture.height // 9, : picture.width // 9]
            assert np.ptp(first_image) > contrast


def test_the_console_begins_with_what_trains_and_ends_with_the_last_picture(finished_run: Path) -> None:
    said = (finished_run / "stdout.txt").read_text()
    for part in (
        f"Run directory: {finished_run}",
        "CPU",
        "1,797 images of 8x8x1, 10 classes",
        "parameters",
        "RelativisticPairingLoss",
        "penalties      R1",
        "Adam, cosine learning rates 0.004",
        "seed           0",
        "step 15/15 (100%)",
        "images/s",
    ):
        assert part in said, part
    assert said.strip().splitlines()[-1].endswith("samples/step_00000015.png")
    assert (finished_run / "train.log").read_text() == said
    assert (finished_run / "stderr.txt").read_text() == ""  # none of TensorFlow's start-up noise


def test_the_shared_generator_is_the_averaged_one(finished_run: Path) -> None:
    import gan_cli.models.spectral_normalization  # noqa: F401

    model = keras.saving.load_model(finished_run / "generator.keras")
    checkpoint = load_checkpoint(list_checkpoints(finished_run / "checkpoints")[0])
    for index, variable in enumerate(model.variables):
        np.testing.assert_array_equal(variable, checkpoint.arrays[f"averaged/{index:04d}"])
    assert any(
        not np.array_equal(checkpoint.arrays[f"averaged/{i:04d}"], checkpoint.arrays[f"generator/{i:04d}"])
        for i in range(len(model.variables))
    )


@pytest.mark.parametrize(
    "words",
    [
        [*PERCEPTRON, "train.precision=mixed_bfloat16", "train.ema_half_life=0", "train.ema_ramp=0"],
        [*ANY_LOSS, "train.precision=mixed_float16", "loss=wgan_gp", "train.critic_steps=2"],
        [*ANY_LOSS, "train.xla=true", "loss=wgan", "train.critic_steps=2", "run.keep_checkpoints=1"],
        [*ANY_LOSS, "train.xla=true", "train.update=simultaneous", "loss=rpgan", "penalty=[r1]"],
        [
            *(
                "model=dcgan",
                "loss=non_saturating",
                "train.deterministic=false",
                "model.latent_distribution=uniform",
                "model.latent_size=7",
            ),
            *("dataset.image_size=[8,12]", "dataset.channels=rgb", "model.generator_normalization=instance"),
        ],
        [
            *("loss=hinge", "dataset.image_size=16x8", "dataset.channels=rgba"),
            "model.discriminator_normalization=spectral",
        ],
    ],
    ids=" ".join,
)
def test_every_way_to_train_gives_finite_numbers_and_pictures(words: list[str]) -> None:
    sizes = [] if "train.batch_size=16" in words else ["train.batch_size=16"]
    assert gan_train([*TINY, *words, "train.steps=4", *sizes, "hydra.run.dir=run"]) == 0
    (line,) = MetricsLog(Path("run/metrics.jsonl")).read()
    losses = [value for name, value in line.items() if "loss" in name or "penalty" in name]
    assert np.isfinite(losses).all()
    with Image.open("run/samples/step_00000004.png") as picture:
        assert np.ptp(np.array(picture)) > 0


@pytest.mark.parametrize("memory_limit", [1, 0])
def test_files_that_were_left_out_are_named(
    memory_limit: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for index in range(12):
        Image.fromarray(generator.integers(0, 255, (8, 8), np.uint8)).save(folder / f"{index}.png")
    whole = (folder / "0.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_text("not a picture")
    words = [*PERCEPTRON, "dataset=folder", f"dataset.path={folder}", "train.batch_size=4", "train.steps=4"]
    words.append("hydra.run.dir=run")
    words.append(f"dataset.memory_limit={memory_limit}")  # 0: streamed, and found broken only when it is read
    assert gan_train([*TINY, *words]) == 0
    said = capsys.readouterr().out
    assert f"{12 if memory_limit else 13} images of 8x8x1" in said
    assert "2 files skipped" in said
    log = Path("run/train.log").read_text()
    assert "Skipped: cut.png" in log
    assert "Skipped: notes.txt" in log
