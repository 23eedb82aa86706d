"""Features of Inception-v3, on which FID, KID and the Inception score are defined: `features=inception`.

The input path is the original's too, and is part of the definition: images are resized to 299 x 299 as TensorFlow 1
did it (bilinear without half-pixel centres, corner alignment or antialiasing; Parmar et al. 2022, arXiv:2104.11222,
show how much of FID hangs on that) and go in as (x - 128) / 128.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gan_cli.data import DataSpec, Examples
from gan_cli.data.input_paths import existing_file
from gan_cli.errors import ConfigError, check_choice
from gan_cli.features import FeatureExtractor, FeatureExtractorConfig
from gan_cli.features.batched_inference import BatchedExtractor
from gan_cli.features.inception_graph import URL, FrozenGraph, GraphError, read_graph
from gan_cli.features.inception_network import CLASSES, LAYERS, SIZE, inception_network
from gan_cli.features.inception_weights import check_recorded_sha256, download_archive, find_cached, manual_download
from gan_cli.lazy import tf
from gan_cli.progress import ProgressReporter

BATCH = 16
"""Images at once. On a CPU, batches of 4 to 32 took the same 55 to 60 ms of a core an image; each image more in a batch
took 12 MiB more."""


@dataclass(frozen=True)
class Inception(FeatureExtractorConfig):
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
        elif not self.download and find_cached() is None:
            raise ConfigError("weights", "are needed where nothing may be downloaded", None, manual_download())

    def load(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, reporter: ProgressReporter
    ) -> FeatureExtractor:
        """Loads the network with its weights, which are downloaded first where they are not in the cache."""
        self.check(data)
        named = self.weights is not None
        path = existing_file("weights", str(self.weights)) if named else find_cached()
        path = path or download_archive(URL, reporter)
        try:
            graph = read_graph(path)
            extractor = compile_extractor(graph, self.layer, data.shape)
        except GraphError as error:
            if named:
                raise ConfigError("weights", str(error), self.weights, f"The right one is in {URL}.") from error
            raise ConfigError("weights", f"{path} {error}", None, "Delete it; it will be downloaded again.") from error
        check_recorded_sha256(path, graph.sha256, named, reporter)
        reporter.line(f"Inception weights: {path}, SHA-256 {graph.sha256}")
        return extractor


def compile_extractor(graph: FrozenGraph, layer: int, shape: tuple[int, ...]) -> BatchedExtractor:
    """The network, compiled for images of `shape`. It has classes where `layer` is the last one."""
    network = inception_network(graph.tensor, layer)

    @tf.function(autograph=False)
    def compute(images: Any) -> tuple[Any, Any]:
        found = network(as_input(images), training=False)
        return found[str(layer)], found.get("logits")

    compiled = compute.get_concrete_function(tf.TensorSpec((BATCH, *shape), tf.uint8))
    identity = {
        "name": "inception",
        "weights_sha256": graph.sha256,
        "layer": layer,
        "resizer": "bilinear of TensorFlow 1",
    }
    classes = CLASSES if layer == LAYERS[-1] else 0
    return BatchedExtractor(lambda images: compiled(tf.constant(images)), BATCH, layer, classes, identity)


def as_input(images: Any) -> Any:
    """From uint8 `[n, height, width, 1 or 3]` to what the network takes; grey images are repeated three times."""
    if images.shape[-1] == 1:
        images = tf.repeat(images, 3, axis=-1)
    resized = tf.raw_ops.ResizeBilinear(images=images, size=[SIZE, SIZE], align_corners=False, half_pixel_centers=False)
    return (resized - 128.0) / 128.0
