"""Which coded events count as which moves. Nothing is dropped in silence: every event gets moves or a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from standoff.record import Event
from standoff.scenario.canonical import Canonical
from standoff.scenario.models import Rule


@dataclass(frozen=True)
class MappedEvent:
    """An event with the moves it stands for and its period, or the reason why it stands for none."""

    event: Event
    moves: tuple[str, ...]
    period: int | None
    reason: str = ""


def matches(rule: Rule, event: Event) -> bool:
    """Whether every field that the rule gives agrees with the event."""
    for name in ("id", "actor", "action", "plover", "mode", "target"):
        wanted = getattr(rule, name)
        if wanted is not None and getattr(event, name) not in ([wanted] if isinstance(wanted, str) else wanted):
            return False
    if rule.covert is not None and rule.covert != event.covert:
        return False
    return rule.killed_at_least is None or (event.killed or 0) >= rule.killed_at_least


def map_record(canonical: Canonical, events: Iterable[Event]) -> list[MappedEvent]:
    """Map events to moves by the scenario's rules; the order of events is kept."""
    mapped = []
    record = canonical.record
    for event in events:
        try:
            period = canonical.calendar.period(event.date)
        except ValueError as error:
            mapped.append(MappedEvent(event, (), None, str(error)))
            continue
        if event.modality not in ("happened", "threatened", "promised"):
            mapped.append(MappedEvent(event, (), period, f"did not happen: it is {event.modality}"))
            continue
        ignored = next((rule for rule in (record.ignore if record else []) if matches(rule, event)), None)
        moves = tuple(move for move, rules in (record.map if record else {}).items() if any(matches(rule, event) for rule in rules))
        if moves:
            mapped.append(MappedEvent(event, moves, period))
        elif ignored is not None:
            mapped.append(MappedEvent(event, (), period, f"left out by the scenario: {ignored.reason or 'no reason given'}"))
        else:
            mapped.append(
                MappedEvent(event, (), period, f"no rule maps {event.actor} {event.action or event.plover} against {event.target or 'nobody'}")
            )
    return mapped
