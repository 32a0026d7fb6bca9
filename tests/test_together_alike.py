"""Two who are alike in every way and choose at the same moment with secrets: exchanging them changes nothing, on the grid as on all histories."""

from __future__ import annotations

import numpy as np
import pytest

from standoff.game import build
from standoff.scenario import Builder
from standoff.solve import exact, solve
from standoff.solve.grid import box

ALIKE = 1e-9


def alike(stakes, *, periods, precision, kinds=("meek", "bold")):
    """In each period two act or rest; acting is worth `stakes[0]` by type, and `stakes[1]` more where both act."""
    alone, both = stakes
    own = str(alone[-1])
    for kind, worth in zip(kinds[:-1], alone, strict=False):
        own = f"({worth} if type == {kind} else {own})"
    builder = Builder("alike").clock(periods=periods, discount=0.9).parameter("precision", precision)
    for name, other in (("ann", "bob"), ("bob", "ann")):
        builder.player(name, types={**dict.fromkeys(kinds[:-1], 0.4), kinds[-1]: "rest"})
        builder.state(f"{name}_acted", values=[False, True], start=False, resets=True)
        builder.payoff(name, "alone", on={f"{name}.act": own})
        builder.payoff(name, "both", each_period=f"{both} if {name}_acted and {other}_acted else 0")
    for i, name in enumerate(("ann", "bob")):
        builder.turn(name, options={"act": {"set": {f"{name}_acted": True}}, "rest": {}}, at_once=bool(i))
    return build(builder.scenario())


CHICKEN = (0.6, 1.0), -2.0
HUNT = (-1.0, -0.8), 2.0


@pytest.mark.property
@pytest.mark.parametrize(("stakes", "periods", "precision"), [(CHICKEN, 1, 8.0), (CHICKEN, 2, 3.0), (CHICKEN, 2, 20.0), (HUNT, 2, 8.0)])
def test_exchanging_two_who_are_alike_changes_nothing(stakes, periods, precision):
    """In chicken the branch is crossed well below these precisions: beyond, one of the two gives way in all other equilibria."""
    game = alike(stakes, periods=periods, precision=precision)
    solved = solve(game, engine="grid", levels=box((3, 3)), workers=1, certify=False)
    assert not solved.unsolved.any()
    points = solved.grid.points
    exchanged = [int(np.flatnonzero(np.abs(points - x[::-1]).max(axis=1) < 1e-12)[0]) for x in points]
    first = int(game.structure.heads[0])
    values = solved.values[first]
    assert np.abs(values[exchanged][:, [2, 3, 0, 1]] - values).max() < ALIKE
    one, two = game.structure.members(first)
    for x in [*np.random.default_rng(5).uniform(0.02, 0.98, (6, 2)), np.array([0.3, 0.3]), solved.prior]:
        here, there = ([solved.probe(node, y).policy for node in (one, two)] for y in (x, x[::-1].copy()))
        assert np.abs(here[0] - there[1]).max() < ALIKE
        assert np.abs(here[1] - there[0]).max() < ALIKE


@pytest.mark.solver
def test_beyond_the_crossing_they_behave_as_on_all_histories():
    game = alike(CHICKEN, periods=1, precision=8.0)
    truth, solved = exact(game), solve(game, engine="grid", levels=box((2, 2)), workers=1, certify=False)
    assert truth.certificate.crossings
    assert np.abs(truth.at(0) - truth.at(1)).max() < ALIKE
    for node in game.structure.members(int(game.structure.heads[0])):
        assert np.abs(solved.probe(node, solved.prior).policy - truth.at(0)).max() < 1e-7


@pytest.mark.property
@pytest.mark.parametrize("kinds", [("meek", "bold"), ("meek", "wary", "bold")], ids=len)
def test_the_exact_engine_keeps_random_players_alike(kinds):
    random = np.random.default_rng(len(kinds))
    crossed = 0
    for _ in range(12):
        stakes = tuple(random.integers(-9, 10, len(kinds)) / 5.0), float(random.integers(-15, 16)) / 5.0
        solved = exact(alike(stakes, periods=int(random.integers(1, 3)), precision=float(random.integers(1, 25))), selection="principal", workers=1)
        crossed += bool(solved.certificate.crossings)
        assert solved.certificate.residual < 1e-9
        # Histories 1 and 2 follow the first player's options; the second's choice is the same at both.
        assert np.abs(solved.at(0) - solved.at(1)).max() < ALIKE
    assert crossed
