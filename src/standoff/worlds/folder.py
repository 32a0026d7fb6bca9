"""The files of a run folder: written whole or not at all, read only up to a size, and never through a symbolic link.

A folder may come from somebody else. A link in it, named like a file or a sub-folder of a run, would otherwise lead what is written out of it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import secrets
import socket
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from standoff.errors import WorldsError

ELSEWHERE = "name another folder with `standoff run --out FOLDER`"
"""The remedy where a run folder cannot be used."""

LARGEST = 1 << 26
"""Bytes of the largest file that is read back from a run folder."""

_FULL = (errno.ENOSPC, errno.EDQUOT)
_LOCKED = (errno.EWOULDBLOCK, errno.EACCES, errno.EAGAIN)

# What a system does not know changes nothing: links are then looked for beforehand only.
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)


def make_folder(folder: Path) -> None:
    """Make the folder of a run, before anything is computed for it. Raises WorldsError that names what is in the way."""
    refuse_link(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        in_the_way = isinstance(error, (FileExistsError, NotADirectoryError))
        blocking = next((path for path in (folder, *folder.parents) if path.is_file()), None) if in_the_way else None
        reason = f"{blocking} is a file" if blocking is not None else error.strerror
        remedy = f"move {blocking} away, or {ELSEWHERE}" if blocking not in (None, folder) else ELSEWHERE
        raise WorldsError(f"the run folder {folder} cannot be made: {reason}; {remedy}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WorldsError(f"the run folder {folder} cannot be written to; {ELSEWHERE}")


def refuse_link(path: Path) -> None:
    """Raise WorldsError when a path is a symbolic link."""
    if os.path.islink(path):  # noqa: PTH114 - where it cannot be told, what is done next says why
        raise WorldsError(f"{path} is a symbolic link, which is not followed: what a run writes stays in its folder; remove the link, or {ELSEWHERE}")


def below(folder: Path, *names: str) -> Path:
    """Return a folder inside a run folder, whether it is there or not. Raises WorldsError when it, or one on the way to it, is a link."""
    refuse_link(folder)
    for name in names:
        folder = folder / name
        refuse_link(folder)
    return folder


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either there whole or not at all. A link in its place is replaced, not followed.

    Raises WorldsError when the disk does not take it, or the folder is a link.
    """
    refuse_link(path.parent)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666), "wb") as stream:  # noqa: PTH123 - of a descriptor
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        remedy = ". What was finished stays readable; run again to continue" if error.errno in _FULL else f"; {ELSEWHERE}"
        raise WorldsError(f"cannot write {path}: {error.strerror}{remedy}") from error


def discard(path: Path) -> None:
    """Remove a file, if it is there; of a link, the link. Raises WorldsError when it cannot be removed, or its folder is a link."""
    refuse_link(path.parent)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WorldsError(f"cannot remove {path}: {error.strerror}; {ELSEWHERE}") from error


def read_whole(path: Path, largest: int = LARGEST) -> bytes:
    """Read a file of a run folder.

    Raises FileNotFoundError when it is not there, and WorldsError when it cannot be read, is a link or no file, or is larger than `largest` bytes.
    """
    refuse_link(path.parent)
    refuse_link(path)
    try:
        with open(os.open(path, os.O_RDONLY | _NO_LINK | _NO_WAIT), "rb") as stream:  # noqa: PTH123 - of a descriptor
            found = os.fstat(stream.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise WorldsError(f"{path} cannot be read: it is not a file; remove it and run again")
            if found.st_size > largest:
                raise WorldsError(f"{path} cannot be read: {found.st_size:,} bytes, more than the {largest:,} allowed; remove it and run again")
            return stream.read(largest)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(error.errno, error.strerror, str(path)) from error
    except OSError as error:
        raise WorldsError(f"{path} cannot be read: {error.strerror}; remove it and run again") from error


# -- one run at a time ---------------------------------------------------------------------------------------------------------------------

LOCK = ".lock"

_held: dict[str, int] = {}
"""The thread of this process that has a folder, by the folder."""


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a run folder to oneself; within one thread again and again. A process that dies, however it does, keeps nothing.

    What such a process left half written is removed. Raises WorldsError that says who has the folder.
    """
    key = os.path.realpath(folder)
    if _held.get(key) == threading.get_ident():
        yield
        return
    path = folder / LOCK
    descriptor = _lock(path)
    _held[key] = threading.get_ident()
    try:
        for place in (folder, below(folder, "worlds")):
            for part in place.glob(".*.part"):
                discard(part)
        yield
    finally:
        del _held[key]
        with contextlib.suppress(OSError):  # no harm: what counts is the lock, not the file
            path.unlink()
        os.close(descriptor)


def _lock(path: Path) -> int:
    """Return a descriptor that holds the lock as long as it is open."""
    try:
        while True:
            refuse_link(path)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINK | _NO_WAIT, 0o666)
            try:
                if _taken(path, descriptor):
                    return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)
    except OSError as error:
        raise WorldsError(f"{path.parent} cannot be locked: {error.strerror}; {ELSEWHERE}, on a disk of this machine") from error


def _taken(path: Path, descriptor: int) -> bool:
    """Take the lock and say so in the file; False when whoever had it has removed the file meanwhile. Raises WorldsError when it is taken."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
        raise WorldsError(f"{path} is no file of a run; remove it and run again")
    try:
        _exclude(descriptor)
    except OSError as error:
        if error.errno not in _LOCKED:
            raise
        raise WorldsError(f"{path.parent} is in use{_holder(descriptor)}; wait until it has finished, or {ELSEWHERE}") from error
    try:
        if not os.path.samestat(os.fstat(descriptor), path.lstat()):
            return False
    except FileNotFoundError:
        return False
    note = {"process": os.getpid(), "host": socket.gethostname(), "since": dt.datetime.now().astimezone().isoformat(timespec="seconds")}
    os.ftruncate(descriptor, 0)
    os.write(descriptor, json.dumps(note).encode())
    return True


def _exclude(descriptor: int) -> None:
    """Lock an open file against other processes, for as long as this one has it open."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _holder(descriptor: int) -> str:
    """Say who wrote that it has the lock; nothing where that cannot be read."""
    try:
        note = json.loads(os.read(descriptor, 1000))
        process, host, since = int(note["process"]), str(note["host"]), dt.datetime.fromisoformat(note["since"])
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return ""
    return f" by process {process} on {ascii(host)[1:-1]} since {since:%Y-%m-%d %H:%M:%S}"
