"""The errors of standoff.

StandoffError
├── ScenarioError        a scenario is wrong; lists every fault found
├── ExpressionError      one expression cannot be read, bound or evaluated
├── RecordError          a record is wrong; lists every fault found
├── BuildError           a scenario cannot be made into a game
│   └── GameTooLargeError    the game would not fit
├── SolveError           a game cannot be solved as asked
├── InterventionError    a move cannot be forced or forbidden as asked
├── WorldsError          worlds cannot be drawn, run or read
├── ExportError          a game cannot be written in the format asked for
└── ArgumentError        a call was given something of a kind that it does not take
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from standoff.text import visible


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that is wrong, or suspicious, in a file: where, what was found, what is allowed, and what may have been meant."""

    problem: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    field: str | None = None
    found: str | None = None
    allowed: str | None = None
    suggestion: str | None = None
    """A name that may have been meant, or a sentence that says what to do."""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        head = [part for part in (place, self.severity if self.severity == "warning" else "", self.field) if part]
        tail = [self.problem]
        if self.found is not None:
            tail.append(f"found {self.found}")
        if self.allowed is not None:
            tail.append(f"allowed: {self.allowed}")
        if self.suggestion is not None:
            tail.append(self.suggestion if " " in self.suggestion else f"did you mean {self.suggestion}?")
        # A fault is one line, whatever the files that it speaks of hold.
        return visible(": ".join([*head, "; ".join(tail)])).replace("\n", "\\n")


class StandoffError(Exception):
    """Base of all errors that standoff raises on purpose; the message can be printed as it is."""

    def __str__(self) -> str:
        return visible(super().__str__())


class _FaultsError(StandoffError):
    """Base of errors that list faults."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = len(self.faults)
        title = "1 fault" if count == 1 else f"{count} faults"
        return "\n".join([title, *(f"{number}. {fault}" for number, fault in enumerate(self.faults, start=1))])


class ScenarioError(_FaultsError):
    """Raised when a scenario has faults; `faults` holds them all."""


class RecordError(_FaultsError):
    """Raised when a record has faults; `faults` holds them all."""


class ExpressionError(StandoffError):
    """Raised when an expression cannot be read, bound to its names or evaluated.

    `column` counts from 1 within `text`; `where` is the place in the scenario.
    """

    def __init__(
        self,
        problem: str,
        *,
        text: str = "",
        where: str = "",
        column: int | None = None,
        found: str | None = None,
        allowed: str | None = None,
        suggestion: str | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.text = text
        self.where = where
        self.column = column
        self.found = found
        self.allowed = allowed
        self.suggestion = suggestion

    def __str__(self) -> str:
        fault = Fault(problem=self.problem, found=self.found, allowed=self.allowed, suggestion=self.suggestion)
        where = "" if self.column is None else f", column {self.column}"
        return f"{self.where + ': ' if self.where else ''}expression `{shortened(self.text)}`{where}: {fault}"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore_expression_error, (self.problem, self.text, self.where, self.column, self.found, self.allowed, self.suggestion)


def _restore_expression_error(
    problem: str, text: str, where: str, column: int | None, found: str | None, allowed: str | None, suggestion: str | None
) -> ExpressionError:
    return ExpressionError(problem, text=text, where=where, column=column, found=found, allowed=allowed, suggestion=suggestion)


class BuildError(StandoffError):
    """Raised when a scenario cannot be made into a game."""


class GameTooLargeError(BuildError):
    """Raised when a game would not fit; the message gives the estimate."""


class SolveError(StandoffError):
    """Raised when a game cannot be solved as asked."""


class InterventionError(StandoffError):
    """Raised when a move cannot be forced or forbidden as asked."""


class WorldsError(StandoffError):
    """Raised when worlds cannot be drawn, run or read."""


class ExportError(StandoffError):
    """Raised when a game cannot be written in the format asked for."""


class ArgumentError(StandoffError, TypeError):
    """Raised when a call is given something of a kind that it does not take; the message says what to pass."""


def shortened(text: str, length: int = 80) -> str:
    """Shorten a text for a message."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 3] + "..."
