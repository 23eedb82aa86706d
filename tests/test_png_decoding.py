"""Small PNG files are decoded together, to the same pixels and with the same complaints as one at a time."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_cli.data import Examples
from gan_cli.data.folder import Folder
from gan_cli.data.image_decoding import UnreadableImageError, read_image
from gan_cli.data.png_decoding import FILES_AT_ONCE, can_decode, decode_small_pngs, plain_png_shape
from gan_cli.lazy import tf

RANDOM = np.random.default_rng(0)
MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@pytest.fixture(scope="module", autouse=True)
def loaded_tensorflow() -> None:
    tf.zeros(1)


def smooth_images(count: int, height: int, width: int, channels: int) -> np.ndarray:
    """Images on which an encoder uses several of the filters of PNG."""
    walk = RANDOM.integers(-3, 4, (count, height, width, channels)).cumsum(axis=1).cumsum(axis=2)
    return (walk % 256).astype(np.uint8)


def png_of(image: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image[:, :, 0] if image.shape[2] == 1 else image).save(stream, "PNG", **options)
    return stream.getvalue()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("count", [1, 50, FILES_AT_ONCE])
def test_the_pixels_are_those_of_the_image(channels: int, count: int) -> None:
    images = smooth_images(count, 19, 23, channels)
    decoded = decode_small_pngs([png_of(image) for image in images])
    assert decoded is not None
    assert np.array_equal(decoded, images)


def test_what_decoders_may_read_in_other_ways_is_left_to_pillow() -> None:
    image = smooth_images(1, 8, 8, 3)[0]
    grey = Image.fromarray(image[:, :, 0])
    exif = Image.Exif()
    exif[0x0112] = 6

    def saved(picture: Image.Image, **options: Any) -> bytes:
        stream = io.BytesIO()
        picture.save(stream, "PNG", **options)
        return stream.getvalue()

    others = [
        saved(Image.fromarray(image).quantize(16)),
        saved(grey, transparency=7),
        saved(grey.convert("LA")),
        saved(grey.convert("1")),
        saved(Image.fromarray(image[:, :, 0].astype(np.uint16) * 257)),
        saved(grey, exif=exif),
        saved(grey)[:-1],
        saved(grey) + b"more",
        saved(grey)[:20],
        b"",
    ]
    assert [plain_png_shape(content) for content in others] == [None] * len(others)
    assert not any(can_decode(content) for content in others)
    assert not can_decode(png_of(smooth_images(1, 200, 200, 3)[0]))
    plain = png_of(image)
    assert decode_small_pngs([plain, others[0]]) is None
    assert decode_small_pngs([plain, png_of(image[:7])]) is None


def test_a_damaged_file_is_never_decoded_to_other_pixels_than_pillow_gives() -> None:
    plain = [png_of(image) for image in smooth_images(3, 12, 12, 1)]
    refused = 0
    for _ in range(600):
        content = bytearray(plain[RANDOM.integers(3)])
        bit = int(RANDOM.integers(8 * len(content)))
        content[bit // 8] ^= 1 << bit % 8
        decoded = decode_small_pngs([bytes(content)])
        if decoded is None:
            refused += 1
            continue
        assert np.array_equal(decoded[0, :, :, 0], np.asarray(read_image(bytes(content))))
    assert refused > 500


def test_pixels_that_are_cut_off_are_never_decoded() -> None:
    """Checksums and structure are right here; only the compressed rows end early."""
    rows = b"".join(b"\0" + bytes(RANDOM.integers(0, 256, 12).tolist()) for _ in range(6))
    content = b"\x89PNG\r\n\x1a\n"
    parts = ((b"IHDR", struct.pack(">IIBBBBB", 12, 12, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    for kind, body in parts:
        content += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    assert can_decode(content)
    decoded = decode_small_pngs([content])
    try:
        truth = np.asarray(read_image(content))
    except UnreadableImageError:
        assert decoded is None
    else:
        assert decoded is None or np.array_equal(decoded[0, :, :, 0], truth)


@pytest.mark.parametrize("options", [{}, {"channels": "rgb"}, {"image_size": 9}, {"image_size": "4x8", "flip": True}])
def test_a_folder_of_small_images_is_read_as_one_at_a_time(
    options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for index, image in enumerate(smooth_images(150, 12, 12, 1)):
        (tmp_path / f"{index:03d}.png").write_bytes(png_of(image))
    broken = tmp_path / "070.png"
    broken.write_bytes(broken.read_bytes()[:-30])
    (tmp_path / "150.jpg").write_bytes(b"no image")
    source = Folder(path=str(tmp_path), **options)
    together = source.open()
    monkeypatch.setattr("gan_cli.data.folder.can_decode", lambda content: False)
    assert contents_of(together) == contents_of(source.open())
    assert together.spec.examples == 149
    assert sorted(file.name for file in together.skipped) == ["070.png", "150.jpg"]


def contents_of(examples: Examples) -> tuple[Any, ...]:
    values, labels = examples.read(np.arange(examples.spec.examples))
    return examples.spec, values.tobytes(), labels.tobytes(), examples.skipped
