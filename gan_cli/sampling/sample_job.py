"""The keys of gan-sample, typed and checked before TensorFlow is loaded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from gan_cli.data import DataSpec
from gan_cli.data.input_paths import expand_home
from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.number_limits import MAX_INTEGER, MAX_SAMPLES, check_step
from gan_cli.plotting.grid_size import grid_shape, parse_grid
from gan_cli.sampling.generator_weights import parse_weights
from gan_cli.sampling.input_transform import MAX_DEGREES, parse_shift
from gan_cli.sampling.latents import NOISE_KINDS, RANDOM, SCALE, check_truncation
from gan_cli.sampling.sampling_methods import METHODS, METROPOLIS_HASTINGS, PLAIN, REJECTION, WITH_STEPS
from gan_cli.sampling.seed_list import parse_seeds

FORMATS = ("png", "gif", "npz", "files")
IMAGES = 64
"""Images where no key says how many."""
COLUMNS = 8
"""Images of a class where `classes` names several and no key says how many."""
MIXED_ROWS = 4
"""Rows of mixed styles where no key says how many."""
FRAMES = 8
"""The default of `frames`."""
POINTS = 2500
"""Points where no key says how many: PacGAN's protocol (arXiv:1712.04086)."""
MAX_FRAMES = 10_000
MAX_STEPS = 10_000
"""Of a sampling method."""
MAX_LAYERS = 1000
MAX_BATCHES = 10_000
"""Of standing statistics."""
MAX_PICTURE_PIXELS = 2**30
"""Of one picture, a grid with its gaps: 1 GiB of memory in grey, 3 GiB in colour."""


