"""From arms to plans: every change checked against the scenario, and worked out into what a world needs to be solved and played.

All of it happens before any world is computed, so that what cannot be done is refused at once. What moves a date or sets a parameter makes a
*variant* of the scenario, which is solved anew; arms that force, forbid or reveal share the solution of their variant.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from standoff.compare.arms import Arm, MoveDate, RemoveDate, Reveal, SetParameter, SwitchOff
from standoff.errors import BuildError, InterventionError, ScenarioError
from standoff.expressions.calendar import NEVER
from standoff.game import Game, build, medians
from standoff.game.structure import structural_names
from standoff.names import listed, unknown
from standoff.scenario import Scenario, check, resolve
from standoff.scenario.canonical import Canonical
from standoff.scenario.models import Claim, Dated, Intervention, Test, When
from standoff.scenario.priors import Distribution
from standoff.simulate.interventions import check_reach, overrides


@dataclass(frozen=True)
class Variant:
    """A scenario as some arms change it. The named quantities stand in for its claims, so that the game includes their points."""

    canonical: Canonical
    parameters: Mapping[str, float]
    """Values that replace those of every world."""
    unmeasured: Mapping[str, str]
    """Quantities that have no meaning here, each with the reason."""

    def key(self) -> bytes:
        """Return what tells variants apart."""
        return hashlib.sha256(pickle.dumps((self.canonical, sorted(self.parameters.items())))).digest()


@dataclass(frozen=True)
class Plan:
    """What an arm does in a world."""

    arm: Arm
    variant: int
    """Position of its variant."""
    do: tuple[Intervention, ...]
    revealed: tuple[str, ...]
    """Players whose type everybody knows."""


def make_plans(scenario: Scenario, arms: Sequence[Arm]) -> tuple[tuple[Variant, ...], tuple[Plan, ...]]:
    """Return the variants of a scenario and the plan of each arm.

    Raises InterventionError, which names the arm, for names that do not exist, moments outside the clock, changes that contradict each other,
    and interventions that can never apply.
    """
    base = _resolved(scenario)
    variants: list[Variant] = []
    games: dict[bytes, tuple[int, Game]] = {}
    plans = []
    for arm in arms:
        try:
            _check_once(arm)
            variant = _variant(scenario, base, arm)
            key = variant.key()
            if key not in games:
                games[key] = len(variants), build(variant.canonical, medians(variant.canonical) | dict(variant.parameters))
                variants.append(variant)
            position, game = games[key]
            do = tuple(change for change in arm.changes if isinstance(change, Intervention))
            _check_interventions(game, do)
            plans.append(Plan(arm, position, do, _revealed(variant.canonical, arm)))
        except (InterventionError, BuildError) as error:
            raise InterventionError(f"arm {arm.name!r}: {error}") from error
    return tuple(variants), tuple(plans)


def _check_once(arm: Arm) -> None:
    for position, line in enumerate(arm.lines):
        if line in arm.lines[:position]:
            raise InterventionError(f"`{line}` stands twice; leave one of them out")


def _resolved(scenario: Scenario) -> Canonical:
    tests = {name: Test.model_validate({"nil": quantity, "within": 1.0}) for name, quantity in scenario.quantities.items()}
    claims = {name: Claim.model_validate({"text": name, "test": test}) for name, test in tests.items()}
    return resolve(scenario.model_copy(update={"claims": claims, "quantities": {}}))


def _check_interventions(game: Game, do: Sequence[Intervention]) -> None:
    # Where the shape of the game depends on parameters that differ between worlds, a move may be possible in some of them only.
    fixed = {parameter.name for parameter in game.canonical.parameters if parameter.prior.is_fixed}
    varies = bool(structural_names(game.canonical) - fixed)
    acted = overrides(game, do, must_apply=not varies)
    if not varies:
        check_reach(game, do, acted, int(game.structure.roots[0]))


# --- parameters --------------------------------------------------------------------------------------------------------------------------


def _variant(scenario: Scenario, base: Canonical, arm: Arm) -> Variant:
    parameters = _parameters(base, arm)
    moved = _moved(scenario, base, arm)
    canonical, unmeasured = (base, {}) if not moved else _at_other_dates(scenario, moved)
    if parameters:
        # What is set is known: the shape of the game may depend on it.
        known = {name: Distribution.fixed(value) for name, value in parameters.items()}
        specs = tuple(replace(spec, prior=known.get(spec.name, spec.prior)) for spec in canonical.parameters)
        canonical = replace(canonical, parameters=specs)
    return Variant(canonical, parameters, unmeasured)


def _parameters(canonical: Canonical, arm: Arm) -> dict[str, float]:
    """Return the parameters that an arm sets, itself or by switching mechanisms off."""
    found: dict[str, tuple[float, str]] = {}

    def put(name: str, value: float, why: str) -> None:
        if name in found and found[name][0] != value:
            raise InterventionError(f"{why} sets {name} to {value:g}, but {found[name][1]} sets it to {found[name][0]:g}; leave one of them out")
        found[name] = value, why

    names = [parameter.name for parameter in canonical.parameters]
    for change in arm.changes:
        if isinstance(change, SetParameter):
            _known("parameter", change.name, names)
            put(change.name, change.value, f"`{change}`")
        elif isinstance(change, SwitchOff):
            _known("mechanism", change.mechanism, canonical.mechanisms)
            for name, value in canonical.mechanisms[change.mechanism].off.items():
                put(name, value, f"`{change}`")
    return {name: value for name, (value, _) in found.items()}


def _known(what: str, name: str, known: Mapping[str, object] | Sequence[str]) -> None:
    if name not in known:
        raise InterventionError(unknown(what, name, known))


# --- the calendar ------------------------------------------------------------------------------------------------------------------------


def _moved(scenario: Scenario, canonical: Canonical, arm: Arm) -> dict[str, When]:
    """Return the dates that an arm moves, with where to."""
    found: dict[str, When] = {}
    for change in arm.changes:
        if not isinstance(change, (MoveDate, RemoveDate)):
            continue
        _known("date of the calendar", change.name, scenario.calendar)
        moment = NEVER if isinstance(change, RemoveDate) else _inside(canonical, change)
        if found.get(change.name, moment) != moment:
            raise InterventionError(f"{change.name} is moved or removed twice; leave one of them out")
        found[change.name] = moment
    return found


def _inside(canonical: Canonical, change: MoveDate) -> When:
    if isinstance(change.to, str):
        _known("date of the calendar", change.to, canonical.calendar.dates)
        return canonical.calendar.dates[change.to]
    try:
        canonical.calendar.period(change.to)
    except ValueError as error:
        raise InterventionError(f"{change.name} cannot be moved: {error}. To let it never come, write `remove {change.name}`") from error
    return change.to


def _at_other_dates(scenario: Scenario, moved: Mapping[str, When]) -> tuple[Canonical, dict[str, str]]:
    """Resolve the scenario with dates moved; quantities that are measured at a date that never comes are left out, with the reason."""
    calendar = dict(scenario.calendar)
    for name, moment in moved.items():
        entry = calendar[name]
        calendar[name] = entry.model_copy(update={"date": moment}) if isinstance(entry, Dated) else moment
    changed = scenario.model_copy(update={"calendar": calendar, "claims": {}})
    faults = [fault for fault in check(changed) if fault.severity == "error"]
    unmeasured: dict[str, str] = {}
    for fault in faults:
        block, _, name = (fault.field or "").partition(".")
        name = name.partition(".")[0]
        if block != "quantities":
            raise InterventionError(f"{_dates(moved)}, which the scenario does not allow: {fault}")
        unmeasured.setdefault(name, fault.problem)
    kept = {name: quantity for name, quantity in scenario.quantities.items() if name not in unmeasured}
    try:
        return _resolved(changed.model_copy(update={"quantities": kept})), unmeasured
    except ScenarioError as error:
        raise InterventionError(f"{_dates(moved)}, which the scenario does not allow: {error.faults[0]}") from error


def _dates(moved: Mapping[str, When]) -> str:
    return ", ".join(f"{name} is removed" if moment == NEVER else f"{name} is moved to {_day(moment)}" for name, moment in moved.items())


def _day(moment: When) -> str:
    return moment.isoformat() if isinstance(moment, dt.date) else f"period {moment}"


# --- secrets -----------------------------------------------------------------------------------------------------------------------------


def _revealed(canonical: Canonical, arm: Arm) -> tuple[str, ...]:
    """Return the players whose types an arm reveals."""
    secret = [player.name for player in canonical.players if len(player.types) > 1]
    found = []
    for change in arm.changes:
        if isinstance(change, Reveal):
            _known("player", change.player, [player.name for player in canonical.players])
            if change.player not in secret:
                raise InterventionError(f"{change.player} has no secret to reveal; players with one are {listed(secret)}")
            found.append(change.player)
    return tuple(dict.fromkeys(found))
