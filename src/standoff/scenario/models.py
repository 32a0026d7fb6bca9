"""The declared form of a scenario: what the analyst writes, and nothing more.

One class per block of the file. These models check shapes and ranges only; names, expressions and the game itself are checked by
`standoff.scenario.check`. The JSON Schema for editors is generated from `Scenario`. Field descriptions appear in the schema.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, StringConstraints, ValidatorFunctionWrapHandler, field_validator
from pydantic_core import PydanticCustomError

from standoff.record.dates import only_a_date
from standoff.scenario.places import Origin
from standoff.text import brief

LANGUAGE_VERSION = 1

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]
"""A name usable in expressions."""

ScenarioName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=64)]

Expression = str | int | float | bool
"""Text of the expression grammar, or a literal."""

Label = str | int | bool
"""A value of a state variable."""

Day = Annotated[dt.date, BeforeValidator(only_a_date)]
"""A date, as YYYY-MM-DD."""

When = int | Day
"""A moment: a period (0 is the first) or a date."""

Move = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?(/[A-Za-z_][A-Za-z0-9_]*)?$")]
"""`player.option`, `player.signal`, `event`, or any of these with `/outcome`."""


def _items(value: object) -> Collection[object]:
    """Return the entries of a list or block, or the value alone."""
    return value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)


class Block(BaseModel):
    """Base of every block: unknown fields are refused, values never change after reading."""

    # Schemas are built at the first reading, which keeps the import of standoff quick.
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    @field_validator("*", mode="wrap")
    @classmethod
    def _truth_is_no_number(cls, value: object, read: ValidatorFunctionWrapHandler) -> object:
        # Pydantic would take true for 1.
        result = read(value)
        for one, other in zip(_items(value), _items(result), strict=False):
            if isinstance(one, bool) and isinstance(other, (int, float)) and not isinstance(other, bool):
                raise PydanticCustomError("float_type", "true and false are no numbers")
        return result


class Prior(Block):
    """How plausible each value of a parameter is before the record; exactly one kind."""

    fixed: float | None = Field(None, description="The value is known.")
    uniform: tuple[float, float] | None = Field(None, description="[low, high]")
    triangular: tuple[float, float, float] | None = Field(None, description="[low, mode, high]")
    normal: tuple[float, float] | None = Field(None, description="[mean, standard deviation]")
    lognormal: tuple[float, float] | None = Field(None, description="[median, standard deviation of the logarithm]")
    beta: tuple[float, float] | None = Field(None, description="[a, b]; between 0 and 1 unless low and high are given")
    choice: list[float] | None = Field(None, min_length=1, description="Equally likely values, unless weights are given.")
    weights: list[float] | None = Field(None, description="Weights of the values of choice.")
    low: float | None = Field(None, description="Cut the prior off below (normal, lognormal) or lower end (beta).")
    high: float | None = Field(None, description="Cut the prior off above (normal, lognormal) or upper end (beta).")


class Parameter(Block):
    """A number that is a judgement."""

    value: float | None = Field(None, description="A fixed value; short for prior: {fixed: value}.")
    prior: Prior | None = None
    unit: str = ""
    reason: str = Field("", description="Why this value or prior.")
    source: str = ""


class Clock(Block):
    """When the game is played: dates (start, step, end), abstract periods, or without end."""

    periods: int | None = Field(None, ge=1, le=10_000, description="Number of periods of a game without dates.")
    open_ended: bool = Field(False, description="Every period is followed by another; the discount is below 1, and play depends on the state alone.")
    start: Day | None = None
    step: str | None = Field(None, description="Length of a period: '2 weeks', '10 days', '1 month'.")
    end: Day | None = Field(None, description="The last period is the one that contains the day before this date.")
    discount: Expression = Field(1, description="Weight of the next period beside this one, above 0 and at most 1.")
    discounting: Literal["current", "present"] = Field(
        "current", description="Whether precision acts on current values or on values discounted to the start."
    )


class Dated(Block):
    """A fact of the calendar."""

    date: When
    title: str = ""
    source: str = ""


class Variable(Block):
    """A variable of the public state."""

    values: list[Label] | None = Field(None, min_length=1, description="Its possible values, in order.")
    range: tuple[int, int] | None = Field(None, description="Whole numbers from the first to the second.")
    start: Expression = Field(description="Its value at the start.")
    resets: bool = Field(False, description="Returns to its start value at the beginning of every period.")
    title: str = ""


class Later(Block):
    """A delayed effect: decided now, happens at the beginning of a later period."""

    after: int | None = Field(None, ge=1, le=1000, description="Periods from now.")
    on: Name | None = Field(None, description="A date of the calendar.")
    set: dict[Name, Expression]


class Change(Block):
    """What a move or an event does to the public state."""

    set: dict[Name, Expression] = Field(default_factory=dict)
    later: Later | None = None
    irreversible: bool = Field(False, description="Nothing that comes later may change the variables set here; with later, once it has happened.")


class Outcome(Change):
    """One result of chance."""

    chance: Expression = Field(description="Probability, or `rest` for what the others leave.")
    title: str = ""


class Effect(Change):
    """A change that may also have chance outcomes, which come after it."""

    outcomes: dict[Name, Outcome] = Field(default_factory=dict)
    silent: Name | None = Field(None, description="The outcome that a silent record means.")


class Signal(Effect):
    """What everybody sees of a covert option."""

    title: str = ""


class Option(Effect):
    """Something a player can do."""

    title: str = ""
    when: Expression = True
    propensity: Expression = Field(1, description="Weight of the option before its payoff counts; above 0.")
    covert: dict[Name, Expression] | None = Field(None, description="Makes the option covert: the probability of each signal of the turn, or `rest`.")


class Turn(Block):
    """A player's place in the order of moves within a period."""

    player: Name
    name: Name | None = Field(None, description="Defaults to the player's name.")
    title: str = ""
    when: Expression = True
    at_once: bool = Field(False, description="Chosen at the same moment as the turn before: neither knows the other's choice.")
    options: dict[Name, Option] = Field(min_length=1)
    signals: dict[Name, Signal] = Field(default_factory=dict)
    silent: Name | None = Field(None, description="The option or signal that a silent record means.")


