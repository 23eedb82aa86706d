"""Prepared data, .keras files, pickles and YAML from elsewhere run no code."""

from __future__ import annotations

import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from planted import READERS, RUN_READERS, SMALL, plant, refused

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.data.tfds import TFDS
from gan_cli.regular_files import open_regular
from gan_cli.runs.run_directory import unfinished_runs
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
