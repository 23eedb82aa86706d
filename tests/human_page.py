"""Images, protocols and pages of gan-eval human in tests."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gan_cli.human_evaluation.survey_page import Side, make_page

PROTOCOL: dict[str, Any] = {"real": {"name": "noise"}, "fake": {"run": "a run", "step": 7}, "seconds": None, "seed": 0}
OTHER = {"real": "fake", "fake": "real"}


def noise(seed: int, n: int = 3, shape: tuple[int, ...] = (6, 5, 3)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *shape), np.uint8)


def decoded(source: str) -> np.ndarray:
    """The pixels of a data: address, `[height, width, channels]`."""
    kind, _, content = source.partition(",")
    assert kind == "data:image/png;base64"
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    return pixels.reshape(*pixels.shape[:2], -1)


def content(path: Path) -> dict[str, Any]:
    """What the page's scripts read."""
    text = path.read_text()
    found = json.loads(text.split('<script type="application/json" id="page">')[1].split("</script>")[0])
    assert isinstance(found, dict)
    return found


def answers_file(name: str, wrong: int = 2, person: str = "", **changes: Any) -> Path:
    """A file as the page writes it, of 10 images, the first `wrong` of them answered wrongly; fakes come first."""
    given = []
    for at, truth in enumerate(["fake"] * 5 + ["real"] * 5):
        says = OTHER[truth] if at < wrong else truth
        given.append({"image": at, "truth": truth, "number": at, "answer": says, "seconds": 1.0 + at})
    protocol = {**PROTOCOL, "n": 10, "shape": [6, 5, 3], "version": 1, **changes.pop("protocol", {})}
    whole = {"format": "gan-cli human answers", "version": 1, "page": "0123", "session": f"session of {name}"}
    whole |= {"person": person, "protocol": protocol, "answers": given, **changes}
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(whole))
    return path


REAL, FAKE = Side(noise(1), range(10, 13)), Side(noise(2), range(20, 23))


def written(text: str, name: str = "page.html") -> Path:
    path = Path(name).resolve()
    path.write_text(text)
    return path


def page(**protocol: Any) -> Path:
    return written(make_page(REAL, FAKE, {**PROTOCOL, **protocol}, seed=0, name="a run"))
