"""Latents that a discriminator chooses or improves (`method=` of gan-sample).

Each is a function of its seed, its class and the two networks alone. The candidate k and the noise of step k of a seed
are the latents of seed + k · 2⁶⁴. The formulas are those of `rejection_sampling` and `latent_optimization`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gan_cli.lazy import tf
from gan_cli.sampling.generate import BATCH
from gan_cli.sampling.latent_optimization import decayed, langevin_step, natural_gradient_step
from gan_cli.sampling.latents import Latents, SeededNoise, latents, seeded_noise
from gan_cli.sampling.loaded_generator import LoadedGenerator
from gan_cli.sampling.rejection_sampling import acceptance_logits, metropolis_hastings, running_maximum, sigmoid
from gan_cli.sampling.sampling_methods import LANGEVIN, LATENT_OPTIMIZATION, REJECTION

Score = Callable[..., Any]
"""Maps latents `[n, size]` and the arrays of their labels to logits `[n]`, differentiable by the latents."""

STRIDE = 2**64
"""From the seed of a candidate to that of the next; larger than any seed of a user."""
UNIFORMS = 2**96
"""From a seed to that of the numbers that decide over its candidates."""
BURN_IN_SEED = 2**127
BURN_IN = 256
"""Examples of a class whose largest logit the running maximum of DRS starts from."""
SHIFT_PERCENT = 80.0
"""The percentile of the burn-in's acceptance logits that is accepted with probability 1/2."""
ALPHA, DAMPING = 0.9, 0.1
"""Of LOGAN, as in PyTorch-StudioGAN's configurations."""
RATE, DECAY = 0.01, 0.5
"""Of DDLS: the rate of a step, and what it is multiplied by after each quarter of the steps."""


