"""Decodes many small PNG files at once with TensorFlow, where it has been loaded.

Of the time that Pillow takes for a small file nearly all is Python code around the decoder. The results are the same:
only files that every decoder must read alike are decoded here, and where one of them is damaged, none is. All others
are left to `gan_cli.data.image_decoding`, which says what is wrong with a file.

Measured with the 60,000 images of MNIST on two busy cores: 2.8 to 3.5 s of CPU time and 4.3 to 5.5 s in place of 10.6
to 10.8 s and 20 to 22 s. TensorFlow's decoder takes 41 of the 50 us of CPU time of an image. Slower were a call for
each file (169 us), `tf.data` (108 us) and `tf.map_fn` (40 us, where the unrolled graph took 27 us).
"""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from gan_cli.lazy import tf

FILES_AT_ONCE = 64
LARGEST_IMAGE = 2**14
"""Bytes of the pixels of an image. In larger ones Pillow spends most of its time in its decoder."""
LARGEST_FILE = 2 * LARGEST_IMAGE
"""Bytes of the file of such an image, unless it holds more than pixels."""
COLOUR_TYPES = {0: 1, 2: 3, 6: 4}
"""From the colour type of a PNG file without a palette to its channels. Grey with alpha is left out."""
HEADER = struct.Struct(">8sI4sIIBBBBBI")  # signature, length, type, width, height, 5 bytes of the format, checksum
CHUNK = struct.Struct(">I4s")
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def decode_small_pngs(contents: Sequence[bytes]) -> np.ndarray | None:
    """Decodes PNG files of images of one shape.

    Args:
        contents: of at most FILES_AT_ONCE files.

    Returns:
        uint8 `[n, height, width, 1, 3 or 4]`; None where TensorFlow is not loaded (its import takes seconds), where a
        file is damaged, or where one is not `plain_png_shape`, too large, or of another shape than the first.
    """
    if not can_decode(contents[0]):
        return None
    shape, *others = [plain_png_shape(content) for content in contents]
    if shape is None or any(other != shape for other in others):
        return None
    padded = [*contents, *[contents[-1]] * (FILES_AT_ONCE - len(contents))]
    try:
        decoded: np.ndarray = png_decoder(shape[2])(tf.constant(padded)).numpy()[: len(contents)]
    except tf.errors.OpError:
        return None
    return decoded


def can_decode(content: bytes) -> bool:
    """Whether `decode_small_pngs` can decode a file, unless it is damaged."""
    shape = plain_png_shape(content) if "tensorflow" in sys.modules else None
    return shape is not None and 0 < math.prod(shape) <= LARGEST_IMAGE


def plain_png_shape(content: bytes) -> tuple[int, int, int] | None:
    """(height, width, channels) of a PNG file that holds nothing but pixels of 8 bits, not interlaced; else None.

    A palette, transparency, gamma or an orientation would be in chunks of other types.
    """
    if len(content) < HEADER.size:
        return None
    signature, length, kind, width, height, depth, colour, *others, _ = HEADER.unpack_from(content)
    if (signature, length, kind, depth) != (SIGNATURE, 13, b"IHDR", 8) or colour not in COLOUR_TYPES or any(others):
        return None
    offset = HEADER.size
    while offset + CHUNK.size <= len(content):
        length, kind = CHUNK.unpack_from(content, offset)
        offset += CHUNK.size + length + 4
        if kind == b"IEND":
            return (height, width, COLOUR_TYPES[colour]) if length == 0 and offset == len(content) else None
        if kind != b"IDAT":
            return None
    return None


@cache
def png_decoder(channels: int) -> Any:
    """A graph from FILES_AT_ONCE contents to their pixels; TensorFlow's threads share the files."""

    @tf.function(input_signature=[tf.TensorSpec([FILES_AT_ONCE], tf.string)], autograph=False)
    def decode(contents: Any) -> Any:
        with tf.device("/cpu:0"):
            return tf.stack([tf.io.decode_png(content, channels) for content in tf.unstack(contents)])

    return decode
