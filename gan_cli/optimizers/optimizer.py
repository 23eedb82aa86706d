"""What all optimizers have in common: a learning rate for each network, its schedule, a limit on the gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

from gan_cli.errors import ConfigError, check_choice, check_number
from gan_cli.optimizers.learning_rate_schedule import rate_at
from gan_cli.schedule import SHAPES, Schedule


@dataclass(frozen=True)
class Optimizer(ABC):
    """The learning rates of both networks and how they change.

    Attributes:
        generator_learning_rate: at least 0; 0 freezes the generator.
        discriminator_learning_rate: at least 0; two rates may differ (TTUR, arXiv:1706.08500).
        learning_rate: what the other two are unless they are set (in YAML, they refer to it).
        schedule: `constant`, `linear` or `cosine`.
        warmup_steps: generator updates during which the rates grow from nearly 0.
        decay_steps: the generator update at which the schedule reaches its end.
        final_fraction: share of the rates that is left then, in [0, 1].
        clip_norm: largest norm of all gradients of a network together; None for no limit.
        decays: names of the fields that say which share of a moving mean an update keeps.

    Raises:
        ConfigError: where a number is outside its range or the decay ends before the warm-up.
    """

    learning_rate: float = 2e-4
    generator_learning_rate: float = 2e-4
    discriminator_learning_rate: float = 2e-4
    schedule: str = "constant"
    warmup_steps: int = 0
    decay_steps: int = 10_000
    final_fraction: float = 0.0
    clip_norm: float | None = None

    decays: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_number("learning_rate", self.learning_rate, at_least=0.0)
        check_number("generator_learning_rate", self.generator_learning_rate, at_least=0.0)
        check_number("discriminator_learning_rate", self.discriminator_learning_rate, at_least=0.0)
        check_choice("schedule", self.schedule, SHAPES)
        check_number("warmup_steps", self.warmup_steps, at_least=0)
        check_number("decay_steps", self.decay_steps, at_least=0)
        check_number("final_fraction", self.final_fraction, at_least=0.0, at_most=1.0)
        if self.clip_norm is not None:
            check_number("clip_norm", self.clip_norm, above=0.0)
        if self.schedule != "constant" and 0 < self.decay_steps <= self.warmup_steps:
            raise ConfigError(
                "decay_steps", f"the decay ends before the warm-up of {self.warmup_steps} steps does", self.decay_steps,
                "Train for more steps or set a smaller warmup_steps.",
            )  # fmt: skip

    @property
    def beta_2_schedule(self) -> Schedule | None:
        """How Adam's beta_2 changes during training. None where it does not, or where there is none."""
        return None

    @abstractmethod
    def create(self, name: str, learning_rate: float) -> Any:
        """A new Keras optimizer of that name, with this `learning_rate` and the numbers of `self`."""

    def with_update_ratio(self, ratio: float) -> Self:
        """The same for a network that is updated 1 / `ratio` times a step: its moving means forget as fast in steps.

        Only numbers are corrected: a schedule's value is assigned at each step, see `AdversarialStep`, as is the
        learning rate, which is `ratio` times as large (`gan_cli.optimizers.lazy_regularization`).
        """
        numbers = {name: getattr(self, name) for name in self.decays if not isinstance(getattr(self, name), Schedule)}
        return replace(self, **{name: number**ratio for name, number in numbers.items()})

    def for_generator(self) -> Any:
        """A new `keras.optimizers.Optimizer` for the generator."""
        return self.create("generator_optimizer", self.generator_learning_rate)

    def for_discriminator(self) -> Any:
        """A new `keras.optimizers.Optimizer` for the discriminator."""
        return self.create("discriminator_optimizer", self.discriminator_learning_rate)

    def generator_rate(self, step: Any) -> Any:
        """The generator's learning rate at `step` (generator updates, from 0): a float32 scalar."""
        return self.generator_learning_rate * self._share(step)

    def discriminator_rate(self, step: Any) -> Any:
        """The discriminator's learning rate at `step` (generator updates, from 0): a float32 scalar."""
        return self.discriminator_learning_rate * self._share(step)

    def _share(self, step: Any) -> Any:
        return rate_at(step, self.schedule, self.warmup_steps, self.decay_steps, self.final_fraction)
