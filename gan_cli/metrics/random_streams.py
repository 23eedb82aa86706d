"""Random numbers of metrics: the same for the same seed and purpose, on each machine and with each NumPy.

They are those of NumPy's `RandomState`, whose streams are frozen (NEP 19); those of `default_rng` may change with any
release, and with them numbers that were published with their seed.
"""

from __future__ import annotations

import zlib

import numpy as np


def generator(seed: int, purpose: str) -> np.random.RandomState:
    """A fresh generator.

    Args:
        seed: of the comparison, from 0 to 2**32 - 1.
        purpose: what is drawn, in words; each has numbers of its own. They are part of every result: never reword.
    """
    return np.random.RandomState([seed, zlib.crc32(purpose.encode())])
