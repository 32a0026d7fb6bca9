"""Lay out the periods of the clock and the dates of the calendar."""

from __future__ import annotations

import calendar
import datetime as dt
import re

from standoff.expressions import Bound, Moments
from standoff.expressions.calendar import NEVER
from standoff.scenario.canonical import Calendar
from standoff.scenario.findings import PLACEHOLDER, Findings
from standoff.scenario.models import Clock, Dated, When

MAX_PERIODS = 10_000
_STEP = re.compile(r"\s*([0-9]{1,4})\s*(day|week|month)s?\s*$")
_STEP_RULE = "a number of days, weeks or months, such as `2 weeks`"


def lay_out(findings: Findings) -> tuple[Moments, bool]:
    """Place periods and dates. Where the clock has faults, which are noted, gives a stand-in and False."""
    clock = findings.scenario.clock
    dated = (clock.start, clock.step, clock.end)
    if clock.open_ended:
        return _open_ended(findings, clock)
    if clock.periods is not None and dated == (None, None, None):
        return Moments(clock.periods, None, _dates(findings, clock.periods, False)), True
    if clock.periods is None and clock.start is not None and clock.step is not None and clock.end is not None:
        starts = _starts(findings, clock.start, clock.step, clock.end)
        if starts is not None:
            return Moments(len(starts) - 1, starts, _dates(findings, len(starts) - 1, True)), True
    else:
        _note_form(findings, clock)
    return _stand_in(findings), False


def _open_ended(findings: Findings, clock: Clock) -> tuple[Moments, bool]:
    """Lay out one period that stands for all; note what an open-ended game cannot have."""
    given = [name for name in ("periods", "start", "step", "end") if getattr(clock, name) is not None]
    for name in given:
        findings.add(
            ("clock", name), f"an open-ended game has no {name}", found=str(getattr(clock, name)), suggestion=f"leave {name} or open_ended out"
        )
    if clock.discounting == "present":
        findings.add(
            ("clock", "discounting"), "in an open-ended game all periods look alike, so precision acts on current values", suggestion="leave it out"
        )
    for name in findings.scenario.calendar:
        findings.add(("calendar", name), "an open-ended game has no dates", suggestion="count with a state variable", key=True)
    for block, what in (("record", "a record"), ("beliefs", "a scenario that goes before"), ("claims", "claims"), ("quantities", "quantities")):
        if getattr(findings.scenario, block):
            findings.add((block,), f"an open-ended game cannot have {what} yet", suggestion="give the clock a number of periods or an end", key=True)
    return Moments(1, None, {}, open_ended=True), not given


def _stand_in(findings: Findings) -> Moments:
    """Make a clock of one week that knows all names of the calendar, so that their uses are not called wrong."""
    week = (dt.date(2000, 1, 1), dt.date(2000, 1, 8))
    return Moments(1, week, dict.fromkeys(findings.scenario.calendar, week[0]))


def as_calendar(moments: Moments, discount: Bound, present: bool) -> Calendar:
    """Make the canonical calendar."""
    return Calendar(moments.n_periods, moments.starts, moments.dates, discount, present, moments.open_ended)


def check_moment(findings: Findings, path: tuple[str | int, ...], moment: When | str | None, moments: Moments | None) -> int | None:
    """Find the period of a moment, noting a fault if it is unknown or outside the clock."""
    if moment is None or moments is None or moment in findings.broken:
        return None
    if isinstance(moment, str) and not findings.known(path, "name of the calendar", moment, moments.dates):
        return None
    try:
        return Calendar(moments.n_periods, moments.starts, moments.dates, PLACEHOLDER, False).period(moment)
    except ValueError as error:
        findings.add(path, str(error), found=str(moment))
        return None


def period_at(moment: When | str, moments: Moments) -> int | None:
    """Find the period of a moment; None where it has none, which `check_moment` notes."""
    try:
        return Calendar(moments.n_periods, moments.starts, moments.dates, PLACEHOLDER, False).period(moment)
    except (KeyError, ValueError):
        return None


