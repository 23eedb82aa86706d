"""Features of a convolutional network whose weights are random and never trained: `features=random`.

Such features distinguish distributions of images much as trained ones do, without having seen ImageNet, and so suit
images that look like nothing in it: Naeem et al. 2020, "Reliable Fidelity and Diversity Metrics for Generative Models",
arXiv:2002.09797, with a random VGG16; Lee et al. 2022, "Demystifying Randomly Initialized Networks for Evaluating
Generative Models", arXiv:2208.09218. The network here is small, so that it takes images from 4 x 4 on: up to four
stages of a 3 x 3 convolution to 64 channels and ReLU, with 2 x 2 max pooling between. The features are the mean and
the standard deviation over places of each channel of each stage.

Numbers compare only between equal networks, that is equal seeds and equally shaped images.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from gan_cli.data import DataSpec, Examples
from gan_cli.errors import ConfigError, check_number
from gan_cli.features import DifferentiableNetwork, FeatureExtractor, FeatureExtractorConfig
from gan_cli.features.batched_inference import BatchedExtractor
from gan_cli.lazy import tf
from gan_cli.progress import ProgressReporter

WIDTH = 64
"""Channels of each stage. The Fréchet distance of 2,000 MNIST or EuroSAT images with noise of five grey levels was more
than twice that of 2,000 others without."""
SMALLEST = 4
"""Pixels a side of a stage's maps, at least: of fewer, a standard deviation says little."""
MOST_STAGES = 4
BATCH = 32
"""Images at once. On a CPU, batches of 16 to 256 took the same time an image, within a fifth."""
MAP_BYTES = 2**31
"""Size of the maps of the first stage, of all images of a batch: BATCH of them up to 482x482, 4 of 1024x1024."""
SPARE = 4
"""Zero images after those; see `gan_cli.features.batched_inference`."""
SMOOTHING = 1e-6
"""Added under the root of the deviation where it is differentiated."""
LARGEST_SEED = 2**31 - 1


@dataclass(frozen=True)
class RandomNetwork(FeatureExtractorConfig):
    """The network that a seed gives. configs/features/random.yaml explains the key.

    Raises:
        ConfigError: for a seed out of range.
    """

    gives_logits: ClassVar[bool] = False

    seed: int = 0

    def __post_init__(self) -> None:
        check_number("seed", self.seed, at_least=0, at_most=LARGEST_SEED)

    def check(self, data: DataSpec) -> None:
        """Raises ConfigError for points and for images smaller than 4 x 4."""
        if not data.is_image:
            problem = "the random network takes images, and these are points"
            raise ConfigError("", problem, advice="Choose features=pixels.")
        if min(data.shape[:2]) < SMALLEST:
            problem = f"the random network takes images of at least {SMALLEST} pixels a side, not {min(data.shape[:2])}"
            raise ConfigError("", problem, advice="Choose features=pixels.")

    def load(
        self, data: DataSpec, labelled: Callable[[], Examples] | None, reporter: ProgressReporter
    ) -> FeatureExtractor:
        """Draws the weights of the network and compiles it."""
        self.check(data)
        return compile_extractor(random_kernels(self.seed, data.shape), self.seed, data.shape)


def random_kernels(seed: int, shape: tuple[int, ...]) -> list[np.ndarray]:
    """The weights of each stage, float32 `[3, 3, channels before, 64]`, for images `(height, width, channels)`.

    Uniform with variance 2 / inputs (He et al. 2015, arXiv:1502.01852), from the raw bits of Philox, which every
    version of NumPy gives equally; its normal numbers need not be.
    """
    stages = max(1, min(MOST_STAGES, int(math.log2(min(shape[:2]) // SMALLEST)) + 1))
    bits = np.random.Philox(key=seed)
    kernels, channels = [], shape[2]
    for _ in range(stages):
        inputs = 9 * channels
        words = bits.random_raw(inputs * WIDTH).reshape(3, 3, channels, WIDTH)
        uniform = (words >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0  # in [-1, 1)
        kernels.append((math.sqrt(6 / inputs) * uniform).astype(np.float32))
        channels = WIDTH
    return kernels


def compile_extractor(kernels: list[np.ndarray], seed: int, shape: tuple[int, ...]) -> BatchedExtractor:
    """The network, compiled for images of `shape`."""
    digest = hashlib.sha256(b"".join(kernel.astype("<f4").tobytes() for kernel in kernels)).hexdigest()
    weights = [tf.constant(kernel) for kernel in kernels]

    @tf.function(autograph=False)
    def compute(images: Any) -> tuple[Any, Any]:
        return statistics(weights, images), None

    batch = batch_size_for(shape)
    compiled = compute.get_concrete_function(tf.TensorSpec((batch + SPARE, *shape), tf.uint8))
    identity = {"name": "random", "weights_sha256": digest, "seed": seed}
    dimensions = 2 * WIDTH * len(kernels)

    by_name = {f"kernel_{stage}": kernel for stage, kernel in enumerate(kernels)}
    network = DifferentiableNetwork(by_name, smooth_statistics)

    def compute_array(images: np.ndarray) -> Any:
        return compiled(tf.constant(images))

    return BatchedExtractor(compute_array, batch, dimensions, 0, identity, SPARE, network)


def batch_size_for(shape: tuple[int, ...]) -> int:
    """Images `(height, width, channels)` of a batch, so many that the maps of the first stage fit in MAP_BYTES."""
    map_bytes = 4 * WIDTH * shape[0] * shape[1]
    return max(1, min(BATCH, MAP_BYTES // map_bytes - SPARE))


def statistics(weights: list[Any], images: Any) -> Any:
    """Features of uint8 images `[n, height, width, channels]`: float32 `[n, 128 stages]`, all at least 0."""
    return statistics_of_maps(weights, tf.cast(images, tf.float32) / 127.5 - 1.0, tf.math.reduce_std)


def smooth_statistics(weights: Mapping[str, Any], images: Any) -> Any:
    """The same of float32 images in [-1, 1], with a finite gradient where a map is constant and its deviation 0."""

    def deviation(maps: Any, axis: tuple[int, ...]) -> Any:
        return tf.sqrt(tf.math.reduce_variance(maps, axis) + SMOOTHING)

    return statistics_of_maps([weights[f"kernel_{stage}"] for stage in range(len(weights))], images, deviation)


def statistics_of_maps(weights: list[Any], x: Any, deviation: Callable[..., Any]) -> Any:
    """Means and deviations over places of the maps of each stage, for float32 images in [-1, 1]."""
    found = []
    for stage, kernel in enumerate(weights):
        if stage:
            x = tf.nn.max_pool2d(x, 2, 2, "VALID")
        x = tf.nn.relu(tf.nn.conv2d(x, kernel, 1, "SAME"))
        found += [tf.reduce_mean(x, axis=(1, 2)), deviation(x, axis=(1, 2))]
    return tf.concat(found, axis=1)
