"""Each mechanism of the Baghdad scenarios at work: switching it off changes behaviour in the direction that its payoffs imply.

A mechanism is looked at in a world where its parameters are far from neutral, at a place where it should tell, with it and without it.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest

from mechanisms import OFFERED, QUIET, SHIFTS, at, odds
from standoff.claims import Measures, findings, roots_of
from standoff.game import StructureCache
from standoff.scenario import load, resolve
from standoff.scenario.models import Scenario
from standoff.solve import solve
from standoff.solve.grid import simplex

CLEAR = 0.02
"""Changes smaller than this (log-odds, probability or stake) would not show a mechanism."""

IDS = {"baghdad-siege": [f"M{i:02}" for i in range(1, 12)], "baghdad-closure": ["M03", "M04", *(f"M{i}" for i in range(12, 24))]}
ALL = [(name, number) for name, rows in SHIFTS.items() for number in range(len(rows))]
OTHER_OFFICE = odds("usa.strike_iran", "usa.wait", at=at("usa", 6, office="second_term", presence="closed", **QUIET))
ACQUITTED = odds("usa.strike_iran", "usa.wait", type="diverting", at=at("usa", 21, **OFFERED))
EXTRA = {"baghdad-siege": [ACQUITTED], "baghdad-closure": [OTHER_OFFICE]}


@functools.cache
def structures_of(name):
    """The scenario with one claim per quantity instead of its own, so that the game includes the points they need."""
    quantities = [shift.quantity for shift in SHIFTS[name]] + EXTRA[name]
    claims = {f"q{i}": {"text": "Measured", "test": {"left": quantity, "is": "above", "right": 0}} for i, quantity in enumerate(quantities)}
    declared = load(name).model_dump(by_alias=True, exclude_none=True) | {"claims": claims}
    declared.pop("beliefs", None)
    canonical = resolve(Scenario.model_validate(declared))
    return StructureCache(canonical, roots_of(canonical))


def solved(name, values):
    """The game at these parameters on a small grid."""
    game = structures_of(name).build(values)
    axes = sum(n - 1 for n in game.n_types)
    return solve(game, levels=simplex(axes, 1), certify=False, workers=1)


def measure(name, number, parameters):
    """Quantity `number` in one world."""
    claims = {"q": structures_of(name).canonical.claims[f"q{number}"]}
    measures = Measures(solved(name, parameters), None, lambda changed: solved(name, {**parameters, **changed}))
    found = findings(claims, measures)["q"]
    assert found.problem == ""
    return found.margin


@pytest.mark.property
@pytest.mark.parametrize(("name", "number"), ALL, ids=[f"{name}-{number}-{SHIFTS[name][number].name}" for name, number in ALL])
def test_switching_a_mechanism_off_changes_behaviour_as_its_payoffs_imply(name, number):
    """Each row of `mechanisms.py` says why."""
    shift = SHIFTS[name][number]
    off = structures_of(name).canonical.mechanisms[shift.mechanism].off
    with_it, without = measure(name, number, shift.world), measure(name, number, {**shift.world, **off})
    assert abs(with_it - without) > CLEAR
    assert (with_it > without) == shift.up, shift.why


@pytest.mark.property
@pytest.mark.parametrize("name", SHIFTS)
def test_every_mechanism_is_shown_at_work(name):
    mechanisms = structures_of(name).canonical.mechanisms
    assert {shift.mechanism for shift in SHIFTS[name]} == set(mechanisms)
    assert set(mechanisms) == set(IDS[name])
    for shift in SHIFTS[name]:
        off = mechanisms[shift.mechanism].off
        assert any(value != off.get(key, value) for key, value in shift.world.items()), "the world differs from the one without the mechanism"


@pytest.mark.property
def test_the_two_scenarios_hold_all_the_mechanisms_of_the_texts():
    assert {name for ids in IDS.values() for name in ids} == {f"M{i:02}" for i in range(1, 24)}


@pytest.mark.property
@pytest.mark.parametrize(("name", "ids"), [("baghdad-siege", ["M04"]), ("baghdad-closure", ["M04", "M13"])])
def test_types_that_a_mechanism_makes_different_are_alike_without_it(name, ids):
    """Where a gap is 0 the types have the same payoffs and chances, so no move tells them apart."""
    for number, shift in enumerate(SHIFTS[name]):
        if shift.mechanism in ids:
            off = structures_of(name).canonical.mechanisms[shift.mechanism].off
            assert measure(name, number, {**shift.world, **off}) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.property
@pytest.mark.parametrize(("name", "parameter", "value"), [("baghdad-closure", "bury_accord", 2.5), ("baghdad-siege", "diversion", 0.4)])
def test_a_motive_of_an_hour_is_gone_when_the_hour_has_passed(name, parameter, value):
    """A re-elected president stays one, so the accord never reaches him; an acquitted one has no trial to be forgotten."""
    number = len(SHIFTS[name])
    assert measure(name, number, {parameter: value}) == pytest.approx(measure(name, number, {parameter: 0.0}), abs=1e-9)


@pytest.mark.property
@pytest.mark.parametrize("name", SHIFTS)
def test_no_mechanism_is_idle_in_the_median_world(name):
    base = solved(name, {})
    for mechanism, declared in structures_of(name).canonical.mechanisms.items():
        changed = solved(name, declared.off)
        assert changed.game.structure is base.game.structure
        assert np.abs(changed.log_policy - base.log_policy).max() > CLEAR, mechanism
