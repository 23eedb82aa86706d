"""Which feature classes the features.json of prepared data may name.

tensorflow-datasets imports the module of every class that features.json names, nested ones too. Data may come from
anybody, so only its own feature classes (`tensorflow_datasets.core.features`) are accepted.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_cli.errors import ConfigError
from gan_cli.regular_files import read_regular

CLASS_KEYS = ("type", "pythonClassName", "python_class_name")
"""Keys that name a class: `type` before tensorflow-datasets 4.5, both spellings of the protocol buffer since."""

ALLOWED = re.compile(r"tensorflow_datasets\.core\.features\.\w+\.\w+")
FEATURES_FILE = "features.json"


def check_feature_classes(folder: Path) -> None:
    """Raises ConfigError where a features.json in `folder`, or in a folder below, names another class.

    Links to folders are followed, as tensorflow-datasets follows them.
    """
    for path in sorted(find_feature_files(folder)):
        try:
            named = list(class_names(json.loads(read_regular(path))))
        except (OSError, ValueError, RecursionError) as error:
            problem = f"{path} can't be read ({str(error) or type(error).__name__})"
            raise ConfigError("data_dir", problem, advice=f"Delete {path.parent} to have it prepared again.") from error
        foreign = next((name for name in named if not ALLOWED.fullmatch(name)), None)
        if foreign is not None:
            problem = f"{path} names {foreign}, code that is not part of tensorflow-datasets and would be run"
            raise ConfigError("data_dir", problem, advice="Prepare the data with features of tensorflow-datasets.")


def find_feature_files(folder: Path) -> Iterator[Path]:
    """Every features.json in `folder` and below."""
    visited = set()
    for place, below, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(place)
        if real in visited:  # a link that leads back up would lead round in circles
            below.clear()
            continue
        visited.add(real)
        if FEATURES_FILE in files:
            yield Path(place, FEATURES_FILE)


def class_names(node: Any) -> Iterator[str]:
    """Each class that a feature, or a feature inside it, names. Some features keep their content as JSON in a text."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in CLASS_KEYS and isinstance(value, str):
                if "." in value:  # a name without a module imports nothing
                    yield value
            else:
                yield from class_names(value)
    elif isinstance(node, list):
        for value in node:
            yield from class_names(value)
    elif isinstance(node, str) and node.lstrip()[:1] in ("{", "["):
        try:
            content = json.loads(node)
        except ValueError:
            return
        yield from class_names(content)
