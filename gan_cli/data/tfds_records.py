"""Random access to records that tensorflow-datasets prepared, without TensorFlow and without loading all data."""

from __future__ import annotations

import bisect
import itertools
import mmap
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from gan_cli.errors import ConfigError


class Records(Protocol):
    """Serialised examples by index; thread-safe."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> bytes: ...


def open_records(builder: Any, split: str) -> Records:
    """The records of `split`, in the order of the files.

    Args:
        builder: a tfds builder whose data is prepared.

    Raises:
        ConfigError: for a file that is cut off, and a file format without random access.
    """
    import tensorflow_datasets as tfds

    if tfds.core.FileFormat.TFRECORD in builder.info.available_file_formats():
        return TFRecords.open(builder.info.splits[split].file_instructions)
    try:
        raw = tfds.decode.DeserializeMethod.RAW_BYTES
        return builder.as_data_source(split, deserialize_method=raw, file_format="array_record")
    except (NotImplementedError, ValueError, ImportError) as error:
        problem = f"its data is in a file format that can't be read at random ({builder.info.file_format.value})"
        raise ConfigError("data_dir", problem, advice="Prepare it again as tfrecord or array_record.") from error


@dataclass(frozen=True)
class Shard:
    """Records of one file: where each begins and how many bytes it has, int64 `[n, 2]`."""

    path: Path
    places: np.ndarray


class TFRecords:
    """Records in TFRecord files: 8 bytes of length, 4 of checksum, the record, 4 of checksum."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = shards
        self.ends = list(itertools.accumulate(len(shard.places) for shard in shards))

    @staticmethod
    def open(instructions: Sequence[Any]) -> TFRecords:
        """Finds the position of every record; `instructions` are those of a tfds split. Raises ConfigError."""
        shards = []
        for instruction in instructions:
            path = Path(instruction.filename)
            places = find_records(path)[instruction.skip :]
            shards.append(Shard(path, places if instruction.take < 0 else places[: instruction.take]))
        return TFRecords(shards)

    def __len__(self) -> int:
        return self.ends[-1]

    def read(self, indices: range) -> list[bytes]:
        """The records at consecutive indices, at least one, with one reading of each file."""
        found: list[bytes] = []
        start = indices.start
        while start < indices.stop:
            number = bisect.bisect_right(self.ends, start)
            stop = min(indices.stop, self.ends[number])
            shard = self.shards[number]
            first = self.ends[number] - len(shard.places)
            places = shard.places[start - first : stop - first].tolist()
            begin, end = places[0][0], sum(places[-1])
            with shard.path.open("rb") as file:
                file.seek(begin)
                content = file.read(end - begin)
            found += [content[offset - begin : offset - begin + length] for offset, length in places]
            start = stop
        return found

    def __getitem__(self, index: int) -> bytes:
        number = bisect.bisect_right(self.ends, index)
        shard = self.shards[number]
        start, length = shard.places[index - self.ends[number]]  # a negative index
        with shard.path.open("rb") as file:
            file.seek(int(start))
            return file.read(int(length))


def find_records(path: Path) -> np.ndarray:
    """Start and length of each record in a TFRecord file, int64 `[n, 2]`. Raises ConfigError."""
    places = []
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            offset = 0
            while offset < len(content):
                (length,) = struct.unpack_from("<Q", content, offset)
                places.append((offset + 12, length))
                offset += 16 + length
            complete = offset == len(content)
    except (OSError, ValueError, struct.error) as error:
        raise ConfigError("data_dir", f"{path} can't be read ({error})") from error
    if not complete:
        raise ConfigError("data_dir", f"{path} is cut off", advice=f"Delete {path.parent} to have it prepared again.")
    return np.array(places, np.int64).reshape(-1, 2)
