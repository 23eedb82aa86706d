"""Numbers that published implementations of metrics gave for fixed inputs (tests/data/metrics)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "data" / "metrics"


def inputs() -> dict[str, np.ndarray]:
    """`real`, `fake` `[400, 48]`; `sing_real`, `sing_fake`, the same shape, of lower rank; `logits` `[1000, 10]`;
    `mmd_real`, `mmd_fake` `[64, 16]`."""
    with np.load(FOLDER / "inputs.npz", allow_pickle=False) as file:
        return dict(file)


def values() -> dict[str, Any]:
    """What pytorch-fid, torch-fidelity, prdc, clean-fid and the code of MMD GANs gave."""
    found = json.loads((FOLDER / "values.json").read_text())
    assert isinstance(found, dict)
    return found
