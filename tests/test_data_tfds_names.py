"""Names, versions and splits of tensorflow-datasets: what is found, and what is reported before a download."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path
from typing import Any

import pytest

from gan_cli.data import DataSpec
from gan_cli.data.tfds import TFDS
from gan_cli.errors import ConfigError


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


def test_a_stored_folder_that_has_moved_is_reported_as_missing() -> None:
    source = TFDS(name="mnist", data_dir="gone", image_size=28)
    source.check_stored_values()
    for read in (source.describe, source.open):
        with pytest.raises(ConfigError, match=r"data_dir=gone: there is no such file or folder"):
            read()


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
