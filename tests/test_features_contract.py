"""Every extractor of configs/features, found by glob, on three kinds of images and on points."""

from __future__ import annotations

import json
import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from inception_files import FIRST, SHAPES, weight, write_graph

from gan_cli.config.compose import compose, config_directory
from gan_cli.config.job_builder import build
from gan_cli.data import DataSpec, Examples, InMemory
from gan_cli.data.digits import Digits
from gan_cli.data.ring import Ring
from gan_cli.devices import dtype_policy
from gan_cli.errors import ConfigError
from gan_cli.features import FeatureExtractor, FeatureExtractorConfig
from gan_cli.features.automatic import Automatic
from gan_cli.features.classifier import Classifier
from gan_cli.features.inception import Inception
from gan_cli.features.pixels import Pixels
from gan_cli.lazy import keras
from gan_cli.progress import SilentReporter

EXTRACTORS = sorted(path.stem for path in (config_directory() / "features").glob("[!_]*.yaml"))
KINDS: dict[str, tuple[int, ...]] = {"grey": (8, 8, 1), "colour": (8, 12, 3), "alpha": (8, 8, 4), "points": (2,)}
REFUSED = {
    "auto": {"alpha"},
    "inception": {"alpha", "points"},
    "classifier": {"points"},
    "random": {"points"},
    "pixels": set(),
}
"""What an extractor does not take; it says so before TensorFlow is loaded."""
COUNT = {"inception": 20}
"""Examples of which features are computed, more than a batch of the network that takes longest. Else 70."""
QUICK = {"classifier": ["features.steps=50"]}
"""What makes an extractor of the same kind in less time."""


@cache
def examples_of(kind: str) -> Examples:
    """Examples of some classes: points, digits, or images which differ in brightness."""
    shape, count = KINDS[kind], 120
    if kind == "points":
        return Ring(examples=count, modes=3).open()
    if kind == "grey":
        return Digits().open()
    labels = np.arange(count, dtype=np.int32) % 3
    generator = np.random.default_rng(0)
    values = generator.integers(0, 100, (count, *shape)) + 50 * labels.reshape(-1, 1, 1, 1)
    return InMemory(DataSpec(shape, count, 3), values.astype(np.uint8), labels, [])


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first layers of Inception with weights of no meaning."""
    constants = {name: weight(name, shape) for name, shape in SHAPES.items() if name.split("/")[0] in FIRST}
    return write_graph(tmp_path_factory.mktemp("graph") / "classify_image_graph_def.pb", constants)


def extractor_of(name: str, graph: Path) -> FeatureExtractorConfig:
    words = [f"features={name}", "fake=x", "real=x"]
    words += QUICK.get(name, [])
    words += ["features.layer=64", f"features.weights={graph}"] if name == "inception" else []
    built: FeatureExtractorConfig = build("features", compose("eval", words).config["features"])
    return built


def opened(name: str, kind: str, graph: Path) -> FeatureExtractor:
    examples = examples_of(kind)
    return extractor_of(name, graph).load(examples.spec, lambda: examples, SilentReporter())


def works_on(name: str) -> list[str]:
    if name == "auto":  # images have the extractors that the test of its choice names, which take long as they are
        return ["points"]
    return [kind for kind in KINDS if kind not in REFUSED[name]]


CASES = [(name, kind) for name in EXTRACTORS for kind in works_on(name)]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_what_it_gives_for_an_example_does_not_depend_on_the_others(name: str, kind: str, graph: Path) -> None:
    embedding = opened(name, kind, graph)
    count = COUNT.get(name, 70)
    values = examples_of(kind).read(np.arange(count))[0]
    whole = embedding(values)
    assert whole.features.shape == (count, embedding.dimensions)
    assert whole.features.dtype == np.float32
    assert np.isfinite(whole.features).all()
    assert whole.features.std(axis=0).max() > 0
    if embedding.classes:
        assert whole.logits is not None
        assert whole.logits.shape == (count, embedding.classes)
    order = np.random.RandomState(0).permutation(count)
    alone = np.concatenate([embedding(values[order[start : start + 7]]).features for start in range(0, count, 7)])
    np.testing.assert_array_equal(alone, whole.features[order])


@pytest.mark.parametrize(("name", "kind"), [case for case in CASES if case[1] == "grey"])
def test_it_moves_no_random_state_and_heeds_no_global_policy(name: str, kind: str, graph: Path) -> None:
    values = examples_of(kind).read(np.arange(9))[0]
    embedding = opened(name, kind, graph)
    first = embedding(values).features
    keras.utils.set_random_seed(7)
    drawn_alone = keras.initializers.RandomNormal()((3,)).numpy()
    keras.utils.set_random_seed(7)
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index]
    with dtype_policy("mixed_bfloat16"):
        again = opened(name, kind, graph)
        np.testing.assert_array_equal(again(values).features, first)
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # type: ignore[index]
    np.testing.assert_array_equal(keras.initializers.RandomNormal()((3,)).numpy(), drawn_alone)
    assert again.identity == embedding.identity
    assert json.loads(json.dumps(embedding.identity)) == embedding.identity
    assert "name" in embedding.identity


@pytest.mark.parametrize(
    ("kind", "chosen"), [("grey", Classifier()), ("colour", Inception()), ("alpha", Inception()), ("points", Pixels())]
)
def test_auto_is_the_classifier_of_grey_images_and_inception_of_others(
    kind: str, chosen: FeatureExtractorConfig, graph: Path
) -> None:
    automatic = extractor_of("auto", graph)
    assert isinstance(automatic, Automatic)
    assert automatic.choose(examples_of(kind).spec) == chosen


def test_auto_loads_the_classifier_where_there_are_labelled_images(graph: Path) -> None:
    class RequestedError(Exception): ...

    def labelled() -> Examples:
        raise RequestedError  # which only the classifier asks for

    with pytest.raises(RequestedError):
        extractor_of("auto", graph).load(examples_of("grey").spec, labelled, SilentReporter())


@pytest.mark.parametrize("name", EXTRACTORS)
def test_what_it_does_not_take_is_refused_at_once(name: str, graph: Path) -> None:
    for kind in REFUSED[name]:
        with pytest.raises(ConfigError):
            extractor_of(name, graph).check(examples_of(kind).spec)
