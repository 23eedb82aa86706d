"""Image files, opened with Pillow and converted to three modes: grey (`L`), colour (`RGB`), colour with alpha (`RGBA`).

The format is found from the content, never from the file's name, and only formats of an allow-list are opened. Pillow
raises nearly any class of error for a broken file; here each becomes `UnreadableImageError`.
"""

from __future__ import annotations

import errno
import io
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import ExifTags, Image, ImageOps, TiffImagePlugin

from gan_cli.errors import first_line
from gan_cli.regular_files import open_regular

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "GIF", "PPM")
"""Formats that Pillow decodes by itself; it knows more, some of which start other programs."""
FORMAT_NAMES = "PNG, JPEG, WebP, AVIF, TIFF, BMP, GIF or PPM"
DEFAULT_MEGAPIXELS = 90.0
ERRORS_OF_ONE_FILE = (errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP, errno.ENXIO)
"""System errors that concern this one file; others concern the whole machine."""
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap height and width
GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N")
ALPHA_MODES = ("RGBA", "LA", "PA", "RGBa", "La")


class UnreadableImageError(Exception):
    """A file or record without a whole image; its text is the reason."""


class NotAnImageError(UnreadableImageError):
    """A file whose content is not of a known image format."""


@dataclass(frozen=True)
class ImageHeader:
    """Size and kind of an image, known before its pixels are decoded.

    Attributes:
        height, width: in pixels, after the EXIF orientation is applied.
        channels: 1 grey, 3 colour, 4 with alpha.
    """

    height: int
    width: int
    channels: int


def read_header(file: Path | bytes | IO[bytes], max_megapixels: float = DEFAULT_MEGAPIXELS) -> ImageHeader:
    """Reads the size and kind of an image file without decoding its pixels. Raises UnreadableImageError."""
    with reading_errors(), open_image(file, max_megapixels) as image:
        width, height = image.size
        if isinstance(image, TiffImagePlugin.TiffImageFile):  # of which Pillow gives the size of the turned image
            width, height = image.tag_v2[256], image.tag_v2[257]
        if orientation_of(image) in SIDEWAYS:
            height, width = width, height
        return ImageHeader(int(height), int(width), channels_of(image))


def read_image(
    file: Path | bytes,
    max_megapixels: float = DEFAULT_MEGAPIXELS,
    *,
    apply_orientation: bool = True,
    formats: tuple[str, ...] = FORMATS,
) -> Image.Image:
    """Decodes an image file to mode L, RGB or RGBA. Raises UnreadableImageError.

    Args:
        file: its path, or its content.
        max_megapixels: a larger image is refused, since a small file can hold a huge one (a decompression bomb).
        apply_orientation: whether to turn the image upright, as its EXIF tag says.
        formats: those of FORMATS that are accepted.
    """
    with reading_errors(), open_image(file, max_megapixels, formats) as image:
        orientation = orientation_of(image)
        plain = to_plain_mode(image)
        if isinstance(image, TiffImagePlugin.TiffImageFile):
            orientation = orientation_of(image)  # Pillow has turned it and removed the tag
        return turn_upright(plain, orientation) if apply_orientation and orientation != 1 else plain


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    upright = image.copy()
    upright.info["exif"] = exif.tobytes()  # this tag alone: exif_transpose fails where another one is malformed
    ImageOps.exif_transpose(upright, in_place=True)
    return upright


@contextmanager
def ignore_pillow_warnings() -> Iterator[None]:
    """Ignores Pillow's warnings, which are about metadata that is not used, and about sizes that are checked here.

    Holds for every thread of the process, so it belongs around the work of many threads, never within one.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


@contextmanager
def reading_errors() -> Iterator[None]:
    """Turns any error of Pillow into UnreadableImageError."""
    try:
        yield
    except (MemoryError, UnreadableImageError):
        raise
    except Image.UnidentifiedImageError as error:
        raise NotAnImageError(f"its content is not {FORMAT_NAMES}") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno not in (None, *ERRORS_OF_ONE_FILE):
            raise  # a disk or a network that fails says nothing about the image
        raise UnreadableImageError(reason(error)) from error


def reason(error: Exception) -> str:
    """Why an image can't be read, in one line without the file's name."""
    if isinstance(error, FileNotFoundError):
        return "no such file any more"
    return first_line(error)


@contextmanager
def open_image(
    file: Path | bytes | IO[bytes], max_megapixels: float, formats: tuple[str, ...] = FORMATS
) -> Iterator[Image.Image]:
    """Opens an image without decoding it. Raises UnreadableImageError where it has too many pixels."""
    limit = int(max_megapixels * 1_000_000)
    if Image.MAX_IMAGE_PIXELS is not None and limit > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = limit
    # Not by its path: Pillow maps some TIFF files into memory then, and garbles those that are turned (Pillow 13).
    with open_content(file) as content:
        try:
            image = Image.open(content, formats=formats)
        except Image.DecompressionBombError as error:
            raise UnreadableImageError(f"has more pixels than max_megapixels={max_megapixels:g} allows") from error
        if image.width * image.height > limit:
            raise UnreadableImageError(too_many_pixels(image.width, image.height, max_megapixels))
        yield image


def open_content(file: Path | bytes | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """The open file; one that was open already is not closed afterwards."""
    if isinstance(file, Path):
        return open_regular(file)
    return io.BytesIO(file) if isinstance(file, bytes) else nullcontext(file)


def too_many_pixels(width: int, height: int, max_megapixels: float) -> str:
    return f"has {width}x{height} pixels, more than max_megapixels={max_megapixels:g} allows"


def orientation_of(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8 (EXIF 2.3, tag 0x0112); 1 where the tag is missing or malformed."""
    if image.format == "PNG" and "exif" not in image.info:
        return 1  # Pillow would decode the whole file to look for a tag behind the pixels
    try:
        orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises nearly anything for malformed metadata, which does no harm to the pixels
        return 1
    return orientation if 1 <= orientation <= 8 else 1


def has_alpha(image: Image.Image) -> bool:
    is_deep = image.mode.startswith("I")  # a transparent level of 16-bit grey is lost with the lower bits
    return image.mode in ALPHA_MODES or ("transparency" in image.info and not is_deep)


def channels_of(image: Image.Image) -> int:
    if image.mode == "F":
        raise UnreadableImageError("its pixels are floats, whose range is unknown; save 8 or 16 bits")
    if has_alpha(image):
        return 4
    return 1 if image.mode in GREY_MODES else 3


def to_plain_mode(image: Image.Image) -> Image.Image:
    """Decodes `image` to mode L, RGB or RGBA."""
    channels = channels_of(image)
    if image.mode.startswith("I"):  # 16 bits: 65535 is white, and 65535 = 257 * 255
        deep = np.asarray(image).astype(np.int64).clip(0, 65535)
        return Image.fromarray(((deep + 128) // 257).astype(np.uint8))
    mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
    image.load()
    return image if image.mode == mode else image.convert(mode)
