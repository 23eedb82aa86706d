"""One HTML page that shows real and generated images, asks which are which, and shows how often people are wrong.

The protocol without a time limit is that of HYPE∞ (Zhou et al. 2019, arXiv:1904.01121): as many real as generated
images, in random order; the error rate over both, where 50 % means that nobody can distinguish them. With a limit it is
that of Denton et al. 2015 (arXiv:1506.05751 section 4.3): each image is shown for a given time, then masked. (HYPE-time
finds the shortest time at which people can distinguish them, by changing it after each answer; that is another
measure.) The page shows whether answers were right only at the end, since people get better with feedback (Salimans et
al. 2016, arXiv:1606.03498 section 4).

The page is one file and needs no network: its policy (Content-Security-Policy) lets it run the scripts
that it contains, by their hashes, and nothing else. It contains which images are real, so that it can show the
result; it is disguised, so that it is not read by accident, and no secret.

Tried on 2026-11-20 in Chromium 156 and Firefox 153, from a file, without a network.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import Any, NamedTuple

import numpy as np

from gan_cli.plotting.image_grid import to_pil_image

SCRIPTS = ("survey_session", "survey_question", "survey_result", "survey_controls")
VERSION = 1
"""Of how a page shows and asks: answers from pages of two versions are not pooled."""


class Side(NamedTuple):
    """The images of one kind.

    Attributes:
        images: uint8 `[n, height, width, channels]` with 1, 3 or 4 channels.
        numbers: of each, by which it is found again: its place in the data set, or its seed.
        classes: the name of the class of each, which is shown beside it; None to show none.
    """

    images: np.ndarray
    numbers: Sequence[int]
    classes: Sequence[str] | None = None


def make_page(real: Side, fake: Side, protocol: Mapping[str, Any], seed: int, name: str) -> str:
    """The text of the page.

    Args:
        real, fake: as many of the one as of the other, of one shape.
        protocol: what the answers are worth knowing with, as plain JSON; `seconds`, for which an image is shown (None:
            as long as it takes), is needed. It goes into every file of answers, so it should not say what people are
            not to know, such as paths.
        seed: of the order in which the images stand in the page; each person sees them in an order of their own.
        name: begins the name of a file of answers; what may not stand in a file name is replaced.

    Raises:
        ValueError: for images of different shapes or numbers, or none.
    """
    if real.images.shape != fake.images.shape or len(real.images) == 0:
        raise ValueError(f"{real.images.shape} real and {fake.images.shape} generated: expected as many, of one shape.")
    images = [*map(png, real.images), *map(png, fake.images)]
    truths = [("real", int(n)) for n in real.numbers] + [("fake", int(n)) for n in fake.numbers]
    order = np.random.RandomState(seed).permutation(len(images))
    shown = {**protocol, "shape": list(real.images.shape[1:]), "n": len(images), "version": VERSION}
    names = None if real.classes is None or fake.classes is None else [*real.classes, *fake.classes]
    identity = identify(shown, [images[index] for index in order])
    page = {
        "id": identity,
        "name": re.sub(r"[^\w.-]+", "_", name) or "answers",
        "protocol": shown,
        "images": [base64.b64encode(images[index]).decode() for index in order],
        "classes": None if names is None else [names[index] for index in order],
        "key": disguise([truths[index] for index in order], identity),
    }
    return fill(page)


def fill(page: Mapping[str, Any]) -> str:
    """The template with everything in it."""
    style, *scripts = (read_part(name) for name in ("survey_style", *SCRIPTS))
    policy = (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src {hash_of(style)}; script-src {' '.join(map(hash_of, scripts))}"
    )
    content = json.dumps(page).replace("<", "\\u003c")  # or a name with </script> in it would end the script
    return Template(read_part("survey_page")).substitute(
        policy=policy, style=style, page=content, script="\n".join(scripts)
    )


def read_part(name: str) -> str:
    return files("gan_cli.human_evaluation").joinpath(f"{name}.html").read_text(encoding="utf-8").rstrip("\n")


def hash_of(element: str) -> str:
    """What a policy names a <script> or <style> by: the hash of what stands between its tags."""
    inside = element[element.index(">") + 1 : element.rindex("</")]
    return f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'"


def png(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    to_pil_image(image).save(file, "PNG")
    return file.getvalue()


def identify(protocol: Mapping[str, Any], images: Sequence[bytes]) -> str:
    """16 hexadecimal digits, the same where the same images are shown in the same way."""
    digest = hashlib.sha256(json.dumps(protocol, sort_keys=True).encode())
    for image in images:
        digest.update(hashlib.sha256(image).digest())
    return digest.hexdigest()[:16]


def disguise(truths: Sequence[tuple[str, int]], identity: str) -> str:
    """What each image is, so that it can't be read at a glance: exclusive-or with the page's id, in base64."""
    letters = json.dumps(truths).encode()
    mask = identity.encode()
    return base64.b64encode(bytes(letter ^ mask[at % len(mask)] for at, letter in enumerate(letters))).decode()
