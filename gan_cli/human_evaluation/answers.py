"""A file of answers that the page saved, read as what it is: text from somebody else.

The format is JSON, version 1. What is read: `format`, `version`, `page` (the page's id), `session` (an id of the
sitting), `person` (what they called themselves, may be empty), `protocol`, and `answers`, one for each image: `image`
(its place in the page), `truth` and `answer` ("real" or "fake"), `seconds` (how long it took). The file's own `result`
is for people; here everything is counted again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from gan_cli.errors import ConfigError

FORMAT = "gan-cli human answers"
VERSION = 1
LARGEST_FILE = 16 * 2**20  # bytes; a thousand answers take about 150 KiB
LONGEST_TEXT = 200
LONGEST_TIME = 1e7  # seconds
DEEPEST = 2  # levels of a protocol: what stands in it, and what stands in that
KINDS = ("real", "fake")


class Answer(NamedTuple):
    """What somebody said of one image."""

    image: int
    truth: str
    answer: str
    seconds: float

    @property
    def is_wrong(self) -> bool:
        return self.answer != self.truth


@dataclass(frozen=True)
class Answers:
    """What one person said in one sitting.

    Attributes:
        path: of the file.
        page: id of the page, the same where the same images were shown in the same way.
        session: id of the sitting.
        person: what they called themselves, "" for nothing; printable.
        protocol: what was shown, and how.
        given: an answer an image.
    """

    path: Path
    page: str
    session: str
    person: str
    protocol: dict[str, Any]
    given: tuple[Answer, ...]

    def counts(self, *kinds: str) -> tuple[int, int]:
        """How many answers are wrong, and how many there are, for images of these kinds (none named: of all)."""
        chosen = [each.is_wrong for each in self.given if each.truth in (kinds or KINDS)]
        return sum(chosen), len(chosen)


class _Unexpected(ValueError):
    """A file that is not as the page writes it."""


def read_answers(path: Path) -> Answers:
    """The answers in a file. Raises ConfigError, with what was expected, where it is no such file."""
    try:
        return _check(path, _load(path))
    except _Unexpected as error:
        advice = "Pages of gan-eval human save such files."
        raise ConfigError("results", f"is no file of answers: {error}", path, advice) from error


def format_of(path: Path) -> Any:
    """What a JSON file says that it is; None where it is none."""
    try:
        return _mapping(_load(path), "it").get("format")
    except (ConfigError, _Unexpected):
        return None


def _load(path: Path) -> Any:
    if path.exists() and not path.is_file():
        raise ConfigError("results", "is no file", path)  # a pipe would be waited for
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError("results", f"can't be read ({error.strerror})", path) from error
    if len(content) > LARGEST_FILE:
        raise _Unexpected(f"it is larger than {LARGEST_FILE // 2**20} MiB")
    try:
        return json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _Unexpected(str(error)[:LONGEST_TEXT] or "it is no JSON") from error


def _refuse(constant: str) -> None:
    raise _Unexpected(f"{constant} stands in it")


def _check(path: Path, content: Any) -> Answers:
    found = _mapping(content, "it")
    if found.get("format") != FORMAT:
        raise _Unexpected(f'expected "format": "{FORMAT}"')
    if found.get("version") != VERSION:
        raise _Unexpected(f"version {VERSION} is known, and this is another")
    protocol = _mapping(found.get("protocol"), "protocol")
    _check_plain(protocol, DEEPEST)
    for side in KINDS:
        if "shape" in _mapping(protocol.get(side), f"{side} in protocol"):
            raise _Unexpected(f"expected the shape of images beside {side} in protocol, not in it")
    listed = found.get("answers")
    if not isinstance(listed, list) or not listed:
        raise _Unexpected("expected answers")
    given = tuple(_answer(each, len(listed)) for each in listed)
    if len({each.image for each in given}) != len(given) or protocol.get("n") != len(given):
        raise _Unexpected("expected one answer for each image of the page")
    if {each.truth for each in given} != set(KINDS):
        raise _Unexpected("expected real and fake images")
    page, session = _text(found.get("page"), "page"), _text(found.get("session"), "session")
    return Answers(path, page, session, _name(found.get("person")), protocol, given)


def _answer(value: Any, count: int) -> Answer:
    found = _mapping(value, "each answer")
    image: Any = found.get("image")
    seconds: Any = found.get("seconds")
    if type(image) is not int or not 0 <= image < count:
        raise _Unexpected(f"expected image to be a whole number from 0 to {count - 1}")
    if type(seconds) not in (int, float) or not 0 <= seconds <= LONGEST_TIME:
        raise _Unexpected("expected seconds to be a number from 0 on")
    truth, answer = found.get("truth"), found.get("answer")
    if truth not in KINDS or answer not in KINDS:
        raise _Unexpected("expected truth and answer to be real or fake")
    return Answer(image, str(truth), str(answer), float(seconds))


def _name(value: Any) -> str:
    """What somebody called themselves, which may hold anything that can be typed, as text that can be printed."""
    if not isinstance(value, str):
        raise _Unexpected("expected person to be a text")
    return "".join(letter if letter.isprintable() else "?" for letter in value[:LONGEST_TEXT]).strip()


def _mapping(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unexpected(f"expected {name} to be a JSON object")
    return value


def _text(value: Any, name: str) -> str:
    """A text that can be printed: a terminal would obey what control characters say."""
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise _Unexpected(f"expected {name} to be a text of at most {LONGEST_TEXT} printable characters")
    return value


def _check_plain(value: Any, levels: int) -> None:
    """Raises unless a protocol is as shallow and printable as ours."""
    if isinstance(value, dict | list):
        if levels == 0:
            raise _Unexpected("its protocol is nested deeper than ours")
        for each in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_plain(each, levels - 1)
    elif isinstance(value, str):
        _text(value, "the texts of the protocol")
