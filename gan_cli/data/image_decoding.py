"""Picture files, opened with Pillow and reduced to three kinds: grey (`L`), colour (`RGB`), colour with alpha (`RGBA`).

Pillow raises nearly any class of error for a broken file; here each becomes `UnreadableImageError`.
"""

from __future__ import annotations

import errno
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

# Pillow knows more, some of which start other programs.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
# What to do with pixels whose camera was held the way that the EXIF tag tells (EXIF 2.3, tag 0x0112).
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ABOUT_THE_FILE = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENXIO)
"""System errors that say that this one file can't be read; others say that the machine has a problem."""
SIDEWAYS = (5, 6, 7, 8)
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


class UnreadableImageError(Exception):
    """A file or record that holds no whole picture; its text is the reason."""


@dataclass(frozen=True)
class Header:
    """What a picture says of itself before its pixels are decoded.

    Attributes:
        height, width: in pixels, once it is turned upright.
        channels: 1 grey, 3 colour, 4 with alpha.
        orientation: EXIF orientation, 1 to 8.
    """

    height: int
    width: int
    channels: int
    orientation: int


def read_header(file: Path | bytes) -> Header:
    """Size and kind of a picture file, its pixels unread. Raises UnreadableImageError."""
    with readable(), opened(file) as picture:
        turn = orientation_of(picture)
        height, width = picture.height, picture.width
        if turn in SIDEWAYS:
            height, width = width, height
        return Header(height, width, channels_of(picture), turn)


def read_picture(file: Path | bytes, orientation: int = 1) -> Image.Image:
    """A picture file, decoded, upright, in mode L, RGB or RGBA. Raises UnreadableImageError.

    Args:
        file: its path, or its content.
        orientation: as its header told.
    """
    with readable(), opened(file) as picture:
        plain = to_plain_mode(picture)
        return plain.transpose(TURNS[orientation]) if orientation in TURNS else plain


@contextmanager
def ignore_pillow_warnings() -> Iterator[None]:
    """Within it, a picture so large that Pillow warns of a decompression bomb counts as unreadable, without a word.

    Holds for every thread of the process, so it stands around the work of many threads, never within one.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")  # metadata that is no use to us
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


@contextmanager
def readable() -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, *ABOUT_THE_FILE):
            raise  # a disk or a network that fails says nothing about the picture
        raise UnreadableImageError(reason(error)) from error


def reason(error: Exception) -> str:
    """Why a picture can't be read, in one line without the file's name."""
    if isinstance(error, Image.UnidentifiedImageError):
        return "not a picture that can be read, in spite of its name"
    if isinstance(error, FileNotFoundError):
        return "no such file any more"
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def opened(file: Path | bytes) -> Image.Image:
    return Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=FORMATS)


def orientation_of(picture: Image.Image) -> int:
    if picture.format == "PNG" and "exif" not in picture.info:
        return 1  # Pillow would decode the whole file to look for a tag behind the pixels
    return int(picture.getexif().get(ExifTags.Base.Orientation, 1))


def has_alpha(picture: Image.Image) -> bool:
    is_deep = picture.mode.startswith("I")  # a transparent level of 16-bit grey is lost with the upper bits
    return picture.mode in ALPHA_MODES or ("transparency" in picture.info and not is_deep)


def channels_of(picture: Image.Image) -> int:
    if has_alpha(picture):
        return 4
    return 1 if picture.mode in GREY_MODES else 3


def to_plain_mode(picture: Image.Image) -> Image.Image:
    """`picture` in mode L, RGB or RGBA, decoded."""
    if picture.mode.startswith("I"):  # 16 bits: 65535 is white, and 65535 = 257 * 255
        deep = np.asarray(picture).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels_of(picture)]
    picture.load()
    return picture if picture.mode == mode else picture.convert(mode)
