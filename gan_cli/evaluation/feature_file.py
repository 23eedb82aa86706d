"""Rows of numbers in a .npy file: appended once, read in chunks, never in memory as a whole."""

from __future__ import annotations

import os
import weakref
from pathlib import Path

import numpy as np
from numpy.lib import format as npy


class FeatureFile:
    """float32 `[count, width]` in a file that `np.load` reads too.

    Read through ordinary reads rather than a memory map, whose pages would count as the process's own.
    """

    def __init__(self, path: Path) -> None:
        """Opens a file that is there. Raises ValueError or OSError where it is no such file, or not whole."""
        self.path = path
        with path.open("rb") as file:
            version = npy.read_magic(file)
            if version != (1, 0):
                raise ValueError(f"{path} is of another version of the format")
            shape, fortran, dtype = npy.read_array_header_1_0(file)
            self.offset = file.tell()
        if len(shape) != 2 or fortran or dtype != np.float32:
            raise ValueError(f"{path} does not hold rows of float32")
        self.count, self.width = shape
        if path.stat().st_size != self.offset + 4 * self.count * self.width:
            raise ValueError(f"{path} is not whole")
        self.descriptor = os.open(path, os.O_RDONLY)  # held open: the cache may be emptied meanwhile
        weakref.finalize(self, os.close, self.descriptor)

    def read(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """float32 `[stop - start, width]`; stop is cut to the number of rows."""
        last = self.count if stop is None else min(stop, self.count)
        rows = max(last - start, 0)
        values = np.empty((rows, self.width), np.float32)
        left, offset = values.reshape(-1).view(np.uint8).data, self.offset + 4 * start * self.width
        while left:  # one call reads 2 GiB at most
            done = os.preadv(self.descriptor, [left], offset)
            if done == 0:
                raise OSError(f"{self.path} was cut off")
            left, offset = left[done:], offset + done
        return values


class FeatureFileWriter:
    """Writes `count` rows to a new file, some at a time."""

    def __init__(self, path: Path, count: int, width: int) -> None:
        self.file = path.open("wb")
        header = {"descr": npy.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": (count, width)}
        npy.write_array_header_1_0(self.file, header)

    def append(self, rows: np.ndarray) -> None:
        self.file.write(np.ascontiguousarray(rows, np.float32).tobytes())

    def close(self) -> None:
        self.file.close()
