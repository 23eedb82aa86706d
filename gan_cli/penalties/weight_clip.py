"""Weight clipping: limits every weight of the critic to an interval.

Arjovsky et al. 2017, "Wasserstein GAN", arXiv:1701.07875, Algorithm 1, line 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gan_cli.errors import check_number
from gan_cli.lazy import tf
from gan_cli.penalties import Projection


@dataclass(frozen=True)
class WeightClip(Projection):
    """w <- clip(w, -c, c) after each update of the critic, for every trainable variable.

    Attributes:
        limit: c, above 0.

    Raises:
        ConfigError: where `limit` is not above 0.
    """

    limit: float = 0.01

    def __post_init__(self) -> None:
        check_number("limit", self.limit, above=0.0)

    def project(self, variables: Sequence[Any]) -> None:
        """Assigns to each variable its nearest value in [-limit, limit]."""
        for variable in variables:
            variable.assign(tf.clip_by_value(tf.convert_to_tensor(variable), -self.limit, self.limit))
