"""Arms: what is done to a crisis, as an analyst says it.

An arm is a named list of changes. On the command line it is one line of text, `name: change; change`, with a verb in front of each change:

    force MOVE [from MOMENT] [until MOMENT]     forbid MOVE [on MOMENT]
    set PARAMETER=NUMBER                        off MECHANISM
    move DATE MOMENT                            remove DATE
    reveal PLAYER

A moment is a date, the number of a period, or a name of the calendar.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from standoff.errors import InterventionError
from standoff.names import instead
from standoff.scenario.models import Intervention, When
from standoff.text import DIGITS, foreign_digit

AS_IT_IS = "as it is"
"""The arm in which nothing is changed."""

Moment = When | str


@dataclass(frozen=True)
class SetParameter:
    """A parameter has this value in every world."""

    name: str
    value: float

    def __str__(self) -> str:
        return f"set {self.name}={self.value:g}"


@dataclass(frozen=True)
class SwitchOff:
    """A mechanism is switched off: its `off` parameters are set."""

    mechanism: str

    def __str__(self) -> str:
        return f"off {self.mechanism}"


@dataclass(frozen=True)
class MoveDate:
    """A date of the calendar comes at another moment."""

    name: str
    to: Moment

    def __str__(self) -> str:
        return f"move {self.name} {self.to}"


@dataclass(frozen=True)
class RemoveDate:
    """A date of the calendar never comes."""

    name: str

    def __str__(self) -> str:
        return f"remove {self.name}"


@dataclass(frozen=True)
class Reveal:
    """Everybody knows a player's type from the start, and everybody knows that."""

    player: str

    def __str__(self) -> str:
        return f"reveal {self.player}"


Change = Intervention | SetParameter | SwitchOff | MoveDate | RemoveDate | Reveal


