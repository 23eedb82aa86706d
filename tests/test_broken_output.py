"""Output that breaks, a terminal that closes and a disk that is full never cost what was trained."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PERCEPTRON, TINY
from processes import command, training
from runs import status

from gan_cli.console import Console
from gan_cli.output_streams import SafeStream, printable
from gan_cli.runs.checkpoint import list_checkpoints, load_checkpoint

SMALL = [*TINY, "dataset=ring", *PERCEPTRON, "hydra.run.dir=run"]


def assert_finished() -> None:
    assert status(Path("run")) == {"state": "finished", "step": 6, "error": None}
    assert "step 6/6" in Path("run/train.log").read_text()


def test_closed_output_does_not_end_training() -> None:
    """In an interpreter of its own, which starts without these streams."""
    training_command = [sys.executable, "-m", "gan_cli.commands.train", *SMALL, "train.steps=6"]
    subprocess.run(["bash", "-c", '"$@" >&- 2>&-', "bash", *training_command], check=True, timeout=300)
    assert_finished()


def test_output_to_a_full_disk_does_not_end_training() -> None:
    done = command("gan-train", *SMALL, "train.steps=6", output=Path("/dev/full"))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert_finished()


def test_a_reader_that_stops_reading_does_not_end_training() -> None:
    with training(*SMALL, "train.steps=6", first_line="") as process:
        process.output.close()
        assert process.wait() == 0
    assert_finished()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_stop_after_the_reader_of_the_output_has_gone_saves_the_state(number: int) -> None:
    with training(*SMALL, "train.steps=1000000") as process:
        process.output.close()
        process.send_signal(number)
        if number == signal.SIGHUP:
            process.send_signal(number)  # a closing terminal may send it twice
        assert process.wait(timeout=60) == 128 + number
    reached = status(Path("run"))["step"]
    assert status(Path("run")) == {"state": "interrupted", "step": reached, "error": None}
    assert load_checkpoint(list_checkpoints(Path("run/checkpoints"))[0]).step == reached > 0


def test_a_file_that_can_not_be_written_ends_with_one_message_and_a_right_state() -> None:
    done = command("gan-train", *SMALL, "train.steps=4", file_size=12_000)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr + done.stdout
    assert "File too large: " in done.stderr
    assert not list(Path("run").rglob("*.tmp"))
    assert status(Path("run"))["state"] == "failed"


def test_control_characters_are_escaped_on_the_console_and_in_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console()
    console.open_log(tmp_path / "train.log")
    console.line("a\x1b[2Jb \udcff é\nsecond")
    console.close()
    expected = "a\\x1b[2Jb \\udcff é\nsecond\n"
    assert capsys.readouterr().out == expected
    assert (tmp_path / "train.log").read_text(encoding="utf-8") == expected
    assert printable("one\ntwo\r\u202e") == "one\\ntwo\\r\\u202e"


def test_a_stream_of_another_encoding_gets_escapes(tmp_path: Path) -> None:
    with open(tmp_path / "out", "w", encoding="ascii") as file:  # noqa: PTH123 - a stream as Python opens it
        SafeStream(file).write("é x")
    assert (tmp_path / "out").read_bytes() == b"\\xe9 x"
    closed = SafeStream(None)
    closed.write("x")
    closed.flush()
    assert not closed.isatty()


def test_closed_standard_streams_do_not_give_their_number_to_a_file() -> None:
    script = (
        "from gan_cli.output_streams import open_closed_descriptors as f; f(); open('file', 'w').fileno(); print(1)"
    )
    subprocess.run(f'"{sys.executable}" -c "{script}" >&- 2>&- <&-', shell=True, check=True, timeout=60)
    assert os.path.getsize("file") == 0  # noqa: PTH202