class Component(Block):
    """A named part of a player's payoff."""

    title: str = ""
    reason: str = ""
    each_period: Expression | None = Field(None, description="Received at the end of every period.")
    on: dict[Move, Expression] = Field(default_factory=dict, description="Received when this move, signal or outcome happens.")
    ends: dict[Name, Expression] = Field(
        default_factory=dict, description="Received when the game ends so; may depend on anybody's type, which then comes out."
    )


class Player(Block):
    """Someone who decides."""

    title: str = ""
    types: dict[Name, Expression] | None = Field(None, description="What the player may secretly be, with prior probabilities (one may be `rest`).")
    believes: dict[Name, dict[Name, Expression]] = Field(
        default_factory=dict,
        description="Prior probabilities of its own about another player's types, where they differ from those declared there (one may be `rest`). "
        "Everybody knows that it believes so.",
    )
    precision: Expression = Field("precision", description="Sharpness of choice, per unit of payoff; 0 or more.")
    payoffs: dict[Name, Component] = Field(default_factory=dict)


class Event(Block):
    """Chance, once a period."""

    title: str = ""
    when: Expression = True
    at: Literal["start", "end"] = Field("end", description="Before the turns of the period or after them.")
    outcomes: dict[Name, Outcome] = Field(min_length=1)
    silent: Name | None = Field(None, description="The outcome that a silent record means.")


class End(Block):
    """A way in which the game ends."""

    when: Expression
    title: str = ""


class Rule(Block):
    """Picks events of the record; every field given must agree."""

    id: str | list[str] | None = None
    actor: str | list[str] | None = None
    action: str | list[str] | None = Field(None, description="The original code of the act.")
    plover: str | list[str] | None = Field(None, description="PLOVER type.")
    mode: str | list[str] | None = Field(None, description="PLOVER mode.")
    target: str | list[str] | None = None
    covert: bool | None = None
    killed_at_least: int | None = None
    reason: str = ""


