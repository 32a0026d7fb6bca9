"""What the record says of a forecast: it happened, it did not, or it is open.

The days that count are those after the forecast was made, up to and including its last day. What is dated on the day it was made may have been
known, and does not count. An event whose date is only known to the week may be off by six days, one known to the month by thirty; it decides
only when all days on which it may have happened count. A record speaks for the days up to its last event: one that stops before the last day
of the forecast cannot say that nothing happened.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from standoff.record import Event, Record
from standoff.scenario.models import Forecast
from standoff.scenario.rules import COUNTED, matches
from standoff.scenario.titles import day

Status = Literal["happened", "did not happen", "open"]

_SLACK_DAYS = {"day": 0, "week": 6, "month": 30}
"""By how much a date may be off."""


@dataclass(frozen=True)
class Resolution:
    """What became of a forecast."""

    status: Status
    events: tuple[Event, ...] = ()
    """Those that decided, in order of date."""
    reason: str = ""
    """Why it is open, or what its not happening rests on."""


def resolve(forecast: Forecast, record: Record, *, made: dt.date) -> Resolution:
    """Resolve a forecast made on a day from the whole record."""
    if forecast.open.strip():
        return Resolution("open", reason=" ".join(forecast.open.split()))
    picked = [event for event in record.events if event.modality in COUNTED and any(matches(rule, event) for rule in forecast.resolve)]
    deciding = tuple(event for event in picked if _earliest(event) > made and _latest(event) <= forecast.by)
    if deciding:
        return Resolution("happened", deciding)
    doubtful = [event for event in picked if _latest(event) > made and _earliest(event) <= forecast.by]
    if doubtful:
        told = ", ".join(f"{event.id} (about {day(event.date)})" for event in doubtful)
        return Resolution("open", reason=f"only the {doubtful[0].date_precision} is known of {told}: it may lie before or after the days that count")
    if not record.events:
        return Resolution("open", reason="the record is empty")
    last = record.events[-1].date
    if last < forecast.by:
        return Resolution("open", reason=f"the record stops on {day(last)}, before {day(forecast.by)}")
    return Resolution("did not happen", reason=f"no such event; the record goes on to {day(last)}")


def _earliest(event: Event) -> dt.date:
    return event.date - dt.timedelta(days=_SLACK_DAYS[event.date_precision])


def _latest(event: Event) -> dt.date:
    return event.date + dt.timedelta(days=_SLACK_DAYS[event.date_precision])