def with_periods(clock: Clock, n_periods: int) -> Clock:
    """Return a clock without faults with another number of periods, at least 1, each of full length.

    Raises ValueError when such a game would end after the year 9999.
    """
    if clock.periods is not None:
        return clock.model_copy(update={"periods": n_periods})
    match = _STEP.match(clock.step or "")
    # A clock without faults has a start and a step that can be read.
    assert match is not None
    assert clock.start is not None
    end = _later(clock.start, n_periods * int(match[1]), match[2])
    if end is None:
        raise ValueError(f"{n_periods} periods of {clock.step} from {clock.start} end after the year 9999")
    return clock.model_copy(update={"end": end})


def _note_form(findings: Findings, clock: Clock) -> None:
    dated = {name: getattr(clock, name) for name in ("start", "step", "end")}
    given = [name for name, value in dated.items() if value is not None]
    forms = "periods; start, step and end; or open_ended"
    if clock.periods is not None and given:
        findings.add(("clock",), "the clock has both forms", found=f"periods, {', '.join(given)}", allowed=forms)
    else:
        missing = [name for name in dated if name not in given]
        found = f"{', '.join(given)} without {', '.join(missing)}" if given else "none of them"
        findings.add(("clock",), "the clock is not complete", found=found, allowed=forms)


def _starts(findings: Findings, start: dt.date, step: str, end: dt.date) -> tuple[dt.date, ...] | None:
    match = _STEP.match(step)
    if match is None or int(match[1]) == 0:
        findings.add(("clock", "step"), "this is no length of a period", found=step, allowed=_STEP_RULE)
        return None
    if end <= start:
        findings.add(("clock", "end"), "the end is not after the start", found=str(end), allowed=f"a date after {start}")
        return None
    starts = [start]
    while len(starts) <= MAX_PERIODS:
        following = _later(start, len(starts) * int(match[1]), match[2])
        if following is None or following >= end:
            return (*starts, end)
        starts.append(following)
    findings.add(("clock",), "the clock has too many periods", allowed=f"{MAX_PERIODS:,}", suggestion="take a longer step")
    return None


def _later(day: dt.date, count: int, unit: str) -> dt.date | None:
    """Give the day that many units later; None after the year 9999. A month that is too short gives its last day."""
    try:
        if unit != "month":
            return day + dt.timedelta(days=count * (7 if unit == "week" else 1))
        year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
        last = calendar.monthrange(year, month + 1)[1]
        return dt.date(year, month + 1, min(day.day, last))
    except (OverflowError, ValueError):
        return None


def _dates(findings: Findings, n_periods: int, dated: bool) -> dict[str, int | dt.date]:
    dates: dict[str, int | dt.date] = {}
    for name, entry in findings.scenario.calendar.items():
        moment = entry.date if isinstance(entry, Dated) else entry
        path = ("calendar", name)
        if isinstance(moment, dt.date) and not dated and moment != NEVER:
            allowed = "a period, 0 being the first"
            findings.add(path, "this is a date, but the clock counts abstract periods", found=str(moment), allowed=allowed)
            findings.broken.add(name)
        elif not isinstance(moment, dt.date) and not _is_period(moment, n_periods, dated):
            allowed = (
                f"a date such as 2020-11-03, or a period from 0 to {n_periods}" if dated else f"a period, at most {MAX_PERIODS:,} from the first"
            )
            problem = "a whole number is a period, and this one is no period of the clock"
            findings.add(path, problem, found=str(moment), allowed=allowed, suggestion=_as_date(moment))
            findings.broken.add(name)
        else:
            dates[name] = moment
    return dates


def _is_period(number: int, n_periods: int, dated: bool) -> bool:
    """Tell whether a moment given as a number can be meant for a period. Without dates, one before the first or after the last can be counted to."""
    return 0 <= number <= n_periods if dated else abs(number) <= MAX_PERIODS


def _as_date(number: int) -> str | None:
    """Say what a number is when it is read as year, month and day, if that is a date."""
    try:
        return f"write {dt.datetime.strptime(f'{number:08d}', '%Y%m%d').date()} if that day is meant"
    except ValueError:
        return None
