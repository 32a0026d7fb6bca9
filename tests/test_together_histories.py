"""Players with secrets who choose at the same moment, on the belief grid: against all public histories of the exact engine."""

from __future__ import annotations

import importlib
import math
from dataclasses import replace
from math import log

import numpy as np
import pytest

from one_shot import behaviour_of, judge
from random_scenarios import random_scenario
from rivals import MOTIVES, arming, chances, solved_rivals
from standoff.claims.functionals import Evaluation, Here, of_components, of_ends, of_moves
from standoff.game import END, build
from standoff.replay import replay
from standoff.scenario.models import Intervention
from standoff.simulate import simulate
from standoff.simulate.interventions import overrides
from standoff.solve import exact, solve
from standoff.solve.grid import box, to_beliefs

CERTIFYING = importlib.import_module("standoff.solve.certification")  # the package has a function `solve`
FINE = 1e-6


@pytest.fixture(scope="module")
def played():
    return solved_rivals()


@pytest.fixture(scope="module", params=[11, 12])
def drawn(request):
    game = build(random_scenario(request.param, axes=2, propensities=True, together=0.6))
    return exact(game), solve(game, engine="grid", tolerance=FINE, workers=1)


@pytest.mark.solver
def test_the_grid_agrees_with_the_exact_engine_about_all_who_choose(drawn, played):
    for truth, solved in (drawn, played):
        game = truth.game
        together = [h for h in truth.choices.tolist() if game.structure.together[truth.tree.node[h]]]
        assert any(game.structure.head[truth.tree.node[h]] != truth.tree.node[h] for h in together)
        judged = judge(game, truth.tree, behaviour_of(truth))
        for h in (h for h in together if judged.reach[h] > 0.0):
            probe = solved.probe(int(truth.tree.node[h]), truth.known[h])
            assert np.abs(probe.policy - truth.at(h)).max() < 1e-4
            assert np.abs(probe.action_values - truth.action_values(h)).max() < 1e-3
            assert np.abs(probe.values - judged.values[h]).max() < 1e-3


@pytest.mark.solver
def test_both_engines_answer_with_the_exact_one_where_it_knows(played):
    truth, _ = played
    solved = solve(truth.game, levels=box((2, 2)), workers=1)
    for h in truth.choices.tolist():
        probe = solved.probe(int(truth.tree.node[h]), truth.known[h])
        assert probe.residual == truth.certificate.residual
        assert probe.policy == pytest.approx(truth.at(h), abs=1e-12)


@pytest.mark.property
def test_coarse_grids_are_certified_alike_with_and_without_the_exact_engine(monkeypatch):
    """What the certificate says of a grid that is too coarse: against the exact solution, on all histories, and on drawn ones."""
    game = build(random_scenario(22, axes=2, propensities=True, together=0.6))
    solved = solve(game, engine="grid", levels=box((1, 1)), workers=1)
    everywhere = solved.certificate
    against = CERTIFYING.certify(solved, tolerance=1e-4, oracle=exact(game))
    monkeypatch.setattr(CERTIFYING, "_every_history", lambda _: None)
    drawn = CERTIFYING.certify(solved, tolerance=1e-4, draws=(100,))
    assert everywhere.every_history
    assert not drawn.every_history
    assert against.policy_distance > 1e-3
    for one in (everywhere, drawn):
        assert one.policy_distance == pytest.approx(against.policy_distance, rel=0.5)
        assert one.regret == pytest.approx(against.regret, rel=0.5)


RUNS = 100_000


@pytest.mark.property
@pytest.mark.parametrize("from_histories", [False, True])
def test_futures_come_as_often_as_they_should(drawn, played, from_histories):
    for truth, on_grid in (drawn, played):
        solved = replace(on_grid, exact=truth) if from_histories else on_grid
        futures = simulate(solved, RUNS, seed=3, workers=1)
        for move in futures.marks:
            wanted = min(chances(truth, lambda way, move=move: move in way), 1.0)
            if move in truth.game.structure.addresses:
                assert futures.happened(move).mean() == pytest.approx(wanted, abs=4 * math.sqrt(wanted * (1 - wanted) / RUNS) + 1e-4), move


@pytest.mark.property
@pytest.mark.parametrize("from_histories", [False, True])
def test_futures_of_both_rivals_together(played, from_histories):
    """Moves of the second week after moves of the first: what is drawn later hangs on beliefs about both."""
    truth, on_grid = played
    solved = replace(on_grid, exact=truth) if from_histories else on_grid
    futures = simulate(solved, RUNS, seed=5, workers=1)
    both = futures.happened("east.arm") & futures.happened("west.arm") & futures.happened("patron.help_east")
    wanted = chances(truth, lambda way: {"east.arm", "west.arm", "patron.help_east"} <= set(way))
    assert both.mean() == pytest.approx(wanted, abs=4 * math.sqrt(wanted * (1 - wanted) / RUNS))


