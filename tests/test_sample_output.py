"""gan-sample: the names of its files, and what it refuses before it writes one."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest

from gan_cli.commands.sample import gan_sample
from gan_cli.data import DataSpec
from gan_cli.errors import ConfigError
from gan_cli.sampling.sample_job import SampleJob
from gan_cli.sampling.sample_output import default_name


@pytest.fixture
def run(quoted_run: Path) -> Path:
    return quoted_run


def sample(*words: str) -> None:
    assert gan_sample(list(words)) == 0


def written(*words: str) -> Path:
    """The file that the command wrote and printed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        sample(*words)
    return Path(printed.getvalue().strip().splitlines()[-1])


DEFAULTS = {
    **{"run": "run", "checkpoint": None, "step": None, "n": None, "seed": 0, "seeds": None, "grid": None},
    **{"format": "png", "interpolate": None, "frames": 8, "truncation": 1.0, "weights": "ema", "output": None},
    "trust": False,
}
DIFFERENT_REQUESTS: tuple[dict[str, Any], ...] = (
    {"n": 4},
    {"seeds": [0, 1, 3]},
    {"seeds": [0, 2, 3]},
    {"seeds": [3, 1, 0]},
    {"seeds": [0, 0, 3]},
    {"n": 3, "seed": 1},
    {"n": 4, "grid": "1x4"},
    {"n": 4, "grid": "4x1"},
    {"n": 4, "weights": "raw"},
    {"n": 4, "truncation": 0.5},
    {"n": 4, "truncation": 0.12345671},
    {"n": 4, "truncation": 0.12345672},
    {"n": 4, "format": "npz"},
    {"n": 4, "format": "files"},
    {"n": 4, "interpolate": "slerp"},
    {"n": 4, "interpolate": "linear"},
    {"n": 4, "interpolate": "slerp", "frames": 3},
    {"n": 4, "interpolate": "slerp", "format": "files"},
    {"n": 4, "interpolate": "slerp", "format": "gif"},
    {"n": 4, "interpolate": "slerp", "format": "npz"},
    {"n": 4, "run": None, "checkpoint": "a.npz"},
    {"n": 4, "run": None, "checkpoint": "b.npz"},
)


def name_of(request: dict[str, Any], step: int = 15) -> str:
    job = SampleJob(**{**DEFAULTS, **request})
    return default_name(job, Path(job.checkpoint or "run/checkpoints"), step, job.seed_list())


def test_different_requests_never_share_a_default_name_and_the_same_request_always_does() -> None:
    names = [name_of(request) for request in DIFFERENT_REQUESTS] + [name_of({"n": 4}, step=10)]
    assert len(set(names)) == len(names)
    assert names == [name_of(request) for request in DIFFERENT_REQUESTS] + [name_of({"n": 4}, step=10)]


def test_another_request_does_not_overwrite_a_picture(run: Path) -> None:
    first = written(f"run={run}", "n=4")
    content = first.read_bytes()
    assert written(f"run={run}", "seeds=[0,1,3]") != first
    assert first.read_bytes() == content
    assert written(f"run={run}", "n=4") == first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["output=folder.png"], "output=folder.png: is a folder; expected the name of a .png file"),
        (["output=file/a.png"], "output=file: can't be written: .*file is no folder"),
        (["output=file", "format=files"], "output=file: is a file; expected a folder for format=files"),
        (["output=a.gif"], "output=a.gif: expected a name that ends in .png"),
        ([f"output={'a' * 300}/b.png"], "output=.*: can't be written .*File name too long"),
        ([f"output={'a' * 250}.png"], "output=.*: can't be written .*File name too long"),
        (["output=/proc/a.png"], "output=/proc.*: can't be written"),
        (["output=dangling/a.png"], "output=dangling: can't be written"),
    ],
)
def test_an_output_that_can_not_be_written_is_one_message(run: Path, words: list[str], message: str) -> None:
    Path("folder.png").mkdir()
    Path("file").write_text("")
    Path("dangling").symlink_to("nowhere")
    with pytest.raises(ConfigError, match=message):
        gan_sample([f"run={run}", "n=2", *words])
    assert not (run / "rendered").exists()


def test_a_folder_of_default_outputs_that_can_not_be_written_is_one_message(run: Path) -> None:
    (run / "rendered").write_text("")
    with pytest.raises(ConfigError, match=r"rendered: can't be written: .*is no folder.*output="):
        gan_sample([f"run={run}", "n=2"])
    (run / "rendered").unlink()
    Path("elsewhere").mkdir()
    (run / "rendered").symlink_to(Path("elsewhere").absolute())
    with pytest.raises(ConfigError, match=r"rendered: is a link that leaves the run directory"):
        gan_sample([f"run={run}", "n=2"])
    assert not list(Path("elsewhere").iterdir())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["n=2", "interpolate=slerp", "frames=10000", "format=png", "seeds=0-99"], "n=2: seeds= names 100 images"),
        (["n=4", "frames=3"], "frames=3: goes with interpolate="),
        (["seeds=0-3", "seed=5"], "seed=5: does not go with seeds="),
        (["seeds=0-999", "interpolate=slerp", "frames=10000"], "frames=10000: makes .* images; expected at most"),
    ],
)
def test_what_does_not_fit_is_refused(run: Path, words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        gan_sample([f"run={run}", *words])


def test_a_picture_that_does_not_fit_into_memory_is_refused_before_anything_is_generated() -> None:
    job = SampleJob(**{**DEFAULTS, "n": 1_000_000})
    job.check_data(DataSpec((8, 8, 1), 0))
    with pytest.raises(ConfigError, match=r"format=png: a picture of 1,000 x 1,000 images .*format=files"):
        job.check_data(DataSpec((64, 64, 3), 0))


def test_averaged_is_still_accepted_for_the_ema_weights(run: Path) -> None:
    assert written(f"run={run}", "n=4", "weights=averaged") == written(f"run={run}", "n=4", "weights=ema")
    with pytest.raises(ConfigError, match=r"weights=average: expected one of ema, raw"):
        gan_sample([f"run={run}", "weights=average"])
