"""Named data sets: the digits and those of tensorflow-datasets."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.digits import Digits, read_digits, read_digits_by_library
from gan_cli.data.tfds import TFDS
from gan_cli.errors import ConfigError
from gan_cli.lazy import tf


def test_digits_use_the_whole_range_of_grey() -> None:
    from sklearn.datasets import load_digits

    examples = Digits().open()
    assert examples.spec == Digits().describe() == DataSpec((8, 8, 1), 1797, 10)
    values, labels = examples.read(np.arange(1797))
    truth = load_digits()
    assert np.array_equal(np.unique(values), np.round(np.arange(17) * 255 / 16))
    assert np.array_equal(np.round(values[..., 0] / 255 * 16), truth.images)
    assert np.array_equal(labels, truth.target)
    for read, by_library in zip(read_digits(), read_digits_by_library(), strict=True):
        assert np.array_equal(read, by_library)


def test_digits_can_be_enlarged_and_coloured() -> None:
    source = Digits(image_size=32, channels="rgb", memory_limit=0.0)
    values, _ = source.open().read(np.array([5]))
    assert values.shape == (1, *source.describe().shape) == (1, 32, 32, 3)
    assert np.ptp(values, axis=-1).max() == 0


def test_mnist_is_the_one_that_tensorflow_datasets_reads(mnist: dict[str, Any]) -> None:
    import tensorflow_datasets as tfds

    source = TFDS(**mnist, split="test[300:800]")
    examples = source.open()
    assert examples.spec == source.describe() == DataSpec((28, 28, 1), 500, 10)
    values, labels = examples.read(np.arange(500))
    builder = tfds.builder_from_directory(mnist["data_dir"] + "/mnist/3.0.1")
    truth = list(tfds.as_numpy(builder.as_dataset(split="test[300:800]")))
    assert np.array_equal(values, [example["image"] for example in truth])
    assert np.array_equal(labels, [example["label"] for example in truth])


@pytest.mark.parametrize(
    "split", ["train", "train[:80%]", "train[-10%:]", "train[33%:67%]", "train[59990:]", "test+train[:7]", "all"]
)
def test_sizes_of_splits_are_those_of_tensorflow_datasets(mnist: dict[str, Any], split: str) -> None:
    import tensorflow_datasets as tfds

    spec = TFDS(**mnist, split=split).describe()
    builder = tfds.builder_from_directory(mnist["data_dir"] + "/mnist/3.0.1")
    assert spec is not None
    assert spec.examples == builder.info.splits[split].num_examples


def test_streamed_records_are_those_in_memory_from_any_thread(mnist: dict[str, Any]) -> None:
    keys: dict[str, Any] = {**mnist, "split": "train[40000:40200]+test[:100]", "image_size": "20x24"}
    kept, streamed = TFDS(**keys).open(), TFDS(**keys, memory_limit=0.0).open()
    assert isinstance(kept, InMemory)
    assert not isinstance(streamed, InMemory)
    parts = np.random.default_rng(0).permutation(300).reshape(6, 50)
    with ThreadPoolExecutor(3) as pool:
        for indices, (values, labels) in zip(parts, pool.map(streamed.read, parts), strict=True):
            assert np.array_equal(values, kept.values[indices])
            assert np.array_equal(labels, kept.labels[indices])


@pytest.mark.parametrize("size", [None, 20])
def test_small_records_are_decoded_together(
    mnist: dict[str, Any], size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tf.zeros(1)  # TensorFlow is imported here
    source = TFDS(**mnist, split="train[59800:]+test[:100]", image_size=size)
    with monkeypatch.context() as patch:
        patch.setattr("gan_cli.data.tfds.can_decode", lambda content: False)
        truth = source.open()
    monkeypatch.delattr("gan_cli.data.tfds.read_image")  # which decodes one
    values, labels = source.open().read(np.arange(300))
    assert np.array_equal(values, truth.read(np.arange(300)).values)
    assert np.array_equal(labels, truth.read(np.arange(300)).labels)


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_data_of_ones_own_is_read_in_either_format(tmp_path: Path, file_format: str) -> None:
    import tensorflow_datasets as tfds

    images = np.random.default_rng(0).integers(0, 256, (9, 5, 7, 3), np.uint8)
    tfds.dataset_builders.store_as_tfds_dataset(
        name="ours",
        version="1.2.0",
        features=tfds.features.FeaturesDict(
            {
                "photo": tfds.features.Image(shape=(None, None, 3), encoding_format="png"),
                "kind": tfds.features.ClassLabel(num_classes=4),
            }
        ),
        split_datasets={"train": [(index, {"photo": image, "kind": index % 4}) for index, image in enumerate(images)]},
        data_dir=str(tmp_path),
        file_format=file_format,
        disable_shuffling=True,
    )
    keys: dict[str, Any] = {"name": "ours", "data_dir": str(tmp_path), "image_key": "photo", "label_key": "kind"}
    with pytest.raises(ConfigError, match="image_size=null: the images of ours have different sizes"):
        TFDS(**keys).describe()
    for memory_limit in (1.0, 0.0):
        source = TFDS(**keys, image_size="5x7", memory_limit=memory_limit)
        examples = source.open()
        assert examples.spec == source.describe() == DataSpec((5, 7, 3), 9, 4)
        values, labels = examples.read(np.arange(9))
        assert np.array_equal(values, images)
        assert np.array_equal(labels, np.arange(9) % 4)
    tail = TFDS(**keys, image_size="5x7", split="train[40%:]").open()  # 40 % of 9 is 3.6, which counts as 4
    assert tail.spec.examples == 5
    assert np.array_equal(tail.read(np.arange(5))[0], images[4:])
    assert TFDS(**{**keys, "label_key": None}, image_size=5).describe() == DataSpec((5, 5, 3), 9, 0)
    if file_format == "tfrecord":
        check_damaged_data(TFDS(**keys, image_size="5x7"), tmp_path / "ours" / "1.2.0")


def check_damaged_data(source: TFDS, folder: Path) -> None:
    """Damages prepared data of 9 images whose labels are 0, 1, 2, 3, 0, 1, 2, 3, 0."""
    features, info = folder / "features.json", folder / "dataset_info.json"
    described, informed = features.read_text(), info.read_text()
    (records,) = folder.glob("*.tfrecord*")
    content = records.read_bytes()
    records.write_bytes(content[:12] + b"\xff" * 8 + content[20:])
    features.write_text(described.replace('"numClasses": "4"', '"numClasses": "2"'))
    examples = source.open()
    assert np.array_equal(examples.read(np.arange(4))[1], [1, 0, 1, 0])  # the first record is no protocol buffer
    skipped = {left.name: left.reason for left in examples.skipped}
    assert list(skipped) == ["record 0", "record 2", "record 3", "record 6", "record 7"]
    assert skipped["record 3"] == "its label 3 is not one of the 2 classes"
    for damaged in ("[" * 5000, described.replace('"4"', "1e999"), described.replace('"4"', '"-4"'), "[]"):
        features.write_text(damaged)
        with pytest.raises(ConfigError, match=r"features.json or dataset_info.json in .* can't be understood"):
            source.describe()
    features.write_text(described)
    info.write_text(informed.replace("{", '{"unknown": 1,', 1))
    with pytest.raises(ConfigError, match=r"the prepared data in .* can't be read"):
        source.open()


def test_cut_off_records_are_reported(mnist: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(Path(mnist["data_dir"]) / "mnist", tmp_path / "mnist")
    shard = next((tmp_path / "mnist").glob("*/*test*"))
    shard.chmod(0o600)
    shard.write_bytes(shard.read_bytes()[:100_000])
    with pytest.raises(ConfigError, match="is cut off"):
        TFDS(name="mnist", split="test", data_dir=str(tmp_path)).open()


def test_describing_imports_neither_tensorflow_nor_scikit_learn(test_data: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 4, 4), np.uint8))
    from PIL import Image

    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    program = f"""
import json, sys
from gan_cli.data.digits import Digits
from gan_cli.data.folder import Folder
from gan_cli.data.grid import Grid
from gan_cli.data.npz import Npz
from gan_cli.data.ring import Ring
from gan_cli.data.tfds import TFDS
folder = {str(tmp_path)!r}
sources = [Digits(), Folder(path=folder), Grid(), Npz(path=folder + "/a.npz"), Ring(),
           TFDS(name="mnist", data_dir={str(test_data / "tfds")!r})]
assert all(source.describe() for source in sources)
heavy = ["tensorflow", "keras", "tensorflow_datasets", "sklearn"]
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []
