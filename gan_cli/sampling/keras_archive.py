"""Reads the members of a .keras archive that somebody else may have written, before Keras builds anything from it.

A .keras file is a zip archive: `config.json` names the classes of the layers and their settings, `model.weights.h5`
holds the arrays. Its members must be the expected ones, and their checksums must agree. `keras_layer_allowlist` checks
the classes, `keras_size_limits` the memory.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.zip_limits import check_contiguous, open_zip

CONFIG, WEIGHTS, METADATA = "config.json", "model.weights.h5", "metadata.json"
REQUIRED = {CONFIG, WEIGHTS, METADATA}
MAX_TEXT = 2**24
"""Bytes of a JSON member."""
DATA_DESCRIPTOR = 24
"""Bytes that a writer which can't seek puts after a member, at most."""
DAMAGE = (OSError, KeyError, ValueError, EOFError, RuntimeError, RecursionError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged archive may raise; RuntimeError where a flag says that a member is encrypted."""


@dataclass(frozen=True)
class KerasArchive:
    """Verified members of a .keras file.

    Attributes:
        config: the parsed config.json.
        config_sha256: of its text.
        weights: the bytes of model.weights.h5.
        metadata: the text of gan_cli's own member, None where another tool wrote the file.
    """

    config: Any
    config_sha256: str
    weights: bytes
    metadata: bytes | None


def read_archive(path: Path, metadata_member: str) -> KerasArchive:
    """Reads every member and compares its checksum. Raises ConfigError where the file is damaged or no .keras file."""
    try:
        with open_zip(path) as archive:
            names = {member.filename for member in archive.infolist()}
            if not names >= REQUIRED:
                raise KeyError(f"it has no {sorted(REQUIRED - names)[0]}")
            if names - REQUIRED - {metadata_member}:
                raise ValueError(f"unexpected member {sorted(names - REQUIRED - {metadata_member})[0][:80]!r}")
            for name in names - {WEIGHTS}:
                if archive.getinfo(name).file_size > MAX_TEXT:
                    raise ValueError(f"{name} has more than {MAX_TEXT:,} bytes")
            members = {name: archive.read(name) for name in names}
            check_contiguous(archive, largest_gap=DATA_DESCRIPTOR)
        digest = hashlib.sha256(members[CONFIG]).hexdigest()
        return KerasArchive(json.loads(members[CONFIG]), digest, members[WEIGHTS], members.get(metadata_member))
    except DAMAGE as error:
        reason = str(error.args[0] if isinstance(error, KeyError) and error.args else error) or type(error).__name__
        raise ConfigError("checkpoint", f"is not a whole Keras archive ({reason[:200]})", path) from error
