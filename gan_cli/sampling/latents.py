"""Latents from seeds: a seed gives the same latent on every machine, in every batch and order.

NumPy promises that a bit generator's raw stream never changes, but not that its `normal()` does not (NEP 19). So the
raw 64-bit words of Philox (Salmon et al. 2011), keyed by the seed, are taken, and the step from there to a
distribution is ours: 53 bits to a number in [0, 1), Box and Muller (1958) to a normal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gan_cli.errors import check_choice, check_number
from gan_cli.models.condition import Condition
from gan_cli.sampling.truncated_normal import truncate_normal, within_threshold

DISTRIBUTIONS = ("normal", "uniform")
SCALE, RESAMPLE, REDRAW = "scale", "resample", "redraw"
"""How latents are truncated."""
LARGEST_THRESHOLD = 8.0
"""Of `resample` and `redraw`: a normal number is beyond it with probability 1e-15."""
SMALLEST_REDRAW = 0.01
"""Threshold of `redraw`: 125 numbers are drawn for one that is kept."""
NEXT_DRAWS = 2**64
"""From a seed to that of its next draws; larger than any seed of a user."""
NOISE_SEEDS = 2**112
"""From the seed of a latent to that of its noise; beyond the next draws, candidates and their decisions."""
RANDOM, CONSTANT, ZERO = NOISE_KINDS = ("random", "constant", "none")
NO_NOISE = -1
DRAWS = 4096
"""Numbers of a seed that `redraw` draws at once."""


@dataclass(frozen=True)
class Latents:
    """Inputs of a generator.

    Attributes:
        z: float32 `[n, size]`.
        labels: int32 `[n]`, the class of each sample, or its condition, float32 `[n, size]`, as
            `gan_cli.models.condition` has it; None for a generator without classes.
        noise: the further normal numbers of each sample; None for a generator without (`ModelPair.noise_size`).
        truncation: of the styles w of StyleGAN; None for none.
    """

    z: np.ndarray
    labels: np.ndarray | None = None
    noise: SeededNoise | None = None
    truncation: WTruncation | None = None

    def __len__(self) -> int:
        return len(self.z)

    def __getitem__(self, rows: slice | np.ndarray) -> Latents:
        labels = None if self.labels is None else self.labels[rows]
        noise = None if self.noise is None else self.noise[rows]
        return replace(self, z=self.z[rows], labels=labels, noise=noise)

    def padded(self, count: int) -> Latents:
        """The same with the last row repeated until there are `count` rows."""
        return self[np.minimum(np.arange(count), len(self) - 1)]

    def arrays(self) -> list[np.ndarray]:
        """The arrays that a model takes: float32 z, then int32 labels or float32 conditions, and noise, if any."""
        arrays = [self.z.astype(np.float32, copy=False)]
        if self.labels is not None:
            arrays.append(self.labels.astype(np.int32 if self.labels.ndim == 1 else np.float32, copy=False))
        return arrays if self.noise is None else [*arrays, self.noise.array()]

    def with_condition(self, condition: Condition | None) -> Latents:
        """The same with each label as the condition of a generator that takes one."""
        if condition is None or self.labels is None or self.labels.ndim > 1:
            return self
        return replace(self, labels=condition.array(self.labels))


@dataclass(frozen=True)
class WTruncation:
    """Truncation of styles: w is moved towards its average, average + psi (w - average).

    Attributes:
        psi: in (0, 1].
        cutoff: how many of the first layers get the moved w; None for all.
    """

    psi: float
    cutoff: int | None = None


@dataclass(frozen=True, eq=False)
class SeededNoise:
    """Normal numbers for each sample, drawn where they are needed: they are many.

    Attributes:
        seeds: whole numbers `[n]`, of the samples' latents; NO_NOISE for zeros.
        size: numbers of a sample.
    """

    seeds: Sequence[int]
    size: int

    def __getitem__(self, rows: slice | np.ndarray) -> SeededNoise:
        return SeededNoise(list(np.array(self.seeds, object)[rows]), self.size)

    def array(self) -> np.ndarray:
        """float32 `[n, size]`, each row a function of its seed alone."""
        rows = {seed: self.row(int(seed)) for seed in dict.fromkeys(self.seeds)}
        return np.stack([rows[seed] for seed in self.seeds])

    def row(self, seed: int) -> np.ndarray:
        found: np.ndarray = np.zeros(self.size, np.float32)
        return found if seed == NO_NOISE else latents([seed + NOISE_SEEDS], self.size, "normal")[0]


def seeded_noise(seeds: Iterable[int], size: int, kind: str = RANDOM) -> SeededNoise | None:
    """The noise of samples with these seeds: their own, `constant` for the same, `none` for zeros; None of size 0."""
    fixed = {CONSTANT: 0, ZERO: NO_NOISE}
    return SeededNoise([fixed.get(kind, seed) for seed in seeds], size) if size else None


def cycled(z: np.ndarray, condition: Condition | None, noise: SeededNoise | None = None) -> Latents:
    """Latents `[n, size]`, the i-th of class i modulo the number of classes where the generator takes a condition."""
    labels = None if condition is None else condition.array(np.arange(len(z)) % condition.classes)
    return Latents(z, labels, noise)


def latents(
    seeds: Iterable[int], size: int, distribution: str, truncation: float = 1.0, method: str = SCALE
) -> np.ndarray:
    """Latents, one for each seed, each a function of its own seed alone: not of their number or order.

    Args:
        seeds: whole numbers from 0 to 2¹²⁸ - 1.
        size: length of a latent.
        distribution: `normal` (mean 0, deviation 1) or `uniform` on [-1, 1].
        truncation: in (0, 1]; every latent is multiplied by it, which moves it towards the mean latent, zero, as ψ
            does in StyleGAN (arXiv:1812.04948 appendix B, there in the space w): less variety, more typical examples.
            1 leaves it alone. Scaling keeps the direction, so that one seed at 0.5 and at 1 is recognisably the same
            example.
        method: with `resample` and `redraw`, truncation is the threshold of `gan_cli.sampling.truncated_normal`, up
            to 8, for normal latents.

    Returns:
        float32 `[len(seeds), size]`.

    Raises:
        ValueError: for a negative or too large seed, an unknown distribution, or a truncation out of range.
    """
    if distribution not in DISTRIBUTIONS:
        raise ValueError(f"distribution={distribution}: expected one of {', '.join(DISTRIBUTIONS)}.")
    check_truncation(truncation, method)
    if method == REDRAW:
        redrawn = [_redrawn(int(seed), size, truncation) for seed in seeds]
        return np.stack(redrawn).astype(np.float32) if redrawn else np.zeros((0, size), np.float32)
    rows = [_words(int(seed), size + size % 2) for seed in seeds]
    if not rows:
        return np.zeros((0, size), np.float32)
    values = (_normal if distribution == "normal" else _uniform)(np.stack(rows), size)
    return (truncate_normal(values, truncation) if method == RESAMPLE else truncation * values).astype(np.float32)


def check_truncation(truncation: float, method: str) -> None:
    """Raises ConfigError for an unknown method, and a truncation out of its range."""
    check_choice("truncation_method", method, (SCALE, RESAMPLE, REDRAW))
    if method == REDRAW:
        check_number("truncation", truncation, at_least=SMALLEST_REDRAW, at_most=LARGEST_THRESHOLD)
    else:
        check_number("truncation", truncation, above=0, at_most=1 if method == SCALE else LARGEST_THRESHOLD)


def _redrawn(seed: int, size: int, threshold: float) -> np.ndarray:
    """The first `size` normal numbers of a seed that are within the threshold."""
    kept = np.zeros(0)
    while len(kept) < size:
        kept = np.append(kept, within_threshold(_normal(_words(seed, DRAWS)[None], DRAWS)[0], threshold))
        seed += NEXT_DRAWS
    return kept[:size]


def _words(seed: int, count: int) -> np.ndarray:
    """`count` independent float64 in [0, 1)."""
    if not 0 <= seed < 2**128:
        raise ValueError(f"seed={seed}: expected a whole number from 0 to 2**128 - 1.")
    raw = np.random.Philox(key=seed).random_raw(count)
    return (raw >> np.uint64(11)) * 2.0**-53


def _uniform(words: np.ndarray, size: int) -> np.ndarray:
    """Numbers on [-1, 1], `[n, size]`, from words `[n, size or one more]`."""
    return 2 * words[:, :size] - 1


def _normal(words: np.ndarray, size: int) -> np.ndarray:
    """Normal numbers `[n, size]` from words `[n, size or one more]`: radii from the first half, angles from the other.

    Both halves are contiguous, since NumPy may round the functions of others differently.
    """
    first, second = np.ascontiguousarray(np.split(words, 2, axis=1))
    radius = np.sqrt(-2 * np.log(1 - first))  # 1 - word lies in (0, 1], where the logarithm is finite
    angle = 2 * np.pi * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :size]
