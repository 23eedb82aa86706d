"""What lies in a folder of pictures, by name alone."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from gan_cli.data import SkippedFile

ENDINGS = (".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".gif")


@dataclass(frozen=True)
class FolderIndex:
    """The files below `root`.

    Attributes:
        root: the folder.
        files: names of the picture files relative to it, sorted, with `/` on every system.
        classes: names of the classes, sorted; none where the pictures lie side by side.
        labels: the class of each file, 0 where there are no classes.
        foreign: files that are no pictures by their names.
    """

    root: Path
    files: list[str]
    classes: list[str]
    labels: list[int]
    foreign: list[SkippedFile]


def index_folder(root: Path) -> FolderIndex:
    """Every file below `root` that isn't hidden, links to folders followed."""
    names = sorted(files_below(root))
    files = [name for name in names if name.lower().endswith(ENDINGS)]
    foreign = [
        SkippedFile(name, f"not an image file ({PurePosixPath(name).suffix or 'no ending'})")
        for name in names
        if not name.lower().endswith(ENDINGS)
    ]
    special = [name for name in files if is_special(root / name)]
    foreign += [SkippedFile(name, "no regular file") for name in special]
    files = [name for name in files if name not in set(special)]
    groups = class_of_each(files)
    classes = sorted(set(groups))
    if len(classes) < 2:
        return FolderIndex(root, files, [], [0] * len(files), foreign)
    number = {name: index for index, name in enumerate(classes)}
    return FolderIndex(root, files, classes, [number[group] for group in groups], foreign)


def files_below(root: Path) -> list[str]:
    names, visited = [], set()
    for folder, below, files in os.walk(root, followlinks=True):
        place = os.path.realpath(folder)
        if place in visited:  # a link that leads back up would lead round in circles
            below.clear()
            continue
        visited.add(place)
        below[:] = sorted(name for name in below if not name.startswith("."))
        within = Path(folder).relative_to(root)
        names += [(within / name).as_posix() for name in files if not name.startswith(".")]
    return names


def is_special(path: Path) -> bool:
    """Whether a name leads to a pipe, a socket or a device, which may never end once it is opened."""
    try:
        mode = path.stat().st_mode
    except OSError:  # a link that leads nowhere is told where it is read
        return False
    return not stat.S_ISREG(mode)


def class_of_each(files: list[str]) -> list[str]:
    """The sub-folder that each file lies in, seen from the folder that all share; [] if one lies directly in it.

    `data/eurosat/Forest/1.jpg` and `data/eurosat/River/2.jpg` are a Forest and a River whether the user named `data`
    or `data/eurosat`.
    """
    if not files:
        return []
    folders = [PurePosixPath(name).parent.parts for name in files]
    shared = len(PurePath(os.path.commonpath([PurePosixPath(*parts) for parts in folders])).parts)
    if any(len(parts) == shared for parts in folders):
        return []
    return [parts[shared] for parts in folders]
