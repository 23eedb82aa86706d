"""How large each metric is for images that are alike, less alike and not alike at all; prints a Markdown table.

    python benchmarks/metric_reference_values.py --data-dir TFDS --eurosat EUROSAT

Real examples are 5,000 of MNIST's training images; they are compared, by `gan-eval`, with as many of

- its test images: what a perfect generator would give;
- the same with noise of a deviation of 32 of 255 levels;
- EuroSAT's satellite photographs, grey, 28x28;
- uniform noise.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

COUNT = 5000
METRICS = {
    "classifier": ["fid", "kid", "inception_score", "precision", "recall", "density", "coverage", "c2st"],
    "random": ["fid", "kid"],
    "": ["swd", "ms_ssim"],
}
"""The numbers of the table, by the extractor that they need."""
CHOICES = {
    "classifier": "[fid,kid,inception_score,prdc,c2st]",
    "random": "[fid,kid]",
    "": "[swd,diversity]",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures known sets of images.")
    parser.add_argument("--data-dir", help="of tensorflow-datasets")
    parser.add_argument("--eurosat", required=True, help="folder of EuroSAT's pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sets = write_sets(Path(folder), options)
        found = {name: measure(path, options.data_dir) for name, path in sets.items()}
    print(report(found))


def write_sets(folder: Path, options: argparse.Namespace) -> dict[str, Path]:
    """Array files of the four sets."""
    from gan_cli.data.folder import Folder
    from gan_cli.data.tfds import TFDS

    test = TFDS(name="mnist", split="test", data_dir=options.data_dir).open()
    eurosat = Folder(path=options.eurosat, image_size=28, channels="grey").open()
    generator = np.random.default_rng(0)
    digits = test.read(np.arange(COUNT))[0]
    noisy = np.clip(digits + generator.normal(0, 32, digits.shape), 0, 255).astype(np.uint8)
    sets = {
        "MNIST test images": digits,
        "the same with noise": noisy,
        "EuroSAT": eurosat.read(np.arange(COUNT))[0],
        "uniform noise": generator.integers(0, 256, digits.shape, np.uint8),
    }
    paths = {}
    for name, images in sets.items():
        paths[name] = folder / f"{name.replace(' ', '_')}.npy"
        np.save(paths[name], images)
    return paths


def measure(path: Path, data_dir: str | None) -> dict[tuple[str, str], dict[str, Any]]:
    """Every number of one set, by extractor and name."""
    found = {}
    for features, choice in CHOICES.items():
        words = ["dataset=mnist", f"fake={path}", f"metric={choice}", f"real_samples={COUNT}", "json=true"]
        words += [f"features={features}"] if features else []
        words += [f"dataset.data_dir={data_dir}"] if data_dir else []
        done = subprocess.run(
            [sys.executable, "-m", "gan_cli.commands.evaluate", *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        values = json.loads(done.stdout)["values"]
        for name in METRICS[features]:
            found[features, name] = values[name]
            print(path.stem, features, name, values[name]["value"], file=sys.stderr, flush=True)
    return found


def report(found: dict[str, dict[tuple[str, str], dict[str, Any]]]) -> str:
    lines = [
        f"{datetime.date.today()}; {COUNT:,} real and {COUNT:,} other images, 28x28x1.",
        "",
        "| features | number | " + " | ".join(found) + " |",
        "|---|---|" + "---|" * len(found),
    ]
    for key in next(iter(found.values())):
        features, name = key
        cells = [formatted(values[key]) for values in found.values()]
        lines.append(f"| {features or 'none'} | `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def formatted(value: dict[str, Any]) -> str:
    spread = f" ± {value['uncertainty']:.1g}" if value.get("uncertainty") is not None else ""
    return f"{value['value']:.3g}{spread}"


if __name__ == "__main__":
    main()
