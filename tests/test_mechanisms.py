"""Each mechanism of baghdad-closure at work: switching it off changes behaviour in the direction that its payoffs imply.

A mechanism is looked at in a world where its parameters are far from neutral, at a place where it should tell, with it and without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from standoff.claims import Measures, findings, roots_of
from standoff.game import StructureCache
from standoff.scenario import load, resolve
from standoff.scenario.models import Scenario
from standoff.solve import solve
from standoff.solve.grid import simplex

GRID = simplex(4, 1)
CLEAR = 0.02
"""Changes smaller than this (log-odds, probability or stake) would not show a mechanism."""


@dataclass(frozen=True)
class Shift:
    """With the mechanism on, `quantity` is higher (`up`) or lower than with it off, because `why`."""

    mechanism: str
    up: bool
    quantity: dict[str, Any]
    world: dict[str, float]
    why: str

    @property
    def name(self) -> str:
        """Short name of the quantity for the test's id."""
        measure = next(iter(self.quantity))
        return f"{self.mechanism}-{self.quantity[measure]}" if isinstance(self.quantity[measure], str) else f"{self.mechanism}-{measure}"


def odds(option, against, **fields):
    return {"choice": option, "against": against, "scale": "log_odds", **fields}


def at(turn, period=0, *, beliefs=None, **state):
    return {"turn": turn, "at": period, "state": state} | ({"beliefs": beliefs} if beliefs else {})


RESOLVED = {"iran": {"resolved": 0.9}}
QUIET = {"incident": "none"}

