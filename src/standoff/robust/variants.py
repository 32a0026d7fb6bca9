"""The modeller's own choices, each changed one at a time.

Nobody in the crisis chose the precision, the width of the priors, the belief grid, the length of the clock or how much the record counts: the
modeller did. A variant changes one of them for the whole scenario and leaves everything else as it is, the draws included.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from standoff.errors import Fault, ScenarioError, WorldsError
from standoff.names import unknown
from standoff.scenario import Scenario, check, resolve
from standoff.scenario.clock import with_periods
from standoff.worlds.draws import Spread

QUARTER = 4
"""The clock is made shorter and longer by one part of this many."""


@dataclass(frozen=True)
class Rewritten:
    """A scenario with one choice changed, and the claims that it can no longer measure, each with the reason."""

    scenario: Scenario
    outside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Variant:
    """One choice changed: the scenario is written anew, or its worlds are drawn elsewhere, solved finer or weighed otherwise."""

    name: str
    title: str
    """What is changed, as a phrase."""
    short: str
    """Heading of a narrow column."""
    rewrite: Callable[[Scenario], Rewritten] | None = None
    spread: Spread = "declared"
    finer: bool = False
    temper: Callable[[float], float] | None = None
    """The power of the record's likelihood, from that of the base."""


def precision_scaled(scenario: Scenario, factor: float) -> Scenario:
    """Return a scenario in which every player's precision is multiplied, also in the scenarios that go before it."""
    players = {name: player.model_copy(update={"precision": f"({player.precision}) * {factor:g}"}) for name, player in scenario.players.items()}
    scaled = scenario.model_copy(update={"players": players})
    if scenario.source is not None:
        scaled._source = precision_scaled(scenario.source, factor)
    return scaled


def horizon_moved(scenario: Scenario, quarters: int) -> Rewritten:
    """Return a scenario whose clock ends that many quarters of its length later, in whole periods and by at least one.

    Claims about dates that its clock no longer holds are left out. Named quantities and the scoring of forecasts play no part in verdicts and are
    left out too. Raises ScenarioError when nothing that can be played is left, or when something other than a claim needs the dates.
    """
    old = resolve(scenario).calendar
    by = quarters * max(1, old.n_periods // QUARTER)
    if old.n_periods + by < 1:
        raise ScenarioError([Fault(field="clock", problem="a game of one period cannot end earlier")])
    try:
        clock = with_periods(scenario.clock, old.n_periods + by)
    except ValueError as error:
        raise ScenarioError([Fault(field="clock", problem=str(error))]) from error
    record = scenario.record
    if record is not None and record.known is not None and clock.end is not None and record.known >= clock.end:
        # All of the shorter game was known by then, which is what a record without `known` says.
        record = record.model_copy(update={"known": None})
    claims = {name: claim.model_copy(update={"forecast": None}) for name, claim in scenario.claims.items()}
    moved = scenario.model_copy(update={"clock": clock, "record": record, "claims": claims, "quantities": {}})
    errors = [fault for fault in check(moved) if fault.severity == "error"]
    outside: dict[str, str] = {}
    for fault in errors:
        name = next((name for name in claims if f"{fault.field}.".startswith(f"claims.{name}.")), None)
        if name is None:
            raise ScenarioError([fault])
        outside.setdefault(name, fault.problem)
    return Rewritten(moved.model_copy(update={"claims": {name: claim for name, claim in claims.items() if name not in outside}}), outside)


VARIANTS: tuple[Variant, ...] = (
    Variant("precision-halved", "every player's precision halved", "prec. half", rewrite=lambda one: Rewritten(precision_scaled(one, 0.5))),
    Variant("precision-doubled", "every player's precision doubled", "prec. twice", rewrite=lambda one: Rewritten(precision_scaled(one, 2.0))),
    Variant("priors-narrow", "priors half as wide: the middle half of each", "priors narrow", spread="middle"),
    Variant("priors-at-ends", "priors pushed to the ends of their support", "priors at ends", spread="ends"),
    Variant("finer-grid", "every world on the next finer belief grid", "finer grid", finer=True),
    Variant("ends-earlier", "a clock that ends a quarter earlier", "ends earlier", rewrite=lambda one: horizon_moved(one, -1)),
    Variant("ends-later", "a clock that ends a quarter later", "ends later", rewrite=lambda one: horizon_moved(one, 1)),
    Variant("record-ignored", "the record's likelihood ignored", "record off", temper=lambda _: 0.0),
    Variant("record-doubled", "the power of the record's likelihood doubled, at most 1", "record twice", temper=lambda power: min(1.0, 2.0 * power)),
)
"""All variants, in the order of the table."""


def choose(names: Sequence[str] | None) -> tuple[Variant, ...]:
    """Return the variants of these names, in the order of the table; all when None. Raises WorldsError on a name that is none.

    >>> [variant.title for variant in choose(["ends-later"])]
    ['a clock that ends a quarter later']
    """
    known = [variant.name for variant in VARIANTS]
    for name in names or ():
        if name not in known:
            raise WorldsError(unknown("variant", name, known))
    return tuple(variant for variant in VARIANTS if names is None or variant.name in names)
