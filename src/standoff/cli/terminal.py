"""What reaches the terminal: results on standard output; messages, progress and errors on standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console

from standoff.errors import StandoffError, _FaultsError
from standoff.printed import Text
from standoff.printed import as_text as as_plain_text
from standoff.text import visible

Progress = Callable[[str, float], None]

WIDTH = 110
"""Columns where the terminal does not say."""


def _console(**settings: Any) -> Console:
    """Return a console that reads nothing into a text: no markup, no names of emoji, no numbers to colour."""
    return Console(highlight=False, markup=False, emoji=False, **settings)


def console(*, stderr: bool = False) -> Console:
    """Return a console; without a terminal it is as wide as COLUMNS says, or 110."""
    made = _console(stderr=stderr)
    if not made.is_terminal and "COLUMNS" not in made._environ:
        made.width = WIDTH
    return made


def say(text: str, style: str = "") -> None:
    """Write a message to standard error."""
    console(stderr=True).print(Text(text, style=style))


class OutputError(StandoffError):
    """Raised when standard output does not take what is written to it."""


@contextmanager
def written() -> Iterator[None]:
    """Turn what keeps standard output from being written into OutputError; a reader that went away stays BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"the output cannot be written: {error.strerror}") from error


def discard_output() -> None:
    """Send what is still to be written to standard output nowhere, so that nothing is said about it again at the end of the program."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(parts: Iterable[Any], given: Sequence[str] | None = None) -> None:
    """Print a report; the commands that it names set what was `given` with `--set`. Lines in a pipe or file end where their text does."""
    from standoff.report.words import under

    out = console()
    with written():
        for part in parts:
            shown = as_plain_text(under(part, given or ()))
            if out.is_terminal:
                out.print(shown)
                continue
            with out.capture() as caught:
                out.print(shown)
            out.file.write("\n".join(line.rstrip(" ") for line in caught.get().split("\n")))
        out.file.flush()


def as_text(parts: Iterable[Any]) -> str:
    """Return a report as plain text of 110 columns."""
    import io

    stream = io.StringIO()
    out = _console(file=stream, width=WIDTH, color_system=None, force_terminal=False, legacy_windows=False)
    for part in parts:
        out.print(as_plain_text(part))
    return "\n".join(line.rstrip() for line in stream.getvalue().split("\n"))


def error_content(error: BaseException) -> dict[str, Any]:
    """Return an error as plain data."""
    from standoff.report.checked import fault_content

    faults = error.faults if isinstance(error, _FaultsError) else ()
    return {"error": str(error) or type(error).__name__, "faults": [fault_content(fault) for fault in faults]}


def show_error(error: BaseException) -> None:
    """Print an error for people."""
    out = console(stderr=True)
    if isinstance(error, _FaultsError):
        for number, fault in enumerate(error.faults, start=1):
            out.print(Text.assemble((f"{number:>3}. ", "red"), str(fault)))
        count = len(error.faults)
        out.print(Text("1 fault" if count == 1 else f"{count} faults", style="bold red"))
    elif isinstance(error, StandoffError):
        out.print(Text.assemble(("error: ", "bold red"), str(error)))
    else:
        out.print(Text.assemble(("unexpected error: ", "bold red"), f"{type(error).__name__}: {error}"))
        out.print(Text("This is a fault of standoff. Set STANDOFF_DEBUG=1 to see where it happened.", style="dim"))


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Give a progress callback that draws a bar with the time left; it draws nothing when standard error is no terminal."""
    out = _console(stderr=True)
    if not out.is_terminal:
        yield lambda _what, _share: None
        return
    from rich.progress import BarColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Bar(*columns, console=out, transient=True) as bar:

        def report(what: str, share: float) -> None:
            what = visible(what)
            if what not in tasks:
                for task in tasks.values():
                    bar.update(task, visible=False)
                tasks[what] = bar.add_task(what, total=1.0)
            bar.update(tasks[what], completed=share, visible=True)

        yield report


def print_json(content: Any) -> None:
    """Print plain data as JSON on standard output; where its encoding lacks a character, with JSON's own escapes."""
    from standoff.report.words import to_json

    text = to_json(content)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(json.loads(text), indent=2)
    with written():
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
