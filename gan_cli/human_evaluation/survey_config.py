"""The keys of configs/human.yaml, typed and checked, with no TensorFlow loaded yet."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gan_cli.data.image_decoding import DEFAULT_MEGAPIXELS
from gan_cli.data.input_paths import expand_home
from gan_cli.errors import ConfigError, check_number
from gan_cli.evaluation.real_data import FileOptions
from gan_cli.number_limits import MAX_INTEGER, check_step
from gan_cli.sampling.generator_weights import check_without_generator, parse_weights

MOST_IMAGES = 2_000
"""More than a person looks at in one sitting; the page holds them all."""
WITH_RESULTS = ("results", "output", "json", "trust")
"""The keys that go with `results`; all others are about a page."""
SHORTEST, LONGEST = 0.02, 60.0
"""Seconds: a frame of most screens takes 1/60; a longer look is as good as no limit."""


@dataclass(frozen=True)
class HumanJob:
    """What `gan-eval human` is asked for: a page, or what the answers to pages come to. The YAML explains each key.

    Raises:
        ConfigError: for values out of range, and keys that do not go together.
    """

    run: str | None = None
    step: Any = None
    checkpoint: str | None = None
    fake: str | None = None
    real: str | None = None
    image_size: Any = None
    channels: Any = "auto"
    max_megapixels: float = DEFAULT_MEGAPIXELS
    value_range: Any = "auto"
    memory_limit: float = 2.0
    n: int = 100
    seed: int = 0
    seconds: float | None = None
    weights: str = "ema"
    truncation: float = 1.0
    results: Any = None
    output: str | None = None
    json: bool = False
    trust: bool = False
    show_class: bool = False

    def __post_init__(self) -> None:
        for key in ("run", "checkpoint", "fake", "real", "results", "output"):
            object.__setattr__(self, key, expand_home(key, getattr(self, key)))
        given = [key for key in ("run", "checkpoint", "fake", "results") if getattr(self, key) is not None]
        if len(given) != 1:
            problem = "expected one of run=RUN, checkpoint=FILE, fake=FOLDER_OR_FILE and results=[FILES]"
            advice = "For example: gan-eval human run=outputs/20261120-101502_dcgan_wgan_mnist_seed0"
            key = given[1] if given else "run"
            raise ConfigError(key, problem, getattr(self, key), advice)
        if self.results is not None:
            self.check_pooling()
        else:
            self.check_page()

    def check_pooling(self) -> None:
        """Raises ConfigError unless `results` names files and goes with the other keys."""
        names = self.results if isinstance(self.results, list) else [self.results]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise ConfigError("results", "expected files or folders of answers: [ann.json,ben.json]", self.results)
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name not in WITH_RESULTS and value != field.default:
                raise ConfigError(field.name, "goes with a page, not with results=", value)
        self.check_ending(".json")

    def check_page(self) -> None:
        """Raises ConfigError for what a page can't be made of."""
        if self.step is not None and self.run is None:
            raise ConfigError("step", "goes with run=", self.step)
        if self.fake is not None and self.real is None:
            raise ConfigError("real", "is needed beside fake=", advice="Name a folder of pictures or an array file.")
        if self.fake is not None:
            check_without_generator(self.weights, self.truncation)
        if self.json:
            raise ConfigError("json", "goes with results=, not with a page", self.json)
        check_step("step", self.step)
        _ = self.file_options  # checks them
        check_number("n", self.n, at_least=2, at_most=MOST_IMAGES)
        if self.n % 2:
            raise ConfigError("n", "expected an even number: half of the images are real", self.n)
        check_number("seed", self.seed, at_least=0, at_most=MAX_INTEGER - MOST_IMAGES)
        if self.seconds is not None:
            check_number("seconds", self.seconds, at_least=SHORTEST, at_most=LONGEST)
        object.__setattr__(self, "weights", parse_weights(self.weights))
        check_number("truncation", self.truncation, above=0, at_most=1)
        self.check_ending(".html")

    def check_ending(self, ending: str) -> None:
        if self.output is not None and Path(self.output).suffix != ending:
            raise ConfigError("output", f"expected a name that ends in {ending}", self.output)

    @property
    def file_options(self) -> FileOptions:
        """How the files of `real` and `fake` are read. Raises ConfigError for values that can't be."""
        return FileOptions.of(self)

    @property
    def result_names(self) -> list[str]:
        return self.results if isinstance(self.results, list) else [self.results]
