"""A .keras file that somebody else wrote: damaged, with wrong metadata, or made to run code or to take memory."""

from __future__ import annotations

import io
import json
import random
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from gan_cli.config.user_modules import import_module, set_own_folders
from gan_cli.errors import ConfigError
from gan_cli.models.mlp import MLP
from gan_cli.sampling.generator_file import METADATA_MEMBER, load_generator_file, read_metadata, save_generator
from gan_cli.sampling.keras_archive import read_archive

STORED = Path(__file__).parent / "data" / "runs_of_0_1" / "digits_dcgan" / "generator.keras"
"""Written by release 0.1, with layers of our own whose module has another name today."""


def members_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_members(members: dict[str, bytes]) -> Path:
    path = Path("edited.keras")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_metadata(**changes: Any) -> Path:
    members = members_of(STORED)
    metadata = json.loads(members[METADATA_MEMBER])
    data = {key: changes.pop(key) for key in list(changes) if key in metadata["data"]}
    metadata = {**metadata, "data": {**metadata["data"], **data}, **changes}
    return write_members({**members, METADATA_MEMBER: json.dumps(metadata).encode()})


def with_config(content: bytes) -> Path:
    return write_members({**members_of(STORED), "config.json": content})


def load(path: Path) -> Any:
    return load_generator_file(path, trust=False)


def test_layers_whose_module_was_renamed_still_load() -> None:
    assert b"gan_cli.models.spectral" in members_of(STORED)["config.json"]
    model, metadata = load(STORED)
    assert (metadata.latent_size, metadata.data.shape, metadata.step) == (4, (8, 8, 1), 12)
    assert model.count_params() > 0


@pytest.mark.parametrize(
    "changes",
    [
        *({"latent_size": value} for value in (10**12, -1, 0, True, "4", None, 1.5, [])),
        *({"noise_size": value} for value in (-1, 5, "5", None, 10**12)),
        *({"truncation": value} for value in ("w", "z", None, [])),
        *({"latent_distribution": value} for value in ("cauchy", None, [], 3)),
        *({"step": value} for value in (-1, "12", None, 1.5, 10**30)),
        *({"truncation": value} for value in ("cut", None, [])),
        *({"standing_statistics": value} for value in (-1, 10**6, "16", None)),
        *({"data": value} for value in (None, [], {}, "text")),
        *({"shape": value} for value in ("881", [], [8, 8], [8, 8, 10**15], [8, 8, 3], [8, 8, -1], [8, 8, 1.0], None)),
        *({"examples": value} for value in (-1, "many", None)),
        *({"classes": value} for value in (-1, 10**12, True)),
        *({"value_range": value} for value in ([1], [1, -1], [None, 1], "-1", [float("nan"), 1], [-1e300, 1e300])),
    ],
    ids=str,
)
def test_a_wrong_fact_is_one_message(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint=edited.keras: "):
        load(with_metadata(**changes))


def test_facts_that_do_not_fit_the_model_are_refused() -> None:
    with pytest.raises(ConfigError, match="latent_size is 5, but its model takes 4 numbers"):
        load(with_metadata(latent_size=5))
    with pytest.raises(ConfigError, match=r"shape is \[8, 8, 3\], but its model gives 8x8x1"):
        load(with_metadata(shape=[8, 8, 3]))


@pytest.mark.parametrize("content", [b"", b"hello", b"[" * 100_000, b"null", b"[]", b"\xff"])
def test_facts_that_are_no_facts_are_one_message(content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint=edited.keras: "):
        load(write_members({**members_of(STORED), METADATA_MEMBER: content}))


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 500 + b"1" + b"}" * 500, b"null", b"[]", b"{}", b'"a"'],
    ids=lambda content: str(content[:10]),
)
def test_a_description_that_is_none_is_one_message(content: bytes) -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint=edited.keras: "):
        load(with_config(content))


def layers_of(units: Any) -> bytes:
    """A description whose dense layer has `units` units."""
    small = keras.Sequential([keras.Input((4,)), keras.layers.Dense(64), keras.layers.Flatten()])
    config = keras.saving.serialize_keras_object(small)
    config["config"]["layers"][1]["config"]["units"] = units
    return json.dumps(config).encode()


@pytest.mark.parametrize("units", [10**7, 10**9, 10**30, -1, 0, "64", None, 1.5, [64]])
def test_a_layer_that_is_larger_than_the_file_is_refused_before_it_is_made(units: Any) -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint=edited.keras: "):
        load(with_config(layers_of(units)))
    # Nothing is left behind that Keras would make later.
    keras.StatelessScope().__enter__().__exit__()


