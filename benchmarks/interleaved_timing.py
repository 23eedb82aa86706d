"""Turns: contenders in processes of their own, of which one at a time works while the others wait.

Machines are shared and their clocks vary, so rates that were measured one after the other can't be compared. Here each
contender starts once, gets ready, and then does a short turn whenever it is asked to. A round is one turn of each, and
what is compared is the ratio of two contenders within a round.

Contenders answer in JSON lines on what was their standard output; anything else that they print goes to standard error.
A turn counts if other processes left the machine alone meanwhile: two threads that wait for each other lose far more
than the share that a third one takes, PyTorch's above all.

Nothing here needs more than Python on Linux, since PyTorch may be installed for another interpreter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

TICKS = os.sysconf("SC_CLK_TCK")
GLANCE = 0.3  # seconds of looking at whether the machine is quiet
MOST_OF_OTHERS = 0.05  # share of the machine that other processes may take in a turn that counts


def answer_channel() -> TextIO:
    """What was standard output; from here on, prints go to standard error."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return channel


class Line:
    """A contender's line to the benchmark."""

    def __init__(self) -> None:
        self.answers = answer_channel()

    def tell(self, **values: Any) -> None:
        self.answers.write(json.dumps(values) + "\n")
        self.answers.flush()

    def wait_for_turn(self) -> float | None:
        """How many seconds the next turn should last; None when there are no more."""
        word = sys.stdin.readline().strip()
        return float(word) if word else None

    def serve(self, advance: Callable[[], int], **about: Any) -> None:
        """Takes turns until there are no more.

        Args:
            advance: trains a little, waits until that is done, and gives the number of examples.
            about: versions and the like, sent once.
        """
        advance()  # compiles
        advance()
        self.tell(**about)
        while (seconds := self.wait_for_turn()) is not None:
            examples, began = 0, time.perf_counter()
            while time.perf_counter() - began < seconds:
                examples += advance()
            self.tell(examples=examples, seconds=time.perf_counter() - began)


@dataclass
class Contender:
    """A running contender, seen from the benchmark.

    Attributes:
        about: what it sent about itself: versions and the like.
        turns: what it sent after each turn that counts, in order of the rounds.
    """

    name: str
    process: subprocess.Popen[str]
    errors: Any
    about: dict[str, Any]
    turns: list[dict[str, Any]]

    @classmethod
    def start(cls, name: str, command: list[str]) -> Contender:
        """Starts it and waits until it is ready. Raises RuntimeError with what it printed if it ends instead."""
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (open as long as the process runs)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True)
        contender = cls(name, process, errors, {}, [])
        contender.about = contender.listen()
        return contender

    def listen(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            self.errors.seek(0)
            raise RuntimeError(f"{self.name} ended early:\n{self.errors.read()[-4000:]}")
        answer: dict[str, Any] = json.loads(text)
        return answer

    def take_turn(self, seconds: float) -> dict[str, Any]:
        """What it sends after a turn, and with it the seconds that its threads computed, all together (`computed`),
        and the share of the machine that other processes took meanwhile (`others`).
        """
        assert self.process.stdin is not None
        began, busy, own = time.perf_counter(), busy_seconds(), self.processor_seconds()
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        answer = self.listen()
        computed = self.processor_seconds() - own
        elsewhere = (busy_seconds() - busy - computed) / (time.perf_counter() - began) / (os.cpu_count() or 1)
        return answer | {"computed": computed, "others": elsewhere}

    def processor_seconds(self) -> float:
        """Time that its threads have computed so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS  # user and system time

    def rates(self) -> list[float]:
        """Examples per second of each turn."""
        return [turn["examples"] / turn["seconds"] for turn in self.turns]

    def processor_time(self) -> list[float]:
        """Seconds of processor time per example in each turn; little changed by what else the machine does."""
        return [turn["computed"] / turn["examples"] for turn in self.turns]

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.errors.close()


def run_subcommand(contenders: list[Contender], rounds: int, seconds: float, patience: float) -> None:
    """Rounds of one turn each, every other one backwards, so that no one always follows the same neighbour.

    Each turn waits for a quiet machine and is taken again where it did not stay quiet; at most `patience` seconds are
    spent on that, all in all.
    """
    for number in range(rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            patience -= wait_for_quiet(patience)
            turn = contender.take_turn(seconds)
            while turn["others"] > MOST_OF_OTHERS and patience > 0:
                patience -= turn["seconds"] + wait_for_quiet(patience)
                turn = contender.take_turn(seconds)
            contender.turns.append(turn)
        print(f"round {number + 1} of {rounds}, patience left: {max(patience, 0):.0f} s", file=sys.stderr, flush=True)


def wait_for_quiet(patience: float) -> float:
    """Waits until other processes leave the machine alone, at most `patience` seconds; gives how long that took."""
    began = time.perf_counter()
    while time.perf_counter() - began < patience:
        busy, since = busy_seconds(), time.perf_counter()
        time.sleep(GLANCE)
        if (busy_seconds() - busy) / (time.perf_counter() - since) / (os.cpu_count() or 1) <= MOST_OF_OTHERS:
            break
    return time.perf_counter() - began


def busy_seconds() -> float:
    """Time that all processors together have computed since the machine started, or were taken by its host."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = fields
    return (user + nice + system + interrupts + soft_interrupts + stolen) / TICKS


def processor() -> str:
    """The processor's name as Linux gives it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown CPU")
