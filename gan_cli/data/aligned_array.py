"""NumPy arrays whose memory TensorFlow can share instead of copying it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

ALIGNMENT = 64  # bytes; what TensorFlow's CPU kernels demand (EIGEN_MAX_ALIGN_BYTES with AVX-512)


def aligned_empty(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """An uninitialised array whose first byte lies at a multiple of ALIGNMENT."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)


def is_shareable(array: np.ndarray) -> bool:
    """Whether TensorFlow can use the memory of `array` as it is."""
    flags = array.flags
    return bool(flags.c_contiguous and flags.writeable and array.size and array.ctypes.data % ALIGNMENT == 0)
