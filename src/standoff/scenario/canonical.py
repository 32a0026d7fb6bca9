"""The canonical form of a scenario: one regular shape, every default filled in, every expression bound to its names.

`resolve` in `standoff.scenario.check` makes it from the declared form; `standoff.game` compiles it. Nothing here knows of files.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from standoff.expressions import Bound
from standoff.expressions.calendar import NEVER
from standoff.record import Record
from standoff.scenario.models import Claim, Mechanism, RecordMap
from standoff.scenario.priors import Distribution
from standoff.text import brief


@dataclass(frozen=True)
class Calendar:
    """The periods of the game and the named dates.

    `starts[t]` is the first day of period `t` and `starts[n_periods]` the first day after the game; None in a game without dates, where
    moments are periods.
    """

    n_periods: int
    starts: tuple[dt.date, ...] | None
    dates: Mapping[str, int | dt.date]
    discount: Bound
    present: bool
    """Whether precision acts on values discounted to the start."""
    open_ended: bool = False
    """Whether the game goes on without end; there is one period then, which stands for all."""

    def period(self, moment: int | str | dt.date) -> int:
        """Period of a moment: a period number, a date, or a name of the calendar. Raises ValueError outside the clock."""
        if isinstance(moment, str):
            name, moment = moment, self.dates[moment]
            if moment == NEVER:
                raise ValueError(f"{name} never comes")
        if isinstance(moment, dt.date):
            if self.starts is None:
                raise ValueError(f"{moment} is a date, but the clock counts abstract periods")
            for period in range(self.n_periods):
                if self.starts[period] <= moment < self.starts[period + 1]:
                    return period
            raise ValueError(f"{moment} is outside the clock ({self.starts[0]} to {self.starts[-1]}, not included)")
        if not 0 <= moment < self.n_periods:
            raise ValueError(f"period {moment} is outside the clock (0 to {self.n_periods - 1})")
        return moment


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter with its prior."""

    name: str
    prior: Distribution
    unit: str
    reason: str
    source: str


@dataclass(frozen=True)
class VariableSpec:
    """A state variable; values are coded by their position."""

    name: str
    values: tuple[str | int | bool, ...]
    start: int
    resets: bool


@dataclass(frozen=True)
class LaterSpec:
    """A delayed effect; exactly one of `after` (periods) and `period` (absolute) is given."""

    key: str
    after: int | None
    period: int | None
    sets: tuple[tuple[str, Bound], ...]
    irreversible: bool = False
    """Whether the variables are frozen once it has happened."""


@dataclass(frozen=True)
class ChangeSpec:
    """Assignments, each of which sees those before it, with the delayed part; `irreversible` freezes the variables afterwards."""

    sets: tuple[tuple[str, Bound], ...] = ()
    later: LaterSpec | None = None
    irreversible: bool = False


@dataclass(frozen=True)
class OutcomeSpec:
    """One result of chance. `chance` is None for the rest."""

    name: str
    chance: Bound | None
    change: ChangeSpec


@dataclass(frozen=True)
class EffectSpec:
    """A change followed by chance. `subject` is the player on whose type the chances depend, if any."""

    change: ChangeSpec = ChangeSpec()
    outcomes: tuple[OutcomeSpec, ...] = ()
    subject: str | None = None
    silent: str | None = None


@dataclass(frozen=True)
class OptionSpec:
    """An option. `signals` gives the chance of each signal (None for the rest) when it is covert, else None."""

    name: str
    title: str
    when: Bound
    propensity: Bound
    effect: EffectSpec
    signals: Mapping[str, Bound | None] | None


@dataclass(frozen=True)
class TurnSpec:
    """A player's turn; `silent` is the option or signal that a silent record means, if there is one."""

    name: str
    player: str
    when: Bound
    options: tuple[OptionSpec, ...]
    signals: Mapping[str, EffectSpec]
    silent: str | None
    at_once: bool = False
    """Chosen at the same moment as the turn before."""


@dataclass(frozen=True)
class EventSpec:
    """Chance once a period."""

    name: str
    when: Bound
    at_start: bool
    effect: EffectSpec


@dataclass(frozen=True)
class ComponentSpec:
    """A named part of a player's payoff."""

    name: str
    title: str
    each_period: Bound | None
    on: Mapping[str, Bound]
    ends: Mapping[str, Bound]


@dataclass(frozen=True)
class PlayerSpec:
    """A player; one type named `public` when it has no secret."""

    name: str
    title: str
    types: tuple[str, ...]
    priors: tuple[Bound | None, ...]
    """None for the rest."""
    precision: Bound
    components: tuple[ComponentSpec, ...]
    believes: Mapping[str, tuple[Bound | None, ...]]
    """Its own priors about other players, by player, where they differ from theirs."""


@dataclass(frozen=True)
class EndSpec:
    """A way in which the game ends; `when` is None for the built-in end `time_up`."""

    name: str
    title: str
    when: Bound | None


@dataclass(frozen=True)
class SourceGrid:
    """The belief grid on which a source is solved in every world: that of its median solution, and how far this can be trusted."""

    levels: frozenset[tuple[int, ...]]
    policy_distance: float
    met: bool


@dataclass(frozen=True)
class Source:
    """Where opening beliefs come from: the scenario that goes before, and its record, which is replayed whole."""

    canonical: Canonical
    record: Record
    memory: Bound
    """Weight of the closing beliefs beside the declared priors."""
    players: tuple[str, ...]
    """About whom beliefs are carried over."""
    grid: SourceGrid | None = None
    """None until the source has been solved at its prior medians."""


@dataclass(frozen=True)
class Canonical:
    """The whole scenario."""

    name: str
    title: str
    calendar: Calendar
    parameters: tuple[ParameterSpec, ...]
    """Its own, then those that only its source declares: a world is a draw of them all."""
    variables: tuple[VariableSpec, ...]
    derived: Mapping[str, Bound]
    """In an order in which each uses only names before it."""
    players: tuple[PlayerSpec, ...]
    turns: tuple[TurnSpec, ...]
    events: tuple[EventSpec, ...]
    ends: tuple[EndSpec, ...]
    record: RecordMap | None
    mechanisms: Mapping[str, Mechanism]
    claims: Mapping[str, Claim]
    titles: Mapping[str, str]
    """What moves, signals, outcomes and (as `end:NAME`) ends are called."""
    source: Source | None = None

    def __repr__(self) -> str:
        return brief(self, self.name, self.title, f"{len(self.parameters)} parameters, {len(self.players)} players, {len(self.claims)} claims")

    @property
    def misperceived(self) -> bool:
        """Whether some player's prior about another is its own."""
        return any(player.believes for player in self.players)

    def reveals(self, end: str) -> tuple[str, ...]:
        """The players whose type comes out when the game ends so, because somebody else's payoff depends on it."""
        wanted = {
            other
            for player in self.players
            for component in player.components
            if end in component.ends
            for other in component.ends[end].types - {player.name}
        }
        return tuple(player.name for player in self.players if player.name in wanted)

    def player(self, name: str) -> PlayerSpec:
        """The player of this name."""
        return next(player for player in self.players if player.name == name)
