"""No command runs code that lies where it reads, and none changes files through links there.

Marker modules stand in every folder that a command reads: working folder, run directory, --config-dir, data,
checkpoints and answers. Each writes its name into a file when it is imported.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pickle
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from conftest import TINY, command

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.config.config_directory import configured_targets
from gan_cli.config.target_allowlist import PACKAGES, load_class
from gan_cli.errors import ConfigError
from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint

SMALL = [*TINY, "dataset=ring", "model=mlp", "model.width=16", "train.batch_size=16", "train.steps=10"]

OPTIONAL_IMPORTS = """
pandas jax jaxlib flax torch simplejson ujson orjson cupy pyarrow polars dask matplotlib pylab IPython cloudpickle cffi
gmpy2 lz4 brotli brotlicffi zstandard colorama pygments chardet cchardet socks sitecustomize usercustomize queue typing
random socket secrets token types __future__ numexpr bottleneck tensorrt keras_hub keras_cv tensorboard_plugin
apache_beam datasets mlflow_plugin psutil uvloop evil
"""
"""Names that Python, TensorFlow, Keras, Hydra or their dependencies try to import, and standard modules."""

EVIL = "class Evil:\n    pass\n\n\nLoss = Logger = Launcher = Sweeper = Callback = Handler = Feature = Evil\n"


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    return tmp_path / "marker.txt"


def plant(folder: Path, marker: Path) -> None:
    """Writes marker modules, a plug-in of Hydra and an entry point into a folder and all folders below."""
    text = f"with open({str(marker)!r}, 'a') as file:\n    file.write(__name__ + chr(10))\n"
    for place in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]:
        for name in OPTIONAL_IMPORTS.split():
            (place / f"{name}.py").write_text(text + EVIL)
        for package in ("hydra_plugins", "gan_cli_plugins"):
            (place / package).mkdir(exist_ok=True)
            (place / package / "planted.py").write_text(text)
        information = place / "planted-1.0.dist-info"
        information.mkdir(exist_ok=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: planted\nVersion: 1.0\n")
        groups = ("tensorboard_plugins", "mlflow.tracking_store", "keras.backends", "tensorflow_datasets")
        (information / "entry_points.txt").write_text("".join(f"[{group}]\nevil = evil:Evil\n\n" for group in groups))


@pytest.fixture(scope="module")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    words = ["metric=modes", "eval.samples=50", "eval.real_samples=50", "loss=wgan", "penalty=[]"]
    assert gan_train([*SMALL, *words, f"hydra.run.dir={run}"]) == 0
    return run


@pytest.fixture
def run(whole_run: Path, marker: Path) -> Path:
    """A foreign run directory, with marker modules in it and in the working folder."""
    run = Path(shutil.copytree(whole_run, "run"))
    plant(Path(), marker)
    return run


DRIVER = """
import json, os, sys, traceback
from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train

commands = {"train": gan_train, "sample": gan_sample, "eval": gan_eval}
codes = []
for name, *words in json.loads(sys.argv[1]):
    try:
        codes.append(commands[name](words))
    except SystemExit as stop:
        codes.append(stop.code)
    except Exception:
        codes.append(traceback.format_exc())
    exposed = [path for path in sys.path if path in ("", ".", os.getcwd())]
    if exposed:
        codes[-1] = f"the working folder is on sys.path: {exposed}"