class RecordMap(Block):
    """Which coded events count as which move."""

    file: str | None = Field(None, description="Record file, relative to the scenario.")
    known: Day | None = Field(
        None, description="Claims are judged as of this date: periods that begin on it or later are not replayed, they only score forecasts."
    )
    map: dict[Move, list[Rule]] = Field(default_factory=dict)
    ignore: list[Rule] = Field(default_factory=list, description="Events left out on purpose, each with its reason.")
    slip: int = Field(1, ge=0, description="How many periods an event may be moved later to find its turn.")


class Beliefs(Block):
    """Opening beliefs taken from where the record of another scenario leaves them."""

    from_: str = Field(alias="from", description="Name of a bundled scenario, or a file relative to this one.")
    memory: Expression = Field(1, description="Weight of the closing beliefs beside the declared priors: 1 keeps them, 0 forgets them.")
    about: list[Name] | None = Field(
        None, description="Players about whom beliefs are carried over; by default all who have the same name and the same types in both."
    )


class Mechanism(Block):
    """A mechanism of the crisis and how to switch it off."""

    title: str
    where: str = ""
    off: dict[Name, float] = Field(description="Parameter values that switch it off.")


class Point(Block):
    """A place from which a quantity is measured; what is not said is as at the start."""

    turn: Name | None = None
    at: When | Name | None = Field(None, description="Period, date or name of a calendar date; the first period by default.")
    state: dict[Name, Label] = Field(default_factory=dict)
    beliefs: dict[Name, dict[Name, float]] = Field(default_factory=dict)
    after_record: bool = Field(False, description="Beliefs as the record leaves them.")
    without: list[str] = Field(
        default_factory=list, description="Opening beliefs as if these events of the source's record (see `beliefs`) had not happened."
    )


class Intervention(Block):
    """A move forced or forbidden; others see it as if it had been chosen."""

    force: Move | None = None
    forbid: Move | None = None
    first: When | Name | None = None
    last: When | Name | None = None
    now: bool = Field(False, description="Only in the period of the point.")


class Motive(Block):
    """The weight of payoff components in a choice: precision times the difference they make between two options, in log-odds."""

    option: Move
    against: Move
    components: list[Name] = Field(min_length=1)
    type: Name | None = None


class Bits(Block):
    """Information, in bits, that a move reveals about a player's type."""

    move: Move | None = Field(None, description="This move; expected over all moves of its turn when left out.")
    about: Name


class Shift(Block):
    """A change of the belief that a player is of a type."""

    move: Move | None = Field(None, description="Brought by this move; by all moves of the record when left out.")
    about: Name
    type: Name


class Quantity(Block):
    """A number that the model gives; exactly one measure, then modifiers."""

    title: str = Field("", description="What tables call it.")

    choice: Move | None = Field(None, description="Probability that the mover takes this option at the point.")
    chance_of_move: Move | list[Move] | None = Field(None, description="Probability that any of these happens from the point on.")
    count_of_move: Move | list[Move] | None = Field(None, description="Expected number of times.")
    chance_of_end: Name | list[Name] | None = Field(None, description="Probability that the game ends so.")
    chance_of_state: str | None = Field(None, description="Probability that this becomes true at the end of some period, or at an end.")
    value: Name | None = Field(None, description="Expected payoff of a player from the point on.")
    motive: Motive | None = None
    bits: Bits | None = None
    record_bits: Bits | None = Field(None, description="Bits that this move revealed, summed over the record.")
    record_shift: Shift | None = Field(None, description="Change of a belief that this move brought, summed over the record.")
    difference: tuple[Quantity, Quantity] | None = Field(None, description="First minus second.")
    type: Name | None = Field(None, description="Of the mover (choice) or of the player (value); expected over types if absent.")
    against: Move | None = Field(None, description="choice: measured against this option alone.")
    scale: Literal["plain", "log_odds"] = "plain"
    components: list[Name] | None = Field(None, description="value: only these components.")
    until: When | Name | None = Field(None, description="chance_of_..., count_of_...: last period or date that counts.")
    at: Point | None = None
    over: tuple[When | Name, When | Name] | None = Field(None, description="Average over the points of these periods, first and last included.")
    do: list[Intervention] = Field(default_factory=list)
    parameters: dict[Name, float] = Field(default_factory=dict, alias="with", description="Solve the world again with these parameters.")


