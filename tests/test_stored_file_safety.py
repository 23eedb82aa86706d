"""Prepared data, .keras files, pickles and YAML from elsewhere run no code."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from planted import READERS, RUN_READERS, SMALL, change_checkpoints, edit, plant, refused

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.config.launch_plan import prepare
from gan_cli.data.tfds import TFDS
from gan_cli.errors import ConfigError
from gan_cli.regular_files import open_regular
from gan_cli.runs.environment import read_starts
from gan_cli.runs.run_directory import RunDirectory, unfinished_runs
from gan_cli.runs.status import Status, read_status


@pytest.mark.parametrize(
    "features",
    [
        {"pythonClassName": "evil.Feature", "featuresDict": {"features": {}}},
        {"python_class_name": "evil.Feature", "featuresDict": {"features": {}}},
        {"type": "evil.Feature", "content": {}},
        {
            "pythonClassName": "tensorflow_datasets.core.features.features_dict.FeaturesDict",
            "featuresDict": {"features": {"more": {"pythonClassName": "evil.Feature", "jsonFeature": {"json": "{}"}}}},
        },
        {
            "pythonClassName": "tensorflow_datasets.core.features.sequence_feature.Sequence",
            "jsonFeature": {"json": json.dumps({"feature": {"type": "evil.Feature", "content": {}}})},
        },
    ],
)
def test_prepared_data_names_no_foreign_module(
    foreign_run: Path, marker: Path, features: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = {"featuresDict": {"features": {"image": IMAGE_FEATURE, "x": features}}, "pythonClassName": FEATURES_DICT}
    for folder in ("data/ours/1.0.0", "data/Ours/1.0.0", "data/ours/other/1.0.0"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        Path(folder, "features.json").write_text(json.dumps(content))
        info = {"name": "ours", "version": "1.0.0", "fileFormat": "tfrecord", "moduleName": "evil"}
        splits = [{"name": "train", "shardLengths": ["40"], "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}"}]
        Path(folder, "dataset_info.json").write_text(json.dumps({**info, "splits": splits}))
    plant(Path("data"), marker)
    monkeypatch.syspath_prepend(str(Path("data").resolve()))  # tensorflow-datasets would find the module
    for name in ("ours", "Ours"):
        words = ["dataset=tfds", f"dataset.name={name}", "dataset.data_dir=data", "dataset.label_key=null"]
        told = refused(lambda words=words: gan_train([*SMALL, *words, "dry_run=true"]))  # type: ignore[misc]
        assert "names evil.Feature, code that is not part of tensorflow-datasets" in told
    assert not marker.exists()


@pytest.mark.parametrize("link", ["data/mnist/3.0.1", "data/mnist", "data/mnist/other"])
def test_prepared_data_in_a_linked_folder_names_no_foreign_module(
    marker: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = Path("elsewhere", Path("data/mnist/other/3.0.1" if "other" in link else "data/mnist/3.0.1"))
    prepared.mkdir(parents=True)
    features = {"image": IMAGE_FEATURE, "x": {"pythonClassName": "evil.Feature", "featuresDict": {"features": {}}}}
    content = {"featuresDict": {"features": features}, "pythonClassName": FEATURES_DICT}
    (prepared / "features.json").write_text(json.dumps(content))
    splits = [{"name": "train", "shardLengths": ["40"], "filepathTemplate": "{DATASET}-{SPLIT}.{FILEFORMAT}"}]
    info = {"name": "mnist", "version": "3.0.1", "fileFormat": "tfrecord", "splits": splits}
    (prepared / "dataset_info.json").write_text(json.dumps(info))
    Path(link).parent.mkdir(parents=True)
    Path(link).symlink_to(Path("elsewhere", link).resolve())
    (prepared / "round").symlink_to(Path("elsewhere").resolve())  # a link that leads back up ends the search
    plant(Path("elsewhere"), marker)
    monkeypatch.syspath_prepend(str(Path("elsewhere").resolve()))
    source = TFDS(name="mnist", config="other" if "other" in link else None, data_dir="data", label_key=None)
    assert "names evil.Feature, code that is not part of tensorflow-datasets" in refused(lambda: source.open())
    assert not marker.exists()


@pytest.mark.parametrize(
    "name", ["overrides.yaml", "status.json", "evaluations.jsonl", "checkpoints/step_00000099.npz"]
)
@pytest.mark.parametrize("form", ["pipe", "device"])
def test_a_pipe_or_device_in_a_run_is_refused_and_not_waited_for(foreign_run: Path, name: str, form: str) -> None:
    path = foreign_run / name
    path.unlink(missing_ok=True)
    if form == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    before = set(foreign_run.rglob("*"))
    for command, reader in RUN_READERS.items():
        assert f"{name} is a pipe, socket or device" in refused(reader) or "symbolic link" in refused(reader), command
    with pytest.raises(OSError, match="not a regular file"):
        open_regular(path)
    assert set(foreign_run.rglob("*")) == before


def test_a_pipe_does_not_keep_another_run_from_being_resumed(foreign_run: Path) -> None:
    other = Path(foreign_run.parent / "other")
    other.mkdir()
    for name in ("config.yaml", "status.json"):
        os.mkfifo(other / name)
    assert [run.path.name for run in unfinished_runs(foreign_run.parent)] == []
    assert read_status(other) == Status("interrupted", 0)


IMAGE_FEATURE = {
    "pythonClassName": "tensorflow_datasets.core.features.image_feature.Image",
    "image": {"shape": {"dimensions": ["8", "8", "1"]}, "dtype": "uint8", "encodingFormat": "png"},
}
FEATURES_DICT = "tensorflow_datasets.core.features.features_dict.FeaturesDict"


@pytest.mark.parametrize("name", ["huggingface:mnist", "kaggle:evil", "evil:data/config"])
def test_a_data_set_of_a_hub_is_refused_since_its_code_would_be_downloaded(name: str) -> None:
    words = ["dataset=tfds", f"dataset.name={name!r}", "dry_run=true"]
    assert "whose code would be downloaded and run" in refused(lambda: gan_train([*SMALL, *words]))


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "evil", "class_name": "Evil", "config": {}, "registered_name": "evil>Evil"},
        {"module": "keras.utils", "class_name": "get_file", "config": {}, "registered_name": None},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "x"}, "registered_name": None},
        {"module": "keras.layers", "class_name": "Lambda", "config": {}, "registered_name": None},
        {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        {"module": "gan_cli.loggers.tensorboard", "class_name": "TensorBoardWriter", "config": {"folder": "x"}},
        {"module": "gan_cli.lazy", "class_name": "LazyModule", "config": {}, "registered_name": "LazyModule"},
        {"module": "keras.layers", "class_name": ["Dense"], "config": {}},
    ],
    ids=lambda layer: f"{layer['module']}.{layer['class_name']}",
)
def test_a_keras_file_names_layers_alone(foreign_run: Path, marker: Path, layer: dict[str, Any]) -> None:
    with zipfile.ZipFile(foreign_run / "generator.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1] = {**config["config"]["layers"][1], **layer}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile("other.keras", "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    told = refused(lambda: gan_sample(["checkpoint=other.keras", "n=4"]))
    assert "none of the classes that a generator file may name" in told
    assert not marker.exists()


@pytest.mark.parametrize("form", ["lists", "mappings", "merges"])
def test_yaml_aliases_that_expand_to_too_much_are_refused(foreign_run: Path, form: str) -> None:
    """Ten levels of ten aliases: 10^10 values from some lines."""
    aliases = {
        "lists": lambda level: "[" + ", ".join([f"*x{level}"] * 10) + "]",
        "mappings": lambda level: "{" + ", ".join(f"k{index}: *x{level}" for index in range(10)) + "}",
        "merges": lambda level: "{<<: [" + ", ".join([f"*x{level}"] * 10) + "]}",
    }[form]
    lines = [f"x{level + 1}: &x{level + 1} {aliases(level)}" for level in range(10)]
    bomb = "\n".join(["x0: &x0 {a: 1}", *lines, ""])
    path = foreign_run / "config.yaml"
    original = path.read_text()
    (foreign_run / "loss").mkdir()
    (foreign_run / "loss" / "mine.yaml").write_text(bomb)
    told = refused(lambda: gan_train(["--config-dir=run", "loss=mine", "dry_run=true"]))
    assert "mine.yaml can't be read: its aliases expand to more than 100,000 values" in told
    path.write_text(bomb + original)
    for name, reader in {**READERS, **RUN_READERS}.items():
        if name == "samples":
            continue  # need the checkpoint alone
        assert "its aliases expand to more than 100,000 values" in refused(reader), name
    path.write_text(original)
    (foreign_run / "overrides.yaml").write_text(bomb)
    assert gan_train(["resume=run", "dry_run=true"]) == 0  # what the user typed then is not needed


def test_yaml_that_is_no_configuration_gives_one_message(foreign_run: Path) -> None:
    texts = ("x: &x [*x]\n", "[" * 5000, "x: 2026-13-45\n", "? {a: 1}\n: 2\n", "x: *nowhere\n")
    for text in texts:
        (foreign_run / "config.yaml").write_text(text)
        for reader in (READERS["a dry run"], RUN_READERS["resume"]):
            assert "can't be read" in refused(reader), text


MALFORMED = (
    "1: 2\n",
    "null: 2\n",
    '"a.b": ${seed}\n',
    "1: ${seed}\n",
    "zz: ???\n",
    "dataset: {1: 2}\n",
    "metric: {1: 2}\n",
    "seed: 2001-01-01\n",
    f"seed: {'9' * 5000}\n",
    f"zz: {'[' * 300}{']' * 300}\n",
)


@pytest.mark.parametrize("words", [[], ["train.steps=12"]], ids=["as stored", "changed"])
def test_a_malformed_configuration_is_refused_with_its_key(foreign_run: Path, words: list[str]) -> None:
    path = foreign_run / "config.yaml"
    original = path.read_text()
    for text in MALFORMED:
        path.write_text(original + text)
        with pytest.raises(ConfigError):
            prepare("train", ["resume=run", *words], None)
    path.write_text(original.replace("radius: 1.0", "radius: ???"))
    with pytest.raises(ConfigError, match=r"dataset.radius: is needed"):
        prepare("train", ["resume=run", *words], None)


def test_a_malformed_run_does_not_keep_its_neighbour_from_being_resumed(foreign_run: Path) -> None:
    shutil.copytree(foreign_run, "zz")
    edit(Path("run/status.json"), state="interrupted")
    words = yaml.safe_load(Path("run/overrides.yaml").read_text())
    words = [word for word in words if not word.startswith("hydra.")]
    for text in ("x: 2001-99-99\n", "zz: &a {b: *a}\n", "1: ${seed}\n"):
        Path("zz/config.yaml").write_text(text)
        Path("zz/status.json").write_text('{"state": "interrupted", "step": 1e999}')
        _, plan = prepare("train", [*words, "hydra.run.dir=new", "resume=auto"], None)
        assert (plan.resumes, plan.directory.name) == (True, "run")


@pytest.mark.parametrize(
    "text", ['{"state": "finished", "step": 1e999}', '{"state": ["x"], "step": 1}', "[1]", "[" * 5000]
)
def test_a_malformed_status_is_none(foreign_run: Path, text: str) -> None:
    (foreign_run / "status.json").write_text(text)
    assert read_status(foreign_run) == Status("interrupted", 0)


def test_numbers_in_logs_that_are_not_finite_are_read_as_missing(foreign_run: Path) -> None:
    run = RunDirectory(foreign_run)
    lines = ['{"step": 4, "a": NaN, "b": 1e999, "c": -Infinity, "d": 5}', f'{{"step": 5, "a": {"9" * 5000}}}']
    run.metrics.path.write_text("\n".join([*lines, '{"step": 1e999}', ""]))
    kept = [{"step": 4, "a": None, "b": None, "c": None, "d": 5}, {"step": 5, "a": None}]
    assert run.metrics.trim(9) == kept
    assert run.metrics.read() == kept


def test_pickles_and_yaml_tags_are_not_loaded(foreign_run: Path, marker: Path) -> None:
    bomb = np.array([{"x": 1}], dtype=object)
    np.savez("data.npz", images=bomb)
    assert refused(lambda: gan_train([*SMALL, "dataset=npz", "dataset.path=data.npz", "dry_run=true"]))
    np.savez(foreign_run / "checkpoints" / "step_00000099.npz", about=bomb)
    Path("data.npy").write_bytes(pickle.dumps({"x": 1}))
    assert refused(lambda: gan_eval(["fake=data.npy", "real=data.npy", "metric=[fid]"]))
    (foreign_run / "config.yaml").write_text("seed: !!python/object/apply:evil.Evil []\n")
    for name, reader in {**READERS, **{key: RUN_READERS[key] for key in ("resume", "an evaluation")}}.items():
        assert refused(reader), name
    assert not marker.exists()


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"dataset": ...}, "dataset"),
        ({"model": ...}, "model"),
        ({"loss": ...}, "loss"),
        ({"train": ...}, "train"),
        ({"dataset": "ring"}, "dataset"),
        ({"eval": None}, "eval"),
        ({"eval": {"held_out": "abc"}}, "eval.held_out"),
        ({"eval": {"held_out": 1.5}}, "eval.held_out"),
    ],
    ids=str,
)
def test_a_configuration_that_is_not_whole_is_refused_by_every_kind_of_evaluation(
    foreign_run: Path, changes: dict[str, Any], key: str
) -> None:
    path = foreign_run / "config.yaml"
    config = {**yaml.safe_load(path.read_text()), **changes}
    path.write_text(yaml.safe_dump({name: value for name, value in config.items() if value is not ...}))
    kinds = {
        "run": lambda: gan_eval(["run=run", "metric=[modes]", "samples=50", "real_samples=50"]),
        "human": lambda: gan_eval(["human", "run=run", "n=2"]),
        "tournament": lambda: gan_eval(["tournament", "runs=run", "samples=50"]),
    }
    for name, read in kinds.items():
        if name == "tournament" or key not in ("loss", "train"):  # the others do not need them
            assert refused(read).startswith((key, "run: ")), name


def test_malformed_intervals_in_a_checkpoint_leave_the_run_as_it_was(foreign_run: Path) -> None:
    for intervals in ({"log_every": 0, "sample_every": 1, "checkpoint_every": 1, "keep_checkpoints": 1}, None):
        change_checkpoints(foreign_run, run=intervals)
        before = (foreign_run / "metrics.jsonl").read_bytes()
        assert refused(lambda: gan_train(["resume=run", "train.steps=12"])).startswith("run")
        assert (foreign_run / "metrics.jsonl").read_bytes() == before


def test_entries_of_the_wrong_type_in_json_files_are_skipped(foreign_run: Path) -> None:
    log = RunDirectory(foreign_run).evaluations
    whole = log.read()
    line = json.loads(log.path.read_text().splitlines()[0])
    protocol = line["protocol"]
    changes: list[dict[str, Any]] = [
        {"metrics": {"modes": 1}},
        {"metrics": {"modes": {"needs": 3}}},
        {"fake": {**protocol["fake"], "weights": ["ema"]}},
    ]
    with log.path.open("a") as file:
        for change in changes:
            file.write(json.dumps({**line, "protocol": {**protocol, **change}}) + "\n")
    assert log.read() == whole
    (foreign_run / "environment.json").write_text("[1]")
    assert read_starts(foreign_run / "environment.json") == []
