"""Ctrl-C: remembered, because an exception raised in the middle of compiled or loading code may come out as another one, or not at all."""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType
from typing import Any

_AGAIN = 0.2
"""Seconds after which a stop that was swallowed is asked for again."""

_asked = threading.Event()


def asked() -> bool:
    """Tell whether Ctrl-C was pressed."""
    return _asked.is_set()


def watch() -> None:
    """Remember Ctrl-C from now on; it still raises KeyboardInterrupt."""
    signal.signal(signal.SIGINT, _stop)
    sys.unraisablehook = _unraisable


def ignore() -> None:
    """Let Ctrl-C change nothing any more: all is said and done."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _stop(_number: int, _frame: FrameType | None) -> None:
    _asked.set()
    raise KeyboardInterrupt


def _unraisable(lost: Any) -> None:
    """Keep quiet about an exception that could not be passed on after Ctrl-C, and press it again where nobody heard it."""
    if not asked():
        sys.__unraisablehook__(lost)
    elif issubclass(lost.exc_type, KeyboardInterrupt):
        again = threading.Timer(_AGAIN, _press)
        again.daemon = True
        again.start()


def _press() -> None:
    if hasattr(signal, "pthread_kill"):
        # The main thread may be waiting; only a signal sent to it wakes it.
        ident = threading.main_thread().ident
        assert ident is not None
        signal.pthread_kill(ident, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
