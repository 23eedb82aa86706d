"""Named data sets: the digits and those of tensorflow-datasets."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gan_cli.data import DataSpec, InMemory
from gan_cli.data.digits import Digits
from gan_cli.data.tfds import TFDS
from gan_cli.errors import ConfigError
from gan_cli.lazy import tf


@pytest.fixture(scope="session")
def mnist(test_data: Path) -> dict[str, Any]:
    """The keys that lead to MNIST on this machine."""
    folder = test_data / "tfds"
    if not (folder / "mnist").is_dir():
        pytest.skip(f"no MNIST in {folder}")
    return {"name": "mnist", "data_dir": str(folder)}


def test_digits_use_the_whole_range_of_grey() -> None:
    from sklearn.datasets import load_digits

    examples = Digits().open()
    assert examples.spec == Digits().describe() == DataSpec((8, 8, 1), 1797, 10)
    values, labels = examples.read(np.arange(1797))
    truth = load_digits()
    assert np.array_equal(np.unique(values), np.round(np.arange(17) * 255 / 16))
    assert np.array_equal(np.round(values[..., 0] / 255 * 16), truth.images)
    assert np.array_equal(labels, truth.target)


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


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"split": "tran"}, "split=tran: no such split; there are train, test. Did you mean train?"),
        ({"split": "train[a:b]"}, "split=train[a:b]: no such way to name a split"),
        ({"split": "train[5:5]"}, "split=train[5:5]: holds no examples"),
        ({"split": "train[7:5]"}, "split=train[7:5]: holds no examples"),
        ({"split": "train[:60001]"}, "train[:60001] reaches beyond the 60,000 examples of train"),
        ({"split": "test+train[70000:]"}, "train[70000:] reaches beyond the 60,000 examples of train"),
        ({"split": "train[-70000:]"}, "train[-70000:] reaches beyond the 60,000 examples of train"),
        ({"split": "train[:120%]"}, "train[:120%] reaches beyond the 60,000 examples of train"),
        ({"name": ""}, "name=: is required"),
        ({"name": "../mnist"}, "name=../mnist: expected BUILDER, BUILDER/CONFIG"),
        ({"name": "mnist/a/b"}, "name=mnist/a/b: expected BUILDER, BUILDER/CONFIG"),
        ({"name": "mnist/.."}, "name=mnist/..: expected"),
        ({"name": "mnist:3"}, "name=mnist:3: expected BUILDER, BUILDER/CONFIG"),
        ({"name": "huggingface:mnist"}, "whose code would be downloaded and run"),
        ({"config": "../.."}, "config=../..: expected the name of a variant"),
        ({"name": "mnist/a", "config": "b"}, "config=b: name=mnist/a names another variant"),
        ({"image_key": "picture"}, "image_key=picture: no image of this name in the data; its images: image"),
        ({"label_key": "kind"}, "label_key=kind: no class label of this name in the data; its labels: label"),
    ],
)
def test_what_the_data_lacks_is_reported_before_it_is_opened(
    mnist: dict[str, Any], wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as raised:
        TFDS(**{**mnist, **wrong}).describe()
    assert message in str(raised.value)


def test_a_name_can_give_the_version(mnist: dict[str, Any]) -> None:
    assert TFDS(**{**mnist, "name": "mnist:3.0.1", "split": "test"}).open().spec.examples == 10_000


@pytest.mark.parametrize("name", ["mnist:1.0.0", "mnist/large", "imagenet_resized/33x33", "imagenet_resized:9.9.9"])
def test_a_version_or_variant_that_does_not_exist_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"^name={re.escape(name)}: tensorflow-datasets has no such variant"):
        TFDS(name=name, data_dir=str(tmp_path)).open()


def test_a_variant_in_the_name_or_in_its_key_is_the_same_prepared_data(tmp_path: Path) -> None:
    folder = tmp_path / "imagenet_resized" / "32x32" / "0.1.0"
    folder.mkdir(parents=True)
    image = {"image": {"dtype": "uint8", "shape": {"dimensions": ["32", "32", "3"]}}}
    features = {"featuresDict": {"features": {"image": image, "label": {"classLabel": {"numClasses": "2"}}}}}
    (folder / "features.json").write_text(json.dumps(features))
    info = {"splits": [{"name": "train", "shardLengths": ["7"]}]}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    (folder / "label.labels.txt").write_text("cat\ndog\n")
    expected = DataSpec((32, 32, 3), 7, 2, class_names=("cat", "dog"))
    for keys in ({"name": "imagenet_resized/32x32"}, {"name": "imagenet_resized", "config": "32x32"}):
        assert TFDS(**keys, data_dir=str(tmp_path)).describe() == expected


def test_known_data_is_described_before_a_download(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"data_dir": str(tmp_path)}
    assert TFDS(name="mnist", **keys).describe() == DataSpec((28, 28, 1), 60_000, 10)
    assert TFDS(name="fashion_mnist", split="test", **keys).describe() == DataSpec((28, 28, 1), 10_000, 10)
    assert TFDS(name="cifar10", image_size=64, **keys).describe() == DataSpec((64, 64, 3), 50_000, 10)
    assert TFDS(name="kmnist", **keys).describe() is None


def test_a_folder_that_does_not_exist_is_reported_before_a_download(tmp_path: Path) -> None:
    (tmp_path / "tfds").mkdir()
    with pytest.raises(ConfigError, match=r"data_dir=.*Did you mean tfds\?"):
        TFDS(name="mnist", data_dir=str(tmp_path / "tfdz")).describe()


def test_prepared_data_below_the_home_folder_may_be_named_by_a_stored_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / "tf" / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    source = TFDS(name="mnist", data_dir="~/tf")
    with pytest.raises(ConfigError, match="holds no prepared data"):
        source.check_stored_values()
    for name in ("features.json", "dataset_info.json"):
        (folder / name).touch()
    source.check_stored_values()


def test_an_unknown_name_is_reported_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"name=fashion_minst: .*Did you mean fashion_mnist\?"):
        TFDS(name="fashion_minst", data_dir=str(tmp_path)).open()


def test_a_failed_download_names_both_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import requests

    def unplugged(*arguments: Any, **keys: Any) -> None:
        raise requests.exceptions.ConnectionError("no route to host")

    monkeypatch.setattr(requests.Session, "get", unplugged)
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "something.tar.gz").touch()  # perhaps all of it is there: tfds itself shall see
    with pytest.raises(ConfigError) as raised:
        TFDS(name="cifar10", data_dir=str(tmp_path)).open()
    assert raised.value.key == "data_dir"
    for part in ("cifar10", str(tmp_path), "no route to host", "dataset.data_dir=", "network"):
        assert part in str(raised.value)


def test_without_a_network_nothing_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unplugged(*arguments: Any, **keys: Any) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unplugged)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match=r"can't be downloaded \(no network\).*dataset.data_dir="):
        TFDS(name="cifar10", data_dir=str(tmp_path)).open()


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
