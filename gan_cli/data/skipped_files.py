"""Messages about files that can't be used: many files with one reason become one line."""

from __future__ import annotations

from collections.abc import Sequence

from gan_cli.data import SkippedFile

FEW = 3  # files with one reason that are named one by one
MOST_LINES = 20


def describe_skipped(skipped: Sequence[SkippedFile]) -> list[str]:
    """Lines such as `a.png: image file is truncated` and `400 files: not an image file (.txt): a.txt, b.txt, ...`."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in skipped:
        by_reason.setdefault(reason, []).append(name)
    lines = []
    for reason, names in by_reason.items():
        if len(names) <= FEW:
            lines += [f"{name}: {reason}" for name in names]
        else:
            lines.append(f"{len(names):,} files: {reason}: {', '.join(names[:FEW])}, ...")
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], f"and files for {len(lines) - MOST_LINES + 1:,} more reasons"]
    return lines