@dataclass(frozen=True)
class GuidedLatents:
    """Takes the latents of seeds with the help of a discriminator.

    Attributes:
        generator: whose latents they are.
        score: the discriminator's logits; its arguments after the latents are those of `given`.
        labels_of_score: maps labels, None or an array `[n, ...]`, to arrays.
        method: one of METHODS, but `plain`.
        steps: candidates of a seed, or steps of Langevin sampling.
        truncation, truncation_method: of the latents of candidates.
    """

    generator: LoadedGenerator
    score: Score
    labels_of_score: Callable[[np.ndarray | None], list[np.ndarray]]
    method: str
    steps: int
    truncation: float = 1.0
    truncation_method: str = "scale"
    burn_ins: dict[bytes, tuple[np.ndarray, float]] = field(default_factory=dict, repr=False, compare=False)

    def latents(self, seeds: Sequence[int], labels: np.ndarray | None) -> Latents:
        """The latents of these seeds with their labels."""
        if self.method in (LANGEVIN, LATENT_OPTIMIZATION):
            return Latents(self.moved(seeds, labels), labels, self.noise(seeds))
        each = [None] * len(seeds) if labels is None else list(labels[:, None])
        rows = [self.chosen(int(seed), label) for seed, label in zip(seeds, each, strict=True)]
        return Latents(np.stack(rows), labels, self.noise(seeds))

    def noise(self, seeds: Sequence[int]) -> SeededNoise | None:
        return seeded_noise([int(seed) for seed in seeds], self.generator.metadata.noise_size)

    def chosen(self, seed: int, label: np.ndarray | None) -> np.ndarray:
        """The latent of one seed, float32 `[size]`: one of its candidates. `label` is `[1, ...]`."""
        z = self.plain([seed + place * STRIDE for place in range(self.steps)])
        logits = self.logits(z, label, [seed] * self.steps)
        uniforms = (latents([seed + UNIFORMS], self.steps, "uniform")[0] + 1.0) / 2.0
        if self.method == REJECTION:
            burn_in, gamma = self.burn_in(label)
            acceptance, _ = acceptance_logits(logits, running_maximum(logits, burn_in))
            accepted = np.flatnonzero(uniforms < sigmoid(acceptance - gamma))
            place = int(accepted[0]) if len(accepted) else int(acceptance.argmax())
        else:
            place = int(metropolis_hastings(logits, uniforms[1:])[1][-1])
        row: np.ndarray = z[place]
        return row

    def burn_in(self, label: np.ndarray | None) -> tuple[np.ndarray, float]:
        """Logits of the burn-in of a class, and gamma."""
        key = b"" if label is None else label.tobytes()
        if key not in self.burn_ins:
            seeds = [BURN_IN_SEED + place for place in range(BURN_IN)]
            logits = self.logits(self.plain(seeds), label, seeds)
            maxima = np.full(len(logits), logits.max())
            self.burn_ins[key] = logits, acceptance_logits(logits, maxima, SHIFT_PERCENT)[1]
        return self.burn_ins[key]

    def moved(self, seeds: Sequence[int], labels: np.ndarray | None) -> np.ndarray:
        """Latents that follow the gradient of the discriminator, float32 `[n, size]`."""
        found = []
        for start in range(0, len(seeds), BATCH):
            part = [int(seed) for seed in seeds[start : start + BATCH]]
            z = self.plain(part)
            given = self.given(None if labels is None else labels[start : start + BATCH], part)
            if self.method == LATENT_OPTIMIZATION:
                z = self.batch(self.optimize, z, given)
            else:
                for step in range(self.steps):
                    noise = self.plain([seed + (step + 1) * STRIDE for seed in part])
                    rate = np.full((len(part), 1), decayed(RATE, step, DECAY, max(1, self.steps // 4)), np.float32)
                    z = self.batch(self.walk, z, [noise, rate, *given])
            found.append(z)
        return np.concatenate(found)

    def plain(self, seeds: Sequence[int]) -> np.ndarray:
        """The latents of seeds, float32 `[n, size]`."""
        about = self.generator.metadata
        return latents(seeds, about.latent_size, about.latent_distribution, self.truncation, self.truncation_method)

    def given(self, labels: np.ndarray | None, seeds: Sequence[int]) -> list[np.ndarray]:
        """The arguments of the score after the latents: arrays of labels, and the noise of seeds if it takes some."""
        noise = self.noise(seeds)
        return [*self.labels_of_score(labels), *([] if noise is None else [noise.array()])]

    def logits(self, z: np.ndarray, label: np.ndarray | None, seeds: Sequence[int] | None = None) -> np.ndarray:
        """The logits of latents `[n, size]` of one class with the noise of seeds `[n]`, 0 .. n - 1 by default."""
        found, seeds = [], range(len(z)) if seeds is None else seeds
        for start in range(0, len(z), BATCH):
            part = z[start : start + BATCH]
            labels = None if label is None else np.repeat(label, len(part), axis=0)
            given = self.given(labels, seeds[start : start + BATCH])
            found.append(self.batch(self.compiled_score, part, given))
        return np.concatenate(found).astype(np.float64)

    def batch(self, function: Callable[..., Any], z: np.ndarray, given: Sequence[np.ndarray]) -> np.ndarray:
        """Calls a function with BATCH rows, so that a row does not depend on the number of others."""
        rows = np.minimum(np.arange(BATCH), len(z) - 1)
        values: np.ndarray = function(*(tf.constant(array[rows]) for array in (z, *given))).numpy()
        return values[: len(z)]

    @cached_property
    def compiled_score(self) -> Callable[..., Any]:
        return tf.function(self.score, autograph=False)

    @cached_property
    def optimize(self) -> Callable[..., Any]:
        """One step of LOGAN; latents of a uniform distribution stay within it."""
        bound = 1.0 if self.generator.metadata.latent_distribution == "uniform" else None

        def step(z: Any, *given: Any) -> Any:
            return natural_gradient_step(lambda one: self.score(one, *given), z, ALPHA, DAMPING, bound=bound).latents

        return tf.function(step, autograph=False)

    @cached_property
    def walk(self) -> Callable[..., Any]:
        """One step of Langevin sampling."""

        def step(z: Any, noise: Any, rate: Any, *given: Any) -> Any:
            return langevin_step(lambda one: self.score(one, *given), z, rate, noise)

        return tf.function(step, autograph=False)
