"""The three standard streams, as a program may find them: closed, or of an encoding that cannot write what a scenario holds."""

from __future__ import annotations

import io
import os
import sys


def prepare() -> None:
    r"""Make every text printable, and open what is closed to nowhere.

    What an encoding lacks is written as an escape such as `\u2264`. A closed stream must not stay closed: the next file that is opened would take
    its number, and what is printed would end up in that file.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
