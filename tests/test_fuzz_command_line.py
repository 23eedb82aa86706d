"""Random command lines are answered with one short message that names a key; tools/fuzz_command_line.py tries more."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_random_command_lines_are_answered_with_one_message_and_write_nothing() -> None:
    spec = importlib.util.spec_from_file_location("fuzz_command_line", ROOT / "tools" / "fuzz_command_line.py")
    assert spec is not None and spec.loader is not None
    fuzzer = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = fuzzer  # where its data classes look for their module
    spec.loader.exec_module(fuzzer)
    assert list(fuzzer.fuzz(150, seed=7, stored=ROOT / "tests" / "data" / "runs_of_0_1" / "ring_mlp")) == []
