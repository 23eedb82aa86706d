"""Standard output and standard error that may break at any moment, and text that is safe to show there.

A reader may go away (`| head -1`, a `tee` that Ctrl-C ends first), a disk may be full, a terminal may close, and a
command may start with closed streams (`>&-`). None of that may end a training run. `protect_output` makes writing to
both streams harmless for a whole command; `print_result` reports a result that could not be delivered.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

STANDARD_DESCRIPTORS = (0, 1, 2)


class OutputError(OSError):
    """Standard output broke before the whole result was written."""


def printable(text: object, keep: str = "") -> str:
    """Text with control characters escaped (`\\x1b`), so that a name can't command the terminal or fake a line.

    Names of files, runs and classes may hold any character, also halves of characters (a name that is not UTF-8).

    Args:
        text: is converted by `str`.
        keep: control characters to leave as they are, such as a newline between lines of our own.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if is_shown(c) or c in keep else c.encode("unicode_escape").decode() for c in text)


def is_shown(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs"  # a space of some width


class SafeStream:
    """A text stream whose `write` and `flush` never raise; everything else is the stream's own.

    Attributes:
        stream: where text goes, None where the process was started with that stream closed.
        error: why writing failed; nothing is written from then on.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream, self.error = stream, None if stream is not None else OSError("it is closed")

    def write(self, text: str) -> int:
        if self.error is None and self.stream is not None:
            try:
                self.stream.write(encodable(text, self.encoding))
            except (OSError, ValueError) as error:  # ValueError: the stream was closed meanwhile
                self.fail(error)
        return len(text)

    def flush(self) -> None:
        if self.error is None and self.stream is not None:
            try:
                self.stream.flush()
            except (OSError, ValueError) as error:
                self.fail(error)

    def fail(self, error: Exception) -> None:
        """Gives the stream up. What its buffer still holds goes to /dev/null, or the process would fail at its end."""
        self.error = OSError(*error.args) if not isinstance(error, OSError) else error
        with suppress(OSError, ValueError, AttributeError):
            descriptor = self.stream.fileno()  # type: ignore[union-attr]
            if descriptor in STANDARD_DESCRIPTORS:
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, descriptor)
                os.close(null)

    def isatty(self) -> bool:
        with suppress(OSError, ValueError, AttributeError):
            return self.error is None and self.stream is not None and self.stream.isatty()
        return False

    @property
    def encoding(self) -> str:
        return getattr(self.stream, "encoding", None) or "utf-8"

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if self.__dict__.get("stream") is None:
            raise AttributeError(name)
        return getattr(self.stream, name)


def encodable(text: str, encoding: str) -> str:
    """`text` with escapes in place of what `encoding` can't express."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


@contextmanager
def protect_output() -> Iterator[None]:
    """Makes standard output and standard error safe to write to, whatever happens to them."""
    open_closed_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = SafeStream(sys.stdout), SafeStream(sys.stderr)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def open_closed_descriptors() -> None:
    """Opens /dev/null in place of closed standard streams, or the next file would get their number and their text."""
    for descriptor in STANDARD_DESCRIPTORS:
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)


def print_result(text: str) -> None:
    """Writes a command's result to standard output. Raises BrokenPipeError or OutputError where it does not arrive."""
    stream = SafeStream(sys.stdout) if not isinstance(sys.stdout, SafeStream) else sys.stdout
    stream.write(printable(text, keep="\n\t") + "\n")
    stream.flush()
    if isinstance(stream.error, BrokenPipeError):
        raise stream.error
    if stream.error is not None and stream.stream is not None:
        raise OutputError(stream.error.errno, stream.error.strerror or str(stream.error))