SHIFTS = [
    Shift(
        "M03",
        False,
        odds("militia.attack", "militia.hold", type="obedient", at=at("militia", 1, instruction="restrain", **QUIET)),
        {"obedience": 2.0},
        "an attack against the patron's word costs an obedient militia 2, and holding costs it nothing",
    ),
    Shift(
        "M03",
        True,
        {"bits": {"about": "militia"}, "at": at("militia", 1, instruction="restrain", **QUIET)},
        {"obedience": 2.0},
        "only the obedient pay for disobeying, so what the militias do under instruction tells them apart",
    ),
    Shift(
        "M04",
        True,
        {"bits": {"move": "iran.retaliate", "about": "iran"}, "at": at("iran", 1, blow="on_iran", **QUIET)},
        {"resolve_gap": 3.0},
        "an answer is worth 3 more to the resolved; without the gap the types play alike and it says nothing",
    ),
    Shift(
        "M04",
        True,
        {
            "difference": [
                {"value": "pm", "type": "able", "at": at("pm_operation", 1, streets="crackdown", **QUIET)},
                {"value": "pm", "type": "unable", "at": at("pm_operation", 1, streets="crackdown", **QUIET)},
            ]
        },
        {"success_gap": 0.2, "authority": 0.6},
        "the able premier's crackdown succeeds oftener, and curbed militias are worth 0.6 a fortnight to him",
    ),
    Shift("M12", True, odds("usa.close", "usa.wait"), {"dividend": -0.5}, "a presence that loses half a stake a fortnight is a reason to end it"),
    Shift("M12", False, odds("usa.close", "usa.wait"), {"dividend": 0.3}, "a presence that pays is a reason to keep it"),
    Shift(
        "M13",
        True,
        {"difference": [{"choice": "usa.reassure", "type": "staying"}, {"choice": "usa.reassure", "type": "leaving"}]},
        {"exit_gap": 0.6, "lying_cost": 1.0},
        "to promise what one does not mean costs the leaving type 1; to the staying type the promise is free",
    ),
    Shift(
        "M13",
        True,
        {"bits": {"move": "usa.draw_down", "about": "usa"}},
        {"exit_gap": 0.6, "lying_cost": 1.0},
        "being out is worth more to the leaving type, so shrinking shows the wish; without the gap it shows nothing",
    ),
    Shift(
        "M14",
        True,
        odds("pm.crack_down", "pm.stand_by", at=at("pm", warning="standing", incident="militia_blamed")),
        {"pressure": 0.8},
        "under a standing warning a premier who does not act pays 0.8 a fortnight",
    ),
    Shift(
        "M14",
        False,
        odds("pm.crack_down", "pm.stand_by", at=at("pm", warning="standing", incident="militia_blamed")),
        {"pressure": -0.4},
        "where defiance pays, it speaks against acting",
    ),
    Shift(
        "M15",
        False,
        odds("pm.crack_down", "pm.stand_by", at=at("pm", incident="militia_blamed")),
        {"unrest_chance": 0.6, "unrest_cost": 2.0, "breakdown": 0.2, "downfall_cost": 5.0, "reprisal": 1.5, "embassy_shame": 1.0},
        "a crackdown then risks unrest, the premier's fall and more attacks, each of which he pays for",
    ),
    Shift(
        "M15",
        True,
        odds("militia.attack", "militia.hold", at=at("militia", 1, streets="crackdown", **QUIET)),
        {"reprisal": 1.5},
        "an attack during a crackdown is worth 1.5 more",
    ),
    Shift(
        "M16",
        True,
        odds("militia.attack", "militia.hold", at=at("militia", 1, **QUIET)),
        {"militia_embarrass": 1.2, "campaign_cost": 0.0, "iran_embarrass": 0.0},
        "before the election an attack laid to someone embarrasses the president, which is worth 1.2",
    ),
    Shift(
        "M16",
        False,
        odds("iran.restrain", "iran.abstain", at=at("iran", 1, **QUIET)),
        {"iran_embarrass": 1.2, "campaign_cost": 0.0, "militia_embarrass": 0.0, "obedience": 2.0},
        "to hold the militias back forgoes attacks before the election, each worth 1.2 to Iran",
    ),
    Shift(
        "M16",
        True,
        odds("usa.close", "usa.wait"),
        {"campaign_cost": 2.0, "militia_embarrass": 0.0, "iran_embarrass": 0.0},
        "attacks before the election cost the president 2 more, and nobody attacks an embassy that is closed",
    ),
    Shift(
        "M17",
        True,
        odds("usa.close", "usa.wait"),
        {"dread": 8.0, "overrun_chance": 0.05},
        "only an embassy that is open can be overrun, and that scene is dreaded",
    ),
    Shift(
        "M17",
        False,
        odds("usa.close", "usa.wait"),
        {"dread": -2.0, "overrun_chance": 0.05},
        "where the scene would rally voters there is less reason to close",
    ),
    Shift(
        "M18",
        True,
        odds("usa.close", "usa.wait", at=at("usa", 1, warning="standing", incident="militia_blamed")),
        {"empty_threat": 1.5},
        "to sit still when attacked under one's own warning costs 1.5; to carry it out costs no word",
    ),
    Shift("M18", False, odds("usa.warn", "usa.wait"), {"empty_threat": 1.5}, "a warning may be called, and then binds: who fears that warns less"),
    Shift(
        "M19",
        True,
        odds("usa.warn", "usa.wait"),
        {"notice": 0.9, "flight_cost": 4.0, "host_value": 0.0, "exit_wish": 0.3},
        "a warning given beforehand makes a later exit nine tenths less disorderly, and disorder costs 4",
    ),
    Shift(
        "M19",
        True,
        odds("usa.warn", "usa.wait"),
        {"host_value": 0.8, "notice": 0.0, "pressure": 0.8},
        "a warning moves the premier to act (M14), and a premier who acts is worth 0.8 a fortnight",
    ),
    Shift(
        "M20",
        True,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 1, presence="closed", beliefs=RESOLVED, **QUIET)),
        {"reach_reduced": 0.3, "reach_closed": 0.0, "retaliation_harm": 5.0, "answer_reach": 0.0},
        "with nobody in reach an Iranian answer harms nobody; were exposure the same everywhere it would cost 5",
    ),
    Shift(
        "M20",
        True,
        {
            "value": "usa",
            "components": ["vulnerability"],
            "at": at("iran", 1, presence="closed", blow="on_iran", **QUIET),
            "do": [{"force": "iran.retaliate", "now": True}],
        },
        {"reach_reduced": 0.3, "reach_closed": 0.0, "retaliation_harm": 5.0},
        "the same, in stakes, once Iran answers",
    ),
    Shift(
        "M21",
        False,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 1, beliefs=RESOLVED, **QUIET)),
        {"retaliation_harm": 5.0, "answer_value": 2.0},
        "Iran is expected to answer a strike, and an answer to targets in full reach costs 5",
    ),
    Shift(
        "M21",
        True,
        {
            "difference": [
                odds("usa.strike_iran", "usa.wait", at=at("usa", 1, beliefs={"iran": {"resolved": 0.1}}, **QUIET)),
                odds("usa.strike_iran", "usa.wait", at=at("usa", 1, beliefs=RESOLVED, **QUIET)),
            ]
        },
        {"retaliation_harm": 5.0, "resolve_gap": 3.0},
        "the resolved answer oftener, so belief in resolve deters the more, the more an answer harms",
    ),
    Shift(
        "M22",
        True,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 6, office="lame_duck", presence="closed", **QUIET)),
        {"bury_accord": 2.5},
        "to a president who has lost, a strike is worth 2.5 more",
    ),
    Shift(
        "M22",
        False,
        odds("usa.strike_iran", "usa.wait", at=at("usa", 6, office="lame_duck", presence="closed", **QUIET)),
        {"bury_accord": -1.0},
        "where a strike would burden his record it is worth less",
    ),
    Shift(
        "M23",
        False,
        odds("usa.close", "usa.wait", at=at("usa", 1, incident="militia_blamed")),
        {"flight_cost": 4.0, "disorder_fire": 0.8, "disorder_calm": 0.0},
        "closing under fire turns into a flight four times in five, which costs 4",
    ),
    Shift(
        "M23",
        True,
        {
            "difference": [
                odds("usa.close", "usa.wait", at=at("usa", 1, **QUIET)),
                odds("usa.close", "usa.wait", at=at("usa", 1, incident="militia_blamed")),
            ]
        },
        {"flight_cost": 4.0, "disorder_fire": 0.8, "disorder_calm": 0.0},
        "so the calm after a fortnight without fire is the time to close",
    ),
]


