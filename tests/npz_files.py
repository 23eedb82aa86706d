"""Array files for tests of dataset=npz."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_cli.data.npz import Npz
from gan_cli.errors import ConfigError

IMAGES = np.random.default_rng(0).integers(0, 256, (20, 6, 5, 3), np.uint8)


LABELS = np.arange(20) % 3


def saved(folder: Path, **arrays: Any) -> str:
    path = folder / "data.npz"
    np.savez(path, **arrays)
    return str(path)


def everything(source: Npz) -> tuple[np.ndarray, np.ndarray]:
    examples = source.open()
    assert examples.spec == source.describe()
    return examples.read(np.arange(examples.spec.examples))


def refusal(source: Npz) -> ConfigError:
    with pytest.raises(ConfigError) as raised:
        source.open()
    return raised.value
