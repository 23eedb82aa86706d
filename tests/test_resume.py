"""A run that was stopped and gone on with is, bit for bit, the run that was not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import TINY
from PIL import Image
from processes import command
from runs import assert_same_run, metric_lines, status

from gan_cli.commands.train import gan_train
from gan_cli.config.compose import compose, config_directory
from gan_cli.config.job_builder import build_job
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint
from gan_cli.runs.run_directory import RunDirectory, read_config
from gan_cli.training.build_training import build_state, build_step, stateful_parts


def choices_of(group: str) -> list[str]:
    return sorted(path.stem for path in (config_directory() / group).glob("[!_]*.yaml"))


LOSSES = choices_of("loss")
PENALTIES, AUGMENTATIONS = ([name for name in choices_of(group) if name != "none"] for group in ("penalty", "augment"))
OPTIMIZERS = choices_of("optimizer")
MODELS = choices_of("model")
EXPERIMENTS = choices_of("experiment")
DATASETS = choices_of("dataset")
SMALL = ("model=mlp", "model.width=16", "model.discriminator_dropout=0.3", "train.batch_size=16")


def train(directory: str, steps: int, *words: str) -> Path:
    assert gan_train([*TINY, f"hydra.run.dir={directory}", f"train.steps={steps}", *words]) == 0
    return Path(directory)


def assert_resumes_exactly(whole: Path, in_fresh_process: bool = False) -> None:
    """A run that was killed after its first checkpoint, at step 5, and resumed, is the run that was not."""
    killed = Path(f"{whole}_killed")
    shutil.copytree(whole, killed)
    for path in list_checkpoints(killed / "checkpoints")[:-1]:
        path.unlink()
    if in_fresh_process:
        done = command("gan-train", f"resume={killed}")
        assert done.returncode == 0, done.stderr
    else:
        assert gan_train([f"resume={killed}"]) == 0
    assert_same_run(whole, killed)


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_resumes_exactly_with_dropout(loss: str) -> None:
    assert_resumes_exactly(train("whole", 9, *SMALL, f"loss={loss}"))


def newest_arrays(run: Path) -> dict[str, np.ndarray]:
    return load_checkpoint(list_checkpoints(run / "checkpoints")[0]).arrays


@pytest.mark.parametrize(
    "words",
    [
        [f"penalty=[{','.join(PENALTIES)}]"],
        [f"augment=[{','.join(AUGMENTATIONS)}]", "train.pack=2", "train.top_k=0.5", "train.critic_steps=2"],
    ],
    ids=["penalties", "augmentations, packs and top-k"],
)
def test_parts_resume_exactly_all_together_with_what_they_carry_on(words: list[str]) -> None:
    job = build_job(compose("train", words).config)
    # Strengths that adapt do so at once, so that they are at work before the run is stopped.
    quick = [f"augment.{name}.ramp_images=500" for name, one in job.augmentations.items() if one.learns]
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


def test_a_run_goes_on_with_parts_that_it_began_without_and_without_parts_that_it_began_with() -> None:
    run = train("run", 4, *SMALL)
    begun = newest_arrays(run)
    more = ["penalty=lecam", "augment=apa", "train.steps=6"]
    job = build_job(compose("train", [*TINY, *SMALL, *more]).config)
    state = build_state(job, DataSpec((8, 8, 1), 1797))
    build_step(job, state)
    state.restore(begun)
    first = {f"penalty/lecam/{name}": value for name, value in job.penalties["lecam"].initial_state.items()}
    first |= {f"augment/apa/{name}": value for name, value in job.augmentations["apa"].initial_state.items()}
    assert {name: float(variable) for name, variable in state.named_scalars()} == first
    assert all(np.array_equal(begun[name], array) for name, array in state.arrays().items() if name in begun)
    assert gan_train([f"resume={run}", *more]) == 0
    carried = {name for name in newest_arrays(run) if name.startswith("scalars/")}
    assert carried == {f"scalars/{name}" for name in first}
    assert gan_train([f"resume={run}", "penalty=[]", "augment=[]", "train.steps=8"]) == 0
    assert not any(name.startswith("scalars/") for name in newest_arrays(run))


@pytest.mark.parametrize("model", MODELS)
def test_each_model_trains_on_images_that_are_not_square(model: str) -> None:
    words = [word for word in (*TINY, f"model={model}", "dataset.image_size=8x12") if word != "run.log_every=4"]
    assert gan_train([*words, "run.log_every=1", "train.steps=2", "train.batch_size=8", "hydra.run.dir=run"]) == 0
    assert [line["step"] for line in metric_lines(Path("run"))] == [1, 2]


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_each_experiment_begins(experiment: str, request: pytest.FixtureRequest) -> None:
    words = ["train.steps=1", "run.log_every=1", "hydra.run.dir=run"]
    # What is measured is measured of fewer images, without training a classifier of all of them first.
    words += ["eval.samples=1000", "eval.real_samples=1000", "features=random"]
    if "mnist" in experiment:
        words.append(f"dataset.data_dir={request.getfixturevalue('test_data')}/tfds")
    if experiment.startswith("eurosat"):
        words.append(f"dataset.path={request.getfixturevalue('eurosat_folder')}")
    assert gan_train([f"experiment={experiment}", *words]) == 0
    assert status(Path("run"))["state"] == "finished"


@pytest.mark.parametrize(("optimizer", "schedule"), list(zip(OPTIMIZERS, cycle(["linear", "cosine"]), strict=False)))
def test_each_optimizer_resumes_exactly_on_a_schedule(optimizer: str, schedule: str) -> None:
    words = (*SMALL, f"optimizer={optimizer}", f"optimizer.schedule={schedule}", "optimizer.warmup_steps=3")
    words = (*words, "optimizer.clip_norm=1", "optimizer.decay_steps=20")
    assert_resumes_exactly(train("whole", 9, *words))


def pictures_folder(folder: Path) -> Path:
    """Twenty small pictures in two classes, from a fixed seed."""
    generator = np.random.default_rng(0)
    for index in range(20):
        place = folder / f"class_{index % 2}" / f"{index:02d}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 255, (16, 24, 3), np.uint8)).save(place)
    return folder


def source_words(dataset: str, folder: Path, request: pytest.FixtureRequest) -> list[list[str]]:
    """How to ask for a data set: held in memory and, where it can be, streamed."""
    streamed = "dataset.memory_limit=0"
    if dataset in ("ring", "grid"):
        return [["dataset.examples=500"]]
    if dataset == "digits":
        return [["dataset.flip=true"]]
    if dataset == "folder":
        words = [f"dataset.path={pictures_folder(folder / 'pictures')}", "dataset.flip=true"]
        return [words, [*words, streamed]]
    if dataset == "npz":
        values = np.random.default_rng(0).integers(0, 255, (40, 8, 12, 3), np.uint8)
        np.savez(folder / "a.npz", images=values)
        np.save(folder / "a.npy", values)
        return [[f"dataset.path={folder}/a.npz"], [f"dataset.path={folder}/a.npy", streamed]]
    prepared = request.getfixturevalue("test_data") / "tfds"
    if dataset == "tfds":
        words = ["dataset.name=mnist", "dataset.split=train[:200]", f"dataset.data_dir={prepared}"]
        return [words, [*words, streamed]]
    if dataset == "stacked_mnist":
        words = ["dataset.split=test[:500]", "dataset.examples=200", f"dataset.data_dir={prepared}"]
        return [words, [*words, streamed]]
    if not (prepared / dataset).is_dir():
        pytest.skip(f"{dataset} is not prepared in {prepared}")
    return [[f"dataset.data_dir={prepared}", "dataset.split=test"]]


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_data_source_resumes_exactly_in_a_fresh_process(
    dataset: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for number, source in enumerate(source_words(dataset, tmp_path, request)):
        words = [*SMALL, f"dataset={dataset}", *source]
        # How examples are held matters too, but not a second time in which process.
        assert_resumes_exactly(train(f"whole{number}", 9, *words), in_fresh_process=number == 0)


@pytest.fixture
def busy_machine() -> Iterator[None]:
    """Processes that keep all cores busy, so that threads take turns in another order."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 2)]
    yield
    for process in processes:
        process.kill()
        process.wait()


