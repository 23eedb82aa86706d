"""Every kind of picture file comes out with the right pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gan_cli.data.folder import Folder
from gan_cli.errors import ConfigError

RED, GREEN, BLUE, GREY = (250, 10, 20), (5, 240, 30), (15, 25, 230), (128, 128, 128)


def quarters() -> np.ndarray:
    """32 x 32: red, green over blue, grey."""
    return np.array([[RED, GREEN], [BLUE, GREY]], np.uint8).repeat(16, axis=0).repeat(16, axis=1)


def only_image(folder: Path, **keys: Any) -> np.ndarray:
    """The pixels of the one picture in `folder`."""
    examples = Folder(path=str(folder), **keys).open()
    assert examples.spec.examples == 1
    assert examples.skipped == []
    return examples.read(np.array([0]))[0][0]


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.webp", "a.PNG", "a.tif", "a.tiff", "a.ppm"])
def test_lossless_formats_come_bit_for_bit(tmp_path: Path, name: str) -> None:
    Image.fromarray(quarters()).save(tmp_path / name, lossless=True)  # WebP alone asks
    assert np.array_equal(only_image(tmp_path), quarters())


@pytest.mark.parametrize("name", ["a.jpg", "a.jpeg", "a.jpe", "a.avif"])
def test_jpeg_comes_within_its_loss(tmp_path: Path, name: str) -> None:
    Image.fromarray(quarters()).save(tmp_path / name, quality=95, subsampling="4:4:4")
    assert np.abs(only_image(tmp_path).astype(int) - quarters()).max() <= 6


def test_of_a_moving_gif_the_first_frame_is_taken(tmp_path: Path) -> None:
    first = Image.fromarray(quarters())
    first.save(tmp_path / "a.gif", save_all=True, append_images=[Image.new("RGB", (32, 32), BLUE)])
    assert np.array_equal(only_image(tmp_path), quarters())


def test_sixteen_bit_grey_is_scaled_to_eight(tmp_path: Path) -> None:
    deep = np.array([[0, 128, 129, 257], [32768, 65406, 65407, 65535]], np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    assert only_image(tmp_path)[..., 0].tolist() == [[0, 0, 1, 1], [128, 254, 255, 255]]


def test_one_bit_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(np.array([[True, False], [False, True]])).save(tmp_path / "a.png")
    assert only_image(tmp_path)[..., 0].tolist() == [[255, 0], [0, 255]]


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    Image.fromarray(quarters()).quantize(4).save(tmp_path / "a.png")
    assert np.array_equal(only_image(tmp_path), quarters())


def test_a_transparent_palette_entry_counts_as_alpha(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([*RED, *GREEN])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=1)
    assert only_image(tmp_path).tolist() == [[[*RED, 255], [*GREEN, 0]]]
    assert only_image(tmp_path, channels="rgb").tolist() == [[[*RED], [255, 255, 255]]]


def test_grey_with_alpha_is_laid_on_the_background(tmp_path: Path) -> None:
    Image.merge("LA", [Image.new("L", (2, 2), 100), Image.new("L", (2, 2), 51)]).save(tmp_path / "a.png")
    assert only_image(tmp_path, channels="gray", background=[200, 200, 200])[0, 0, 0] == 180  # 100/5 + 200*4/5


def test_cmyk_becomes_rgb(tmp_path: Path) -> None:
    Image.new("CMYK", (32, 32), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    assert np.abs(only_image(tmp_path).astype(int) - [255, 0, 0]).max() <= 6


@pytest.mark.parametrize("name", ["image", "a.0001"])
def test_a_file_without_an_ending_is_known_by_its_content(tmp_path: Path, name: str) -> None:
    Image.fromarray(quarters()).save(tmp_path / name, format="PNG")
    assert np.array_equal(only_image(tmp_path), quarters())


def test_floats_in_a_tiff_are_refused_with_the_reason(tmp_path: Path) -> None:
    Image.fromarray(np.ones((4, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(ConfigError, match=r"a.tif: its pixels are floats"):
        Folder(path=str(tmp_path)).describe()


def test_malformed_exif_does_no_harm(tmp_path: Path) -> None:
    Image.fromarray(quarters()).save(tmp_path / "a.png", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\xff\1\x12")
    assert np.array_equal(only_image(tmp_path), quarters())


@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_turns_a_picture_upright(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = np.arange(24, dtype=np.uint8).reshape(4, 6)
    stored = {  # where the camera's first row and column lie, by the EXIF standard
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.ascontiguousarray(stored)).save(tmp_path / f"a.{ending}", exif=exif)
    source = Folder(path=str(tmp_path))
    described = source.describe()
    assert described.shape == (4, 6, 1)
    assert np.array_equal(only_image(tmp_path)[..., 0], upright)


@pytest.mark.parametrize(
    ("background", "expected"),  # alpha 153 of 255: 3/5 of the colour and 2/5 of the background
    [("white", [201, 120, 102]), ("#000000", [99, 18, 0]), ([10, 110, 210], [103, 62, 84])],
)
def test_alpha_is_composited_on_the_background(tmp_path: Path, background: Any, expected: list[int]) -> None:
    Image.new("RGBA", (3, 3), (165, 30, 0, 153)).save(tmp_path / "a.png")
    assert only_image(tmp_path, channels="rgb", background=background)[1, 1].tolist() == expected


def test_alpha_is_kept_where_it_is_wanted(tmp_path: Path) -> None:
    Image.new("RGBA", (3, 3), (10, 20, 30, 40)).save(tmp_path / "a.png")
    assert only_image(tmp_path)[0, 0].tolist() == [10, 20, 30, 40]


def test_colours_under_full_transparency_do_not_bleed_when_resized(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    picture.paste((0, 0, 255, 255), (0, 0, 4, 8))
    picture.save(tmp_path / "a.png")
    small = only_image(tmp_path, image_size=3)
    seen = small[small[..., 3] > 0]
    assert seen[:, 0].max() == 0
    assert seen[:, 2].min() == 255


def test_grey_becomes_colour_by_repetition_and_colour_becomes_grey_by_luma(tmp_path: Path) -> None:
    Image.new("L", (2, 2), 77).save(tmp_path / "a.png")
    assert only_image(tmp_path, channels=3)[0, 0].tolist() == [77, 77, 77]
    Image.new("RGB", (2, 2), (100, 200, 50)).save(tmp_path / "a.png")
    assert only_image(tmp_path, channels="grey")[0, 0, 0] == 153  # .299*100 + .587*200 + .114*50 = 153.0


def test_crop_keeps_the_largest_centred_part(tmp_path: Path) -> None:
    picture = np.zeros((4, 10, 3), np.uint8)
    picture[:, 3:7] = GREEN
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert np.array_equal(only_image(tmp_path, image_size=4), picture[:, 3:7])
    assert np.array_equal(only_image(tmp_path, image_size="4x2"), picture[:, 4:6])
    assert np.array_equal(only_image(tmp_path, image_size=[1, 10]), picture[1:2])


def test_stretch_keeps_everything(tmp_path: Path) -> None:
    picture = np.zeros((4, 10), np.uint8)
    picture[:, 5:] = 255
    Image.fromarray(picture).save(tmp_path / "a.png")
    small = only_image(tmp_path, image_size=[4, 2], resize="stretch")[..., 0]
    assert small[:, 0].max() < 40
    assert small[:, 1].min() > 215


def test_height_comes_before_width(tmp_path: Path) -> None:
    Image.new("L", (48, 32), 9).save(tmp_path / "a.png")
    assert only_image(tmp_path).shape == (32, 48, 1)
    assert only_image(tmp_path, image_size="16x24").shape == (16, 24, 1)


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"image_size": "64x"}, "image_size"),
        ({"image_size": 0}, "image_size"),
        ({"image_size": [1, 2, 3]}, "image_size"),
        ({"image_size": 1.5}, "image_size"),
        ({"image_size": True}, "image_size"),
        ({"channels": "graye"}, "channels"),
        ({"channels": 2}, "channels"),
        ({"background": "wite"}, "background"),
        ({"background": [0, 0, 256]}, "background"),
        ({"resize": "cropp"}, "resize"),
        ({"memory_limit": -1.0}, "memory_limit"),
    ],
)
def test_values_out_of_range_are_refused_with_their_key(keys: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError) as raised:
        Folder(path=".", **keys)
    assert raised.value.key == key
