"""A run that was stopped and gone on with is, bit for bit, the run that was not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, cycle, islice, repeat
from pathlib import Path

import numpy as np
import pytest
from composition import NEED_STYLES
from conftest import TINY
from PIL import Image
from processes import command
from runs import (
    SMALL,
    SMALL_OF_ANY_LOSS,
    assert_resumes_exactly,
    assert_same_run,
    killed_copy,
    metric_lines,
    newest_arrays,
    status,
    train,
)

from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose, config_directory
from gan_cli.config.job_builder import build_job
from gan_cli.training.build_training import stateful_parts


def choices_of(group: str) -> list[str]:
    return sorted(path.stem for path in (config_directory() / group).glob("[!_]*.yaml"))


LOSSES = choices_of("loss")


NOT_HERE = ("none", "auto", *NEED_STYLES)
PENALTIES, AUGMENTATIONS = (
    [name for name in choices_of(group) if name not in NOT_HERE] for group in ("penalty", "augment")
)


OPTIMIZERS = choices_of("optimizer")


MODELS = choices_of("model")
OF_SIZES = ("stylegan2", "stylegan3", "r3gan")
"""Models without a `width`, whose `size` names several."""


DOWNLOADED = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3)}
"""Experiments whose data may not be here, and the shape of its images."""
EXPERIMENTS = choices_of("experiment")


DATASETS = choices_of("dataset")


@pytest.mark.parametrize(
    "words",
    [
        [f"penalty=[{','.join(PENALTIES)}]"],
        [
            f"augment=[{','.join(AUGMENTATIONS)}]",
            "train.pack=2",
            "train.top_k=0.5",
            "train.update=simultaneous",  # augments half as often as alternating updates
        ],
    ],
    ids=["penalties", "augmentations, packs and top-k"],
)
def test_parts_resume_exactly_all_together_with_what_they_carry_on(words: list[str]) -> None:
    job = build_job(compose("train", [*SMALL, *words]).config)
    # Strengths that adapt do so at once, so that they are at work before the run is stopped.
    adaptive = [name for name, one in job.augmentations.items() if one.learns]
    quick = [f"augment.{name}.{key}" for name in adaptive for key in ("ramp_images=500", "target=-0.9")]
    whole = train("whole", 9, *SMALL, *words, *quick)
    assert_resumes_exactly(whole)
    carried = {
        f"scalars/{part}/{name}": first
        for part, one in stateful_parts(job).items()
        for name, first in one.initial_state.items()
    }
    arrays = newest_arrays(whole)
    assert carried
    assert carried.keys() == {name for name in arrays if name.startswith("scalars/")}
    assert {name for name, first in carried.items() if arrays[name] == first} == set()  # all have moved


@pytest.mark.parametrize("model", MODELS)
def test_each_model_trains_on_images_that_are_not_square(model: str, eager: None) -> None:
    words = [word for word in (*TINY, f"model={model}", "dataset.image_size=8x12") if word != "run.log_every=4"]
    if model in OF_SIZES:
        words = [word if word != "model.width=8" else "model.size=tiny" for word in words]
    assert gan_train([*words, "run.log_every=1", "train.steps=2", "train.batch_size=8", "hydra.run.dir=run"]) == 0
    assert [line["step"] for line in metric_lines(Path("run"))] == [1, 2]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_each_experiment_begins(experiment: str, eager: None, request: pytest.FixtureRequest) -> None:
    words = ["train.steps=1", "run.log_every=1", "hydra.run.dir=run", "model.width=8", "train.batch_size=8"]
    # What is measured is measured of fewer images, and of none where a classifier would have to be trained first.
    words += ["eval.samples=200", "eval.real_samples=200", "features=random"]
    if experiment in DOWNLOADED:
        values = np.random.default_rng(0).integers(0, 255, (300, *DOWNLOADED[experiment]), np.uint8)
        np.save("images.npy", values)
        words += ["dataset=npz", "dataset.path=images.npy", "metric=[]"]
    elif "mnist" in experiment:
        words += [f"dataset.data_dir={request.getfixturevalue('test_data')}/tfds", "dataset.split=train[:2000]"]
        words.append("metric=[]")
    if experiment.startswith("eurosat"):
        words.append(
            f"dataset.path={few_of_each_class(request.getfixturevalue('eurosat_folder'), Path('photographs'))}"
        )
        words.append("metric=[]")
    assert gan_train([f"experiment={experiment}", *words]) == 0
    assert status(Path("run"))["state"] == "finished"


def few_of_each_class(photographs: Path, folder: Path) -> Path:
    """Copies 4 images of each class."""
    for place in {path.parent for path in photographs.rglob("*.jpg")}:
        (folder / place.name).mkdir(parents=True)
        for path in sorted(place.glob("*.jpg"))[:4]:
            shutil.copy(path, folder / place.name)
    return folder


def pictures_folder(folder: Path) -> Path:
    """Twenty small pictures in two classes, from a fixed seed."""
    generator = np.random.default_rng(0)
    for index in range(20):
        place = folder / f"class_{index % 2}" / f"{index:02d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 255, (16, 24, 3), np.uint8)).save(place)
    return folder


def is_here(dataset: str, request: pytest.FixtureRequest) -> bool:
    """Whether a data set needs no download, or has been downloaded."""
    if dataset in ("ring", "grid", "digits", "folder", "npz"):
        return True
    try:
        prepared = request.getfixturevalue("test_data") / "tfds"
    except pytest.skip.Exception:
        return False
    return bool((prepared / {"tfds": "mnist", "stacked_mnist": "mnist"}.get(dataset, dataset)).is_dir())


IN_MEMORY = "dataset.memory_limit=1"


def source_words(dataset: str, folder: Path, request: pytest.FixtureRequest) -> list[list[str]]:
    """How to ask for a data set: held in memory and, where it can be, also streamed."""
    streamed = "dataset.memory_limit=0"
    if dataset in ("ring", "grid"):
        return [["dataset.examples=500", "eval.samples=200", "eval.real_samples=200"]]
    if dataset == "digits":
        return [["dataset.flip=true"]]
    if dataset == "folder":
        words = [f"dataset.path={pictures_folder(folder / 'pictures')}", "dataset.flip=true"]
        return [[*words, IN_MEMORY], [*words, streamed]]
    if dataset == "npz":
        values = np.random.default_rng(0).integers(0, 255, (40, 8, 12, 3), np.uint8)
        np.savez(folder / "a.npz", images=values)
        np.save(folder / "a.npy", values)
        return [[f"dataset.path={folder}/a.npz", IN_MEMORY], [f"dataset.path={folder}/a.npy", streamed]]
    prepared = request.getfixturevalue("test_data") / "tfds"
    if dataset == "tfds":
        words = ["dataset.name=mnist", "dataset.split=train[:200]", f"dataset.data_dir={prepared}"]
        return [[*words, IN_MEMORY], [*words, streamed]]
    if dataset == "stacked_mnist":
        # Without the default metric, which trains a classifier of digits.
        words = ["dataset.split=test[:500]", "dataset.examples=200", f"dataset.data_dir={prepared}", "metric=[]"]
        return [[*words, IN_MEMORY], [*words, streamed]]
    return [[f"dataset.data_dir={prepared}", "dataset.split=test[:500]"]]


COUNT = max(len(LOSSES), len(OPTIMIZERS), len(DATASETS))
SOURCES = chain(DATASETS, repeat("digits"))
TOGETHER = list(islice(zip(cycle(LOSSES), cycle(OPTIMIZERS), SOURCES, cycle(["linear", "cosine"])), COUNT))
"""Each loss, optimizer and data source once or more; what is stored of one does not depend on the others."""


QUICK = {"mmd": ["loss.alphas=[1]", "train.critic_steps=1"], "mmd_pixels": ["loss.alphas=[1]"]}
"""One kernel in place of the sum of five, which takes five times as long; other losses have more critic steps."""
QUICK |= {loss: ["train.critic_steps=2"] for loss in ("wgan", "wgan_gp")}
AT_ONCE = 8
"""How many runs a process resumes, since its start takes longer than a run."""


@pytest.mark.parametrize("first", range(0, COUNT, AT_ONCE))
def test_each_loss_optimizer_and_data_source_resumes_exactly(
    first: int, tmp_path: Path, eager: None, request: pytest.FixtureRequest
) -> None:
    """Without compiling: what a step does and stores is the same, and other tests resume compiled runs."""
    runs, resumed = [], []
    for loss, optimizer, dataset, schedule in TOGETHER[first : first + AT_ONCE]:
        dataset = dataset if is_here(dataset, request) else "digits"
        scheduled = [f"optimizer.schedule={schedule}", "optimizer.warmup_steps=3", "optimizer.decay_steps=20"]
        words = [*SMALL_OF_ANY_LOSS, f"loss={loss}", f"optimizer={optimizer}", *scheduled, "optimizer.clip_norm=1"]
        words += QUICK.get(loss, [])
        *in_memory, streamed = source_words(dataset, tmp_path, request)
        whole = train(f"{loss}_{optimizer}_{dataset}", 7, *words, f"dataset={dataset}", *streamed)
        killed = killed_copy(whole)
        runs.append((whole, killed))
        # Where a source can be streamed, with examples held in memory: it changes nothing.
        resumed.append([f"resume={killed}", *next(iter(in_memory), [])])
    done = command("train each eagerly", json.dumps(resumed))  # nor does another process
    assert done.returncode == 0, done.stderr
    for whole, killed in runs:
        assert_same_run(whole, killed)


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Processes that keep all cores busy, so that threads take turns in another order."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)]
    yield
    for process in processes:
        process.kill()
        process.wait()


def test_a_convolutional_run_is_the_same_on_a_busy_machine(request: pytest.FixtureRequest) -> None:
    words = ("model.width=8", "loss=wgan_gp", "train.critic_steps=1", "dataset.image_size=16")
    quiet = train("quiet", 8, *words)
    request.getfixturevalue("busy_machine")
    assert_resumes_exactly(quiet)


def test_how_steps_are_grouped_into_calls_makes_no_difference() -> None:
    one = train("one", 12, *SMALL, "train.steps_per_call=1")
    many = train("many", 12, *SMALL, "train.steps_per_call=5")
    assert_same_run(one, many)


def test_mixed_precision_resumes_exactly_with_its_loss_scale() -> None:
    words = (*SMALL, "train.precision=mixed_float16", "train.update=simultaneous")
    assert_resumes_exactly(train("whole", 9, *words))


def test_each_step_stands_once_in_the_log_in_order_whatever_the_stop() -> None:
    run = train("run", 7, *SMALL)
    assert [line["step"] for line in metric_lines(run)] == [4, 7]
    with (run / "metrics.jsonl").open("a") as log:  # what a kill after the last checkpoint leaves
        log.write('{"step": 8, "generator_loss": 0.5}\n{"step": 12, "gener')
    assert gan_train([f"resume={run}", "train.steps=13"]) == 0
    assert [line["step"] for line in metric_lines(run)] == [4, 8, 12, 13]


def test_config_yaml_alone_repeats_the_run() -> None:
    run = train("run", 5, *SMALL_OF_ANY_LOSS, "seed=3", "loss=hinge")
    again = ["--config-dir", str(run), "--config-name", "config", "hydra.run.dir=again"]
    assert gan_train(again) == 0
    assert_same_run(run, Path("again"))
