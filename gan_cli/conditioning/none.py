"""No conditioning: neither network gets labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gan_cli.conditioning import Conditioning


@dataclass(frozen=True)
class NoConditioning(Conditioning):
    """The default of `conditioning`, which changes nothing."""

    outputs: ClassVar[tuple[str, ...]] = ()


NO_CONDITIONING = NoConditioning()
