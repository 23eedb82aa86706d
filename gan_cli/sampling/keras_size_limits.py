"""Bounds of the memory that the model in a .keras file may take, checked before Keras creates any array.

`Dense(units=10**9)` is refused: the described model may not have more weights than the file holds. Weights are counted
without creating them. Datasets in the HDF5 file may not be larger than the file; they could be compressed, or lie in
other files.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.lazy import keras
from gan_cli.models.shape_only_build import deferred_variables
from gan_cli.sampling.generate import BATCH
from gan_cli.sampling.keras_archive import KerasArchive

MAX_LINKS = 10_000
"""Groups and datasets in the weights file."""


def check_weights_file(content: bytes, path: Path) -> None:
    """Raises ConfigError where the HDF5 file links elsewhere, or declares more numbers than it holds bytes."""
    import h5py  # here, since it takes time to load

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            total = sum(sizes_of_datasets(file, h5py))
    except ConfigError:
        raise
    except Exception as error:  # h5py raises many kinds for what it can't read
        problem = f"its weights can't be read ({first_line(error)})"
        raise ConfigError("checkpoint", problem, path) from error
    if total > len(content):
        raise ConfigError("checkpoint", f"its weights declare {total:,} bytes in {len(content):,}", path)


def sizes_of_datasets(file: Any, h5py: Any) -> Iterator[int]:
    """Bytes of each dataset. Raises ValueError for links to other places and for too many entries."""
    waiting, seen, addresses = [file], 0, set()
    while waiting:
        group = waiting.pop()
        for name in group:
            seen += 1
            if seen > MAX_LINKS:
                raise ValueError(f"more than {MAX_LINKS:,} entries")
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name[:80]!r} is a link")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in addresses:
                raise ValueError(f"{name[:80]!r} stands in it twice")
            addresses.add(address)
            if isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise ValueError(f"{name[:80]!r} lies in another file")
                yield item.nbytes
            else:
                waiting.append(item)


def count_weights(config: Any) -> tuple[int, int]:
    """Bytes of a described model's weights, and of its largest inner result for one call, without making arrays.

    Raises what Keras raises where the description is wrong.
    """
    with deferred_variables():
        model = keras.saving.deserialize_keras_object(config, safe_mode=True)
    weights = sum(bytes_of(variable.shape, variable.dtype) for variable in model.variables)
    results = max((bytes_of((BATCH, *shape[1:]), "float32") for shape in output_shapes(model)), default=0)
    return weights, results


def output_shapes(model: Any) -> Iterator[tuple[int, ...]]:
    """Shapes of the results of each layer, as far as they are known."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from output_shapes(layer)
        try:
            outputs = layer.output
        except (AttributeError, ValueError):  # a layer that is called several times, or not at all
            continue
        for tensor in outputs if isinstance(outputs, list | tuple) else [outputs]:
            yield tuple(side or 1 for side in tensor.shape)


def bytes_of(shape: tuple[int, ...], dtype: Any) -> int:
    size = {"float64": 8, "int64": 8, "float16": 2, "bfloat16": 2, "bool": 1, "int8": 1, "uint8": 1}
    product = size.get(str(dtype), 4)
    for side in shape:
        product *= int(side)  # Python's own integers do not overflow
    return product


def check_size(archive: KerasArchive, path: Path) -> None:
    """Raises ConfigError where the described model has more weights than the file, or needs too much memory."""
    try:
        weights, results = count_weights(archive.config)
    except Exception as error:  # Keras raises many kinds for what it can't build
        raise ConfigError("checkpoint", f"can't be loaded: {first_line(error)}", path) from error
    if weights > len(archive.weights):
        problem = f"its description needs {weights:,} bytes of weights, and it holds {len(archive.weights):,}"
        raise ConfigError("checkpoint", problem, path)
    if results > memory_bytes():
        problem = f"an inner result of {BATCH} samples takes {results:,} bytes, more than this machine's memory"
        raise ConfigError("checkpoint", problem, path)


def memory_bytes() -> int:
    """The machine's physical memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its kind where it has none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
