"""Games of the gallery with turns taken at once, without end, with common values and with misperceived rivals, each solved a second way."""

from __future__ import annotations

from itertools import product
from math import inf

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

import standoff as so
from standoff.errors import SolveError
from standoff.gallery import LIMIT_PRECISION, Figure
from standoff.gallery.measure import read, residual, solution


def solved(name, precision, **setting):
    game = so.build(so.load(f"gallery/{name}", {**{key.replace("__", "."): value for key, value in setting.items()}, "precision": precision}))
    found = solution(game)
    assert residual(found) < 1e-9
    return found


def ours(found, of, **more):
    return read(found, Figure(what="", of=of, known=0.0, whence="closed form", within=1.0, **more))


# -- turns taken at once ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.5, 1.8456097537, 20.0])
@pytest.mark.parametrize("large", [1.1141, 0.2785])
def test_each_is_as_likely_as_the_others_chances_make_it(precision, large):
    """Two equations: row by what a match at either place brings, column by how much likelier row is elsewhere."""
    found = solved("matching-pennies", precision, large=large)
    up, left = ours(found, "row.up"), ours(found, "column.left")
    assert up == pytest.approx(expit(precision * (large * left - 0.2785 * (1 - left))), abs=1e-9)
    assert left == pytest.approx(expit(precision * large * (1 - 2 * up)), abs=1e-9)


@pytest.mark.property
def test_only_columns_choice_moves_with_rows_prize_in_the_limit_but_noise_moves_rows_too():
    rich, even = (solved("matching-pennies", precision, large=1.1141) for precision in (LIMIT_PRECISION, 1.0))
    assert ours(rich, "row.up") == pytest.approx(0.5, abs=0.002)
    assert ours(even, "row.up") > 0.55


@pytest.mark.paper
@pytest.mark.parametrize("fought", [-0.5, 0.0, 0.5, 1.0])
def test_accommodation_makes_both_ways_of_entry_equal(fought):
    """-1 + 4 r = fought + (2 - fought) r; and the incumbent is indifferent where the first way has 2/3."""
    found = solved("entry", LIMIT_PRECISION, fought=fought)
    come = {"entered": True}
    assert ours(found, "incumbent.accommodate", state=come) == pytest.approx((1 + fought) / (2 + fought), abs=0.002)
    assert ours(found, "entrant.in1", state=come) == pytest.approx(2 / 3, abs=0.002)
    assert ours(found, "entrant.enter") == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"of": "entrant.sell"}, r"entrant\.sell is no option"),
        ({"of": "incumbent.fight"}, "no turn incumbent in period 0 with state"),
        ({"of": "incumbent.fight", "state": {"entered": "perhaps"}}, "entered is never the text perhaps"),
    ],
)
def test_a_figure_of_a_state_that_the_game_does_not_have_is_refused(change, problem):
    found = solved("entry", 1.0)
    with pytest.raises(SolveError, match=problem):
        ours(found, **change)


# -- the war of attrition ---------------------------------------------------------------------------------------------------------------------


def quitting(precision, prize, cost, discount):
    """Return how often either quits in the symmetric equilibrium: one equation of one unknown."""

    def holding(q):
        """Return what holding is worth: the prize, or the cost and another such period."""
        return (q * prize - (1 - q) * cost) / (1 - discount * (1 - q) ** 2)

    return brentq(lambda q: q - expit(-precision * holding(q)), 1e-12, 1 - 1e-12, xtol=1e-15)


@pytest.mark.paper
@pytest.mark.parametrize("setting", [(3.0, 1.0, 0.9), (3.0, 1.0, 0.5), (1.0, 2.0, 0.95), (10.0, 1.0, 0.99)])
@pytest.mark.parametrize("precision", [0.0, 0.3, 1.0])
def test_both_quit_as_the_equation_of_one_unknown_says(precision, setting):
    prize, cost, discount = setting
    found = solved("attrition", precision, prize=prize, cost=cost, clock__discount=discount)
    quits = quitting(precision, prize, cost, discount)
    assert (ours(found, "first.quit"), ours(found, "second.quit")) == pytest.approx((quits, quits), abs=1e-9)


@pytest.mark.paper
def test_noise_shrinks_towards_the_stationary_mixture():
    """Who quits has nothing, so in the limit holding is worth nothing: q * prize = (1 - q) * cost, whatever the discount."""
    for prize, discount in product((2.0, 5.0), (0.0, 0.5, 0.9)):
        assert quitting(1e5, prize, 1.0, discount) == pytest.approx(1 / (1 + prize), abs=1e-4)


