"""Renders the page of all configuration keys from the comments in configs/.

MkDocs runs `on_files` as a hook, so the page is never out of date. `python tools/configuration_page.py` prints it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).resolve().parents[1] / "configs"
COMMANDS = {
    "train": "gan-train",
    "sample": "gan-sample",
    "eval": "gan-eval",
    "human": "gan-eval human",
    "tournament": "gan-eval tournament",
}
GROUPS = ("dataset", "model", "conditioning", "loss", "penalty", "augment", "optimizer", "features", "metric", "logger")
SKIPPED = ("_target_", "defaults", "hydra")
KEY = re.compile(r"^( *)([A-Za-z_][A-Za-z_0-9]*):(?: +(.*))?$")
SHARED = re.compile(r"^  - (_(?!self_)\w+)$", re.M)
PAGE = "configuration.md"


def render(configs: Path = CONFIGS) -> str:
    """The page, as Markdown: a section for each command, then one for each group with a table for each choice."""
    parts = [
        "# Configuration keys\n",
        "Every key is typed as `key=value`. `gan-train --cfg job --resolve` prints the keys of a job with their "
        "values. This page is generated from the comments in `configs/`.\n",
    ]
    for name, command in COMMANDS.items():
        parts += [f"## {command}\n", table(configs / f"{name}.yaml", "")]
    for group in GROUPS:
        parts.append(f"## {group}\n")
        for path in sorted((configs / group).glob("[!_]*.yaml")):
            parts += [f"### {group}={path.stem}\n", f"{header(path)}\n", table(path, group)]
    return "\n".join(parts)


def header(path: Path) -> str:
    """The comment at the top of a file, as one paragraph a block."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# @package"):
            continue
        if not line.startswith("#"):
            break
        lines.append(line[1:].strip())
    blocks = re.split(r"\n\n+", "\n".join(lines))
    return "\n\n".join(escape(block.replace("\n", " ")) for block in blocks)


def table(path: Path, group: str) -> str:
    """A table of the keys that a file sets, with their defaults and comments; empty where it sets none."""
    rows = keys_of(path, group)
    if not rows:
        return ""
    lines = ["| key | default | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {f'`{value}`' if value else ''} | {escape(meaning)} |" for key, value, meaning in rows]
    return "\n".join(lines) + "\n"


def keys_of(path: Path, group: str) -> list[tuple[str, str, str]]:
    """Key, default and comment of every leaf in a YAML file, in their order; those of a shared file come first."""
    text = path.read_text(encoding="utf-8")
    rows = [row for name in SHARED.findall(text) for row in keys_of(path.with_name(f"{name}.yaml"), group)]
    is_global = text.startswith("# @package _global_")
    parents: list[tuple[int, str]] = []
    comment: list[str] = []
    skipped_below = None
    for line in text.splitlines():
        match = KEY.match(line)
        if line.lstrip().startswith("#"):
            comment.append(line.lstrip().removeprefix("#").strip())
            continue
        if not match:
            comment = []
            continue
        indent, name, value = len(match[1]), match[2], (match[3] or "").strip()
        if skipped_below is not None and indent > skipped_below:
            continue
        skipped_below = indent if name in SKIPPED else None
        parents = [parent for parent in parents if parent[0] < indent]
        value, _, trailing = value.partition("  # ") if "  # " in value else (value, "", "")
        key = ".".join([*([group] if group and not is_global else []), *(p[1] for p in parents), name])
        if name not in SKIPPED:
            if value.strip() and value.strip() != "{}":
                rows.append((key, value.strip().replace("|", "\\|"), " ".join([*comment, trailing]).strip()))
            parents.append((indent, name))
        comment = []
    return rows


def escape(text: str) -> str:
    """Text that Markdown shows as it is: bars would end a table's cell, and angle brackets would be HTML."""
    parts = re.split(r"(`[^`]*`)", text)
    plain = (part if part.startswith("`") else re.sub(r"([*_<\[\]])", r"\\\1", part) for part in parts)
    return "".join(plain).replace("|", "\\|")


def on_files(files: Any, config: Any) -> Any:
    """Adds the generated page to the site. Called by MkDocs."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, PAGE, content=render()))
    return files


if __name__ == "__main__":
    print(render())
