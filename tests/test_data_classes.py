"""Classes of data sets: which of them are used, drawn evenly or as they come, and their names."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from npz_files import saved
from PIL import Image

from gan_cli.config.compatibility import check_data
from gan_cli.config.job_builder import build
from gan_cli.data import NO_LABEL, DataSpec, Examples, InMemory, Source
from gan_cli.data.class_names import find_classes
from gan_cli.data.class_selection import select_classes
from gan_cli.data.content_hash import fingerprint
from gan_cli.data.digits import Digits
from gan_cli.data.folder import Folder
from gan_cli.data.npz import Npz
from gan_cli.data.pipeline import open_batches, order_of
from gan_cli.data.ring import Ring
from gan_cli.data.splits import split_held_out
from gan_cli.errors import ConfigError

NAMED = DataSpec((8, 8, 1), 100, 3, class_names=("cat", "dog", "7"))
PETS = DataSpec((8, 8, 1), 100, 2, class_names=("cat", "dog"))
UNNAMED = DataSpec((8, 8, 1), 100, 10)


def labels_of(examples: Examples) -> np.ndarray:
    return examples.read_labels(np.arange(examples.spec.examples))


def test_a_class_is_found_by_its_name_or_its_number() -> None:
    assert find_classes("classes", ["dog", "cat"], PETS) == [1, 0]
    assert find_classes("classes", 1, PETS) == [1]
    assert find_classes("classes", "9", UNNAMED) == [9]
    assert find_classes("classes", [3, 7], UNNAMED) == [3, 7]
    assert find_classes("classes", 7, NAMED) == [2]  # a name that is a number wins


@pytest.mark.parametrize(
    ("value", "data", "parts"),
    [
        (["cat", "dgo"], PETS, ["there is no such class", "cat, dog", "Did you mean dog?"]),
        (10, UNNAMED, ["classes=10", "0 to 9"]),
        (0, NAMED, ["cat, dog, 7"]),  # numbers are names here
        ([1, 1], UNNAMED, ["twice"]),
        ([], UNNAMED, ["at least one"]),
        (1, DataSpec((2,), 10), ["no classes"]),
        (-1, UNNAMED, ["no such class"]),
    ],
)
def test_an_unknown_class_is_reported_with_those_that_are(value: object, data: DataSpec, parts: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        find_classes("classes", value, data)
    assert all(part in str(caught.value) for part in parts), caught.value


@pytest.mark.parametrize("memory_limit", [2.0, 0.0])
def test_selected_classes_are_numbered_in_their_order_and_keep_their_names(memory_limit: float) -> None:
    whole = Digits(memory_limit=memory_limit)
    source = select_classes(Digits(classes=[7, 3], memory_limit=memory_limit))
    examples = source.open()
    described = source.describe()
    assert described == examples.spec
    assert (described.classes, described.class_names, described.examples) == (2, ("7", "3"), 362)
    truth = whole.open()
    expected = np.flatnonzero(np.isin(labels_of(truth), [3, 7]))
    places = np.arange(362)
    assert np.array_equal(examples.read(places).values, truth.read(expected).values)
    assert np.array_equal(examples.read(places).labels, np.where(labels_of(truth)[expected] == 7, 0, 1))
    assert np.array_equal(labels_of(examples), examples.read(places).labels)
    assert fingerprint(examples).labelled == fingerprint(select_classes(Digits(classes=["7", "3"])).open()).labelled


def test_a_share_is_held_out_of_the_selected_classes() -> None:
    kept, aside = split_held_out(select_classes(Digits(classes=[0, 1])).open(), 0.25)
    assert aside is not None
    assert kept.spec.examples + aside.spec.examples == 360
    assert set(labels_of(kept)) == set(labels_of(aside)) == {0, 1}
    assert set(first_labels(kept)) == {0, 1}


def first_labels(examples: Examples, balance: bool = False) -> np.ndarray:
    """The labels of the first ten batches of 16."""
    with closing(open_batches(examples, 16, 1, 0, False, balance)) as batches:
        steps, feed = tf.range(10, dtype=tf.int64), batches.feed(0, 10)
        return np.concatenate([batches.batch(feed, steps[0], step).labels.numpy()[0] for step in steps])


def test_the_test_split_and_the_modes_are_those_of_the_selected_classes() -> None:
    source = select_classes(Ring(classes=[5, 2], examples=1000))
    held_out, mixture = source.held_out(), source.mixture()
    assert held_out is not None and mixture is not None
    assert set(labels_of(held_out.open())) == {0, 1}
    assert np.array_equal(mixture.centres, Ring().centres()[[5, 2]])


def test_selected_classes_are_part_of_a_configuration() -> None:
    node = {"_target_": "gan_cli.data.digits.Digits", "classes": ["4"], "balance": False}
    source: Source = build("dataset", node)
    assert source.open().spec.class_names == ("4",)
    assert source.is_mirror_symmetric is False


def unequal() -> InMemory:
    """12 examples of class 0, 3 of class 2, none of class 1, and one without a class."""
    labels = np.array([0, 0, 2, 0, 0, 0, NO_LABEL, 0, 2, 0, 0, 0, 2, 0, 0, 0], np.int32)
    return InMemory(DataSpec((2,), 16, 3), np.arange(32, dtype=np.float32).reshape(16, 2), labels, [])


def test_classes_are_drawn_equally_often_and_each_example_of_a_class_too() -> None:
    order = order_of(unequal(), seed=3, balance=True)
    indices = np.concatenate([order(tf.constant(step, tf.int64), 6).numpy() for step in range(12)])
    labels = unequal().labels[indices]
    assert all(set(labels[start : start + 2]) == {0, 2} for start in range(0, 72, 2))
    first, second = indices[labels == 0].reshape(3, 12)[:2], indices[labels == 2].reshape(12, 3)
    assert all(len(set(epoch)) == 12 for epoch in first)
    assert all(set(epoch) == {2, 8, 12} for epoch in second)
    assert len({tuple(epoch) for epoch in second}) > 3  # another order in each epoch
    assert first[0].tolist() != first[1].tolist()
    other = order_of(unequal(), seed=4, balance=True)(tf.constant(0, tf.int64), 6).numpy()
    assert other.tolist() != indices[:6].tolist()


@pytest.mark.parametrize("memory_limit", [2.0, 0.0])
def test_balanced_batches_are_the_same_from_memory_and_from_disk(memory_limit: float) -> None:
    labels = first_labels(Digits(memory_limit=memory_limit).open(), balance=True)
    assert np.bincount(labels).tolist() == [16] * 10
    assert np.array_equal(labels, first_labels(Digits().open(), balance=True))


def test_balance_without_classes_is_refused() -> None:
    from composition import job_of

    job = job_of("dataset.balance=true")
    with pytest.raises(ConfigError, match=r"^dataset.balance=true: draws classes evenly, and there are no classes"):
        check_data(job, DataSpec((8, 8, 1), 100))
    check_data(job, UNNAMED)


def folder_of(root: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 40 * number, np.uint8)).save(path)
    return root


def test_a_folder_gives_labels_without_decoding_and_names(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ["cats/a.png", "dogs/b.png", "dogs/c.png", "emus/d.png"])
    source = select_classes(Folder(path=str(folder), classes=["dogs", "cats"], memory_limit=0.0))
    spec = source.describe()
    assert spec is not None
    assert (spec.examples, spec.class_names) == (3, ("dogs", "cats"))
    examples = source.open()
    (folder / "cats/a.png").unlink()  # labels are known all the same
    assert labels_of(examples).tolist() == [1, 0, 0]
    with pytest.raises(ConfigError, match=r"^classes=dog: there is no such class; .*Did you mean dogs\?$"):
        select_classes(Folder(path=str(folder), classes="dog")).describe()


@pytest.mark.parametrize("kind", [np.int64, np.float32, bool])
def test_one_hot_labels_of_an_array_file_are_read(tmp_path: Path, kind: type) -> None:
    images, labels = np.zeros((6, 8, 8), np.uint8), np.array([0, 2, 1, 2, 0, 0])
    source = Npz(path=saved(tmp_path, images=images, labels=np.eye(4)[labels].astype(kind)))
    spec = source.describe()
    assert spec.classes == 4  # the last one has no example
    assert labels_of(source.open()).tolist() == labels.tolist()


def test_an_array_of_columns_is_not_taken_for_labels_by_chance(tmp_path: Path) -> None:
    path = saved(tmp_path, images=np.zeros((6, 8, 8), np.uint8), embeddings=np.eye(6))
    assert Npz(path=path).describe().classes == 0
    with pytest.raises(ConfigError, match="single 1"):
        Npz(path=saved(tmp_path, images=np.zeros((6, 8, 8), np.uint8), labels=np.eye(6) * 0.5)).describe()


def test_names_of_an_array_file_are_read_and_labels_that_are_all_minus_one_are_none(tmp_path: Path) -> None:
    labels = np.array([1, 1, 0, 1, 0, 0])
    images = np.zeros((6, 8, 8), np.uint8)
    source = Npz(path=saved(tmp_path, images=images, labels=labels, class_names=np.array(["cat", "dog"])))
    assert source.describe().class_names == ("cat", "dog")
    assert labels_of(source.open()).tolist() == labels.tolist()
    nothing = Npz(path=saved(tmp_path, images=images, labels=labels * 0 - 1)).open()
    assert (nothing.spec.classes, set(labels_of(nothing))) == (0, {NO_LABEL})


def test_examples_of_a_source_without_classes_have_no_label(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ["a.png", "b.png"])
    assert set(labels_of(Folder(path=str(folder)).open())) == {NO_LABEL}
    assert set(labels_of(Npz(path=saved(tmp_path, images=np.zeros((6, 8, 8), np.uint8))).open())) == {NO_LABEL}


def test_labels_of_streamed_examples_come_without_decoding() -> None:
    streamed = Digits(memory_limit=0.0).open()
    assert np.array_equal(labels_of(streamed), labels_of(Digits().open()))


def test_one_hot_lists_and_missing_labels_of_stylegan_are_read(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, ["a.png", "b.png"])
    (folder / "dataset.json").write_text('{"labels": [["a.png", [0, 1]], ["b.png", [1, 0]]]}')
    assert labels_of(Folder(path=str(folder)).open()).tolist() == [1, 0]
    (folder / "dataset.json").write_text('{"labels": [["a.png", -1], ["b.png", -1]]}')
    assert labels_of(Folder(path=str(folder)).open()).tolist() == [NO_LABEL, NO_LABEL]
    (folder / "dataset.json").write_text('{"labels": [["a.png", [0, 2]], ["b.png", [1, 0]]]}')
    with pytest.raises(ConfigError, match="single 1"):
        Folder(path=str(folder)).describe()
