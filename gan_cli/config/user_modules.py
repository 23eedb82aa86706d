"""Imports modules of the user that a `_target_` names, without putting their folder on `sys.path`.

A folder on `sys.path` is searched for every import of every package. A `pandas.py` or `queue.py` that lies there would
run in place of the package of that name. So the user's folders are searched by a finder of their own, the last one that
Python asks. It finds the module that a `_target_` names, and other modules of these folders only for code that lies
there itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, ModuleSpec
from importlib.machinery import SourceFileLoader as SourceLoader
from pathlib import Path
from types import FrameType, ModuleType

RESERVED = ("gan_cli", "hydra_plugins", "__main__")
"""Top-level names that are never the user's own, also where gan-cli is used from its own source folder."""


class OwnModuleFinder(MetaPathFinder):
    """Finds top-level modules in the user's folders.

    Attributes:
        folders: where the user's modules may lie, searched in this order; the working folder where none is set.
        named: names of top-level modules that are imported now because a `_target_` names them.
        found: names of top-level modules that this finder has found; their code may import its siblings.
    """

    def __init__(self) -> None:
        self.folders: tuple[Path, ...] = ()
        self.named: set[str] = set()
        self.found: set[str] = set()

    def search_folders(self) -> tuple[Path, ...]:
        return self.folders or (Path.cwd(),)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a top-level module; None for submodules, which Python finds in their package's folder."""
        if path is not None or not (fullname in self.named or self.is_imported_by_own_code()):
            return None
        spec = self.spec_in_folders(fullname)
        if spec is not None:
            self.found.add(fullname)
        return spec

    def spec_in_folders(self, name: str) -> ModuleSpec | None:
        """The spec of a module in the user's folders, found without running code."""
        for folder in self.search_folders():
            # A new finder each time: a shared one would not see files of the last second.
            finder = FileFinder(str(folder), (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceLoader, SOURCE_SUFFIXES))
            spec = finder.find_spec(name)
            if spec is not None:
                return spec
        return None

    def is_imported_by_own_code(self) -> bool:
        """Whether the import statement that runs now stands in a module that this finder has found."""
        frame: FrameType | None = sys._getframe(2)
        while frame is not None:
            top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
            if top != "importlib":  # its frames stand between the import statement and this finder
                return top in self.found
            frame = frame.f_back
        return False


finder = OwnModuleFinder()
"""The one finder of this process."""


def set_own_folders(folders: Sequence[Path]) -> None:
    """Names the folders in which the user's modules may lie. Nothing is found there until a `_target_` names it."""
    finder.folders = tuple(folders)


def is_own_module(name: str) -> bool:
    """Whether importing `name` would load a file from the user's folders; found without running code.

    False for a name that Python itself or an installed package has: those are always found first.
    """
    top = name.partition(".")[0]
    folders = finder.search_folders()
    if top in sys.stdlib_module_names or top in RESERVED or not top.isidentifier():
        return False
    loaded = sys.modules.get(top)
    if loaded is not None and top not in finder.found:
        spec = getattr(loaded, "__spec__", None)  # scripts and modules made by hand have none
        return spec is not None and lies_in(spec, folders)
    installed = None if loaded is not None else importlib.util.find_spec(top)
    if installed is not None:
        return lies_in(installed, folders)
    return finder.spec_in_folders(top) is not None


def lies_in(spec: ModuleSpec, folders: Sequence[Path]) -> bool:
    """Whether a module's file, or the folder of a package, lies directly in one of `folders`.

    Directly, since a virtual environment with all installed packages may lie further below.
    """
    places = [
        Path(place).parent.resolve() for place in (spec.origin, *(spec.submodule_search_locations or ())) if place
    ]
    return any(place == folder.resolve() for place in places for folder in folders)


def import_module(name: str) -> ModuleType:
    """Imports a module by its dotted name; one of the user's folders, where no installed package has that name."""
    if finder not in sys.meta_path:
        sys.meta_path.append(finder)
    top = name.partition(".")[0]
    forget_module_of_other_folder(top)
    finder.named.add(top)
    try:
        return importlib.import_module(name)
    finally:
        finder.named.discard(top)


def forget_module_of_other_folder(top: str) -> None:
    """Forgets a module that was found in a folder in which this process worked before."""
    spec = getattr(sys.modules.get(top), "__spec__", None)
    if top in finder.found and spec is not None and not lies_in(spec, finder.search_folders()):
        for name in [name for name in sys.modules if name.partition(".")[0] == top]:
            del sys.modules[name]
