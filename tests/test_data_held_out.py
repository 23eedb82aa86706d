"""Real examples that training never sees: a share kept aside, a test split, other points of a mixture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gan_cli.data import ExampleBatch, Examples, InMemory
from gan_cli.data.content_hash import fingerprint
from gan_cli.data.digits import Digits
from gan_cli.data.folder import Folder
from gan_cli.data.ring import Ring
from gan_cli.data.splits import Subset, split_held_out
from gan_cli.data.tfds import TFDS


def test_a_share_kept_aside_and_the_rest_are_the_whole_each_time() -> None:
    whole = Digits().open()
    training, aside = split_held_out(whole, 0.1)
    assert aside is not None
    assert (training.spec.examples, aside.spec.examples) == (1618, 179)
    parts = [side.read(np.arange(side.spec.examples))[0].reshape(-1, 64) for side in (training, aside)]
    assert sorted(map(bytes, np.concatenate(parts))) == sorted(
        map(bytes, whole.read(np.arange(1797)).values.reshape(-1, 64))
    )
    again = split_held_out(whole, 0.1)
    assert [fingerprint(side) for side in again if side] == [fingerprint(training), fingerprint(aside)]
    assert split_held_out(whole, 0.0) == (whole, None)


def test_what_is_streamed_is_kept_aside_alike() -> None:
    whole = Digits().open()
    assert isinstance(whole, InMemory)

    class Streamed(Examples):
        spec, skipped = whole.spec, whole.skipped

        def read(self, indices: np.ndarray) -> ExampleBatch:
            return whole.read(indices)

    in_memory, streamed = split_held_out(whole, 0.2), split_held_out(Streamed(), 0.2)
    assert all(side is not None and side.is_in_memory for side in in_memory)
    for first, second in zip(in_memory, streamed, strict=True):
        assert isinstance(second, Subset)
        assert first is not None
        indices = np.arange(0, second.spec.examples, 7)
        for one, other in zip(first.read(indices), second.read(indices), strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("split", "expected"),
    [("train", "test"), ("train[:80%]", "test"), ("test", None), ("all", None), ("train+test", None)],
)
def test_a_test_split_is_held_out_where_training_has_none_of_it(
    split: str, expected: str | None, tmp_path: Path
) -> None:
    found = TFDS(name="mnist", split=split, data_dir=str(tmp_path)).held_out()
    assert (found and found.split) == expected


def test_a_mixture_has_other_points() -> None:
    ring = Ring(examples=50)
    held_out = ring.held_out().open()
    assert held_out.spec.examples == 50
    assert not np.isin(held_out.values, ring.open().values).any()


def test_the_fingerprint_is_of_every_example_and_of_nothing_else() -> None:
    digits = Digits().open()
    same = InMemory(digits.spec, digits.values.copy(), digits.labels.copy(), [])
    assert fingerprint(same) == fingerprint(digits)
    other_labels = fingerprint(InMemory(digits.spec, digits.values, digits.labels + 1, []))
    assert other_labels.labelled != fingerprint(digits).labelled
    assert other_labels.content == fingerprint(digits).content
    changed = digits.values.copy()
    changed[700, 3, 3] ^= 1
    assert fingerprint(InMemory(digits.spec, changed, digits.labels, [])).content != fingerprint(digits).content


def test_streamed_pictures_have_the_fingerprint_of_those_in_memory_and_a_new_one_once_changed(
    working_folder: Path,
) -> None:
    (working_folder / "pictures").mkdir()
    for index in range(300):
        Image.new("L", (4, 4), index % 256).save(working_folder / "pictures" / f"{index:03d}.png")
    streamed = Folder(path="pictures", memory_limit=0.0)
    first = fingerprint(streamed.open())
    assert first == fingerprint(Folder(path="pictures").open())
    read: list[int] = []
    assert fingerprint(streamed.open(), lambda done, total: read.append(done)) == first
    assert not read  # it was known
    Image.new("L", (4, 4), 99).save(working_folder / "pictures" / "001.png")
    changed = fingerprint(streamed.open())
    assert changed.content != first.content
    training, aside = split_held_out(streamed.open(), 0.1)
    assert aside is not None
    assert len({fingerprint(training).content, fingerprint(aside).content, changed.content}) == 3