def asked(quantities):
    """The scenario with one claim per quantity instead of its own, so that the game includes the points they need."""
    claims = {f"q{i}": {"text": "Measured", "test": {"left": quantity, "is": "above", "right": 0}} for i, quantity in enumerate(quantities)}
    scenario = load("baghdad-closure")
    return resolve(Scenario.model_validate(scenario.model_dump(by_alias=True, exclude_none=True) | {"claims": claims}))


@pytest.fixture(scope="module")
def structures():
    canonical = asked([shift.quantity for shift in SHIFTS] + [OTHER_OFFICE])
    return StructureCache(canonical, roots_of(canonical))


OTHER_OFFICE = odds("usa.strike_iran", "usa.wait", at=at("usa", 6, office="second_term", presence="closed", **QUIET))


def measure(structures, number, parameters):
    """Quantity `number` in one world."""

    def solved(values):
        return solve(structures.build(values), levels=GRID, certify=False, workers=1)

    claims = {"q": structures.canonical.claims[f"q{number}"]}
    found = findings(claims, Measures(solved(parameters), None, lambda changed: solved({**parameters, **changed})))["q"]
    assert found.problem == ""
    return found.margin


@pytest.mark.property
@pytest.mark.parametrize("number", range(len(SHIFTS)), ids=[shift.name for shift in SHIFTS])
def test_switching_a_mechanism_off_changes_behaviour_as_its_payoffs_imply(structures, number):
    """Each row of SHIFTS says why."""
    shift = SHIFTS[number]
    off = structures.canonical.mechanisms[shift.mechanism].off
    with_it, without = measure(structures, number, shift.world), measure(structures, number, {**shift.world, **off})
    assert abs(with_it - without) > CLEAR
    assert (with_it > without) == shift.up, shift.why


@pytest.mark.property
def test_every_mechanism_is_shown_at_work(structures):
    assert {shift.mechanism for shift in SHIFTS} == set(structures.canonical.mechanisms)
    assert set(structures.canonical.mechanisms) == {"M03", "M04", *(f"M{i}" for i in range(12, 24))}
    for shift in SHIFTS:
        off = structures.canonical.mechanisms[shift.mechanism].off
        assert any(value != off.get(name, value) for name, value in shift.world.items()), "the world differs from the one without the mechanism"


@pytest.mark.property
def test_types_that_a_mechanism_makes_different_are_alike_without_it(structures):
    """Where a gap is 0 the types have the same payoffs and chances, so no move tells them apart."""
    for number, shift in enumerate(SHIFTS):
        if shift.mechanism in ("M04", "M13"):
            off = structures.canonical.mechanisms[shift.mechanism].off
            assert measure(structures, number, {**shift.world, **off}) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.property
def test_the_accord_moves_a_lame_duck_only(structures):
    """A re-elected president stays one, so the worth of burying the accord never reaches him."""
    number = len(SHIFTS)
    assert measure(structures, number, {"bury_accord": 2.5}) == pytest.approx(measure(structures, number, {"bury_accord": 0.0}), abs=1e-9)


@pytest.mark.property
def test_no_mechanism_is_idle_in_the_median_world(structures):
    base = solve(structures.build({}), levels=GRID, certify=False, workers=1)
    for name, mechanism in structures.canonical.mechanisms.items():
        changed = solve(structures.build(mechanism.off), levels=GRID, certify=False, workers=1)
        assert changed.game.structure is base.game.structure
        assert np.abs(changed.log_policy - base.log_policy).max() > CLEAR, name
