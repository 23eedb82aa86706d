"""The TensorBoard logger: what it writes is read back by TensorBoard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from logged_steps import CONFIG, PICTURES, STEPS, do_steps, interrupted_and_resumed
from PIL import Image

from gan_cli.loggers.tensorboard import TensorBoard


@pytest.fixture
def run(tmp_path: Path) -> Path:
    directory = tmp_path / "20261120-101502_dcgan_wgan_digits_seed0"
    (directory / "samples").mkdir(parents=True)
    return directory


def read_events(directory: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(directory / "tensorboard"), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    return events.Reload()


def tensorboard_steps(directory: Path, tag: str) -> list[int]:
    return [event.step for event in read_events(directory).Tensors(tag)]


def test_tensorboard_holds_numbers_pictures_and_the_configuration(run: Path) -> None:
    import tensorflow as tf

    writer = TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 25, 5))
    events = read_events(run)  # before it is closed: a run is watched while it trains
    writer.close("finished")
    losses = events.Tensors("loss")
    assert [(event.step, tf.make_ndarray(event.tensor_proto)) for event in losses] == [
        (s, s / 8) for s in (5, 10, 15, 20)
    ]
    ((width, height, png),) = (event.tensor_proto.string_val for event in events.Tensors("samples"))
    assert (width, height) == (b"6", b"4")
    assert tf.io.decode_png(png).numpy().ravel().tolist() == [20] * 24
    (config,) = events.Tensors("config")
    assert "    train:\n      steps: 40\n" in config.tensor_proto.string_val[0].decode()


def test_a_resumed_run_has_each_step_once_in_tensorboard(run: Path) -> None:
    interrupted_and_resumed(TensorBoard(pictures=True), run)
    assert tensorboard_steps(run, "loss") == STEPS
    assert tensorboard_steps(run, "logits") == STEPS
    assert tensorboard_steps(run, "samples") == PICTURES
    assert tensorboard_steps(run, "config") == [0]


def test_a_run_that_begins_again_from_the_start_repeats_nothing(run: Path) -> None:
    for state in ("interrupted", "finished"):
        writer = TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=0)
        do_steps(writer, run, range(0, 25, 5))
        writer.close(state)
    assert tensorboard_steps(run, "loss") == [0, 5, 10, 15, 20]
    assert tensorboard_steps(run, "samples") == [0, 20]


def test_pictures_can_be_left_out(run: Path) -> None:
    interrupted_and_resumed(TensorBoard(pictures=False), run)
    assert "samples" not in read_events(run).Tags()["tensors"]


@pytest.mark.parametrize("kind", ["postscript", "empty", "cut", "huge"])
def test_a_picture_that_is_no_whole_png_is_left_out(run: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=0)
    do_steps(writer, run, range(5, 45, 5))
    writer.close("interrupted")
    path = run / "samples" / "step_00000020.png"
    if kind == "huge":
        Image.new("1", (14_000, 14_000)).save(path)
    else:
        postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
        path.write_bytes({"postscript": postscript, "empty": b"", "cut": path.read_bytes()[:50]}[kind])
    monkeypatch.setattr("PIL.EpsImagePlugin.Ghostscript", lambda *_: pytest.fail("Ghostscript was started"))
    with pytest.warns(UserWarning, match=r"step_00000020.png is left out of the logger"):
        TensorBoard(pictures=True).open(run, run.name, CONFIG, resumed_from=40).close("finished")
    assert tensorboard_steps(run, "samples") == [40]
    assert tensorboard_steps(run, "loss") == list(range(5, 45, 5))
