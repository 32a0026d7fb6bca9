"""The calendar functions, worked out for every period when an expression is bound."""

from __future__ import annotations

import datetime as dt
import math
from bisect import bisect_right

from standoff.expressions.scope import Moments
from standoff.expressions.tree import ByPeriod

LOGICAL = ("before", "on", "after")
WEEKS = ("weeks_until", "weeks_since")
PERIODS = ("periods_until", "periods_since")
CALENDAR_FUNCTIONS = (*LOGICAL, *WEEKS, *PERIODS)

NEVER = dt.date.max
"""The moment of a date that never comes: all of the game is before it."""


def by_period(function: str, moment: int | dt.date, moments: Moments) -> ByPeriod:
    """Tabulate a calendar function of a moment.

    Raises ValueError when the clock cannot place the moment, or has no dates and weeks are asked for.
    """
    if moment == NEVER:
        if function not in LOGICAL:
            raise ValueError("the date never comes, so that nothing can be counted to it or from it; move it instead of removing it")
        return ByPeriod((function == "before",) * moments.n_periods)
    if function in WEEKS:
        weeks = _weeks_until(moment, moments)
        return ByPeriod(weeks if function == "weeks_until" else tuple(-value for value in weeks))
    place = period_of(moment, moments)
    periods = range(moments.n_periods)
    if function in PERIODS:
        sign = 1.0 if function == "periods_until" else -1.0
        return ByPeriod(tuple(sign * (place - period) for period in periods))
    if function == "on":
        return ByPeriod(tuple(period == place for period in periods))
    if function == "after":
        return ByPeriod(tuple(_starts_after(period, moment, moments) for period in periods))
    return ByPeriod(tuple(not _starts_after(period + 1, moment, moments) for period in periods))


def period_of(moment: int | dt.date, moments: Moments) -> int:
    """Find the period that contains a moment; moments outside the clock are counted in periods of mean length."""
    if not isinstance(moment, dt.date):
        return moment
    starts = _starts(moments)
    if starts[0] <= moment < starts[-1]:
        return bisect_right(starts, moment) - 1
    mean_days = (starts[-1] - starts[0]).days / moments.n_periods
    if moment < starts[0]:
        return math.floor((moment - starts[0]).days / mean_days)
    return moments.n_periods + math.floor((moment - starts[-1]).days / mean_days)


def _starts(moments: Moments) -> tuple[dt.date, ...]:
    if moments.starts is None:
        raise ValueError("the moment is a date, but the clock counts abstract periods")
    return moments.starts


def _starts_after(period: int, moment: int | dt.date, moments: Moments) -> bool:
    if not isinstance(moment, dt.date):
        return period > moment
    return _starts(moments)[period] > moment


def _weeks_until(moment: int | dt.date, moments: Moments) -> tuple[float, ...]:
    if moments.starts is None:
        raise ValueError("weeks need a clock with dates; use periods_until or periods_since")
    if not isinstance(moment, dt.date):
        if not 0 <= moment <= moments.n_periods:
            raise ValueError(f"period {moment} is outside the clock (0 to {moments.n_periods})")
        moment = moments.starts[moment]
    return tuple((moment - start).days / 7 for start in moments.starts[:-1])
