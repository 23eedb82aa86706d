"""Features of Inception-v3, on which FID, KID and the Inception score are defined: `features=inception`.

The input path is the original's too, and is part of the definition: images are resized to 299 x 299 as TensorFlow 1
did it (bilinear without half-pixel centres, corner alignment or antialiasing; Parmar et al. 2022, arXiv:2104.11222,
show how much of FID hangs on that) and go in as (x - 128) / 128.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gan_cli.cache import cache_folder
from gan_cli.data import DataSpec, Examples
from gan_cli.data.input_paths import existing_file
from gan_cli.errors import ConfigError, check_choice
from gan_cli.features import ExtractedFeatures, FeatureExtractor
from gan_cli.features.batched_inference import in_batches
from gan_cli.features.download import DownloadError, download, one_at_a_time
from gan_cli.features.inception_graph import ARCHIVE, GRAPH, URL, FrozenGraph, GraphError, graph_bytes, read_graph
from gan_cli.features.inception_network import CLASSES, LAYERS, SIZE, inception_network
from gan_cli.lazy import tf
from gan_cli.progress import ProgressReporter

BATCH = 16
"""Images at once. On a CPU, batches of 4 to 32 took the same 55 to 60 ms of a core an image; each image more in a batch
took 12 MiB more."""


@dataclass(frozen=True)
class Inception:
    """The network and one of its layers. configs/features/inception.yaml explains each key.

    Raises:
        ConfigError: for a layer that there is not.
    """

    weights: str | None = None
    layer: int = 2048
    download: bool = True

    def __post_init__(self) -> None:
        check_choice("layer", str(self.layer), [str(layer) for layer in LAYERS])

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for what is no grey or RGB image, and for weights that can't be there."""
        if not data.is_image:
            raise ConfigError("", "Inception takes images, and these are points", advice="Choose features=pixels.")
        if data.shape[2] not in (1, 3):
            advice = "Choose dataset.channels=rgb, or features=random, which takes any."
            raise ConfigError("", f"Inception takes grey or RGB images, not {data.shape[2]} channels", advice=advice)
        if self.weights is not None:
            existing_file("weights", self.weights)
        elif not self.download and kept() is None:
            raise ConfigError("weights", "are needed where nothing may be downloaded", None, by_hand())

    def open(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, teller: ProgressReporter
    ) -> FeatureExtractor:
        """The network with its weights, which are downloaded first where they are not there yet."""
        self.check(data)
        named = self.weights is not None
        path = existing_file("weights", str(self.weights)) if named else kept() or fetched(URL, teller)
        try:
            graph = read_graph(path)
            embedding = embed(graph, self.layer, data.shape)
        except GraphError as error:
            if named:
                raise ConfigError("weights", str(error), self.weights, f"The right one is in {URL}.") from error
            raise ConfigError("weights", f"{path} {error}", None, "Delete it; it will be downloaded again.") from error
        teller.line(f"Inception's weights: {path}, SHA-256 {graph.sha256}")
        return embedding


def kept() -> Path | None:
    """The weights in the cache folder: what a download left there, or someone put there."""
    return next((path for path in (folder() / GRAPH, folder() / ARCHIVE) if path.is_file()), None)


def folder() -> Path:
    return cache_folder() / "inception"


def fetched(url: str, teller: ProgressReporter) -> Path:
    """The archive in the cache folder, downloaded if it is not there yet.

    Raises:
        ConfigError: where that can't be done. What has come of it is kept, unless it is damaged.
    """
    archive = folder() / ARCHIVE
    try:
        folder().mkdir(parents=True, exist_ok=True)
        with one_at_a_time(archive, teller):
            if not archive.is_file():  # another process may have brought it while this one waited
                teller.line(f"Downloading {url} (89 MB) into {folder()}")
                download(url, archive, teller)
                check_whole(archive)
    except DownloadError as error:
        raise ConfigError("weights", f"are not there and can't be downloaded ({error})", None, by_hand()) from error
    except GraphError as error:
        raise ConfigError("weights", f"what {url} gave {error}; it was removed", None, by_hand()) from error
    except OSError as error:
        advice = "Name another folder with the variable GAN_CLI_CACHE."
        raise ConfigError("weights", f"{folder()} can't be written to ({error.strerror})", None, advice) from error
    return archive


def check_whole(archive: Path) -> None:
    """Raises GraphError, and removes the file, where there is no graph in it or its checksum is wrong."""
    try:
        graph_bytes(archive)
    except GraphError:
        archive.unlink()
        raise


def by_hand() -> str:
    place = f"Get {URL} on another machine and put it into {folder()}"
    return f"{place}, or name it where it lies: features=inception features.weights=PATH."


def embed(graph: FrozenGraph, layer: int, shape: tuple[int, ...]) -> InceptionEmbedding:
    """The network, compiled for images of `shape`."""
    network = inception_network(graph.tensor, layer)

    @tf.function(autograph=False)
    def compute(images: Any) -> tuple[Any, Any]:
        found = network(as_input(images), training=False)
        return found[str(layer)], found.get("logits")

    compiled = compute.get_concrete_function(tf.TensorSpec((BATCH, *shape), tf.uint8))
    return InceptionEmbedding(lambda images: compiled(tf.constant(images)), layer, graph.sha256)


def as_input(images: Any) -> Any:
    """From uint8 `[n, height, width, 1 or 3]` to what the network takes; grey images are repeated three times."""
    if images.shape[-1] == 1:
        images = tf.repeat(images, 3, axis=-1)
    resized = tf.raw_ops.ResizeBilinear(images=images, size=[SIZE, SIZE], align_corners=False, half_pixel_centers=False)
    return (resized - 128.0) / 128.0


@dataclass(frozen=True)
class InceptionEmbedding:
    """The network, ready to work. `classes` is 0 for layers before the last, behind which it ends."""

    compute: Callable[[Any], tuple[Any, Any]]
    dimensions: int
    weights_sha256: str

    @property
    def classes(self) -> int:
        return CLASSES if self.dimensions == LAYERS[-1] else 0

    @property
    def identity(self) -> dict[str, Any]:
        return {
            "name": "inception",
            "weights_sha256": self.weights_sha256,
            "layer": self.dimensions,
            "resizer": "bilinear of TensorFlow 1",
        }

    def __call__(self, examples: np.ndarray) -> ExtractedFeatures:
        return in_batches(self.compute, examples, BATCH)
