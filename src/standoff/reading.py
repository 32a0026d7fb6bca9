"""Open files that others name: regular files of bounded size, wherever a path leads."""

from __future__ import annotations

import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path


class Unreadable(Exception):  # noqa: N818 - whoever opens the file turns it into a fault with its place
    """Raised when a file cannot be taken as text: what is wrong with it, where in it, what was found, what is allowed, and the remedy."""

    def __init__(
        self,
        problem: str,
        *,
        line: int | None = None,
        column: int | None = None,
        found: str | None = None,
        allowed: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column
        self.found, self.allowed, self.suggestion = found, allowed, suggestion


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes whole. Raises Unreadable.

    What is opened is what is looked at: a device or a pipe never blocks and is never read, and a file that grows meanwhile, or does not know
    its size, is read no further than the limit.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0))
    except IsADirectoryError:
        raise Unreadable("this is a directory, not a file") from None
    except (OSError, ValueError) as error:
        raise Unreadable(f"the file cannot be read ({getattr(error, 'strerror', None) or error})") from error
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise Unreadable("this is a directory, not a file")
        if not stat.S_ISREG(found.st_mode):
            raise Unreadable("this is not a regular file", found=_kind(found.st_mode), suggestion="copy what it holds into a file")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            raw = stream.read(limit + 1) if found.st_size <= limit else b""
    except OSError as error:
        raise Unreadable(f"the file cannot be read ({error.strerror})") from error
    finally:
        os.close(handle)
    if found.st_size > limit or len(raw) > limit:
        raise Unreadable("the file is too large", found=f"{max(found.st_size, len(raw)):,} bytes", allowed=f"{limit:,} bytes")
    return raw


def is_there(path: Path) -> bool:
    """Tell whether something is at a path; False where that cannot be told, as in a circle of links."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises where a folder may not be searched or a name is too long


def is_folder(path: Path) -> bool:
    """Tell whether a folder is at a path; False where that cannot be told."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def decoded(raw: bytes) -> str:
    """Decode UTF-8, with or without a byte order mark, into one Unicode form (NFC).

    Raises Unreadable with the line of the first byte that is not UTF-8, or the place of the first NUL.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The mark at the beginning, if there is one, has been cut off where the error counts.
        start = error.start + len(raw) - len(error.object)
        line = raw.count(b"\n", 0, start) + 1
        raise Unreadable("the file is not UTF-8", line=line, found=f"byte {raw[start]:#04x}", suggestion="save it as UTF-8") from None
    if "\0" in text:
        line, column = text.count("\n", 0, text.index("\0")) + 1, text.index("\0") - text.rfind("\n", 0, text.index("\0"))
        raise Unreadable("the file holds a NUL character", line=line, column=column, found="U+0000", suggestion="save it as plain text in UTF-8")
    # One way of writing an accented letter, so that what looks the same is the same.
    return unicodedata.normalize("NFC", text)


def _kind(mode: int) -> str:
    """Say what a file that is not regular is."""
    kinds = ((stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"), (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"))
    return next((words for test, words in kinds if test(mode)), "something else")


@dataclass(frozen=True)
class Reach:
    """From where a scenario may read: from one folder and those below it, or, where `folder` is None, from anywhere.

    `own` is a folder of standoff itself, from which every scenario may read.
    """

    folder: Path | None = None
    own: Path | None = None

    def covers(self, path: Path) -> bool:
        """Tell whether a file lies within reach, once all symbolic links on its way are followed; whether it exists is not told."""
        if self.folder is None:
            return True
        # What standoff brings along may itself be installed as links; nobody else can put links there.
        if self.own is not None and ".." not in path.parts and path.is_relative_to(self.own):
            return True
        try:
            real = Path(os.path.realpath(path))
            return real.is_relative_to(os.path.realpath(self.folder)) or (self.own is not None and real.is_relative_to(os.path.realpath(self.own)))
        except (OSError, ValueError):
            return False


ANYWHERE = Reach()
