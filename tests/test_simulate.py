"""Futures are drawn from the solved game, and exact functionals say what frequencies tend to."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from games import dilemma, random_scenario
from standoff.claims.functionals import Evaluation, Here, movers, of_components, of_ends, of_moves, of_state
from standoff.errors import InterventionError, SolveError
from standoff.game import CLOSE, DECISION, END, build
from standoff.scenario import load
from standoff.simulate import Intervention, overrides, simulate
from standoff.simulate import futures as futures_module
from standoff.solve import solve
from standoff.solve.grid import box, to_beliefs

RUNS = 20_000
ERRORS = 4
"""Frequencies may be so many standard errors from their probabilities."""

EXACT = 1e-6
"""Functionals are interpolated on the belief grid; on the grids used here that costs less than this."""


@pytest.fixture(scope="module")
def signalling():
    return solve(build(load("repeated-signalling", {"clock.periods": 2}), {"precision": 0.7}), levels=box((5, 5)), certify=False, workers=1)


@pytest.fixture(scope="module", params=[0, 1, 2])
def random_game(request):
    game = build(random_scenario(request.param, discount=0.9), {"precision": 0.5})
    return solve(game, levels=box((5, 5)), certify=False, workers=1)


def plays(solved, acted):
    """Yield (probability, types, options, observations, end) of every play: types known, beliefs by Bayes, moves as acted upon."""
    game = solved.game
    g = game.arrays
    for types in itertools.product(*[range(n) for n in game.n_types]):
        prior = float(np.prod([p[k] for p, k in zip(game.priors, types, strict=True)]))
        pending = [(int(game.structure.roots[0]), solved.prior, prior, (), ())]
        while pending:
            node, x, chance, options, seen = pending.pop()
            first, o0 = int(g.observation_start[node]), int(g.option_start[node])
            n_obs, n_options = int(g.observation_start[node + 1]) - first, int(g.option_start[node + 1]) - o0
            if n_obs == 0:
                yield chance, types, options, seen, node
                continue
            probe = solved.probe(node, x)
            owner = int(g.owner[node])
            kind = types[owner] if owner >= 0 else 0
            k = game.n_types[owner] if owner >= 0 else 1
            if game.structure.kind[node] == DECISION:
                weights = probe.policy[kind] * (acted[o0 : o0 + n_options] != 0)
                forced = np.flatnonzero(acted[o0 : o0 + n_options] == 1)
                if len(forced):
                    weights = np.eye(n_options)[forced[0]]
                weights = weights / weights.sum()
                if g.is_open[node]:
                    like = np.eye(n_options)
                else:
                    like = g.like[g.like_start[node] : g.like_start[node] + n_options * n_obs * k].reshape(n_options, n_obs, k)[:, :, kind]
                moves = [((*options, o0 + a), y, weights[a] * like[a, y]) for a in range(n_options) for y in range(n_obs)]
            else:
                moves = [(options, y, probe.likelihood[y, kind]) for y in range(n_obs)]
            for taken, y, p in moves:
                if p > 0.0:
                    pending.append((int(g.target[first + y]), probe.posteriors[y], chance * p, taken, (*seen, first + y)))


def evaluated(solved, acted, functionals, types=()):
    """Return each functional at the start."""
    evaluation = Evaluation(solved, functionals, [acted] * len(functionals))
    return [evaluation.at(i, Here(int(solved.game.structure.roots[0]), solved.prior), types) for i in range(len(functionals))]


def interventions(game):
    forced = next(turn for turn in game.canonical.turns)
    move = f"{forced.player}.{forced.options[0].name}"
    return [(), (Intervention(force=move, first=0, last=0),), (Intervention(forbid=move),)]


# --- exact functionals ------------------------------------------------------------------------------------------------------------


@pytest.mark.solver
@pytest.mark.parametrize("which", [0, 1, 2])
def test_functionals_are_means_over_all_plays(random_game, which):
    """Chances of moves (open, covert and signals), counts, ends and states, as solved and with a move forced or forbidden."""
    game, s = random_game.game, random_game.game.structure
    acted = overrides(game, interventions(game)[which])
    pinned = movers(game, acted)
    moves = ["a.x", "a.z", "a.smoke", "a.x/big", "b.v", "storm/hit", "c.left"]

    def counter(move, once):
        rows = set(game.options_at(move).tolist())

        def count(options, seen, _end):
            times = len(rows.intersection(options)) if rows else sum(s.address(row) == move for row in seen)
            return float(min(times, 1) if once else times)

        return count

    hot = s.state[:, 0] == 1
    functionals, counts = [], []
    for move in moves:
        for once in (True, False):
            functionals.append(of_moves(game, [move], until=1, once=once, pinned=pinned))
            counts.append(counter(move, once))
    functionals.append(of_ends(game, ["rupture"], until=1, pinned=pinned))
    counts.append(lambda _options, _seen, end: float(s.places[s.place[end]] == "end:rupture"))
    functionals.append(of_ends(game, ["rupture"], until=0, pinned=pinned))
    counts.append(lambda _options, _seen, end: float(s.places[s.place[end]] == "end:rupture" and s.period[end] == 0))
    functionals.append(of_state(game, hot, until=1, pinned=pinned))
    nodes = game.observation_node
    counts.append(lambda _options, seen, end: float(hot[end] or any(hot[nodes[row]] for row in seen if s.kind[nodes[row]] == CLOSE)))
    every = list(plays(random_game, acted))
    assert sum(chance for chance, *_ in every) == pytest.approx(1.0, abs=1e-12)
    expected = [sum(chance * count(options, seen, end) for chance, _, options, seen, end in every) for count in counts]
    assert evaluated(random_game, acted, functionals) == pytest.approx(expected, abs=EXACT)


@pytest.mark.solver
@pytest.mark.parametrize("which", [0, 1, 2])
def test_values_are_means_over_all_plays_by_type(random_game, which):
    game = random_game.game
    acted = overrides(game, interventions(game)[which])
    g, pay = game.arrays, game.payoffs
    every = list(plays(random_game, acted))
    for player in range(len(game.n_types)):
        for kind in range(game.n_types[player]):
            column = int(g.columns[player]) + kind
            total = mass = 0.0
            for chance, types, options, seen, end in every:
                if types[player] != kind:
                    continue
                taken = {int(game.option_node[row]): row for row in options}
                weight, received = 1.0, 0.0
                for row in seen:
                    node = int(game.observation_node[row])
                    received += weight * (pay.node[node, column] + pay.observation[row, column])
                    received += weight * (pay.option[taken[node], column] if node in taken else 0.0)
                    weight *= g.beta[node]
                total += chance * (received + weight * pay.node[end, column])
                mass += chance
            functional = of_components(game, player, kind, None, movers(game, acted))
            (found,) = evaluated(random_game, acted, [functional], ((player, kind),))
            assert found == pytest.approx(total / mass, abs=EXACT)


@pytest.mark.property
def test_components_sum_to_the_value(random_game):
    game = random_game.game
    acted = overrides(game, ())
    for player, spec in enumerate(game.canonical.players):
        for kind in range(game.n_types[player]):
            names = [component.name for component in spec.components]
            parts = [of_components(game, player, kind, [name], ()) for name in names]
            *shares, total = evaluated(random_game, acted, [*parts, of_components(game, player, kind, None, ())], ((player, kind),))
            assert sum(shares) == pytest.approx(total, abs=1e-9)
            assert total == pytest.approx(random_game.value(spec.name).values[kind], abs=EXACT)


# --- frequencies ------------------------------------------------------------------------------------------------------------------


def assert_frequency(hits, probability):
    spread = np.sqrt(max(probability * (1 - probability), 1e-12) / len(hits))
    assert abs(hits.mean() - probability) <= ERRORS * spread + EXACT


@pytest.mark.property
@pytest.mark.parametrize("which", [0, 1, 2])
def test_frequencies_agree_with_exact_chances(random_game, which):
    game, s = random_game.game, random_game.game.structure
    do = interventions(game)[which]
    acted = overrides(game, do)
    futures = simulate(random_game, RUNS, seed=which, do=do, workers=1)
    pinned = movers(game, acted)
    wanted = [of_moves(game, [move], until=1, once=True, pinned=pinned) for move in futures.marks]
    *chances, rupture = evaluated(random_game, acted, [*wanted, of_ends(game, ["rupture"], until=1, pinned=pinned)])
    for move, chance in zip(futures.marks, chances, strict=True):
        assert_frequency(futures.happened(move), chance)
    assert_frequency(s.place[futures.end] == s.places.index("end:rupture"), rupture)
    assert (s.kind[futures.end] == END).all()


@pytest.mark.property
def test_first_moves_are_as_frequent_as_the_policy_says(signalling):
    futures = simulate(signalling, RUNS, seed=3, workers=1)
    pressed = futures.first_period[:, futures.marks.index("challenger.press")] == 0
    policy = signalling.policy().sel(option="press").values
    assert_frequency(pressed, float(policy @ signalling.game.priors[0]))


@pytest.fixture(scope="module")
def steep():
    """A game too steep for its belief grid, solved exactly."""
    return solve(build(load("repeated-signalling", {"clock.periods": 4}), {"precision": 20.0}), max_seconds=0.0, workers=1)


@pytest.mark.property
@pytest.mark.parametrize("do", [(), (Intervention(force="challenger.press"),), (Intervention(forbid="defender.concede", first=1, last=2),)])
def test_futures_of_a_game_solved_exactly_are_drawn_from_its_histories(steep, do):
    every = list(plays(steep, overrides(steep.game, do)))
    futures = simulate(steep, RUNS, seed=4, do=do, workers=1)
    reached = np.zeros(steep.game.structure.n_nodes)
    for chance, *_, end in every:
        reached[end] += chance
    for end in np.flatnonzero(reached):
        assert_frequency(futures.end == end, reached[end])
    for move in ("challenger.press", "challenger.attack", "defender.resist"):
        rows = set(steep.game.options_at(move).tolist())
        assert_frequency(futures.happened(move), sum(chance for chance, _, options, *_ in every if rows.intersection(options)))


def observations(game, node):
    return range(game.structure.observation_start[node], game.structure.observation_start[node + 1])


@pytest.mark.property
def test_futures_go_on_from_a_history_of_the_exact_solution(steep):
    tree, choices = steep.exact.tree, steep.exact.choices
    history = int(choices[np.abs(steep.exact.beliefs[choices, 0] - 0.3) < 0.2][-1])
    node, x = int(tree.node[history]), steep.exact.beliefs[history]
    futures = simulate(steep, RUNS, seed=5, at=(node, x), workers=1)
    probe = steep.probe(node, x)
    first = futures.first_period[:, [futures.marks.index(steep.game.structure.address(row)) for row in observations(steep.game, node)]]
    for y, chance in enumerate(probe.likelihood @ to_beliefs(x, steep.game.n_types)[int(steep.game.arrays.owner[node])]):
        assert_frequency(first[:, y] == steep.game.structure.period[node], chance)


@pytest.mark.property
@pytest.mark.solver
def test_from_another_belief_futures_are_those_of_the_game_that_begins_there(steep):
    node, x = int(steep.game.structure.roots[0]), steep.prior + 0.01
    there = replace(steep.game, priors=tuple(to_beliefs(x, steep.game.n_types)))
    drawn, begun = simulate(steep, 1000, seed=6, at=(node, x), workers=1), simulate(solve(there, workers=1), 1000, seed=6, workers=1)
    assert np.array_equal(drawn.end, begun.end)
    assert np.array_equal(drawn.first_period, begun.first_period)


# --- luck -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize(("workers", "batch"), [(1, 20_000), (2, 700), (4, 333), (3, 1)])
def test_the_same_seed_gives_the_same_futures_however_the_work_is_split(signalling, workers, batch, monkeypatch):
    runs = 60 if batch == 1 else 2_000
    expected = simulate(signalling, runs, seed=5, workers=1)
    monkeypatch.setattr(futures_module, "BATCH", batch)
    again = simulate(signalling, runs, seed=5, workers=workers)
    assert np.array_equal(again.end, expected.end)
    assert np.array_equal(again.first_period, expected.first_period)


@pytest.mark.property
def test_other_seeds_give_other_futures(signalling):
    one, two = (simulate(signalling, 2_000, seed=seed, workers=1) for seed in (0, 1))
    assert not np.array_equal(one.end, two.end)


@pytest.mark.property
def test_an_intervention_changes_only_the_futures_that_it_touches(signalling):
    """Common random numbers: forbidding a move leaves alone every future in which it did not happen."""
    plain = simulate(signalling, 5_000, seed=2, workers=1)
    without = simulate(signalling, 5_000, seed=2, do=[Intervention(forbid="challenger.attack")], workers=1)
    untouched = ~plain.happened("challenger.attack")
    assert np.array_equal(plain.end[untouched], without.end[untouched])
    assert not without.happened("challenger.attack").any()
    late = simulate(signalling, 5_000, seed=2, do=[Intervention(force="challenger.press", first=1)], workers=1)
    assert np.array_equal(plain.first_period == 0, late.first_period == 0)


@pytest.mark.property
def test_a_story_tells_the_future_that_was_drawn(signalling):
    futures = simulate(signalling, 50, seed=9, workers=1)
    for run in range(50):
        story = " ".join(futures.story(run))
        end = signalling.game.canonical.titles[signalling.game.structure.places[signalling.game.structure.place[futures.end[run]]]]
        assert story.endswith(f"ends as {end}")
        assert ("challenger: attack" in story) == bool(futures.happened("challenger.attack")[run])


# --- what cannot be done ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ([Intervention(force="challenger.pres")], r"did you mean challenger\.press"),
        ([Intervention(force="challenger.press", first=7)], "outside the clock"),
        ([Intervention()], "either forces a move or forbids one"),
        ([Intervention(force="challenger.press", forbid="challenger.hold")], "either forces a move or forbids one"),
        ([Intervention(force="challenger.press"), Intervention(forbid="challenger.press")], "both forced and forbidden"),
        ([Intervention(force="challenger.press"), Intervention(force="challenger.hold")], "two moves are forced"),
        ([Intervention(forbid="challenger.press"), Intervention(forbid="challenger.hold")], "every option of a choice is forbidden"),
        ([Intervention(force="challenger.press", first=1, last=0)], "never possible"),
    ],
)
def test_impossible_interventions_are_refused(signalling, do, message):
    with pytest.raises(InterventionError, match=message):
        simulate(signalling, 10, do=do)


def test_moves_outside_the_game_are_refused(signalling):
    with pytest.raises(SolveError, match=r"no move is named challenger\.sing"):
        simulate(signalling, 10, workers=1).happened("challenger.sing")
    with pytest.raises(SolveError, match="no move of this game"):
        of_moves(signalling.game, ["challenger.sing"], until=0, once=True, pinned=())


@pytest.mark.paper
def test_a_game_without_secrets_is_drawn_too():
    eq = solve(build(dilemma([1.0, 0.0])), workers=1)
    futures = simulate(eq, RUNS, seed=1, workers=1)
    assert_frequency(futures.happened("me.o0"), 1 / (1 + np.exp(-1)))
    assert futures.ends()["total"].to_dict() == {"time_up": 1.0}
