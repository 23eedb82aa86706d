"""TensorFlow and Keras, imported when something in them is first used.

`import tensorflow` takes three to nine seconds. A mistyped key is to be reported in less than 1.5 s, and checking a
configuration means importing the classes that it names, so no module that holds such a class may import TensorFlow
at its top. They write `from gan_cli.lazy import keras, tf` instead and use both as always inside their functions.
A module that derives from a Keras class (a layer, say) imports Keras itself and is imported inside a function.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

UNUSED = ("matplotlib", "sklearn")
"""Optional packages that Keras imports for galleries of images and scikit-learn wrappers, which nothing here uses.
They are two fifths of the processor time of its import (4.9 and 3.1 s; AMD EPYC, Python 3.11, Keras 3.15)."""


@contextmanager
def without_unused_packages() -> Iterator[None]:
    """Lets `import keras` go on as where the packages of UNUSED are not installed; later imports find them."""
    hidden = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None stands for a package that is not there
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)


class LazyModule(ModuleType):
    """Stands for the module `name` and imports it at the first look at one of its attributes."""

    def __getattr__(self, attribute: str) -> Any:
        with without_unused_packages():
            value = getattr(importlib.import_module(self.__name__), attribute)
        setattr(self, attribute, value)  # the next look does not come here
        return value


if TYPE_CHECKING:
    import keras
    import tensorflow as tf
else:
    tf = LazyModule("tensorflow")
    keras = LazyModule("keras")

__all__ = ["keras", "tf"]
