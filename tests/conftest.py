"""What several tests share."""

from __future__ import annotations

import gc
import os
import shutil
import socket
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import single_threaded_blas  # noqa: F401
from processes import command

from gan_cli.data import InMemory
from gan_cli.data.digits import Digits
from gan_cli.runs.file_locks import wait_for_lock


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real images: $GAN_CLI_TEST_DATA, else ../shared/data; without either the test is skipped."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("GAN_CLI_TEST_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no test images in {folder}")
    return folder


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all processes that run tests at the same time."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


def build_once(folder: Path, build: Callable[[Path], object]) -> Path:
    """Returns `folder` with what `build` wrote there, in this process or in another one."""
    with Path(f"{folder}.lock").open("wb") as lock:
        wait_for_lock(lock)
        done = Path(f"{folder}.done")
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a build that failed has left
            build(folder)
            done.touch()
    return folder


def unzipped(archive: Path, folder: Path) -> Path:
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    with zipfile.ZipFile(archive) as content:
        return build_once(folder, content.extractall)


@pytest.fixture(scope="session")
def eurosat_folder(test_data: Path, shared_folder: Path) -> Path:
    """5,000 satellite photographs, JPEG 64 x 64, in 10 folders of classes."""
    return unzipped(test_data / "eurosat_5000.zip", shared_folder / "eurosat")


@pytest.fixture(scope="session")
def emoji_folder(test_data: Path, shared_folder: Path) -> Path:
    """3,583 emoji, PNG 128 x 128 with alpha, in one folder."""
    return unzipped(test_data / "noto_emoji_128.zip", shared_folder / "emoji")


@pytest.fixture(scope="session")
def mnist(test_data: Path) -> dict[str, Any]:
    """The keys that lead to MNIST on this machine."""
    folder = test_data / "tfds"
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no MNIST in {folder}")
    return {"name": "mnist", "data_dir": str(folder)}


TINY = ("model.width=8", "logger=[]", "run.log_every=4", "run.sample_every=6", "run.checkpoint_every=5")
"""A run of some steps in a second, besides compiling."""
ANY_LOSS = ("model=mlp", "model.width=16", "model.depth=1", "train.batch_size=16", "optimizer=sgd")
"""Networks and an optimizer that compile twice as fast as the default ones, for tests that choose a loss."""
PERCEPTRON = (*ANY_LOSS, "loss=non_saturating")
"""The same with a loss that has no penalties."""


@cache
def freeze_imports() -> None:
    """Leaves what TensorFlow's import made out of garbage collection, and collects the oldest objects less often.

    Such a collection goes through 400,000 objects (0.6 s) after each 8 runs. Even to count them takes 0.03 s.
    """
    gc.freeze()
    gc.set_threshold(700, 10, 50)


def pytest_runtest_setup() -> None:
    if "tensorflow" in sys.modules:
        freeze_imports()


@pytest.fixture(autouse=True, name="cache")
def shared_cache(shared_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept for later runs is kept away from the user's own."""
    monkeypatch.setenv("GAN_CLI_CACHE", str(shared_folder / "cache"))


@pytest.fixture
def own_cache(cache: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of the test alone, which is not there yet, in place of the one that tests share."""
    monkeypatch.setenv("GAN_CLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test works in an empty folder of its own."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def eager() -> Iterator[None]:
    """Runs training steps without tracing a graph, for tests that only ask whether a run of one or two steps works."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="session")
def finished_run(shared_folder: Path) -> Path:
    """The directory of a short run of the real command on the digits; tests read it and do not change it."""

    def train(folder: Path) -> None:
        words = [word for word in TINY if word != "logger=[]"]
        folder.mkdir()
        done = command("gan-train", *words, "train.steps=15", f"hydra.run.dir={folder}/run", folder=folder)
        assert done.returncode == 0, done.stderr
        (folder / "run" / "stdout.txt").write_text(done.stdout)
        (folder / "run" / "stderr.txt").write_text(done.stderr)

    return build_once(shared_folder / "finished", train) / "run"


@pytest.fixture(scope="session")
def perceptron_run(shared_folder: Path) -> Path:
    """As `finished_run`, of networks that are compiled faster, for tests to which the networks do not matter."""

    def train(folder: Path) -> None:
        from gan_cli.commands.train import gan_train

        words = [word for word in (*TINY, *PERCEPTRON) if not word.startswith("optimizer=")]
        assert gan_train([*words, "train.steps=15", f"hydra.run.dir={folder}"]) == 0

    return build_once(shared_folder / "perceptron_run", train)


@pytest.fixture(scope="session")
def labelled_run(shared_folder: Path) -> Path:
    """As `perceptron_run`, of a generator that takes the ten classes of the digits."""

    def train(folder: Path) -> None:
        from gan_cli.commands.train import gan_train

        words = [*TINY, *PERCEPTRON, "conditioning=projection", "train.steps=4", f"hydra.run.dir={folder}"]
        assert gan_train(words) == 0

    return build_once(shared_folder / "labelled_run", train)


@pytest.fixture
def run(perceptron_run: Path, working_folder: Path) -> Path:
    """A copy of a finished run in the working folder, as somebody else would have it."""
    return Path(shutil.copytree(perceptron_run, working_folder / "RUN"))


@pytest.fixture
def quoted_run(run: Path) -> Path:
    """The same under a name that has to be quoted, relative to the working folder."""
    return run.rename("somebody's run")


@pytest.fixture(scope="session")
def digits() -> InMemory:
    """The digits of scikit-learn."""
    examples = Digits().open()
    assert isinstance(examples, InMemory)
    return examples


@pytest.fixture(scope="session")
def ring_run(shared_folder: Path) -> Path:
    """The directory of a short run on points, with evaluations; tests copy it."""
    from planted import train_small_run

    return build_once(shared_folder / "ring_run", train_small_run)


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that a planted module writes when it is imported."""
    return tmp_path / "marker.txt"


@pytest.fixture
def foreign_run(ring_run: Path, marker: Path) -> Path:
    """A run directory of somebody else, with marker modules in it and in the working folder."""
    from planted import plant  # here, since it imports this module

    run = Path(shutil.copytree(ring_run, "run"))
    plant(Path(), marker)
    return run


@pytest.fixture
def no_way_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[str]]:
    """A proxy for every connection, which notes them and lets none through; and nobody is logged in."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(200).decode(errors="replace"))

    thread = threading.Thread(target=refuse)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, address)
    for name in ("NO_PROXY", "no_proxy", "WANDB_API_KEY", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    yield asked
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()