print("CODES", json.dumps(codes))
"""

IN_THE_RUN = [
    ["train", "--help"],
    ["train", "--cfg", "job"],
    ["train", "resume=.", "--cfg", "job"],
    ["train", "--config-dir=.", "--config-name=config", "dry_run=true"],
    ["train", "dry_run=true", *SMALL],
    ["train", "resume=.", "train.steps=12"],
    ["sample", "run=.", "n=4"],
    ["sample", "checkpoint=checkpoints/step_00000010.npz", "n=5"],
    ["sample", "checkpoint=generator.keras", "n=6"],
    ["eval", "run=.", "metric=[modes]", "samples=50", "real_samples=50"],
    ["eval", "runs=[.,../copy]", "metric=[modes]", "samples=50", "real_samples=50", "json=true"],
    ["eval", "tournament", "runs=[.,../copy]", "samples=50", "most=1", "json=true"],
    ["eval", "--help"],
    ["eval", "human", "results=[answers]"],
]


def test_every_command_ignores_modules_in_a_foreign_run_directory(run: Path, marker: Path, tmp_path: Path) -> None:
    """One process for all commands; its `sys.path` is that of a console script."""
    Path("run/answers").mkdir()
    Path("run/answers/ann.json").write_text(json.dumps({"format": "gan-cli human answers", "version": 1}))
    shutil.copytree(run, "copy")
    plant(Path(), marker)
    (tmp_path / "bin").mkdir()
    driver = tmp_path / "bin" / "driver.py"
    driver.write_text(DRIVER)
    done = subprocess.run(
        [sys.executable, str(driver), json.dumps(IN_THE_RUN)], cwd=run, capture_output=True, text=True, timeout=300
    )
    assert not marker.exists(), marker.read_text()
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("CODES")] or [done.stdout + done.stderr]
    codes = json.loads(line.removeprefix("CODES"))
    told = dict(zip([" ".join(words) for words in IN_THE_RUN], codes, strict=True))
    failed = {name: code for name, code in told.items() if code not in (0, None)}
    assert list(failed) == ["eval human results=[answers]"], failed  # no such file of answers is whole
    assert "ConfigError" in failed["eval human results=[answers]"]


def test_a_sweep_and_a_module_started_by_name_ignore_modules_in_the_working_folder(run: Path, marker: Path) -> None:
    done = command("gan-train", "-m", *SMALL, "seed=1", "hydra.sweep.dir=sweep", folder=run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not marker.exists(), marker.read_text()


def test_the_console_script_ignores_modules_in_the_working_folder(run: Path, marker: Path) -> None:
    script = Path(sys.executable).with_name("gan-train")
    if not script.is_file():
        pytest.skip("the console scripts are not installed beside Python")
    done = subprocess.run([script, "resume=.", "train.steps=12"], cwd=run, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not marker.exists(), marker.read_text()


def edit(path: Path, **changes: Any) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def change_checkpoints(run: Path, **changes: Any) -> None:
    """Writes other parts into the configurations of the run's checkpoints."""
    for path in list_checkpoints(run / "checkpoints"):
        found = load_checkpoint(path)
        save_checkpoint(run / "checkpoints", dataclasses.replace(found, config={**found.config, **changes}), keep=9)


FOREIGN = ["--config-dir=run", "--config-name=config"]
READERS: dict[str, Callable[[], int]] = {
    "a single job": lambda: gan_train([*FOREIGN, "hydra.run.dir=again"]),
    "a dry run": lambda: gan_train([*FOREIGN, "dry_run=true"]),
    "the name with its ending": lambda: gan_train(["--config-dir=run", "--config-name=config.yaml"]),
    "a sweep": lambda: gan_train([*FOREIGN, "-m", "seed=0,1", "hydra.sweep.dir=again"]),
    "a sweep by Hydra's own launcher": lambda: gan_train(
        [*FOREIGN, "-m", "hydra/launcher=basic", "seed=0,1", "hydra.sweep.dir=again"]
    ),
    "a shown configuration": lambda: gan_train([*FOREIGN, "--cfg", "job"]),
}
RUN_READERS: dict[str, Callable[[], int]] = {
    "resume": lambda: gan_train(["resume=run", "train.steps=12"]),
    "resume without more steps": lambda: gan_train(["resume=run"]),
    "samples": lambda: gan_sample(["run=run", "n=4"]),
    "an evaluation": lambda: gan_eval(["run=run", "metric=[modes]", "samples=50", "real_samples=50"]),
    "a tournament": lambda: gan_eval(["tournament", "runs=run", "samples=50"]),
}


