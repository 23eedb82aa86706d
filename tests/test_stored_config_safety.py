"""A configuration read from disk neither runs code nor chooses where to write or send."""

from __future__ import annotations

import dataclasses
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from planted import (
    FOREIGN,
    READERS,
    RUN_READERS,
    SMALL,
    change_checkpoints,
    content,
    edit,
    refused,
)

from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.config.config_directory import configured_targets
from gan_cli.config.target_allowlist import PACKAGES, load_class
from gan_cli.errors import ConfigError
from gan_cli.loggers.mlflow import MLflow
from gan_cli.loggers.wandb import WeightsAndBiases


@pytest.mark.parametrize("group", PACKAGES)
def test_a_stored_configuration_names_no_foreign_class(foreign_run: Path, marker: Path, group: str) -> None:
    node: dict[str, Any] = {"_target_": "evil.Evil"}
    change = {group: {"x": node} if group in ("penalty", "augment", "metric", "logger") else node}
    edit(foreign_run / "config.yaml", **change)
    change_checkpoints(foreign_run, **change)
    before = content(Path())
    for name in READERS if group in ("loss", "logger") else ("a single job", "a sweep"):
        assert "evil.Evil: names code outside gan_cli" in refused(READERS[name]), name
    for name in ("resume", "resume without more steps"):
        assert "evil.Evil: names code outside gan_cli" in refused(RUN_READERS[name]), name
    for name in {"model": ["samples"], "dataset": ["an evaluation"], "loss": ["a tournament"]}.get(group, []):
        assert "evil.Evil: names code outside gan_cli" in refused(RUN_READERS[name]), name
    assert content(Path()) == before
    assert not marker.exists()


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
    foreign_run: Path, marker: Path, tmp_path: Path, settings: dict[str, Any], files: dict[str, str]
) -> None:
    stored = yaml.safe_load((foreign_run / "config.yaml").read_text())
    defaults = [*settings.pop("defaults", []), *stored.pop("defaults")]
    hydra = {**stored.pop("hydra"), **settings}
    (foreign_run / "config.yaml").write_text(yaml.safe_dump({"defaults": defaults, **stored, "hydra": hydra}))
    for name, text in files.items():
        (foreign_run / name).parent.mkdir(parents=True, exist_ok=True)
        (foreign_run / name).write_text(text + "\n")
    (tmp_path / "elsewhere").mkdir()
    Path("linked").symlink_to(tmp_path / "elsewhere")
    before = content(tmp_path)
    information = ["--info", "config"] if "searchpath" in settings or "callbacks" in settings else ["-m", "seed=0,1"]
    for words in ([], information, ["-m", "seed=0,1", "hydra/sweeper=basic"]):
        assert "hydra" in refused(lambda words=words: gan_train([*FOREIGN, *words]))  # type: ignore[misc]
    assert content(tmp_path) == before
    assert not marker.exists()


def test_only_the_same_command_may_set_what_was_typed_of_hydra(foreign_run: Path) -> None:
    words = [*FOREIGN, "--cfg", "job"]
    assert gan_train(words) == 0
    assert gan_train([*words, "hydra.verbose=true"]) == 0
    hydra = yaml.safe_load((foreign_run / "config.yaml").read_text())["hydra"]
    edit(foreign_run / "config.yaml", hydra={**hydra, "verbose": True})
    assert "hydra.verbose: is set in" in refused(lambda: gan_train(words))


@pytest.mark.parametrize("change", [{"trust": True}, {"resume": "victim"}, {"resume": "auto"}])
def test_a_stored_configuration_neither_trusts_itself_nor_resumes_another_run(
    foreign_run: Path, marker: Path, change: dict[str, Any]
) -> None:
    shutil.copytree(foreign_run, "victim")
    edit(foreign_run / "config.yaml", **change, loss={"_target_": "evil.Loss"})
    before = content(Path("victim"))
    for name, reader in READERS.items():
        assert "only you may set it" in refused(reader), name
    assert content(Path("victim")) == before
    assert not marker.exists()


def test_a_whole_configuration_in_config_dir_never_takes_the_place_of_ours(foreign_run: Path, marker: Path) -> None:
    for name in ("train", "sample", "eval"):
        shutil.copy(foreign_run / "config.yaml", foreign_run / f"{name}.yaml")
        edit(foreign_run / f"{name}.yaml", loss={"_target_": "evil.Loss"}, trust=True)
    assert gan_train(["--config-dir=run", "--cfg", "job"]) == 0
    assert gan_sample(["--config-dir=run", "--cfg", "job", "run=run"]) == 0
    assert "expected the name of a file" in refused(
        lambda: gan_train(["--config-dir=.", "--config-name=../work/run/x"])
    )
    assert not marker.exists()


def test_helper_classes_of_gan_cli_are_no_configuration_classes(foreign_run: Path) -> None:
    """A logger's writer would write wherever `folder` says, even in a dry run."""
    node = {"_target_": "gan_cli.loggers.tensorboard.TensorBoardWriter", "folder": "../outside", "takes_pictures": True}
    edit(foreign_run / "config.yaml", logger={"x": node})
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
    foreign_run: Path, change: dict[str, Any], key: str
) -> None:
    Path("empty").mkdir()
    edit(foreign_run / "config.yaml", **change)
    before = content(Path())
    for name, reader in {**READERS, "resume": RUN_READERS["resume"]}.items():
        assert refused(reader).startswith(f"{key}="), name
    assert content(Path()) == before
    value = next(iter(change.values()))
    value = value[key.split(".")[1]][key.split(".")[2]] if key.startswith("logger") else value["data_dir"]
    parent, _, leaf = key.rpartition(".")
    for typed in (f'{key}="{value}"', f'{parent}={{{leaf}: "{value}"}}', "trust=true"):
        told = refused(lambda typed=typed: gan_train([*FOREIGN, "dry_run=true", typed]))  # type: ignore[misc]
        assert "read from disk" not in told


