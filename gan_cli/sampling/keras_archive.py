"""Checks of a .keras archive that somebody else may have written, before Keras builds anything from it.

A .keras file is a zip archive: `config.json` names the classes of the layers and their settings, `model.weights.h5`
holds the arrays. Three things are checked here:

- Every class is on an allow-list. Keras refuses code outside its own packages, but its own packages hold layers that
  read files or run code (`Lambda`, `TFSMLayer`, `TorchModuleWrapper`, `StringLookup` with a vocabulary file).
- The file is whole: its members are the expected ones, and their checksums agree.
- What the model takes in memory is bounded by what the file holds: `Dense(units=10**9)` is refused before an array of
  that size is made. The number of weights is counted without making them, and datasets in the HDF5 file may not be
  larger than the file (they could be compressed, or lie in other files).
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.lazy import keras
from gan_cli.models.deferred_variables import deferred_variables
from gan_cli.runs.zip_limits import open_zip
from gan_cli.sampling.generate import BATCH

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
REQUIRED = {CONFIG, WEIGHTS, METADATA}
MAX_TEXT = 2**24
"""Bytes of a JSON member."""
MAX_DEPTH = 100
"""Levels of nested JSON; a layer in a nested model has about 12."""
MAX_LINKS = 10_000
"""Groups and datasets in the weights file."""
DAMAGE = (OSError, KeyError, ValueError, EOFError, RuntimeError, RecursionError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive may raise; RuntimeError where a flag says that a member is encrypted."""

LAYERS = frozenset(
    [
        "Activation",
        "ActivityRegularization",
        "Add",
        "AdditiveAttention",
        "AlphaDropout",
        "Attention",
        "Average",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "BatchNormalization",
        "Concatenate",
        "Conv1D",
        "Conv1DTranspose",
        "Conv2D",
        "Conv2DTranspose",
        "Conv3D",
        "Conv3DTranspose",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "Dense",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "Dot",
        "Dropout",
        "ELU",
        "EinsumDense",
        "Embedding",
        "Flatten",
        "GaussianDropout",
        "GaussianNoise",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "GroupNormalization",
        "GroupQueryAttention",
        "Identity",
        "InputLayer",
        "LayerNormalization",
        "LeakyReLU",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "Maximum",
        "Minimum",
        "MultiHeadAttention",
        "Multiply",
        "PReLU",
        "Permute",
        "RMSNormalization",
        "ReLU",
        "RepeatVector",
        "Rescaling",
        "Reshape",
        "SeparableConv1D",
        "SeparableConv2D",
        "Softmax",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "SpectralNormalization",
        "Subtract",
        "UnitNormalization",
        "UpSampling1D",
        "UpSampling2D",
        "UpSampling3D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ZeroPadding3D",
    ]
)
"""Keras layers that a generator may consist of: they hold arrays, and neither read files nor run other code."""
MODELS = frozenset({"Functional", "Sequential", "Model"})
POLICIES = frozenset({"DTypePolicy", "FloatDTypePolicy"})
VALUES = frozenset({"__keras_tensor__", "__tuple__", "__ellipsis__"})
"""Class names without a module: how Keras writes inputs of layers and Python values."""
OWN_PACKAGE = "gan_cli"


@dataclass(frozen=True)
class KerasArchive:
    """Verified members of a .keras file.

    Attributes:
        config: the parsed config.json.
        config_sha256: of its text.
        weights: the bytes of model.weights.h5.
        facts: the text of gan_cli's own member, None where another tool wrote the file.
    """

    config: Any
    config_sha256: str
    weights: bytes
    facts: bytes | None


