"""What a worker process does: it answers one request after the other, and ends with the process that started it.

Requests arrive on standard input, answers leave on standard output. When the process at the other end is gone, however it ended, reading meets
the end of the stream, and the worker ends at once, in the middle of its work.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import traceback
from typing import Any, BinaryIO

_LENGTH = 8
"""Bytes that say how long a message is."""

_serving = threading.Event()


def in_worker() -> bool:
    """Tell whether this process is a worker."""
    return _serving.is_set()


def send(stream: BinaryIO, message: bytes) -> None:
    """Write one message. Raises OSError when nobody reads any more."""
    stream.write(len(message).to_bytes(_LENGTH, "little"))
    stream.write(message)
    stream.flush()


def receive(stream: BinaryIO) -> bytes:
    """Read one message. Raises EOFError when nobody writes any more."""
    length = stream.read(_LENGTH)
    message = stream.read(int.from_bytes(length, "little"))
    if len(length) < _LENGTH or len(message) < int.from_bytes(length, "little"):
        raise EOFError
    return message


def serve() -> None:
    """Answer requests until the other end is gone. A request is a function with its arguments; an answer, whether it returned, and what."""
    _serving.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    requests, answers = _streams()
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    while True:
        answer = _answer(waiting.get())
        try:
            send(answers, answer)
        except OSError:
            os._exit(0)


def _streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two streams for messages alone: what a library prints goes to standard error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - open for as long as the process lives
    return requests, answers


def _listen(requests: BinaryIO, waiting: queue.SimpleQueue[bytes]) -> None:
    try:
        while True:
            waiting.put(receive(requests))
    except (EOFError, OSError):
        os._exit(0)


def _answer(request: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(request)  # noqa: S301 - from the process that started this one
        answer: tuple[bool, Any] = True, function(*arguments)
        return pickle.dumps(answer)
    except Exception as error:
        told = "".join(traceback.format_exception(error))
        error.add_note(f"in a worker process:\n{told}")
        try:
            pickle.loads(written := pickle.dumps((False, error)))  # noqa: S301 - an exception may be written and yet not be read
        except Exception:
            return pickle.dumps((False, RuntimeError(told)))
        return written