# -- the arms race ----------------------------------------------------------------------------------------------------------------------------

RACE = {"build": 1.0, "upkeep": 0.25, "edge": 1.0, "fear": 0.75}
DISCOUNT = 0.9
STATES = tuple(product((0, 1), repeat=2))


def flow(armed, i, p):
    mine, other = armed[i], armed[1 - i]
    return -p["upkeep"] * mine + p["edge"] * (mine > other) - p["fear"] * (mine < other)


def step(armed, moves, i, p, values):
    """Return what a player receives and may expect when both have moved."""
    after = tuple(max(one, move) for one, move in zip(armed, moves, strict=True))
    return -p["build"] * (moves[i] and not armed[i]) + flow(after, i, p) + DISCOUNT * values[STATES.index(after), i]


def worth(builds, p):
    """Return the values (state, player) of building with these chances (state, player), by value iteration, and what building gains over waiting."""
    values = np.zeros((4, 2))
    chance = [{m: (b[0] if m[0] else 1 - b[0]) * (b[1] if m[1] else 1 - b[1]) for m in STATES} for b in builds]
    for _ in range(600):
        values = np.array([[sum(c * step(s, m, i, p, values) for m, c in chance[k].items() if c) for i in (0, 1)] for k, s in enumerate(STATES)])
    gains = np.zeros((4, 2))
    for (k, s), i in product(enumerate(STATES), (0, 1)):
        for move, sign in ((1, 1.0), (0, -1.0)):
            for other, chance_of in ((1, builds[k][1 - i]), (0, 1 - builds[k][1 - i])):
                moves = (move, other) if i == 0 else (other, move)
                gains[k, i] += sign * chance_of * step(s, moves, i, p, values)
    return values, gains


def race(precision, build, upkeep, edge, fear):
    """Return the chance that the one behind builds, and what building gains over waiting at the start as a function of the other's chance."""
    armed = -upkeep / (1 - DISCOUNT)

    def behind(q):
        return (q * (armed - build) - (1 - q) * fear) / (1 - DISCOUNT * (1 - q))

    q = brentq(lambda q: q - expit(precision * (armed - build + fear - DISCOUNT * behind(q))), 0.0, 1.0, xtol=1e-15)
    alone = edge - upkeep + DISCOUNT * (q * armed + (1 - q) * (edge - upkeep)) / (1 - DISCOUNT * (1 - q))
    left = -fear + DISCOUNT * behind(q)

    def gain(p):
        built, waited = p * armed + (1 - p) * alone - build, p * left
        start = (p * built + (1 - p) * waited) / (1 - DISCOUNT * (1 - p) ** 2)
        return built - waited - (1 - p) * DISCOUNT * start

    return q, gain


def roots(precision, gain):
    def excess(p):
        return p - expit(precision * gain(p))

    grid = np.linspace(0.0, 1.0, 2001)
    values = [excess(p) for p in grid]
    return [brentq(excess, a, b, xtol=1e-15) for a, b, x, y in zip(grid, grid[1:], values, values[1:], strict=False) if x * y < 0]


@pytest.mark.paper
@pytest.mark.parametrize("more", [{}, {"edge": 3.0}, {"build": 5.0, "fear": 0.1}, {"build": 0.5, "upkeep": 0.5, "fear": 0.4}])
@pytest.mark.parametrize("precision", [0.3, 1.0])
def test_both_build_as_equations_of_one_unknown_say(precision, more):
    """First the chance that the one behind catches up, then that with which both build."""
    q, gain = race(precision, **{**RACE, **more})
    (p,) = roots(precision, gain)
    found = solved("arms-race", precision, **more)
    assert (ours(found, "a.build"), ours(found, "b.build")) == pytest.approx((p, p), abs=1e-9)
    assert (ours(found, "b.build", state={"a_armed": True}), ours(found, "a.build", state={"b_armed": True})) == pytest.approx((q, q), abs=1e-9)


@pytest.mark.property
def test_value_iteration_on_the_four_states_comes_to_the_same():
    """Nothing of the derivation: play until values settle, answer them, and so on."""
    builds = np.full((4, 2), 0.5)
    for _ in range(200):
        _, gains = worth(builds, RACE)
        new = 1 / (1 + np.exp(-gains))
        if np.abs(new - builds).max() < 1e-12:
            break
        builds = new
    else:
        pytest.fail("play did not settle")
    found = solved("arms-race", 1.0)
    assert ours(found, "a.build") == pytest.approx(builds[0, 0], abs=1e-9)
    assert ours(found, "a.build", state={"b_armed": True}) == pytest.approx(builds[1, 0], abs=1e-9)