def refused(reader: Callable[[], int]) -> str:
    """The message of a command that refuses; "" where it did its work."""
    try:
        reader()
    except ConfigError as error:
        return str(error)
    except SystemExit:
        pass
    return ""


@pytest.mark.parametrize("group", PACKAGES)
def test_a_stored_configuration_names_no_foreign_class(run: Path, marker: Path, group: str) -> None:
    node: dict[str, Any] = {"_target_": "evil.Evil"}
    change = {group: {"x": node} if group in ("penalty", "augment", "metric", "logger") else node}
    edit(run / "config.yaml", **change)
    change_checkpoints(run, **change)
    before = content(Path())
    for name in READERS if group in ("loss", "logger") else ("a single job", "a sweep"):
        assert "evil.Evil: names code outside gan_cli" in refused(READERS[name]), name
    for name in ("resume", "resume without more steps"):
        assert "evil.Evil: names code outside gan_cli" in refused(RUN_READERS[name]), name
    for name in {"model": ["samples"], "dataset": ["an evaluation"], "loss": ["a tournament"]}.get(group, []):
        assert "evil.Evil: names code outside gan_cli" in refused(RUN_READERS[name]), name
    assert content(Path()) == before
    assert not marker.exists()


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize(
    ("settings", "files"),
    [
        ({"launcher": {"_target_": "evil.Launcher"}}, {}),
        ({"sweeper": {"_target_": "evil.Sweeper"}}, {}),
        ({"callbacks": {"x": {"_target_": "evil.Callback"}}}, {}),
        ({"searchpath": ["pkg://evil"]}, {}),
        ({"mode": "MULTIRUN"}, {}),
        ({"job": {"env_set": {"PYTHONPATH": "."}}}, {}),
        ({"job_logging": {"version": 1, "handlers": {"x": {"()": "evil.Handler"}}}}, {}),
        ({"defaults": [{"override hydra/launcher": "evil"}]}, {"hydra/launcher/evil.yaml": "_target_: evil.Launcher"}),
        (
            {"defaults": [{"override hydra/callbacks": "evil"}]},
            {"hydra/callbacks/evil.yaml": "x:\n  _target_: evil.Callback"},
        ),
        (
            {"defaults": [{"extra": "evil"}]},
            {"extra/evil.yaml": "# @package _global_\nhydra:\n  callbacks:\n    x:\n      _target_: evil.Callback"},
        ),
        ({"run": {"dir": "../outside"}, "sweep": {"dir": "../outside"}}, {}),
        ({"run": {"dir": "/tmp/outside"}, "sweep": {"dir": "/tmp/outside"}}, {}),
        ({"run": {"dir": "~/outside"}, "sweep": {"dir": "~/outside"}}, {}),
        ({"run": {"dir": "linked/x"}, "sweep": {"dir": "linked/x"}}, {}),
        ({"sweep": {"subdir": "../../outside"}}, {}),
        ({"sweep": {"dir": "${oc.env:HOME}/outside"}}, {}),
        ({"output_subdir": "../../outside"}, {}),
    ],
    ids=str,
)
def test_a_stored_configuration_sets_nothing_of_hydra_that_runs_code_or_writes_elsewhere(
    run: Path, marker: Path, tmp_path: Path, settings: dict[str, Any], files: dict[str, str]
) -> None:
    stored = yaml.safe_load((run / "config.yaml").read_text())
    defaults = [*settings.pop("defaults", []), *stored.pop("defaults")]
    hydra = {**stored.pop("hydra"), **settings}
    (run / "config.yaml").write_text(yaml.safe_dump({"defaults": defaults, **stored, "hydra": hydra}))
    for name, text in files.items():
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(text + "\n")
    (tmp_path / "elsewhere").mkdir()
    Path("linked").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path)
    information = ["--info", "config"] if "searchpath" in settings or "callbacks" in settings else ["-m", "seed=0,1"]
    for words in ([], information, ["-m", "seed=0,1", "hydra/sweeper=basic"]):
        assert "hydra" in refused(lambda words=words: gan_train([*FOREIGN, *words]))  # type: ignore[misc]
    assert content(tmp_path) == before
    assert not marker.exists()


