"""Imports run one way, in the order of the data flow, and docs/architecture.md names every folder."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "gan_cli"
ORDER = (
    "lazy",
    "errors",
    "number_limits",
    "schedule",
    "output_streams",
    "statistics",
    "progress",
    "random_seeds",
    "cache",
    "devices",
    "regular_files",
    "zip_limits",
    "data",
    "runs",
    "console",
    "optimizers",
    "features",
    "losses",
    "models",
    "conditioning",
    "penalties",
    "augmentations",
    "plotting",
    "metrics",
    "loggers",
    "config",
    "sampling",
    "trained_models",
    "evaluation",
    "training",
    "human_evaluation",
    "tournament",
    "sweeps",
    "commands",
)
"""Modules and folders of gan_cli, each before those that may import it."""


def imports() -> Iterator[tuple[str, str, str]]:
    """The importing folder, the imported folder and the importing file of every import within gan_cli."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        folder = inside.parts[0] if len(inside.parts) > 1 else inside.stem
        if inside.name == "__init__.py" and len(inside.parts) == 1:
            continue  # the public names of the package
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                parts = name.split(".")
                if parts[0] == "gan_cli" and len(parts) > 1:
                    yield folder, parts[1], str(inside)


def test_every_folder_has_a_place_in_the_order() -> None:
    found = {path.stem if path.suffix else path.name for path in PACKAGE.iterdir() if path.suffix in ("", ".py")}
    assert found - {"__init__", "__pycache__"} == set(ORDER)


def test_the_table_of_folders_names_every_folder() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w/]+)/` \|", text, re.MULTILINE)
    packages = {str(path.parent.relative_to(ROOT)) for path in PACKAGE.glob("*/__init__.py")}
    assert packages <= set(named)
    assert [name for name in named if not (ROOT / name).is_dir()] == []


def test_no_import_runs_back() -> None:
    back = [f"{file} imports {to}" for folder, to, file in imports() if ORDER.index(to) > ORDER.index(folder)]
    assert back == []


def test_matplotlib_is_imported_only_where_a_picture_is_drawn() -> None:
    for path in PACKAGE.rglob("*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:  # not those below `if TYPE_CHECKING`
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == "matplotlib" for name in names), path