def test_an_inner_result_that_does_not_fit_into_memory_is_refused() -> None:
    layers = [keras.Input((4,)), keras.layers.Reshape((2, 2, 1)), keras.layers.UpSampling2D(4)]
    layers += [keras.layers.AveragePooling2D(4)]
    config = keras.saving.serialize_keras_object(keras.Sequential(layers))
    for index in (2, 3):
        name = "size" if index == 2 else "pool_size"
        config["config"]["layers"][index]["config"] |= {name: [10**6, 10**6]}
    config["config"]["layers"][3]["config"]["strides"] = [10**6, 10**6]
    with pytest.raises(ConfigError, match=r"takes .* bytes, more than this machine's memory"):
        load(with_config(json.dumps(config).encode()))


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("keras.layers", "Lambda"),
        ("keras.layers", "TFSMLayer"),
        ("keras.layers", "TorchModuleWrapper"),
        ("keras.layers", "StringLookup"),
        ("keras.utils", "get_file"),
        ("keras.src.utils.file_utils", "get_file"),
        ("gan_cli.loggers.tensorboard", "TensorBoardWriter"),
        ("builtins", "function"),
        ("os", "system"),
        (None, "system"),
        (7, "Dense"),
    ],
)
@pytest.mark.parametrize("registered", [None, "gan_cli>Other", "evil>Layer"])
def test_only_layers_of_the_allow_list_are_built(module: Any, name: str, registered: str | None) -> None:
    config = json.loads(members_of(STORED)["config.json"])
    config["config"]["layers"][1] |= {"module": module, "class_name": name, "registered_name": registered}
    with pytest.raises(ConfigError, match=f"holds .*{name}.*trust=true"):
        load(with_config(json.dumps(config).encode()))


def hdf5(fill: Any) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        fill(file)
    return content.getvalue()


@pytest.mark.parametrize(
    "weights",
    [
        b"hello",
        hdf5(lambda file: file.create_dataset("a", (10**11,), "f4", chunks=(10**6,), compression="gzip")),
        hdf5(lambda file: file.__setitem__("a", h5py.ExternalLink("/etc/passwd", "/x"))),
        hdf5(lambda file: file.__setitem__("a", h5py.SoftLink("/a"))),
        hdf5(lambda file: file.create_group("a").__setitem__("a", file["a"])),
    ],
    ids=["no HDF5", "compressed zeros", "external link", "soft link", "loop"],
)
def test_weights_that_lie_elsewhere_or_unpack_to_too_much_are_refused(weights: bytes) -> None:
    with pytest.raises(ConfigError, match=r"^checkpoint=edited.keras: its weights"):
        load(write_members({**members_of(STORED), "model.weights.h5": weights}))


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    path = Path("edited.keras")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members_of(STORED).items():
            archive.writestr(name, bytes(2**28) if name.endswith("h5") else content)
    assert path.stat().st_size < 2**20
    with pytest.raises(ConfigError, match="unpacks from"):
        load(path)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small file of today, with the SHA-256 of its members."""
    from gan_cli.data import DataSpec

    keras.utils.set_random_seed(0)
    pair, data = MLP(width=4, latent_size=3), DataSpec((2,), 100, 8, (-1.0, 2.0))
    path = tmp_path_factory.mktemp("keras") / "generator.keras"
    save_generator(path, pair.generator(data), pair, data, step=7)
    return path


def test_what_was_saved_is_loaded(saved: Path) -> None:
    model, metadata = load(saved)
    assert (metadata.latent_size, metadata.latent_distribution, metadata.step) == (3, "normal", 7)
    assert metadata.data.value_range == (-1.0, 2.0)
    assert np.isfinite(model.predict(np.zeros((1, 3), np.float32), verbose=0)).all()


def test_a_member_that_was_exchanged_is_reported_by_its_digest(saved: Path) -> None:
    members = members_of(saved)
    config = json.loads(members["config.json"])
    config["config"]["name"] = "another"
    with pytest.raises(ConfigError, match="SHA-256"):
        load(write_members({**members, "config.json": json.dumps(config).encode()}))


def test_a_flipped_bit_is_reported_or_changes_nothing(saved: Path) -> None:
    content, draw = saved.read_bytes(), random.Random(0)
    whole = read_archive(saved, METADATA_MEMBER)
    metadata = read_metadata(whole)
    tail = 8 * (len(content) - 600)  # the zip directory is dense in places that matter
    places = [draw.randrange(8 * len(content)) for _ in range(1000)] + list(range(tail, 8 * len(content), 5))
    path, refused = Path("edited.keras"), 0
    for place in places:
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            found = read_archive(path, METADATA_MEMBER)
        except ConfigError:
            refused += 1
            continue
        assert found == whole, place
        assert read_metadata(found) == metadata
    assert refused > len(places) / 2


LAYER = """
import keras

@keras.saving.register_keras_serializable("mine")
class Double(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs
"""


def test_modules_that_a_file_names_are_imported_only_with_trust() -> None:
    Path("my_layers.py").write_text(LAYER)
    set_own_folders([Path.cwd()])
    double = import_module("my_layers").Double
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), double()]).save("own.keras")
    try:
        for error in (None, "raise RuntimeError('not today')"):
            sys.modules.pop("my_layers")
            keras.saving.get_custom_objects().pop("mine>Double", None)
            if error is not None:
                Path("my_layers.py").write_text(error)
            with pytest.raises(ConfigError, match="Double"):
                load_generator_file(Path("own.keras"), trust=False)
            assert "my_layers" not in sys.modules
            if error is None:
                model, _ = load_generator_file(Path("own.keras"), trust=True)
                assert type(model.layers[-1]).__module__ == "my_layers"
        with pytest.raises(ConfigError, match="its module my_layers can't be imported: RuntimeError: not today"):
            load_generator_file(Path("own.keras"), trust=True)
    finally:
        sys.modules.pop("my_layers", None)
        keras.saving.get_custom_objects().pop("mine>Double", None)