@pytest.mark.parametrize("change", [{"trust": True}, {"resume": "victim"}, {"resume": "auto"}])
def test_a_stored_configuration_neither_trusts_itself_nor_resumes_another_run(
    run: Path, marker: Path, change: dict[str, Any]
) -> None:
    shutil.copytree(run, "victim")
    edit(run / "config.yaml", **change, loss={"_target_": "evil.Loss"})
    before = content(Path("victim"))
    for name, reader in READERS.items():
        assert "only you may set it" in refused(reader), name
    assert content(Path("victim")) == before
    assert not marker.exists()


def test_a_whole_configuration_in_config_dir_never_takes_the_place_of_ours(run: Path, marker: Path) -> None:
    for name in ("train", "sample", "eval"):
        shutil.copy(run / "config.yaml", run / f"{name}.yaml")
        edit(run / f"{name}.yaml", loss={"_target_": "evil.Loss"}, trust=True)
    assert gan_train(["--config-dir=run", "--cfg", "job"]) == 0
    assert gan_sample(["--config-dir=run", "--cfg", "job", "run=run"]) == 0
    assert "expected the name of a file" in refused(
        lambda: gan_train(["--config-dir=.", "--config-name=../work/run/x"])
    )
    assert not marker.exists()


def test_helper_classes_of_gan_cli_are_no_configuration_classes(run: Path) -> None:
    """A logger's writer would write wherever `folder` says, even in a dry run."""
    node = {"_target_": "gan_cli.loggers.tensorboard.TensorBoardWriter", "folder": "../outside", "takes_pictures": True}
    edit(run / "config.yaml", logger={"x": node})
    before = content(Path())
    for name, reader in {**READERS, "resume": RUN_READERS["resume"]}.items():
        assert "is no class for the group logger" in refused(reader), name
    typed = [f"+logger.x._target_={node['_target_']}", "+logger.x.folder=../outside", "+logger.x.takes_pictures=true"]
    assert "is no class for the group logger" in refused(lambda: gan_train([*SMALL, *typed, "dry_run=true"]))
    assert content(Path()) == before and not Path("../outside").exists()