def test_a_convolutional_run_is_the_same_on_a_busy_machine(request: pytest.FixtureRequest) -> None:
    words = ("model.width=16", "loss=wgan_gp", "train.critic_steps=2", "dataset.image_size=16")
    quiet = train("quiet", 8, *words)
    request.getfixturevalue("busy_machine")
    busy = train("busy", 5, *words)
    assert gan_train([f"resume={busy}", "train.steps=8"]) == 0
    assert_same_run(quiet, busy)


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


def test_a_change_that_breaks_the_state_is_refused_and_others_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    run = train("run", 4, *SMALL)
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for words, part in [
        (["model.width=32"], "model.width=32: the run was begun with 16"),
        (["model=dcgan"], "model"),
        (["optimizer=sgd"], "optimizer"),
        (["train.precision=mixed_float16"], "train.precision"),
        (["train.pack=2"], "train.pack=2: the run was begun with 1"),
        (["dataset.image_size=16"], "(16, 16, 1)"),
        (["train.steps=3"], "has done 4 steps"),
        (["train.stepz=3"], "train.steps?"),
    ]:
        with pytest.raises(ConfigError) as caught:
            gan_train([f"resume={run}", *words])
        assert part in str(caught.value)
    assert before == {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert gan_train([f"resume={run}", "train.steps=5", "optimizer.learning_rate=0.001", "penalty=r1"]) == 0
    said = capsys.readouterr().out
    for change in ("train.steps: 4 -> 5", "optimizer.learning_rate: 0.0002 -> 0.001", "penalty.r1"):
        assert f"Changed since the run began: {change}" in said
    rates = ("learning_rate", "generator_learning_rate", "discriminator_learning_rate")
    assert [read_config(RunDirectory(run))["optimizer"][name] for name in rates] == [0.001] * 3
    capsys.readouterr()
    assert gan_train([f"resume={run}", "train.steps=5"]) == 0
    assert "has finished its 5 steps" in capsys.readouterr().out


def test_a_run_that_was_begun_before_some_keys_were_there_goes_on_as_their_classes_have_it() -> None:
    run = train("run", 4, *SMALL, "penalty=gradient_penalty")
    config = yaml.safe_load((run / "config.yaml").read_text())
    for section, names in {"train": ("pack", "top_k", "top_k_steps")}.items():
        for name in names:
            del config[section][name]
    for name in ("sides", "over"):
        del config["penalty"]["gradient_penalty"][name]
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    heavier = ["penalty=gradient_penalty", "penalty.gradient_penalty.weight=5"]
    assert gan_train([f"resume={run}", "train.steps=6", *heavier]) == 0
    assert status(run) == {"state": "finished", "step": 6, "error": None}
    with pytest.raises(ConfigError, match=r"^train.pack=2"):
        gan_train([f"resume={run}", "train.steps=8", "train.pack=2"])


def test_resume_auto_goes_on_with_the_newest_unfinished_run_of_the_same_configuration() -> None:
    words = [*TINY, *SMALL, "train.steps=6"]
    for name in ("20260101-000000_a", "20260101-000001_b", "20260101-000002_c"):
        train(f"outputs/{name}", 6, *SMALL)
    for name in ("20260101-000000_a", "20260101-000001_b"):
        (Path("outputs") / name / "status.json").write_text('{"state": "interrupted", "step": 5, "error": null}')
        newest = Path("outputs") / name / "checkpoints" / "step_00000006.npz"
        newest.unlink()
    assert gan_train([*words, "resume=auto"]) == 0
    assert status(Path("outputs/20260101-000001_b"))["state"] == "finished"
    assert status(Path("outputs/20260101-000000_a"))["state"] == "interrupted"
    assert gan_train([*words, "resume=auto", "seed=5"]) == 0  # no such run: a new one
    assert len(list(Path("outputs").iterdir())) == 4


def test_config_yaml_alone_repeats_the_run() -> None:
    run = train("run", 5, *SMALL, "seed=3", "loss=hinge")
    again = ["--config-dir", str(run), "--config-name", "config", "hydra.run.dir=again"]
    assert gan_train(again) == 0
    assert_same_run(run, Path("again"))


def test_a_run_that_was_moved_goes_on(tmp_path: Path) -> None:
    run = train("run", 5, *SMALL)
    moved = tmp_path / "elsewhere" / "my run"
    moved.parent.mkdir()
    run.rename(moved)
    assert gan_train([f"resume={moved}", "train.steps=8"]) == 0
    assert status(moved) == {"state": "finished", "step": 8, "error": None}


def test_a_run_of_foreign_code_is_not_gone_on_with_unless_it_is_trusted() -> None:
    run = train("run", 4, *SMALL)
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("gan_cli.losses.non_saturating.NonSaturatingLoss", "subprocess.Popen"))
    with pytest.raises(ConfigError, match=r"loss._target_=subprocess.Popen: .*trust=true"):
        gan_train([f"resume={run}", "train.steps=5"])


