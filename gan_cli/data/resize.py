"""Crops, resizes and converts images of any size and kind to arrays of one shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class ResizeOptions:
    """Converts colours first, then the size.

    Attributes:
        shape: (height, width, channels) of the result; 1 grey, 3 RGB, 4 RGBA.
        resize: `crop` takes the largest centred box of the result's aspect ratio, `stretch` takes everything.
        background: RGB colour in [0, 255] that shows through where the result has no alpha.
    """

    shape: tuple[int, int, int]
    resize: str
    background: tuple[int, int, int]

    def image(self, image: Image.Image) -> np.ndarray:
        """uint8 `shape` of an image in mode L, RGB or RGBA."""
        height, width, channels = self.shape
        if image.mode == "RGBA" and channels != 4:
            image = self.composite_alpha(image)
        if image.mode != MODES[channels]:
            image = image.convert(MODES[channels])
        if image.size != (width, height):
            # Lanczos widens its kernel to shrink, so nothing aliases; colours are weighted by alpha on the way.
            image = image.resize((width, height), Image.Resampling.LANCZOS, box=self.box(*image.size))
        return np.asarray(image, np.uint8).reshape(self.shape)

    def array(self, values: np.ndarray) -> np.ndarray:
        """uint8 `shape` of an array uint8 `[height, width, channels]` with 1, 3 or 4 channels."""
        if values.shape == self.shape:
            return values
        return self.image(Image.fromarray(values[:, :, 0] if values.shape[2] == 1 else values))

    def arrays(self, images: np.ndarray) -> np.ndarray:
        """uint8 `[n, *shape]` of images uint8 `[n, height, width, channels]` with 1, 3 or 4 channels."""
        return images if images.shape[1:] == self.shape else np.stack([self.array(image) for image in images])

    def composite_alpha(self, image: Image.Image) -> Image.Image:
        ground = Image.new("RGBA", image.size, (*self.background, 255))
        return Image.alpha_composite(ground, image).convert("RGB")

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """The part of an image of that size that is used: left, top, right, bottom in whole pixels."""
        if self.resize == "stretch":
            return (0, 0, width, height)
        aspect = self.shape[1] / self.shape[0]
        box_width = max(1, min(width, round(height * aspect)))
        box_height = max(1, min(height, round(width / aspect)))
        left, top = (width - box_width) // 2, (height - box_height) // 2
        return (left, top, left + box_width, top + box_height)
