"""Grids with a row for each class."""

from __future__ import annotations

import numpy as np

from gan_cli.data import Examples

MOST_ROWS, FIRST_ROWS = 16, 8
"""A grid has a row for each of up to MOST_ROWS classes; of more classes, for the first FIRST_ROWS."""


def rows_of_classes(classes: int) -> np.ndarray:
    """The classes that a grid shows, int `[rows]`."""
    return np.arange(classes if classes <= MOST_ROWS else FIRST_ROWS)


def first_of_classes(examples: Examples, rows: np.ndarray, columns: int) -> np.ndarray:
    """Real examples for a grid: of each class in `rows` the first `columns`, again from the first where it has fewer.

    For a class without examples, those of the whole data.
    """
    everything = np.arange(examples.spec.examples)
    labels = examples.read_labels(everything)
    found = (np.flatnonzero(labels == label) for label in rows)
    indices = [np.resize(own if len(own) else everything, columns) for own in found]
    values: np.ndarray = examples.read(np.concatenate(indices)).values
    return values
