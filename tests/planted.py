"""Foreign run directories for tests: marker modules that show when they are imported, and commands that read a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from conftest import PERCEPTRON, TINY

from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.sample import gan_sample
from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError
from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint, save_checkpoint

SMALL = [*TINY, "dataset=ring", *PERCEPTRON, "train.steps=10"]


OPTIONAL_IMPORTS = """
pandas jax jaxlib flax torch simplejson ujson orjson cupy pyarrow polars dask matplotlib pylab IPython cloudpickle cffi
gmpy2 lz4 brotli brotlicffi zstandard colorama pygments chardet cchardet socks sitecustomize usercustomize queue typing
random socket secrets token types __future__ numexpr bottleneck tensorrt keras_hub keras_cv tensorboard_plugin
apache_beam datasets mlflow_plugin psutil uvloop evil
"""
"""Names that Python, TensorFlow, Keras, Hydra or their dependencies try to import, and standard modules."""

EVIL = "class Evil:\n    pass\n\n\nLoss = Logger = Launcher = Sweeper = Callback = Handler = Feature = Evil\n"


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


def train_small_run(run: Path) -> Path:
    words = ["metric=modes", "eval.samples=50", "eval.real_samples=50", "loss=wgan", "penalty=[]"]
    assert gan_train([*(word for word in SMALL if not word.startswith("loss=")), *words, f"hydra.run.dir={run}"]) == 0
    return run


def edit(path: Path, **changes: Any) -> None:
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def change_checkpoints(run: Path, /, **changes: Any) -> None:
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


def content(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}