def by_hand(truth, acted, payoff):
    """Return the expectation of a sum along histories, types drawn and held, where behaviour is overridden as in `acted`."""
    game, tree, g = truth.game, truth.tree, truth.game.arrays
    total = 0.0
    for types in np.ndindex(*game.n_types):
        start = math.prod(float(game.priors[i][k]) for i, k in enumerate(types))
        pending = [(0, start, 0.0)]
        while pending:
            h, chance, sofar = pending.pop()
            node, child = int(tree.node[h]), int(tree.child[h])
            if child < 0:
                total += chance * (sofar + payoff(node, None, None, types))
                continue
            owner, o0, y0 = int(g.owner[node]), int(g.option_start[node]), int(g.observation_start[node])
            if g.option_start[node + 1] == o0:
                like = truth.likelihood(h)[:, types[owner] if owner >= 0 else 0]
                steps = [(None, y, float(p)) for y, p in enumerate(like)]
            else:
                sigma = truth.at(h)[types[owner]].copy()
                for a in range(len(sigma)):
                    sigma[a] *= acted[o0 + a] != 0
                steps = [
                    (o0 + a, y, float(p * q))
                    for a, p in enumerate(sigma / sigma.sum())
                    for y, q in enumerate(game.likelihoods(node)[a, :, types[owner]])
                ]
            for option, y, p in steps:
                if p > 0.0:
                    pending.append((child + y, chance * p, sofar + payoff(node, option, y0 + y, types)))
    return total


@pytest.mark.property
@pytest.mark.parametrize("forbidden", [None, "east.arm", "west.talk"])
def test_functionals_are_the_sums_over_histories(played, forbidden):
    truth, solved = played
    game = truth.game
    acted = overrides(game, [Intervention.model_validate({"forbid": forbidden})] if forbidden else (), now=0)
    players = tuple(sorted({int(game.arrays.owner[n]) for n in game.option_node[acted != -1] if game.n_types[int(game.arrays.owner[n])] > 1}))
    wanted, functionals = [], []
    names = np.array(game.option_addresses, dtype=object)
    for move in sorted(set(names.tolist())):
        functionals.append(of_moves(game, [move], until=5, once=False, pinned=players))
        wanted.append(by_hand(truth, acted, lambda _n, option, _y, _t, move=move: float(option is not None and names[option] == move)))
    for end in ("time_up",):
        functionals.append(of_ends(game, [end], until=0, pinned=players))
        wanted.append(by_hand(truth, acted, lambda node, _o, _y, _t: float(game.structure.kind[node] == END and game.structure.period[node] == 0)))
    pay = game.component_payoffs([(0, name) for name in MOTIVES])
    for kind in range(2):
        column = int(game.arrays.columns[0]) + kind

        def paid(node, option, row, types, column=column, kind=kind):
            if types[0] != kind:
                return 0.0
            return pay.node[node, column] + (pay.option[option, column] if option is not None else 0) + (pay.observation[row, column] if row else 0)

        functionals.append(of_components(game, 0, kind, MOTIVES, players))
        wanted.append(by_hand(truth, acted, paid) / float(game.priors[0][kind]))
    evaluation = Evaluation(solved, functionals, [acted] * len(functionals))
    root = int(game.structure.roots[0])
    for number, value in enumerate(wanted):
        assert evaluation.at(number, Here(root, solved.prior)) == pytest.approx(value, abs=2e-4), functionals[number].name


@pytest.mark.property
@pytest.mark.parametrize("moves", [(("west", 8),), (("east", 0),), (("west", 0),), (("east", 0), ("west", 0), ("west", 8))])
def test_records_are_as_likely_as_their_histories(played, moves):
    truth, solved = played
    trail = replay(solved, arming(*moves))
    game, tree = truth.game, truth.tree
    judged = judge(game, tree, behaviour_of(truth))
    h = 0
    by_node = {step.node: step for step in trail.steps}
    while tree.child[h] >= 0:
        node = int(tree.node[h])
        first = int(game.arrays.observation_start[node])
        labels = [game.structure.address(first + y) for y in range(int(game.arrays.observation_start[node + 1]) - first)]
        y = labels.index(by_node[node].move) if node in by_node else 0
        before = h
        h = int(tree.child[h]) + y
        if node in by_node:
            step = by_node[node]
            assert step.probability == pytest.approx(float(judged.reach[h] / judged.reach[before]), abs=1e-4)
            for about, belief in enumerate(to_beliefs(step.after, game.n_types)):
                assert belief == pytest.approx(judged.beliefs[h][about], abs=1e-4)
    assert trail.log_likelihood == pytest.approx(log(float(judged.reach[h])), abs=1e-3)
