"""TensorFlow and Keras, imported when something in them is first used.

`import tensorflow` takes five to nine seconds. A mistyped key is to be reported in less than 1.5 s, and checking a
configuration means importing the classes that it names, so no module that holds such a class may import TensorFlow
at its top. They write `from gan_cli.lazy import keras, tf` instead and use both as always inside their functions.
A module that derives from a Keras class (a layer, say) imports Keras itself and is imported inside a function.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any


class LazyModule(ModuleType):
    """Stands for the module `name` and imports it at the first look at one of its attributes."""

    def __getattr__(self, attribute: str) -> Any:
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