def read_archive(path: Path, facts_member: str) -> KerasArchive:
    """Reads every member and compares its checksum. Raises ConfigError where the file is damaged or no .keras file."""
    try:
        with path.open("rb") as file, open_zip(file) as archive:
            names = {member.filename for member in archive.infolist()}
            if not names >= REQUIRED:
                raise KeyError(f"it has no {sorted(REQUIRED - names)[0]}")
            if names - REQUIRED - {facts_member}:
                raise ValueError(f"unexpected member {sorted(names - REQUIRED - {facts_member})[0][:80]!r}")
            for name in names - {WEIGHTS}:
                if archive.getinfo(name).file_size > MAX_TEXT:
                    raise ValueError(f"{name} has more than {MAX_TEXT:,} bytes")
            members = {name: archive.read(name) for name in names}
            check_no_gaps(archive)
        digest = hashlib.sha256(members[CONFIG]).hexdigest()
        return KerasArchive(json.loads(members[CONFIG]), digest, members[WEIGHTS], members.get(facts_member))
    except DAMAGE as error:
        reason = str(error.args[0] if isinstance(error, KeyError) and error.args else error) or type(error).__name__
        raise ConfigError("checkpoint", f"is not a whole Keras archive ({reason[:200]})", path) from error


def check_no_gaps(archive: zipfile.ZipFile) -> None:
    """Raises BadZipFile where the archive has bytes that no member accounts for: the directory may lack entries.

    A flipped bit in the size of the zip directory makes the first members disappear.
    """
    first = min(member.header_offset for member in archive.infolist())
    if first != 0:
        raise zipfile.BadZipFile("members are missing from its directory")
    signatures = 0
    assert archive.fp is not None  # it is open
    for member in archive.infolist():
        archive.fp.seek(member.header_offset)
        header = archive.fp.read(30)
        signatures += 30 + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        signatures += member.compress_size
    if signatures > archive.start_dir or archive.start_dir - signatures > 24 * len(archive.infolist()):
        raise zipfile.BadZipFile("members are missing from its directory")


def check_classes(config: Any, path: Path) -> None:
    """Raises ConfigError where the description names a class that is not on the allow-list, or is too deep."""
    for node in objects_in(config, path):
        if not is_allowed(node):
            name = ".".join(str(node.get(key)) for key in ("module", "class_name") if node.get(key) is not None)
            raise ConfigError(
                "checkpoint",
                f"holds {name[:200]}, which is none of the classes that a generator file may name",
                path,
                "If you know where the file comes from, say trust=true.",
            )


def objects_in(node: Any, path: Path, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Every JSON object that names a class, at any depth. Raises ConfigError where the nesting is too deep."""
    if depth > MAX_DEPTH:
        raise ConfigError("checkpoint", f"its description is nested more than {MAX_DEPTH} levels deep", path)
    if isinstance(node, dict):
        if node.keys() & {"class_name", "module", "registered_name"}:
            yield node
        for value in node.values():
            yield from objects_in(value, path, depth + 1)
    elif isinstance(node, list):
        for value in node:
            yield from objects_in(value, path, depth + 1)


def is_allowed(node: Mapping[str, Any]) -> bool:
    """Whether a JSON object names a class of the allow-list."""
    module, name, registered = (node.get(key) for key in ("module", "class_name", "registered_name"))
    if not isinstance(name, str) or not isinstance(module, str | None) or not isinstance(registered, str | None):
        return False
    if registered and ">" in registered:  # found by its registered name alone, wherever its module lay at the time
        package = registered.partition(">")[0]
        return package == OWN_PACKAGE and keras.saving.get_registered_object(registered) is not None
    if registered not in (None, "", name):
        return False
    if module is None:
        return name in VALUES
    if module == "keras.layers":
        return name in LAYERS
    if module in ("keras", "keras.models") or module.startswith("keras.src.models."):
        return name in MODELS | POLICIES
    if module in ("keras.initializers", "keras.regularizers", "keras.constraints"):
        found = getattr(getattr(keras, module.partition(".")[2]), name, None)
        return isinstance(found, type)
    return module == "keras.dtype_policies" and name in POLICIES


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
