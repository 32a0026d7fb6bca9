"""What an expression may refer to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from standoff.expressions.kinds import Kind

FUNCTIONS = frozenset(
    (
        *("min", "max", "abs", "exp", "log", "sqrt", "clip", "logistic"),
        *("before", "on", "after", "weeks_until", "weeks_since", "periods_until", "periods_since", "type"),
    )
)
KEYWORDS = frozenset(("and", "or", "not", "in", "if", "else", "true", "false"))
RESERVED = FUNCTIONS | KEYWORDS | frozenset(("period", "periods", "time_is_up", "rest"))
"""Words with a meaning of their own, which no declared name may take."""


@dataclass(frozen=True)
class Moments:
    """The periods of the game and the named moments, for the calendar functions.

    `starts[t]` is the first day of period `t` and `starts[n_periods]` the first day after the game; None in a game without dates.
    """

    n_periods: int
    starts: tuple[dt.date, ...] | None = None
    dates: Mapping[str, int | dt.date] = field(default_factory=dict)
    open_ended: bool = False
    """Whether the one period laid out stands for all that follow, without end."""


@dataclass(frozen=True)
class Scope:
    """The names an expression may use.

    `names` gives the kind of each parameter, variable and derived quantity; `types` the types of each player whose type may be used;
    `own` the player that bare `type` means. `moments` allows `period`, `periods` and the calendar functions. `barred` gives names that
    exist but may not be used here, each with the reason.
    """

    names: Mapping[str, Kind] = field(default_factory=dict)
    types: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    own: str | None = None
    moments: Moments | None = None
    time_is_up: bool = False
    barred: Mapping[str, str] = field(default_factory=dict)
