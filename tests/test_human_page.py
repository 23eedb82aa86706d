"""The page of gan-eval human as a file: what it shows and hides, and that it is the same each time."""

from __future__ import annotations

import base64

import pytest
from human_page import FAKE, PROTOCOL, REAL, content, decoded, noise, page, written

from gan_cli.human_evaluation.survey_page import Side, make_page


def test_a_page_does_not_tell_at_a_glance_which_images_are_real() -> None:
    found = content(page())
    known = [image.tobytes() for image in (*REAL.images, *FAKE.images)]
    order = [known.index(decoded(f"data:image/png;base64,{each}").tobytes()) for each in found["images"]]
    assert sorted(order) == list(range(6))
    assert order != list(range(6))
    assert b"fake" not in base64.b64decode(found["key"]) + found["key"].encode()


def test_the_same_images_make_the_same_page_and_others_another() -> None:
    first = content(page())["id"]
    assert content(page())["id"] == first
    assert content(page(seconds=1.0))["id"] != first
    other = make_page(REAL, Side(noise(3), FAKE.numbers), PROTOCOL, 0, "a run")
    assert content(written(other))["id"] != first


def test_unlike_sides_make_no_page() -> None:
    with pytest.raises(ValueError, match="of one shape"):
        make_page(REAL, Side(noise(2, n=2), range(2)), PROTOCOL, 0, "a run")