def test_a_run_whose_checkpoints_are_gone_is_not_silently_begun_again() -> None:
    run = train("run", 6, *SMALL)
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    with pytest.raises(ConfigError, match="6 steps were done"):
        gan_train([f"resume={run}", "train.steps=9"])


@pytest.mark.parametrize("text", [None, "{", '{"state": "running", "step": 0, "error": null}'])
def test_a_run_without_checkpoints_and_without_a_usable_status_keeps_its_files(text: str | None) -> None:
    train(*SMALL, "train.steps=4", "hydra.run.dir=run")
    shutil.rmtree("run/checkpoints")
    status_file = Path("run/status.json")
    status_file.unlink() if text is None else status_file.write_text(text)
    lines = Path("run/metrics.jsonl").read_text()
    assert lines
    for gone in ("", "run/generator.keras") if text in (None, "{") else ("",):
        Path(gone).unlink() if gone else None
        with pytest.raises(ConfigError, match=r"resume=run: .*(no checkpoints|checkpoints are gone)"):
            gan_train(["resume=run", "train.steps=8"])
        assert Path("run/metrics.jsonl").read_text() == lines


def test_without_any_readable_checkpoint_a_run_is_left_alone() -> None:
    run = train("run", 6, *SMALL)
    for path in (run / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="none of its checkpoints can be read"):
        gan_train([f"resume={run}", "train.steps=9"])
    assert status(run)["state"] == "finished"
