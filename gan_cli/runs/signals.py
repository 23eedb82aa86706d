"""Signal handlers that stop training on request: the current graph call finishes, so that the state can be saved.

Ctrl-C (SIGINT), SIGTERM and SIGHUP (the terminal was closed) are requests. A second SIGINT or SIGTERM ends the process
at once. SIGHUP never does: a closing terminal may send it several times, and together with SIGTERM.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequest:
    """Whether a stop was requested, and by which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.receivers: list[Callable[[int], object]] = []

    def forward_to(self, receiver: Callable[[int], object]) -> None:
        """Calls `receiver` with each signal that comes."""
        self.receivers.append(receiver)

    @property
    def requested(self) -> bool:
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as in shells: 130 for SIGINT, 143 for SIGTERM, 129 for SIGHUP; 0 for none."""
        return 0 if self.signal is None else 128 + self.signal


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Turns STOP_SIGNALS into a request while the context is open.

    SIGHUP stays ignored where it was ignored before, as under `nohup`.
    """
    request = StopRequest()
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    if before[signal.SIGHUP] == signal.SIG_IGN:
        del before[signal.SIGHUP]

    def handle(number: int, frame: FrameType | None) -> None:
        if request.signal is None:
            request.signal = number
        if number != signal.SIGHUP:
            for each, handler in before.items():
                if each != signal.SIGHUP:
                    signal.signal(each, handler)
        for receiver in request.receivers:
            receiver(number)

    for number in before:
        signal.signal(number, handle)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
