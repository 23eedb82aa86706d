"""What several tests share."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real images: $GAN_CLI_TEST_DATA, else ../shared/data; without either the test is skipped."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("GAN_CLI_TEST_DATA") or beside)
    if not folder.is_dir():
        pytest.skip(f"no test images in {folder}")
    return folder


def unzipped(archive: Path, folder: Path) -> Path:
    if not archive.is_file():
        pytest.skip(f"no {archive}")
    with zipfile.ZipFile(archive) as content:
        content.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def eurosat_folder(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """5,000 satellite photographs, JPEG 64 x 64, in 10 folders of classes."""
    return unzipped(test_data / "eurosat_5000.zip", tmp_path_factory.mktemp("eurosat"))


@pytest.fixture(scope="session")
def emoji_folder(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """3,583 emoji, PNG 128 x 128 with alpha, in one folder."""
    return unzipped(test_data / "noto_emoji_128.zip", tmp_path_factory.mktemp("emoji"))