@pytest.mark.paper
@pytest.mark.parametrize(
    ("more", "start", "behind"),
    [({}, 1.0, 1.0), ({}, 0.0, 1.0), ({"edge": 5.0}, 1.0, 1.0), ({"build": 5.0, "fear": 0.1}, 1 / 3, 0.0), ({"build": 8.0, "fear": 0.1}, 0.0, 0.0)],
)
def test_nobody_gains_by_departing_once_from_the_equilibria_of_the_limit(more, start, behind):
    """The one-shot deviation principle, with values found by iteration. At the file's values restraint is an equilibrium as well as the race."""
    p = {**RACE, **more}
    builds = np.array([[start, start], [behind, 1.0], [1.0, behind], [1.0, 1.0]])  # STATES: neither, b armed, a armed, both; 1 where armed already
    _, gains = worth(builds, p)
    for k, i in ((0, 0), (0, 1), (1, 0), (2, 1)):
        if 0.0 < builds[k, i] < 1.0:
            assert gains[k, i] == pytest.approx(0.0, abs=1e-9)
        else:
            assert gains[k, i] * (1.0 if builds[k, i] else -1.0) > 0.01


@pytest.mark.paper
def test_where_an_edge_pays_by_itself_restraint_is_no_equilibrium():
    """The edge of one period, less building and upkeep for ever: 5 > 1 + 0.25 / 0.1."""
    _, gains = worth(np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), {**RACE, "edge": 5.0})
    assert gains[0, 0] > 0.0
    _, gains = worth(np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]]), {**RACE, "edge": 5.0})
    assert gains[0, 0] == pytest.approx(5 - 1 - 2.5)


@pytest.mark.paper
def test_the_branch_comes_to_the_race_since_at_even_odds_building_pays_at_every_precision():
    """It starts at even odds and could only come below them where building gains nothing there."""
    for precision in np.geomspace(0.01, LIMIT_PRECISION, 200):
        _, gain = race(float(precision), **RACE)
        assert gain(0.5) > 0.3
    assert ours(solved("arms-race", LIMIT_PRECISION), "a.build") > 0.5


# -- what is worth the same to all, and what is misperceived ------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(("good", "offered"), [(0.05, 0.0), (0.72, 0.0), (0.735, 1.0), (0.95, 1.0)])
def test_good_cars_are_sold_only_where_most_cars_are_good(good, offered):
    """The high price is worth 2 g - 1.25 to the buyer and the low one 0.75 (1 - g): equal at g = 8/11."""
    assert ours(solved("lemons", LIMIT_PRECISION, good=good), "buyer.offer_high") == pytest.approx(offered, abs=0.002)


@pytest.mark.paper
@pytest.mark.parametrize(("feared", "arms"), [(0.05, 0.0), (0.24, 0.0), (0.26, 1.0), (0.9, 1.0)])
@pytest.mark.parametrize("hostile", [0.01, 0.5])
def test_the_watcher_arms_by_what_it_believes_and_not_by_what_is(feared, arms, hostile):
    """Arming costs 1 and trusting costs 4 where the rival attacks: equal at 1/4."""
    found = solved("misperception", LIMIT_PRECISION, feared=feared, hostile=hostile)
    assert ours(found, "watcher.arm") == pytest.approx(arms, abs=0.002)


@pytest.mark.paper
def test_the_spiral_costs_both_what_a_true_belief_would_have_spared_them():
    """Peaceful and seen as such: 0 and 0. Misperceived: the watcher pays 1 for arms, and so does the rival."""
    for feared, costs in ((0.6, (-1.0, -1.0)), (0.05, (0.0, -0.2))):
        found = solved("misperception", LIMIT_PRECISION, feared=feared)
        assert float(found.value("rival").sel(type="peaceful")) == pytest.approx(costs[0], abs=0.01)
        assert float(found.value("watcher")[0]) == pytest.approx(costs[1], abs=0.01)


def test_every_limit_of_an_endless_game_says_at_which_precision_it_is_measured():
    (shown,) = so.gallery("arms-race").exhibits
    assert {line.precision for line in shown.lines if line.figure.precision == inf} == {LIMIT_PRECISION}
