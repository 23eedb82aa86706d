"""gan-eval human makes pages of the images it was asked for, and says what can't work."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from human_page import content, decoded, noise
from sklearn.datasets import load_digits

from gan_cli import load_generator
from gan_cli.commands.evaluate import gan_eval
from gan_cli.errors import ConfigError
from gan_cli.human_evaluation.survey_config import HumanJob
from gan_cli.human_evaluation.survey_runner import page_name


@pytest.fixture
def run(perceptron_run: Path) -> Path:
    shutil.copytree(perceptron_run, "run")
    return Path("run")


def change_dataset(run: Path, node: dict[str, Any]) -> None:
    """The run as if it had been trained on something else."""
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump({**config, "dataset": node}))


def all_digits() -> set[bytes]:
    """The data set of the run as training sees it."""
    return {image.tobytes() for image in np.round(load_digits().images * (255 / 16)).astype(np.uint8)}


def test_the_command_shows_the_runs_images_and_its_data(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert gan_eval(["human", f"run={run}", "n=20", "seed=3", "seconds=0.5"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path == run / "human" / "step_00000015_seed_3_n_20_seconds_0.5.html"
    found = content(path)
    images = {decoded(f"data:image/png;base64,{each}").tobytes() for each in found["images"]}
    generated = {image.tobytes() for image in load_generator(run).images(range(3, 13))}
    assert generated <= images
    assert images - generated <= all_digits()
    assert len(found["images"]) == 20
    protocol = found["protocol"]
    assert (protocol["fake"]["run"], protocol["fake"]["step"], protocol["real"]["name"]) == ("run", 15, "digits")
    assert (protocol["n"], protocol["seed"], protocol["seconds"]) == (20, 3, 0.5)


def test_pages_whose_seeds_lie_half_a_page_apart_share_no_image(capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("real", 1), ("fake", 2)):
        np.save(f"{name}.npy", noise(seed, n=12))
    shown = []
    for seed in (0, 4):
        assert gan_eval(["human", "real=real.npy", "fake=fake.npy", "n=8", f"seed={seed}"]) == 0
        shown.append(set(content(Path(capsys.readouterr().out.strip()))["images"]))
    assert len(shown[0] | shown[1]) == 16


def test_a_page_does_not_tell_where_files_lie(run: Path) -> None:
    np.save("photographs.npy", noise(1, shape=(8, 8, 1)))
    change_dataset(run, {"_target_": "gan_cli.data.npz.Npz", "path": str(Path("photographs.npy").resolve())})
    assert gan_eval(["human", f"run={run.resolve()}", "n=4", "output=page.html"]) == 0
    assert str(Path.cwd()) not in Path("page.html").read_text()
    protocol = content(Path("page.html"))["protocol"]
    assert (protocol["fake"]["run"], protocol["real"]["path"]) == ("run", "photographs.npy")


@pytest.mark.parametrize(
    ("words", "key"),
    [
        ([], "run"),
        (["run=a", "fake=b", "real=c"], "fake"),
        (["fake=fake.npy"], "real"),
        (["run=nowhere"], "run"),
        (["real=real.npy", "fake=fake.npy", "n=7"], "n"),
        (["real=real.npy", "fake=fake.npy", "n=10"], "n"),
        (["real=real.npy", "fake=small.npy", "n=4"], "real"),
        (["real=real.npy", "fake=fake.npy", "n=4", "seconds=0"], "seconds"),
        (["real=real.npy", "fake=fake.npy", "n=4", "output=page.txt"], "output"),
        (["real=real.npy", "fake=points.npy", "n=4"], "fake"),
        (["real=real.npy", "fake=fake.npy", "n=4", "json=true"], "json"),
        (["results=[]"], "results"),
        (["results=[a.json]", "n=50"], "n"),
        (["results=[a.json]", "truncation=0.5"], "truncation"),
        (["real=real.npy", "fake=fake.npy", "weights=raw"], "weights"),
        (["results=nowhere.json"], "results"),
        (["results=ann.json", "run=a"], "results"),
        (["secnds=1"], "secnds"),
    ],
)
def test_what_can_not_work_is_reported_with_its_key(words: list[str], key: str) -> None:
    np.save("real.npy", noise(1))
    np.save("fake.npy", noise(2))
    np.save("small.npy", noise(2, shape=(4, 4, 3)))
    np.save("points.npy", np.zeros((9, 2), np.float32))
    with pytest.raises(ConfigError) as error:
        gan_eval(["human", *words])
    assert error.value.key == key


def test_a_generator_of_points_is_refused(run: Path) -> None:
    change_dataset(run, {"_target_": "gan_cli.data.ring.Ring"})
    with pytest.raises(ConfigError, match="points in the plane") as error:
        gan_eval(["human", f"run={run}", "n=4"])
    assert error.value.key == "run"


def test_data_of_others_is_not_run_without_trust(run: Path) -> None:
    change_dataset(run, {"_target_": "theirs.Digits"})
    Path("theirs.py").write_text("open('ran', 'w').close()")
    with pytest.raises(ConfigError, match="trust=true"):
        gan_eval(["human", f"run={run}", "n=4"])
    assert not Path("ran").exists()


def test_its_help_and_its_settings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        gan_eval(["human", "--help"])
    assert "gan-eval human results=[ann.json,ben.json]" in capsys.readouterr().out


def test_different_pages_never_share_a_default_name() -> None:
    requests: list[dict[str, Any]] = [
        {"run": "run"},
        {"run": "run", "seed": 1},
        {"run": "run", "n": 4},
        {"run": "run", "weights": "raw"},
        {"run": "run", "seconds": 1.0},
        {"run": "run", "truncation": 0.12345671},
        {"run": "run", "truncation": 0.12345672},
        {"run": "run", "real": "a"},
        {"run": "run", "real": "b"},
        {"run": "run", "real": "b", "image_size": "8x8"},
        {"checkpoint": "a.npz"},
        {"checkpoint": "b.npz"},
        {"fake": "x/a", "real": "c"},
        {"fake": "y/a", "real": "c"},
    ]
    names = [page_name(HumanJob(**request), step=5) for request in requests]
    assert len(set(names)) == len(names)
    assert names == [page_name(HumanJob(**request), step=5) for request in requests]
