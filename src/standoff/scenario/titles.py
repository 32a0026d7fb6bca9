"""What moves, outcomes and ends are called, and how dates are written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from standoff.scenario.canonical import Calendar
    from standoff.scenario.models import Scenario


def spoken(address: str) -> str:
    """Write an address of a move in words when it has no title."""
    return address.replace("_", " ").replace(".", ": ").replace("/", " -> ")


def titles(scenario: Scenario) -> dict[str, str]:
    """Return what each move, signal, outcome and end is called."""
    found: dict[str, str] = {}

    def add(address: str, title: str, outcomes: Mapping[str, Any]) -> None:
        found[address] = title or spoken(address)
        for name, outcome in outcomes.items():
            found[f"{address}/{name}"] = outcome.title or f"{found[address]} -> {name.replace('_', ' ')}"

    for turn in scenario.turns:
        for name, option in turn.options.items():
            add(f"{turn.player}.{name}", option.title, option.outcomes)
        for name, signal in turn.signals.items():
            add(f"{turn.player}.{name}", signal.title, signal.outcomes)
    for name, event in scenario.events.items():
        add(name, event.title, event.outcomes)
    for name, end in scenario.ends.items():
        found[f"end:{name}"] = end.title or name.replace("_", " ")
    found.setdefault("end:time_up", "time is up")
    return found


def day(date: dt.date | str | None) -> str:
    """Write a date as in 26 Sep 2020."""
    if date is None:
        return ""
    if isinstance(date, str):
        date = dt.date.fromisoformat(date)
    return f"{date.day} {date:%b %Y}"


def moment(calendar: Calendar, period: int) -> str:
    """Write when a period begins."""
    if calendar.open_ended:
        return "in every period"
    return day(calendar.starts[period]) if calendar.starts is not None else f"period {period}"
