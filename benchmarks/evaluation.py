"""What an evaluation costs in seconds and memory; prints a Markdown table. Linux only.

    python benchmarks/evaluation.py --weights classify_image_graph_def.pb      every row; Inception takes most of it
    python benchmarks/evaluation.py --only pixels random                       some rows

Each row runs in a process of its own, whose peak memory is the kernel's count. Data are MNIST's training and test
images, where tensorflow-datasets has them prepared (`--data-dir`). Without `--weights` the row of Inception is left
out; its speed does not depend on which weights they are.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from interleaved_timing import processor

ROWS = {
    "pixels": "FID, MNIST 28x28, `features=pixels`",
    "random": "FID, MNIST 28x28, `features=random`",
    "classifier": "FID, MNIST 28x28, `features=classifier`, its training included",
    "inception": "FID, MNIST 28x28, `features=inception`",
    "prdc_kid": "PRDC and KID of features with 2,048 dimensions",
    "frechet": "Fréchet distance of features with 2,048 dimensions",
    "sqrtm": "the same with `scipy.linalg.sqrtm`, as pytorch-fid has it",
    "streaming": "FID of 50,000 generated images 32x32x3, `features=random`",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures what an evaluation costs.")
    parser.add_argument("--only", nargs="*", choices=ROWS, default=list(ROWS))
    parser.add_argument("--images", type=int, default=10_000, help="on either side")
    parser.add_argument("--weights", help="the frozen graph of Inception")
    parser.add_argument("--data-dir", help="of tensorflow-datasets")
    parser.add_argument("--row", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.row:
        print(json.dumps(measured(options)))
        return
    rows = [name for name in options.only if name != "inception" or options.weights]
    print(report({name: in_own_process(name, options) for name in rows}, options.images))


def in_own_process(name: str, options: argparse.Namespace) -> dict[str, Any]:
    words = [sys.executable, __file__, "--row", name, "--images", str(options.images)]
    words += ["--weights", options.weights] if options.weights else []
    words += ["--data-dir", options.data_dir] if options.data_dir else []
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "GAN_CLI_CACHE": cache}
        done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"{name}: {found}", file=sys.stderr, flush=True)
    return found


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Seconds of the row's work, without loading TensorFlow and data, and the peak memory of the whole process."""
    work = prepare(options)
    began, processor_began = time.perf_counter(), time.process_time()
    value = work()
    seconds, processor_seconds = time.perf_counter() - began, time.process_time() - processor_began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {
        "seconds": round(seconds, 1),
        "processor": round(processor_seconds, 1),
        "gibibytes": round(peak, 2),
        "value": value,
    }


def prepare(options: argparse.Namespace) -> Callable[[], Any]:
    if options.row in ("prdc_kid", "frechet", "sqrtm"):
        return of_features(options)
    from gan_cli.devices import load_tensorflow, set_up_tensorflow

    load_tensorflow()
    set_up_tensorflow(seed=0, deterministic=True)
    return generated(options) if options.row == "streaming" else of_images(options)


def of_features(options: argparse.Namespace) -> Callable[[], Any]:
    from gan_cli.metrics import Comparison
    from gan_cli.metrics.fid import FrechetDistance
    from gan_cli.metrics.in_memory_features import InMemoryFeatures
    from gan_cli.metrics.kid import KernelDistance
    from gan_cli.metrics.prdc import PrecisionRecall

    generator = np.random.default_rng(0)
    real, fake = (generator.standard_normal((options.images, 2048), np.float32) + shift for shift in (0.0, 0.01))
    comparison = Comparison(InMemoryFeatures(rows=real), InMemoryFeatures(rows=fake))
    metrics = [FrechetDistance()] if options.row == "frechet" else [PrecisionRecall(), KernelDistance()]
    if options.row == "sqrtm":
        return lambda: by_sqrtm(real, fake)
    return lambda: {name: one.value for metric in metrics for name, one in metric(comparison).values.items()}


def by_sqrtm(real: np.ndarray, fake: np.ndarray) -> float:
    """Once, where our row has five more for its uncertainty."""
    from scipy.linalg import sqrtm

    means = [side.mean(axis=0, dtype=np.float64) for side in (real, fake)]
    covariances = [np.cov(side, rowvar=False, dtype=np.float64) for side in (real, fake)]
    root = sqrtm(covariances[0] @ covariances[1])
    return float(np.sum((means[0] - means[1]) ** 2) + np.trace(covariances[0] + covariances[1] - 2 * root).real)


def of_images(options: argparse.Namespace) -> Callable[[], Any]:
    from gan_cli.data.tfds import TFDS
    from gan_cli.evaluation.example_sets import StoredExamples

    sides = [TFDS(name="mnist", split=split, data_dir=options.data_dir).open() for split in ("train", "test")]
    sets = [StoredExamples(side, {}, options.images) for side in sides]
    return lambda: distance(options, sets, labelled=lambda: sides[0])


def generated(options: argparse.Namespace) -> Callable[[], Any]:
    from gan_cli.data import DataSpec, InMemory
    from gan_cli.evaluation.example_sets import GeneratedExamples, StoredExamples
    from gan_cli.models.dcgan import DCGAN
    from gan_cli.sampling.generator_metadata import GeneratorMetadata
    from gan_cli.sampling.loaded_generator import LoadedGenerator

    data = DataSpec((32, 32, 3), options.images)
    pixels = np.random.default_rng(0).integers(0, 255, (options.images, *data.shape), np.uint8)
    real = StoredExamples(InMemory(data, pixels, np.zeros(options.images, np.int32), []), {})
    pair = DCGAN()
    facts = GeneratorMetadata(pair.latent_size, pair.latent_distribution, data, 0)
    fake = GeneratedExamples(LoadedGenerator(pair.generator(data), facts), {}, 50_000)
    options.row = "random"
    return lambda: distance(options, [real, fake], labelled=None)


def distance(options: argparse.Namespace, sets: list[Any], labelled: Any) -> float:
    """The Fréchet distance of two sets through the extractor that the row names."""
    from gan_cli.config.compose import compose
    from gan_cli.config.job_builder import build
    from gan_cli.evaluation.feature_store import cached_features, extract_features
    from gan_cli.metrics import Comparison
    from gan_cli.metrics.fid import FrechetDistance
    from gan_cli.progress import SilentReporter

    words = [f"features={options.row}", "fake=x", "real=x"]
    words += [f"features.weights={options.weights}"] if options.row == "inception" else []
    extractor = build("features", compose("eval", words).config["features"])
    embedding = extractor.load(sets[0].data, labelled, SilentReporter())
    real = cached_features(sets[0], embedding, SilentReporter())
    with extract_features(sets[1], embedding, SilentReporter(), "generated") as fake:
        return FrechetDistance()(Comparison(real, fake)).values["fid"].value


def report(found: dict[str, dict[str, Any]], images: int) -> str:
    lines = [
        f"{datetime.date.today()}, {os.cpu_count()} cores of {processor()}; {images:,} against {images:,} "
        "where nothing else is said.",
        "",
        "| | seconds | processor seconds | peak memory, GiB |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {ROWS[name]} | {row['seconds']:.1f} | {row['processor']:.1f} | {row['gibibytes']:.2f} |"
        for name, row in found.items()
    ]
    if {"frechet", "sqrtm"} <= set(found):
        ratio = found["frechet"]["processor"] / found["sqrtm"]["processor"]
        lines += [
            "",
            f"The distance with its uncertainty takes {ratio:.2f} times the processor time of `sqrtm` for it alone.",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
