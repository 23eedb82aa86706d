"""Messages about files that can't be used: many files with one reason become one line."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gan_cli.data import SkippedFile

FEW = 3  # files with one reason that are named one by one
MOST_LINES = 20


class SkippedFileReporter:
    """Reports each unusable file once; streamed ones are found while they are read.

    Args:
        skipped: the list of a data set, which grows.
        reported: how many of them an earlier part of the run has reported.
    """

    def __init__(self, skipped: Sequence[SkippedFile], reported: int = 0) -> None:
        self.skipped, self.reported = skipped, reported

    def report(self, show: Callable[[str], None]) -> None:
        """Shows a line for each reason, with the files that were found since the last call."""
        found = self.skipped[self.reported :]
        self.reported += len(found)
        for line in describe_skipped(found):
            show(f"Skipped: {line}")


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