@pytest.mark.parametrize("text", ["${", "${nope}", "${oc.env:HOME}"])
def test_text_of_a_run_is_shown_and_never_evaluated(
    foreign_run: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(foreign_run / "config.yaml", logger={"wandb": {**WANDB, "mode": "offline", "project": text}})
    for flags in ([], ["--resolve"], ["--package", "logger.wandb"]):
        assert gan_train(["resume=run", "--cfg", "job", *flags]) == 0
        assert f"project: {text}" in capsys.readouterr().out.replace("'", "")
    with pytest.raises(ConfigError, match=r"--package=logger.wand: the configuration has no such part"):
        gan_train(["resume=run", "--cfg", "job", "--package", "logger.wand"])


@pytest.mark.parametrize("folder", ["run/wandb", "run/.wandb", "wandb", ".wandb"])
def test_settings_of_wandb_in_a_run_directory_or_the_working_folder_are_refused(folder: str) -> None:
    """They may name another server, which would be sent the user's key."""
    pytest.importorskip("wandb")
    Path("run").mkdir()
    Path(folder).mkdir()
    Path(folder, "settings").write_text("[default]\nbase_url = http://localhost:9\n")
    before = content(Path())
    logger = WeightsAndBiases(mode="offline", project="p", entity=None, tags=[], pictures=False)
    with pytest.raises(ConfigError, match=r"settings of Weights & Biases in .* may name another server"):
        logger.open(Path("run"), "x", {}, resumed_from=0)
    assert content(Path()) == before


def test_an_mlflow_database_of_a_run_neither_names_a_place_outside_nor_is_damaged(tmp_path: Path) -> None:
    for module in ("mlflow", "sqlalchemy", "alembic"):
        pytest.importorskip(module)
    run, outside = tmp_path / "run", tmp_path / "outside"
    run.mkdir()
    logger = MLflow(tracking_uri=None, experiment="e", pictures=True)
    logger.open(run, "x", {}, resumed_from=0).close("interrupted")
    logger.open(run, "x", {}, resumed_from=0).close("interrupted")  # its own database is taken
    inside = run / "mlflow" / "artifacts"

    def change(statement: str, *values: str) -> None:
        with closing(sqlite3.connect(run / "mlflow" / "mlflow.db")) as database, database:
            database.execute(statement, values)

    places = (outside, outside.as_uri(), inside / "../../../outside", f"file://host{inside}", "s3://bucket/x", "x")
    for place in places:
        change("UPDATE runs SET artifact_uri = ?", str(place))
        with pytest.raises(ConfigError, match=r"the MLflow database of the run names .*, outside the run"):
            logger.open(run, "x", {}, resumed_from=0)
    change("DELETE FROM runs")
    with pytest.raises(ConfigError, match="the MLflow database of the run can't be read"):
        logger.open(run, "x", {}, resumed_from=0)
    assert not outside.exists()


def test_an_mlflow_database_without_a_stored_id_is_replaced(tmp_path: Path) -> None:
    for module in ("mlflow", "sqlalchemy", "alembic"):
        pytest.importorskip(module)
    first, run, outside = tmp_path / "first", tmp_path / "run", tmp_path / "outside"
    first.mkdir()
    logger = MLflow(tracking_uri=None, experiment="e", pictures=True)
    logger.open(first, "x", {}, resumed_from=0).close("interrupted")
    shutil.copytree(first, run)
    (run / "mlflow" / "run_id.txt").unlink()
    (run / "mlflow" / "place.txt").write_text(f"{run / 'mlflow'}\n")
    with closing(sqlite3.connect(run / "mlflow" / "mlflow.db")) as database, database:
        database.execute("UPDATE experiments SET artifact_location = ?", (outside.as_uri(),))
    logger.open(run, "x", {"seed": 1}, resumed_from=0).close("interrupted")
    assert list((run / "mlflow" / "artifacts").rglob("config.yaml"))
    assert not outside.exists()


TEXT_FIELDS = {
    **dict.fromkeys(("path", "weights"), "a place that is read"),
    "data_dir": "a place that is read; restricted where data would be downloaded into it",
    **dict.fromkeys(("tracking_uri", "mode"), "restricted"),
    "name": "data of tensorflow-datasets; no hub whose code is downloaded",
    **dict.fromkeys(("config", "split", "image_key", "label_key", "images_key", "labels_key"), "a part of data"),
    **dict.fromkeys(("experiment", "project", "entity", "tags"), "the name of a run at a destination"),
    **dict.fromkeys(
        ("image_size", "size", "channels", "background", "sigma", "alphas"), "numbers, or one of few words"
    ),
    **dict.fromkeys(("labels", "value_range"), "where the data itself says a label or a range; one of few words"),
    **dict.fromkeys(("resize", "layer", "kernel", "form", "schedule", "sides", "over", "network"), "one of few words"),
    **dict.fromkeys(("attraction", "method", "normalization", "space", "upsampling"), "one of few words"),
    **dict.fromkeys(
        ("initializer", "variant", "generator_architecture", "discriminator_architecture"), "one of few words"
    ),
    **dict.fromkeys(("attention", "blocks", "cardinality", "generator_channels", "widths"), "numbers"),
    **dict.fromkeys(("conditioning", "objective", "stabilizer", "trained_on", "variance"), "one of few words"),
    "classes": "names of classes, which are looked up among those of the data",
    "temperatures": "numbers",
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
