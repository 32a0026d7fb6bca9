"""Which coded events count as which moves. Nothing is dropped in silence: every event gets moves or a reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from standoff.record import Event
from standoff.scenario.canonical import Canonical
from standoff.scenario.rules import COUNTED, matches

LATER = "on or after "
"""How the reason begins for which an event was not known yet."""


@dataclass(frozen=True)
class MappedEvent:
    """An event with the moves it stands for and its period, or the reason why it stands for none."""

    event: Event
    moves: tuple[str, ...]
    period: int | None
    reason: str = ""


def known_by(canonical: Canonical) -> dt.date | None:
    """Return the day as of which claims are judged; None when the whole record is known."""
    return canonical.record.known if canonical.record is not None else None


def known_periods(canonical: Canonical) -> int:
    """Return how many periods begin before claims were made; all of them when the whole record is known."""
    known, calendar = known_by(canonical), canonical.calendar
    if known is None or calendar.starts is None:
        return calendar.n_periods
    return sum(start < known for start in calendar.starts[:-1])


def map_record(canonical: Canonical, events: Iterable[Event], *, known: dt.date | None = None, without: Collection[str] = ()) -> list[MappedEvent]:
    """Map events to moves by the scenario's rules; the order of events is kept.

    Events from the day `known` on stand for no move, nor do those named in `without`.
    """
    mapped = []
    for event in events:
        try:
            period = canonical.calendar.period(event.date)
        except ValueError as error:
            mapped.append(MappedEvent(event, (), None, str(error)))
            continue
        if event.id in without:
            mapped.append(MappedEvent(event, (), period, "taken away"))
        elif known is not None and event.date >= known:
            mapped.append(MappedEvent(event, (), period, f"{LATER}{known}, when the claims were made"))
        else:
            moves, reason = _moves(canonical, event)
            mapped.append(MappedEvent(event, moves, period, reason))
    return mapped


def _moves(canonical: Canonical, event: Event) -> tuple[tuple[str, ...], str]:
    """Return the moves that an event stands for, or none and the reason."""
    if event.modality not in COUNTED:
        return (), f"did not happen: it is {event.modality}"
    record = canonical.record
    moves = tuple(move for move, rules in (record.map if record else {}).items() if any(matches(rule, event) for rule in rules))
    if moves:
        return moves, ""
    ignored = next((rule for rule in (record.ignore if record else []) if matches(rule, event)), None)
    if ignored is not None:
        return (), f"left out by the scenario: {ignored.reason or 'no reason given'}"
    return (), f"no rule maps {event.actor} {event.action or event.plover} against {event.target or 'nobody'}"
