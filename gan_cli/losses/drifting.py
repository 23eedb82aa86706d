"""Drifting: the generator regresses to its own samples, each moved along the drift field; no adversary.

Deng et al. 2026, "Generative Modeling via Drifting", arXiv:2602.04770. The field compares samples in a space of vectors
φ(x): the values of examples, the features of a fixed network, or those of a discriminator that is trained beside the
generator. With s the mean distance of φ(G(z)) to the other samples, the generator's loss is

    E[ || φ(G(z)) / s - stop_gradient(φ(G(z)) / s + Σ_τ V_τ / ||V_τ||) ||² ],      ||V||² = E[|V(x)|²].

The stopped gradient is part of the method: without it there is no gradient flow that training follows ("Generative
Drifting is Secretly Score Matching", arXiv:2603.09936, which also anneals the width of the kernel).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.lazy import tf
from gan_cli.losses import FEATURES, LOGITS, PIXELS, DiscriminatorOutput, Loss
from gan_cli.losses.drift_field import KERNELS, LAPLACE, NORMALIZATIONS, SOFTMAX, drift, log_kernel, mean_distance
from gan_cli.losses.feature_matching import check_layer
from gan_cli.losses.kernel_loss import as_list, check_widths
from gan_cli.losses.non_saturating import cross_entropy

DISCRIMINATOR = "discriminator"
OUTPUTS = {"pixels": PIXELS, "features": FEATURES, DISCRIMINATOR: LOGITS}
SMALLEST = 1e-12
"""Lower bound for the length of a drift, where all samples are equal."""


@dataclass(frozen=True)
class DriftingLoss(Loss):
    """The regression of the generator to its drifted samples.

    Attributes:
        kernel: `laplace`, exp(-|x - y| / τ), or `gaussian`, exp(-|x - y|² / τ), distances in units of their mean.
        temperatures: τ, above 0, or several, whose drifts are added.
        normalization: `softmax` or `sinkhorn`, see `gan_cli.losses.drift_field`.
        iterations: of Sinkhorn's algorithm, at least 1.
        rescale: whether the drift of each temperature is divided by its root mean square. Without it the loss is the
            mean square of the drift, which falls to 0; with it, it is about constant.
        positives: real examples of a step, at least 1; None for `train.batch_size`.
        space: `pixels`, `features` (of `features=...`) or `discriminator`.
        layer: with `space=discriminator` its layer, `auto` for the last one before the output.
        annealing_start: factor of all temperatures at step 0, above 0.
        annealing_steps: the step at which the factor, which changes geometrically, has come to 1; at least 1.

    Raises:
        ConfigError: where a value is outside its range.
    """

    kernel: str = LAPLACE
    temperatures: Any = (0.02, 0.05, 0.2)
    normalization: str = SOFTMAX
    iterations: int = 10
    rescale: bool = True
    positives: int | None = None
    space: str = "pixels"
    layer: str = "auto"
    annealing_start: float = 1.0
    annealing_steps: int | None = None

    generator_needs_real: ClassVar[bool] = True
    uses_step: ClassVar[bool] = True
    decision_threshold: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        check_choice("kernel", self.kernel, KERNELS)
        check_widths("temperatures", self.temperatures, "a number or several such as [0.02,0.05,0.2]")
        check_choice("normalization", self.normalization, NORMALIZATIONS)
        check_number("iterations", self.iterations, at_least=1)
        check_choice("space", self.space, OUTPUTS)
        check_layer(self.layer)
        check_number("annealing_start", self.annealing_start, above=0.0)
        if self.annealing_steps is not None:
            check_number("annealing_steps", self.annealing_steps, at_least=1)
        elif self.annealing_start != 1.0:
            raise ConfigError("annealing_steps", "is needed where annealing_start is not 1", None)
        if self.positives is not None:
            check_number("positives", self.positives, at_least=1)
            if self.space == DISCRIMINATOR:
                problem = "a discriminator gets as many real examples as generated ones"
                raise ConfigError("positives", problem, self.positives, "Leave it out, and set train.batch_size.")

    @property
    def output(self) -> str:  # type: ignore[override]
        return OUTPUTS[self.space]

    @property
    def real_examples(self) -> int | None:
        return self.positives

    def discriminator(self, real: DiscriminatorOutput, fake: DiscriminatorOutput, **_: Any) -> Any:
        """Returns the cross-entropy of a discriminator that is trained beside the generator; 0 without one."""
        if self.space == DISCRIMINATOR:
            return cross_entropy(real.logits, fake.logits, 1.0)
        return tf.constant(0.0)

    def generator(self, fake: DiscriminatorOutput, real: DiscriminatorOutput | None, *, step: Any = 0, **_: Any) -> Any:
        """Returns a float32 scalar, at least 0."""
        if real is None:
            raise ValueError("the loss of the generator compares generated examples with real ones")
        vectors = self.vectors(fake)
        x, positives = tf.stop_gradient(vectors), tf.stop_gradient(self.vectors(real))
        scale = mean_distance(x, positives, x, is_own=True)
        target = tf.stop_gradient(x / scale + self.total_drift(x / scale, positives / scale, step))
        return tf.reduce_mean(tf.reduce_sum(tf.square(vectors / scale - target), axis=1))

    def total_drift(self, x: Any, positives: Any, step: Any) -> Any:
        """Returns the sum of the drifts of all temperatures, `[n, dimensions]`, in units of the mean distance."""
        total = tf.zeros_like(x)
        for temperature in as_list(self.temperatures):
            movement = drift(
                x,
                positives,
                x,
                kernel=self.kernel,
                temperature=temperature * self.annealing_factor(step),
                normalization=self.normalization,
                mask_own=True,
                iterations=self.iterations,
            )
            if self.rescale:
                mean_square = tf.reduce_mean(tf.reduce_sum(tf.square(movement), axis=1))
                movement /= tf.maximum(tf.sqrt(mean_square), SMALLEST)
            total += movement
        return total

    def annealing_factor(self, step: Any) -> Any:
        """Returns the factor of all temperatures at a step: `annealing_start` to the power of what is left, 1 to 0."""
        if self.annealing_start == 1.0 or self.annealing_steps is None:
            return 1.0
        done = tf.minimum(tf.cast(step, tf.float32) / float(self.annealing_steps), 1.0)
        return tf.pow(float(self.annealing_start), 1.0 - done)

    def vectors(self, output: DiscriminatorOutput) -> Any:
        """Returns the vectors that are compared, float32 `[n, dimensions]`."""
        if self.space != DISCRIMINATOR:
            return output.embedding
        features = tf.nest.flatten(output.features[self.layer])
        rows = [tf.reshape(one, [one.shape[0], -1]) for one in features]
        return rows[0] if len(rows) == 1 else tf.concat(rows, axis=1)

    def mmd_witness(self, embedding: Any, real: Any, fake: Any) -> Any:
        """Returns the log ratio of kernel density estimates of real and of generated samples, float32 `[n]`.

        The kernel is that of the largest temperature, without annealing. With a Gaussian kernel its gradient is
        proportional to the drift of one-sided normalisation. If `embedding` is the same tensor as `real` or `fake`, no
        example is compared with itself.
        """
        scale = mean_distance(embedding, real, fake, is_own=embedding is fake)
        temperature = max(as_list(self.temperatures))
        densities = []
        for sample in (real, fake):
            logarithms = log_kernel(embedding / scale, sample / scale, self.kernel, temperature)
            others = sample.shape[0]
            if embedding is sample and others > 1:
                infinite = tf.fill([others], -float("inf"))
                logarithms, others = tf.linalg.set_diag(logarithms, infinite), others - 1
            densities.append(tf.reduce_logsumexp(logarithms, axis=1) - tf.math.log(float(others)))
        return densities[0] - densities[1]