MLFLOW = {"_target_": "gan_cli.loggers.mlflow.MLflow", "experiment": "x", "pictures": True}
WANDB = {
    "_target_": "gan_cli.loggers.wandb.WeightsAndBiases",
    "project": "x",
    "entity": None,
    "tags": [],
    "pictures": True,
}
TFDS = {"_target_": "gan_cli.data.tfds.TFDS", "name": "mnist"}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"logger": {"mlflow": {**MLFLOW, "tracking_uri": "http://localhost:9"}}}, "logger.mlflow.tracking_uri"),
        ({"logger": {"mlflow": {**MLFLOW, "tracking_uri": "sqlite:////tmp/x.db"}}}, "logger.mlflow.tracking_uri"),
        ({"logger": {"wandb": {**WANDB, "mode": "online"}}}, "logger.wandb.mode"),
        ({"dataset": {**TFDS, "data_dir": "empty"}}, "dataset.data_dir"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_stored_configuration_names_no_server_and_no_place_to_write_to(
    run: Path, change: dict[str, Any], key: str
) -> None:
    Path("empty").mkdir()
    edit(run / "config.yaml", **change)
    before = content(Path())
    for name, reader in {**READERS, "resume": RUN_READERS["resume"]}.items():
        assert refused(reader).startswith(f"{key}="), name
    assert content(Path()) == before
    value = next(iter(change.values()))
    value = value[key.split(".")[1]][key.split(".")[2]] if key.startswith("logger") else value["data_dir"]
    for typed in (f'{key}="{value}"', "trust=true"):
        told = refused(lambda typed=typed: gan_train([*FOREIGN, "dry_run=true", typed]))  # type: ignore[misc]
        assert "read from disk" not in told


TEXT_FIELDS = {
    **dict.fromkeys(("path", "weights"), "a place that is read"),
    "data_dir": "a place that is read; restricted where data would be downloaded into it",
    **dict.fromkeys(("tracking_uri", "mode"), "restricted"),
    "name": "data of tensorflow-datasets; no hub whose code is downloaded",
    **dict.fromkeys(("config", "split", "image_key", "label_key", "images_key", "labels_key"), "a part of data"),
    **dict.fromkeys(("experiment", "project", "entity", "tags"), "the name of a run at a destination"),
    **dict.fromkeys(("image_size", "channels", "background", "sigma", "alphas"), "numbers, or one of few words"),
    **dict.fromkeys(("resize", "layer", "kernel", "form", "schedule", "sides", "over", "network"), "one of few words"),
    **dict.fromkeys(
        ("latent_distribution", "generator_normalization", "discriminator_normalization"), "one of few words"
    ),
}
"""What a text in each field of a configuration class may name, also where somebody else wrote it."""


def test_what_each_text_field_may_name_is_decided() -> None:
    """A new field belongs into this table; one that names a place to write to, or a network, needs a restriction."""
    groups = {package: group for group, package in PACKAGES.items()}
    found = set()
    for target in sorted(configured_targets()):
        cls: Any = load_class(groups[target.split(".")[1]], target)
        texts = ("str", "Any", "list", "dict", "tuple", "Path")
        found |= {one.name for one in dataclasses.fields(cls) if any(text in str(one.type) for text in texts)}
    assert found <= set(TEXT_FIELDS), found - set(TEXT_FIELDS)


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
    run: Path, marker: Path, features: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = {
        "pythonClassName": "tensorflow_datasets.core.features.image_feature.Image",
        "image": {"shape": {"dimensions": ["8", "8", "1"]}, "dtype": "uint8", "encodingFormat": "png"},
    }
    content = {"featuresDict": {"features": {"image": image, "x": features}}, "pythonClassName": FEATURES_DICT}
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
def test_a_keras_file_names_layers_alone(run: Path, marker: Path, layer: dict[str, Any]) -> None:
    with zipfile.ZipFile(run / "generator.keras") as archive:
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


class Bomb:
    def __reduce__(self) -> Any:
        import evil  # type: ignore[import-not-found]

        return (evil.Evil, ())


def test_pickles_and_yaml_tags_are_not_loaded(run: Path, marker: Path) -> None:
    bomb = np.array([{"x": 1}], dtype=object)
    np.savez("data.npz", images=bomb)
    assert refused(lambda: gan_train([*SMALL, "dataset=npz", "dataset.path=data.npz", "dry_run=true"]))
    np.savez(run / "checkpoints" / "step_00000099.npz", about=bomb)
    Path("data.npy").write_bytes(pickle.dumps({"x": 1}))
    assert refused(lambda: gan_eval(["fake=data.npy", "real=data.npy", "metric=[fid]"]))
    (run / "config.yaml").write_text("seed: !!python/object/apply:evil.Evil []\n")
    for name, reader in {**READERS, **{key: RUN_READERS[key] for key in ("resume", "an evaluation")}}.items():
        assert refused(reader), name
    assert not marker.exists()


LINKED = """
train.log metrics.jsonl evaluations.jsonl status.json .lock samples evaluations tensorboard mlflow wandb human outputs
"""


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_no_command_changes_anything_through_links_in_a_run_directory(run: Path, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(run, outside / "folder")  # so that a link leads to what a command may read
    (outside / "file").write_text("precious\n")
    before = content(outside)
    for name in LINKED.split():
        path = run / name
        is_folder = path.is_dir() or name in ("evaluations", "tensorboard", "mlflow", "wandb", "human", "outputs")
        if is_folder != (kind == "folder"):
            continue
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        target = outside / "folder" / name if (outside / "folder" / name).exists() else outside / kind
        path.symlink_to(target)
    for reader in RUN_READERS.values():
        with contextlib.suppress(OSError):  # what each command says is tested in test_links.py
            refused(reader)
    assert content(outside) == before