@dataclass(frozen=True)
class Arm:
    """A named list of changes, made to every world alike."""

    name: str
    changes: tuple[Change, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The changes as they are written on the command line."""
        return [change_text(change) for change in self.changes]


def change_text(change: Change) -> str:
    """Write a change as on the command line."""
    if not isinstance(change, Intervention):
        return str(change)
    verb, move = ("force", change.force) if change.force is not None else ("forbid", change.forbid)
    if change.now:
        return f"{verb} {move} now"
    if change.first is not None and change.first == change.last:
        return f"{verb} {move} on {change.first}"
    span = [f"{word} {moment}" for word, moment in (("from", change.first), ("until", change.last)) if moment is not None]
    return " ".join([verb, str(move), *span])


def arms_of(given: Mapping[str, str | Iterable[Change | str]]) -> tuple[Arm, ...]:
    """Return arms from changes by name; texts are read as on the command line.

    >>> [arm.lines for arm in arms_of({"no threat": ["forbid challenger.threaten"]})]
    [['forbid challenger.threaten']]
    """
    arms = []
    for name, items in given.items():
        changes = [items] if isinstance(items, str) else items
        arms.append(Arm(name, tuple(read_change(change, name) if isinstance(change, str) else change for change in changes)))
    return tuple(arms)


def read_arm(text: str) -> Arm:
    """Read an arm as it is typed: an optional name, a colon, and changes separated by semicolons.

    Raises InterventionError for what cannot be read.

    >>> read_arm("no lame duck: off M22; set strike_cost=2").lines
    ['off M22', 'set strike_cost=2']
    >>> read_arm("forbid pm.crack_down from 2020-10-04").name
    'forbid pm.crack_down from 2020-10-04'
    """
    head, colon, tail = text.partition(":")
    name, body = (head.strip(), tail) if colon else ("", text)
    if colon and not name:
        raise InterventionError(f"the arm {text!r} has no name before the colon; write `name: change; change`, or leave the colon out")
    written = [part.strip() for part in body.split(";") if part.strip()]
    if not written:
        raise InterventionError(f"the arm {text!r} changes nothing; write such as `forbid PLAYER.OPTION`. {AS_IT_IS!r} is always there as the base")
    # An arm without a name that is one change is called as it is written; the message has that already.
    changes = tuple(read_change(part, name or (text.strip() if len(written) > 1 else "")) for part in written)
    return Arm(name or "; ".join(map(change_text, changes)), changes)


def read_change(text: str, arm: str = "") -> Change:
    """Read one change. Raises InterventionError, with the form that the verb takes, for what cannot be read."""
    words = text.split()
    where = f"arm {arm!r}: " if arm else ""
    if not words:
        raise InterventionError(f"{where}an empty change; each begins with one of {', '.join(FORMS)}")
    verb, rest = words[0], words[1:]
    if verb not in FORMS:
        raise InterventionError(f"{where}{text!r} begins with {verb!r}; {instead(verb, FORMS, 'a change begins with one of')}")
    try:
        return _read(verb, rest)
    except ValueError as error:
        problem = f" ({error})" if str(error) else ""
        raise InterventionError(f"{where}{text!r} cannot be read{problem}; write `{FORMS[verb]}`") from None


FORMS = {
    "force": "force PLAYER.OPTION [from MOMENT] [until MOMENT] [on MOMENT]",
    "forbid": "forbid PLAYER.OPTION [from MOMENT] [until MOMENT] [on MOMENT]",
    "set": "set PARAMETER=NUMBER",
    "off": "off MECHANISM",
    "move": "move DATE MOMENT",
    "remove": "remove DATE",
    "reveal": "reveal PLAYER",
}
"""The verbs, each with its form."""


def _read(verb: str, words: Sequence[str]) -> Change:
    match verb, *words:
        case ("force" | "forbid", move, *span):
            if not _OPTION.match(move):
                raise ValueError(f"{move} is no option, which is written PLAYER.OPTION")
            return _intervention(verb, move, span)
        case ("set", *pieces):
            return _setting("".join(pieces))
        case ("move", name, moment) | ("move", name, "to", moment):
            return MoveDate(name, read_moment(moment))
        case ("off", name):
            return SwitchOff(name)
        case ("remove", name):
            return RemoveDate(name)
        case ("reveal", name):
            return Reveal(name)
    raise ValueError


def _intervention(verb: str, move: str, span: Sequence[str]) -> Intervention:
    first = last = None
    if len(span) % 2:
        raise ValueError(f"{span[-1]!r} stands alone")
    for word, given in zip(span[::2], span[1::2], strict=True):
        if word not in ("from", "until", "on"):
            raise ValueError(f"{word!r} is none of from, until, on")
        moment = read_moment(given)
        if (word in ("from", "on") and first is not None) or (word in ("until", "on") and last is not None):
            raise ValueError("the periods are given twice; `on` stands alone, and `from` and `until` once each")
        first = moment if word in ("from", "on") else first
        last = moment if word in ("until", "on") else last
    return Intervention.model_validate({verb: move, "first": first, "last": last})


def _setting(text: str) -> SetParameter:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError("no NAME=VALUE")
    if foreign_digit(value):
        raise ValueError(f"{value} is no number; {DIGITS}")
    number = float(value)
    if number != number or abs(number) == float("inf"):
        raise ValueError(f"{value} is no finite number")
    return SetParameter(name, number)


_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_OPTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*\Z")


def read_moment(text: str) -> Moment:
    """Read a date, the number of a period or a name of the calendar. Raises ValueError for anything else."""
    if _DATE.match(text):
        year, month, day = map(int, text.split("-"))
        try:
            return dt.date(year, month, day)
        except ValueError as error:
            raise ValueError(f"{text}: {error}") from None
    if text.isascii() and text.isdecimal():
        return int(text)
    if _NAME.match(text):
        return text
    raise ValueError(f"{text} is no moment, which is a date such as 2020-11-03, the number of a period or a name of the calendar")
