"""Builds Keras models without memory for their variables, to learn how large they are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gan_cli.lazy import keras


@contextmanager
def deferred_variables() -> Iterator[None]:
    """Variables that are created inside have a shape and a type, but never get values."""
    from keras.src.backend.common import global_state  # Keras has no public way to forget deferred variables

    known = list(global_state.get_global_attribute("uninitialized_variables") or [])
    try:
        with keras.StatelessScope(initialize_variables=False):
            yield
    finally:
        global_state.set_global_attribute("uninitialized_variables", known)
