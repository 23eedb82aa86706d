"""Data through the real commands: what they report about it, and that data sources need no room above them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from conftest import PERCEPTRON, TINY
from PIL import Image

import gan_cli.data
from gan_cli.commands.evaluate import gan_eval
from gan_cli.commands.train import gan_train
from gan_cli.errors import ConfigError

RNG = np.random.default_rng(0)


def test_foreign_files_make_one_line_and_none_on_resume(capsys: pytest.CaptureFixture[str]) -> None:
    Path("images").mkdir()
    for index in range(8):
        Image.fromarray(RNG.integers(0, 256, (8, 8), np.uint8)).save(f"images/{index}.png")
        Path(f"images/{index}.txt").write_text("a caption")
    words = [*PERCEPTRON, "dataset=folder", "dataset.path=images", "dataset.channels=gray", "train.batch_size=4"]
    assert gan_train([*TINY, *words, "train.steps=2", "hydra.run.dir=run"]) == 0
    first = capsys.readouterr().out
    assert first.count("captions") == first.count("Skipped: 1.txt") == 0
    assert first.count("Skipped: 8 files: not an image file (.txt): 0.txt, 1.txt, 2.txt, ...") == 1
    assert gan_train(["resume=run", "train.steps=4"]) == 0
    resumed = capsys.readouterr().out
    assert "Skipped:" not in resumed
    assert "8 files skipped" in resumed


def test_nearly_black_images_warn_when_they_are_trained_on(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("dark.npy", RNG.integers(0, 2, (8, 8, 8), np.uint8))
    words = ["dataset=npz", "dataset.path=dark.npy", "train.batch_size=4", "model=mlp", "dry_run=true"]
    assert gan_train([*TINY, *words]) == 0
    assert "the images are nearly black" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("error", "is_refused"),
    [(-1e-7, False), (1 + 1e-6, False), (-0.01, True), (1.01, True), (np.nan, True), (200.0, True)],
)
def test_a_value_beyond_the_range_changes_no_metric_or_is_refused(
    error: float, is_refused: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    real = RNG.random((64, 8, 8, 1)).astype(np.float32)
    fake = real.copy()
    fake[5, 0, 0, 0] = error
    real[5, 0, 0, 0] = min(max(error, 0), 1) if np.isfinite(error) else 0
    np.save("real.npy", real)
    np.savez("fake.npz", images=fake)
    words = ["real=real.npy", "fake=fake.npz", "metric=[fid]", "features=pixels", "channels=gray"]
    if is_refused:
        with pytest.raises(ConfigError, match=r"^fake=fake.npz: expected floats in \[0, 1\], \[-1, 1\] or \[0, 255\]"):
            gan_eval(words)
    else:
        assert gan_eval(words) == 0
        digests = re.findall(r"sha256 (\w+)", capsys.readouterr().out)
        assert digests[0] == digests[1]  # both sides hold the same pixels


@pytest.mark.parametrize("command", [["metric=[fid]", "features=pixels"], ["human", "n=2", "output=page.html"]])
def test_evaluations_of_files_follow_the_advice_about_their_pixels(command: list[str]) -> None:
    """Floats of a range that is not guessed, and photographs above the limit: the key that a message names exists."""
    values = RNG.random((8, 8, 8, 3)) - 0.5
    np.save("real.npy", values)
    np.save("fake.npy", values[::-1])
    words = [*command, "real=real.npy", "fake=fake.npy"]
    with pytest.raises(ConfigError, match=r"^real=real.npy: .* value_range=\[BLACK,WHITE\] names any range"):
        gan_eval(words)
    assert gan_eval([*words, "value_range=[-0.5,0.5]"]) == 0
    with pytest.raises(ConfigError, match=r"^value_range=\[-0.1, ?0.1\]: the pixels of real.npy lie outside"):
        gan_eval([*words, "value_range=[-0.1,0.1]"])
    for side in ("real", "fake"):
        Path(side).mkdir()
        for index in range(2):
            Image.fromarray(RNG.integers(0, 256, (20, 20, 3), np.uint8)).save(f"{side}/{index}.png")
    words = [*command, "real=real", "fake=fake"]
    with pytest.raises(ConfigError, match=r"more than max_megapixels=0\.0003 allows"):
        gan_eval([*words, "max_megapixels=0.0003"])
    with pytest.raises(ConfigError, match=r"^max_megapixels=0(\.0)?: "):
        gan_eval([*words, "max_megapixels=0"])
    assert gan_eval([*words, "max_megapixels=0.0004", "output=other.html"]) == 0


def test_data_sources_import_no_room_that_uses_them() -> None:
    allowed = {"data", "errors", "cache", "lazy", "number_limits", "random_seeds", "regular_files", "zip_limits"}
    folder = Path(gan_cli.data.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            rooms = {name.split(".")[1] for name in names if name.startswith("gan_cli.")}
            assert rooms <= allowed, path.name
