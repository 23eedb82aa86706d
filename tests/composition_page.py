"""docs/composition.md: what goes with what, written from what was found and read back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "composition.md"
TICK = "✓"
HEAD = """# What goes with what

Every loss goes with every penalty and every augmentation, but for what is marked here. A number stands for the reason
that `gan-train` gives, at once and with the key, where it refuses a pair; a tick means that a training step with both
was taken, with each part alone for `non_saturating` and with all of a kind together for other losses, and that losses
and weights stayed finite and the parts changed what was learned. A conditioning takes a step with one loss in eight,
and one with all penalties and augmentations together; its other ticks are of the check before training. A tick does not
mean that the pair is a good idea: a loss brings the penalties that its paper recommends. `penalty=path_length` is not
in the tables: it goes with any loss and any augmentation, and needs a generator with styles (`model=stylegan2`).

This page is written by a test, from training steps of small networks on images. `pytest tests/test_composition.py`
fails where it is no longer true, and `GAN_CLI_WRITE_DOCS=1 pytest -n 0 tests/test_composition.py` writes it again.
"""

Found = Mapping[str, Mapping[str, str]]
"""Of each row and each column, such as `loss=wgan` and `penalty=r1`, why they don't go together; "" where they do."""


def write(sections: Mapping[str, Found], notes: Mapping[str, str]) -> str:
    """The page: a table for each section by its title, then reasons, then titled paragraphs."""
    cells = [reason for found in sections.values() for row in found.values() for reason in row.values()]
    numbers = {reason: number for number, reason in enumerate(dict.fromkeys(filter(None, cells)), start=1)}
    parts = [HEAD, *(table(title, found, numbers) for title, found in sections.items())]
    if numbers:
        parts.append("## Reasons\n\n" + "".join(f"{number}. {reason}\n" for reason, number in numbers.items()))
    parts += [f"## {title}\n\n{text}\n" for title, text in notes.items()]
    return "\n".join(parts)


def table(title: str, found: Found, numbers: Mapping[str, int]) -> str:
    columns = list(next(iter(found.values())))
    groups = {column.partition("=")[0] + "=" for column in columns}
    group = groups.pop() if len(groups) == 1 else ""  # said once, in the corner
    heads = [f"`{column.removeprefix(group)}`" for column in columns]
    lines = [[f"`{group}`" if group else "", *heads], ["---", *[":-:"] * len(columns)]]
    for name, row in found.items():
        lines.append([f"`{name}`", *(str(numbers[row[column]]) if row[column] else TICK for column in columns)])
    return f"## {title}\n\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def read(page: str) -> tuple[dict[str, dict[str, dict[str, str]]], dict[str, str]]:
    """The tables by title and the titled paragraphs: what `write` was given."""
    sections, notes = {}, {}
    parts = dict(part.split("\n\n", 1) for part in page.split("\n## ")[1:])
    reasons = dict(re.findall(r"^(\d+)\. (.*)$", parts.pop("Reasons", ""), re.M)) | {TICK: ""}
    for title, text in parts.items():
        if not text.startswith("|"):
            notes[title] = text.strip()
            continue
        lines = ([cell.strip(" `") for cell in line[1:-1].split("|")] for line in text.strip().splitlines())
        (group, *names), _, *rows = lines
        columns = [f"{group}{name}" for name in names]
        sections[title] = {row[0]: {c: reasons[v] for c, v in zip(columns, row[1:], strict=True)} for row in rows}
    return sections, notes