@dataclass(frozen=True)
class SampleJob:
    """The keys of configs/sample.yaml, which explains each; `label` is the key `class`, which is a word of Python.

    Raises:
        ConfigError: for a value out of range, and for keys that do not go together.
    """

    run: str | None
    checkpoint: str | None
    step: Any
    n: int | None
    seed: int
    seeds: Any
    grid: str | None
    format: str
    interpolate: str | None
    frames: int
    truncation: float
    weights: str
    output: str | None
    trust: bool
    label: Any = None
    classes: Any = None
    code: Any = None
    truncation_method: str | None = None
    method: str = PLAIN
    method_steps: int | None = None
    standing_statistics: int | None = None
    noise: str = RANDOM
    truncation_cutoff: int | None = None
    rotate: float = 0.0
    shift: Any = None
    styles: Any = None
    style_seeds: Any = None

    def __post_init__(self) -> None:
        for key in ("run", "checkpoint", "output"):
            object.__setattr__(self, key, expand_home(key, getattr(self, key)))
        if (self.run is None) == (self.checkpoint is None):
            raise ConfigError(
                "run",
                "expected one of run=RUN_DIRECTORY and checkpoint=FILE",
                self.run,
                "For example: gan-sample run=outputs/20261120-101502_dcgan_wgan_mnist_seed0",
            )
        if self.checkpoint is not None and self.step is not None:
            raise ConfigError("step", "goes with run=, not with checkpoint=, which is one step already", self.step)
        check_step("step", self.step)
        if self.n is not None:
            check_number("n", self.n, at_least=1, at_most=MAX_SAMPLES)
        check_number("seed", self.seed, at_least=0, at_most=MAX_INTEGER)
        if self.grid is not None:
            parse_grid("grid", self.grid)
        check_choice("format", self.format, FORMATS)
        if self.interpolate is not None:
            check_choice("interpolate", self.interpolate, ("linear", "slerp"))
        check_number("frames", self.frames, at_least=1, at_most=MAX_FRAMES)
        check_truncation(self.truncation, self.truncation_method or SCALE)
        object.__setattr__(self, "weights", parse_weights(self.weights))
        if self.standing_statistics is not None:
            check_number("standing_statistics", self.standing_statistics, at_least=0, at_most=MAX_BATCHES)
        check_choice("noise", self.noise, NOISE_KINDS)
        if self.truncation_cutoff is not None:
            check_number("truncation_cutoff", self.truncation_cutoff, at_least=0, at_most=MAX_LAYERS)
            if self.truncation == 1 or self.truncation_method not in (None, SCALE):
                problem = f"goes with truncation= below 1 and truncation_method={SCALE}"
                raise ConfigError("truncation_cutoff", problem, self.truncation_cutoff)
        check_number("rotate", self.rotate, at_least=-MAX_DEGREES, at_most=MAX_DEGREES)
        object.__setattr__(self, "shift", parse_shift(self.shift))
        self.check_method()
        self.check_styles()
        self.check_together()

    def check_method(self) -> None:
        """Raises ConfigError for an unknown method, and for keys that do not go with it."""
        check_choice("method", self.method, METHODS)
        if self.method_steps is not None:
            if self.method not in WITH_STEPS:
                problem = f"goes with method= {', '.join(WITH_STEPS[:-1])} and {WITH_STEPS[-1]}"
                raise ConfigError("method_steps", problem, self.method_steps)
            check_number("method_steps", self.method_steps, at_least=2, at_most=MAX_STEPS)
        if self.method == PLAIN:
            return
        if self.interpolate is not None:
            problem = "does not go with interpolate=, whose latents are between those of seeds"
            raise ConfigError("method", problem, self.method)
        if self.noise != RANDOM:
            raise ConfigError("method", "does not go with noise=, since it scores each seed with its own", self.method)
        if self.truncation != 1 and self.method not in (REJECTION, METROPOLIS_HASTINGS):
            problem = "does not go with truncation=, since it moves latents anywhere"
            raise ConfigError("method", problem, self.method)

    def check_styles(self) -> None:
        """Raises ConfigError for `styles` and `style_seeds` that are no numbers, or do not go with other keys."""
        if (self.styles is None) != (self.style_seeds is None):
            given, missing = ("styles", "style_seeds") if self.style_seeds is None else ("style_seeds", "styles")
            raise ConfigError(
                given, f"needs {missing}=", getattr(self, given), "For example styles=0-3 style_seeds=10-15."
            )
        if self.styles is None:
            return
        others = {"interpolate": None, "classes": None, "grid": None, "method": PLAIN, "format": "png"}
        for key, default in others.items():
            if getattr(self, key) != default:
                raise ConfigError("styles", f"does not go with {key}=", self.styles, "Leave one of them out.")
        if max(self.mixed_layers()) >= MAX_LAYERS:
            raise ConfigError("styles", f"expected numbers of layers below {MAX_LAYERS:,}", self.styles)
        images = (len(self.seed_list()) + 1) * (len(parse_seeds(self.style_seeds, "style_seeds")) + 1)
        if images > MAX_SAMPLES:
            raise ConfigError(
                "style_seeds", f"makes {images:,} images; expected at most {MAX_SAMPLES:,}", self.style_seeds
            )

    def mixed_layers(self) -> list[int]:
        """The layers whose styles come from `style_seeds`."""
        return parse_seeds(self.styles, "styles")

    def check_together(self) -> None:
        """Raises ConfigError for keys that do not go together."""
        if self.label is not None and self.classes is not None:
            raise ConfigError("class", "does not go with classes=, which names all classes", self.label)
        if self.code is not None and (self.label is not None or self.classes is not None):
            raise ConfigError("code", "does not go with class= and classes=", self.code, "Leave one of them out.")
        count = len(self.seed_list())
        if self.interpolate is not None and self.classes is None:
            if count < 2:
                raise ConfigError("interpolate", "needs two seeds at least", self.interpolate, "For example seeds=0-3.")
            images = (count - 1) * (self.frames + 1) + 1
            if images > MAX_SAMPLES:
                raise ConfigError("frames", f"makes {images:,} images; expected at most {MAX_SAMPLES:,}", self.frames)
        elif self.frames != FRAMES and self.interpolate is None:
            raise ConfigError("frames", "goes with interpolate=", self.frames, "Add interpolate=slerp.")
        if self.format == "gif" and self.interpolate is None:
            raise ConfigError("format", "an animation goes between seeds", "gif", "Add interpolate=slerp.")
        if self.grid is not None and self.classes is not None:
            raise ConfigError("grid", "does not go with classes=, which makes a row for each class", self.grid)
        if self.grid is not None and self.format == "png" and self.interpolate is None:
            rows, columns = parse_grid("grid", self.grid)
            if rows * columns < count:
                raise ConfigError("grid", f"has {rows * columns} cells for {count} images", self.grid)

    def seed_list(self, is_image: bool = True) -> list[int]:
        """The seeds that `seeds`, or `seed` with `n` or `grid`, ask for. Raises ConfigError where they contradict."""
        if self.seeds is not None:
            seeds = parse_seeds(self.seeds)
            if self.n is not None and self.n != len(seeds):
                raise ConfigError("n", f"seeds= names {len(seeds)} images", self.n, "Leave one of them out.")
            if self.seed:
                raise ConfigError("seed", "does not go with seeds=, which names each seed", self.seed)
            return seeds
        cells = math.prod(parse_grid("grid", self.grid)) if self.grid else None
        count = self.n or cells or self.default_count(is_image)
        return list(range(self.seed, self.seed + count))

    def default_count(self, is_image: bool) -> int:
        """How many seeds there are where no key says it; with `classes`, of each class."""
        if self.classes is not None:
            return COLUMNS if self.interpolate is None else 1
        if self.styles is not None:
            return MIXED_ROWS
        return IMAGES if is_image else POINTS

    def layout(self, count: int) -> tuple[int, int]:
        """Rows and columns of the picture of `count` images; a row for each pair of seeds with `interpolate`."""
        if self.interpolate is not None:
            columns = self.frames + 2
            return count // columns, columns
        return parse_grid("grid", self.grid) if self.grid else grid_shape(count)

    def check_data(self, data: DataSpec, layout: tuple[int, int] | None = None) -> None:
        """Raises ConfigError for what can't be made of such data.

        Args:
            data: what the generator gives.
            layout: rows and columns of the picture of all samples. Default: those of a generator without classes.
        """
        if not data.is_image:
            if self.format == "files":
                raise ConfigError("format", "this generator gives points, not images", "files", "Use format=npz.")
            return
        if self.format == "png":
            seeds = len(self.seed_list())
            rows, columns = layout or self.layout(
                seeds if self.interpolate is None else (seeds - 1) * (self.frames + 2)
            )
            pixels = rows * (data.shape[0] + 2) * columns * (data.shape[1] + 2)
            if pixels > MAX_PICTURE_PIXELS:
                problem = f"a picture of {rows:,} x {columns:,} images of this size does not fit into memory"
                raise ConfigError("format", problem, "png", "Use format=files or format=npz, or fewer images.")