class Test(Block):
    """What has to be true; exactly one form."""

    left: Quantity | None = None
    is_: Literal["above", "below"] | None = Field(None, alias="is")
    right: Quantity | float | None = None
    by: float = Field(0, ge=0, description="left and right: by at least this much.")
    of: Quantity | None = Field(None, description="The quantity that lies in a range or under a phrase.")
    phrase: str | None = Field(None, description="A phrase of ICD-203, e.g. 'almost certain'.")
    range: tuple[float, float] | None = None
    nil: Quantity | None = Field(None, description="At most `within` in size.")
    within: float | None = Field(None, gt=0)
    all: list[Test] | None = None
    any: list[Test] | None = None


class BaseRate(Block):
    """How often such a thing happens when nothing else is known."""

    rate: float = Field(ge=0, le=1)
    reason: str = Field(description="The reference class: which cases were counted, and how many.")
    source: str


class Forecast(Block):
    """A claim about what will happen, which the record may resolve; its test has the form `of` with a phrase or range."""

    made: Day | None = Field(None, description="When it was made; the date of `record: known`, else the start of the clock.")
    by: Day = Field(description="The last day that counts.")
    resolve: list[Rule] = Field(default_factory=list, description="Events after `made` that make it true; none by then makes it false.")
    open: str = Field("", description="Why the record cannot resolve it; then it stays open.")
    base: BaseRate | None = None


class Claim(Block):
    """A checkable statement about the crisis."""

    text: str = Field(description="What its author claims, in our words.")
    where: str = Field("", description="Locator in the source.")
    kind: str = ""
    reading: str = Field("", description="How the statement was made checkable.")
    forecast: Forecast | None = Field(None, description="Makes the claim a forecast, which is scored.")
    test: Test


class Scenario(Block):
    """A crisis, as the analyst writes it down."""

    standoff: Literal[1] = Field(description="Version of the scenario language.")
    name: ScenarioName
    title: str = ""
    summary: str = ""
    sources: dict[str, str] = Field(default_factory=dict)
    include: list[str] = Field(default_factory=list, description="Files whose blocks are merged in first.")
    clock: Clock
    calendar: dict[Name, When | Dated] = Field(default_factory=dict)
    parameters: dict[Name, Parameter] = Field(default_factory=dict)
    state: dict[Name, Variable] = Field(default_factory=dict)
    derived: dict[Name, Expression] = Field(default_factory=dict)
    players: dict[Name, Player] = Field(min_length=1)
    turns: list[Turn] = Field(min_length=1)
    events: dict[Name, Event] = Field(default_factory=dict)
    ends: dict[Name, End] = Field(default_factory=dict)
    record: RecordMap | None = None
    beliefs: Beliefs | None = Field(None, description="Where the opening beliefs come from, when another scenario goes before.")
    mechanisms: dict[str, Mechanism] = Field(default_factory=dict)
    quantities: dict[Name, Quantity] = Field(default_factory=dict, description="Named numbers, which `compare` follows beside the ends.")
    claims: dict[str, Claim] = Field(default_factory=dict)

    _origin: Origin = PrivateAttr(default_factory=Origin)
    _source: Scenario | None = PrivateAttr(default=None)

    def __repr__(self) -> str:
        return brief(self, self.name, self.title, f"{len(self.parameters)} parameters, {len(self.players)} players, {len(self.claims)} claims")

    __str__ = __repr__

    @property
    def source(self) -> Scenario | None:
        """The scenario that `beliefs: from` names, as it was read together with this one."""
        return self._source

    @property
    def origin(self) -> Origin:
        """Where the scenario came from, for the places of faults."""
        return self._origin

    @property
    def path(self) -> Path | None:
        """The file of the scenario; None when it was made in Python."""
        return self._origin.path


class Chain(Block):
    """Scenarios that are run one after the other and judged in one table."""

    standoff: Literal[1] = Field(description="Version of the scenario language.")
    name: ScenarioName
    title: str = ""
    summary: str = ""
    chain: list[str] = Field(min_length=1, description="Names of bundled scenarios, or files relative to this one, in order of time.")
