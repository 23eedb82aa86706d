"""How much of the learning rate is left at a step: a warm-up, then a constant, a line or half a cosine."""

from __future__ import annotations

from typing import Any

from gan_cli.lazy import tf
from gan_cli.schedule import remaining


def rate_at(step: Any, schedule: str, warmup_steps: int, decay_steps: int, final_fraction: float) -> Any:
    """The share of the full learning rate at `step`.

    A linear warm-up from 1 / warmup_steps to 1, which `linear` and `cosine` (Loshchilov & Hutter 2016, SGDR,
    arXiv:1608.03983, equation 5, without restarts) follow from step `warmup_steps` on until step `decay_steps`.

    Args:
        step: whole number or scalar integer tensor, from 0, in generator updates.
        schedule: one of `gan_cli.schedule.SHAPES`.
        warmup_steps: how many steps the warm-up takes, 0 for none.
        decay_steps: the step at which the schedule reaches its end, warm-up included.
        final_fraction: what is left from there on, in [0, 1]; `constant` does not use it.

    Returns:
        float32 scalar tensor in [0, 1].
    """
    step = tf.cast(step, tf.float32)
    warmup = tf.minimum((step + 1.0) / max(warmup_steps, 1), 1.0)
    if schedule == "constant":
        return warmup
    progress = tf.clip_by_value((step - warmup_steps) / max(decay_steps - warmup_steps, 1), 0.0, 1.0)
    return warmup * (final_fraction + (1.0 - final_fraction) * remaining(progress, schedule))
