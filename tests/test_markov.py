"""The stationary engine: Markov quantal response over all public states, against pen and paper, Gambit, sgamesolver, and what must hold."""

from __future__ import annotations

import importlib.util
import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygambit
import pytest
from scipy.optimize import brentq

from standoff.errors import BuildError, SolveError
from standoff.solve import markov_system
from standoff.solve.markov import MarkovGame, solve_markov
from standoff.solve.markov_search import equilibria

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("benchmark_markov", HERE.parent / "benchmarks" / "markov.py")
benchmark = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(benchmark)

FIGURES = json.loads((HERE / "data" / "sgamesolver_qre.json").read_text(encoding="utf-8"))


def game_of(n_players, states, *, precision=1.0):
    """A game from `states`, each `(members, rewards, onward)`: members as `(player, options)` or `(player, weights)`; by profile, payoffs, and
    `{state: weight}` to go on with."""
    members = [member for state in states for member in state[0]]
    weights = [np.ones(options) if np.isscalar(options) else np.array(options, dtype=float) for _, options in members]
    counts = [len(state[1]) for state in states]
    onward = [dict(rows) for state in states for rows in state[2]]
    return MarkovGame(
        n_players=n_players,
        member_start=np.concatenate([[0], np.cumsum([len(state[0]) for state in states])]).astype(int),
        member_player=np.array([player for player, _ in members], dtype=int),
        member_options=np.array([len(w) for w in weights], dtype=int),
        log_w=np.log(np.concatenate([*weights, []])),
        precision=np.full(len(members), float(precision)) if np.isscalar(precision) else np.array(precision, dtype=float),
        profile_start=np.concatenate([[0], np.cumsum(counts)]).astype(int),
        reward=np.concatenate([np.array(state[1], dtype=float).reshape(-1, n_players) for state in states]),
        onward_start=np.concatenate([[0], np.cumsum([len(row) for row in onward])]).astype(int),
        onward_state=np.array([s for row in onward for s in row], dtype=int),
        onward_weight=np.array([w for row in onward for w in row.values()], dtype=float),
    )


def one_shot(row, column, *, precision=1.0, discount=0.0):
    """A game of two players with one state, which comes again with a discount."""
    row, column = np.array(row, dtype=float), np.array(column, dtype=float)
    rewards = np.stack([row.ravel(), column.ravel()], axis=1)
    return game_of(2, [([(0, row.shape[0]), (1, row.shape[1])], rewards, [{0: discount} if discount else {}] * row.size)], precision=precision)


def random_game(seed, *, n=7, n_players=3, precision=2.0, discount=0.9):
    """States where nobody moves, or one, or several at once, with one to three options and one to three onward states; some end the game."""
    rng = np.random.default_rng(seed)
    states = []
    for _ in range(n):
        players = rng.permutation(n_players)[: rng.integers(0, n_players + 1)]
        members = [(int(player), rng.uniform(0.5, 2.0, size=rng.integers(1, 4))) for player in players]
        profiles = int(np.prod([len(w) for _, w in members]))
        onward = [
            {int(s): discount * share for s, share in zip(rng.choice(n, 3, replace=False), rng.dirichlet(np.ones(3)), strict=True) if share > 0.1}
            for _ in range(profiles)
        ]
        states.append((members, rng.normal(size=(profiles, n_players)), onward))
    return game_of(n_players, states, precision=precision)


def expected(game, solved):
    """Values of the behaviour found and each member's expected payoff by option, by enumeration and one linear solve."""
    n = game.n_states
    mean, flow = np.zeros((n, game.n_players)), np.zeros((n, n))
    chances = []
    for s in range(n):
        policies = solved.policy(s)
        for number, parts in enumerate(itertools.product(*(range(len(policy)) for policy in policies))):
            p = game.profile_start[s] + number
            chance = float(np.prod([policy[a] for policy, a in zip(policies, parts, strict=True)]))
            row = np.zeros(n)
            for k in range(game.onward_start[p], game.onward_start[p + 1]):
                row[game.onward_state[k]] += game.onward_weight[k]
            mean[s] += chance * game.reward[p]
            flow[s] += chance * row
            chances.append((s, p, parts, row))
    values = np.linalg.solve(np.eye(n) - flow, mean)
    options = [np.zeros(count) for count in game.member_options]
    for s, p, parts, row in chances:
        policies = solved.policy(s)
        for position, m in enumerate(range(game.member_start[s], game.member_start[s + 1])):
            others = np.prod([policy[a] for two, (policy, a) in enumerate(zip(policies, parts, strict=True)) if two != position])
            player = game.member_player[m]
            options[m][parts[position]] += others * (game.reward[p, player] + row @ values[:, player])
    return values, options


def all_policies(game, solved):
    return [policy for s in range(game.n_states) for policy in solved.policy(s)]


# --- pen and paper -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_discount_nought_makes_every_state_a_game_of_its_own():
    rng = np.random.default_rng(3)
    pays = [rng.normal(size=(4, 2)) for _ in range(3)]
    whole = solve_markov(game_of(2, [([(0, 2), (1, 2)], pay, [{(s + 1) % 3: 0.0}] * 4) for s, pay in enumerate(pays)], precision=3.0))
    for s, pay in enumerate(pays):
        alone = solve_markov(game_of(2, [([(0, 2), (1, 2)], pay, [{}] * 4)], precision=3.0))
        assert np.allclose(np.concatenate(whole.policy(s)), np.concatenate(alone.policy(0)), rtol=0, atol=1e-12)
        assert np.allclose(whole.values[s], alone.values[0], rtol=0, atol=1e-12)


@pytest.mark.paper
def test_a_cycle_where_nobody_moves_has_the_geometric_value():
    solved = solve_markov(game_of(1, [([], [[1.0]], [{1: 0.9}]), ([], [[0.0]], [{0: 0.9}])]))
    assert np.allclose(solved.values[:, 0], [1 / (1 - 0.81), 0.9 / (1 - 0.81)], rtol=0, atol=1e-12)
    assert solved.policy(0) == []
    assert solved.certificate.met


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.0, 1.0, 50.0])
def test_one_player_who_stays_or_leaves_solves_a_scalar_equation(precision):
    """Staying pays 1 and leads to chance, which brings the choice back; V = s (1 + 0.81 V), s = 1 / (1 + exp(-precision (1 + 0.81 V)))."""
    solved = solve_markov(game_of(1, [([(0, 2)], [[1.0], [0.0]], [{1: 0.9}, {}]), ([], [[0.0]], [{0: 0.9}])], precision=precision))

    def share(value):
        return 1.0 / (1.0 + np.exp(-precision * (1.0 + 0.81 * value)))

    value = brentq(lambda v: v - share(v) * (1.0 + 0.81 * v), 0.0, 100.0, xtol=1e-14)
    assert solved.values[0, 0] == pytest.approx(value, abs=1e-11)
    assert solved.policy(0)[0][0] == pytest.approx(share(value), abs=1e-12)


def attrition(precision, prize=3.0, cost=1.0, discount=0.9):
    """Both fight (-cost, and again) or one gives in (0; the other has the prize), or both do (0)."""
    fight = [[-cost, -cost], [prize, 0.0], [0.0, prize], [0.0, 0.0]]
    return game_of(2, [([(0, 2), (1, 2)], fight, [{0: discount}, {}, {}, {}])], precision=precision)


@pytest.mark.paper
def test_a_symmetric_war_of_attrition_nears_its_mixed_equilibrium():
    """Giving in is worth 0, so in the limit fighting is too: the chance q of giving in solves q prize = (1 - q) cost."""
    limit = 1.0 / (3.0 + 1.0)
    gaps = []
    for precision in (100.0, 1_000.0):
        solved = solve_markov(attrition(precision))
        one, two = solved.policy(0)
        assert np.allclose(one, two, rtol=0, atol=1e-10)
        assert solved.certificate.symmetric
        gaps.append(abs(one[1] - limit))
    assert gaps[1] < 2e-3
    assert gaps[0] / gaps[1] == pytest.approx(10.0, rel=0.1)


@pytest.mark.paper
@pytest.mark.parametrize("small", [500, 0], ids=["dense", "sparse"])
@pytest.mark.parametrize("precision", [1.5, 5.0, 1_000.0])
def test_the_pitchfork_of_a_coordination_game_is_found_at_precision_two(monkeypatch, small, precision):
    """u = precision tanh(u / 2) leaves u = 0 where precision / 2 = 1; the symmetric branch goes straight on, at every discount."""
    monkeypatch.setattr(markov_system, "SMALL", small)
    monkeypatch.setattr(markov_system, "FILLED", 2.0)
    solved = solve_markov(one_shot(np.eye(2), np.eye(2), precision=precision, discount=0.5))
    found = solved.certificate
    assert ("dense" if small else "sparse") in found.method
    assert np.allclose(solved.policy(0), 0.5, rtol=0, atol=1e-12)
    assert found.symmetric
    assert found.folds == 0
    assert np.allclose(np.array(found.crossings) * precision, [2.0] if precision > 2.0 else [], rtol=0, atol=1e-4)


# --- published ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.published
def test_all_nine_equilibria_of_three_players_with_two_options_are_found():
    """McKelvey and McLennan (1996), "Computation of equilibria in finite games", Handbook of Computational Economics 1: nine, two of them totally
    mixed. At high precision each Nash equilibrium, all being regular, has a logit equilibrium near it; their signs add up to +1."""
    pays = [[9, 8, 12], [0, 0, 0], [0, 0, 0], [3, 4, 6], [0, 0, 0], [3, 4, 6], [9, 8, 2], [0, 0, 0]]
    solved = solve_markov(game_of(3, [([(0, 2), (1, 2), (2, 2)], pays, [{}] * 8)], precision=1_000.0))
    search = equilibria(solved, 64, np.random.default_rng(0), along_curves=True)
    nash = [
        (1, 1, 1), (0, 0, 1), (0, 1, 0), (1, 0, 0), (1 / 2, 1 / 2, 1), (1 / 3, 1, 1 / 4), (0, 1 / 4, 1 / 3),
        (2 / 5, 1 / 2, 1 / 3), (1 / 2, 2 / 5, 1 / 4),
    ]  # fmt: skip
    firsts = np.array([[policy[0] for policy in one.policy(0)] for one in search.equilibria])
    assert len(firsts) == len(nash)
    assert all(np.abs(firsts - one).max(axis=1).min() < 1e-2 for one in nash)
    assert sum(search.indices) == 1
    assert search.complete
    assert not search._replace(indices=search.indices[:-1]).complete


# --- another solver ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.solver
@pytest.mark.parametrize(
    ("row", "column", "precision"),
    [
        # Asymmetric matching pennies of Ochs (1995) at the precision that Gambit's manual estimates: .6156513 and .3832909.
        ([[1.1141, 0.0], [0.0, 0.2785]], [[0.0, 1.1141], [1.1141, 0.0]], 1.8456097536855862),
        ([[1.0, -2.0, 0.5], [0.0, 1.5, -1.0]], [[0.3, 1.0, -1.0], [2.0, 0.0, 0.7]], 4.0),
    ],
    ids=["pennies", "random"],
)
def test_one_state_is_the_one_shot_game_as_gambit_finds_it(tmp_path, row, column, precision):
    pairs = [f"{a} {b}" for options in zip(zip(*row, strict=True), zip(*column, strict=True), strict=True) for a, b in zip(*options, strict=True)]
    text = f'NFG 1 R "" {{ "row" "column" }} {{ {len(row)} {len(row[0])} }}\n\n{" ".join(pairs)}\n'
    (tmp_path / "game.nfg").write_text(text, encoding="utf-8")
    game = pygambit.read_nfg(str(tmp_path / "game.nfg"))
    (answer,) = pygambit.qre.logit_solve_lambda(game, lam=[precision])
    for mixed, policy in zip(answer.profile, solve_markov(one_shot(row, column, precision=precision)).policy(0), strict=True):
        assert np.allclose(policy, [chance for _, chance in mixed], rtol=0, atol=1e-8)


@pytest.mark.paper
def test_matching_pennies_solves_its_two_equations():
    """9, 0, 0, 1 for the row and 0, 1, 1, 0 for the column: log-odds are precision (10 q - 1) and precision (1 - 2 p)."""
    row, column = solve_markov(one_shot([[9.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]], precision=0.8)).policy(0)
    p, q = row[0], column[0]
    assert np.log(p / (1 - p)) == pytest.approx(0.8 * (10 * q - 1), abs=1e-12)
    assert np.log(q / (1 - q)) == pytest.approx(0.8 * (1 - 2 * p), abs=1e-12)


@pytest.mark.solver
@pytest.mark.parametrize("figure", FIGURES, ids=lambda figure: "{states}-{players}-{precision:g}".format(**figure))
def test_random_games_come_out_as_by_sgamesolver(figure):
    """Strategies and values of sgamesolver 1.0.2 (QRE), two of them on branches that turn; see benchmarks/markov.py."""
    game = benchmark.markov_game(figure["states"], figure["players"], figure["seed"], figure["precision"])
    assert game.reward.sum() == pytest.approx(figure["payoffs"], abs=1e-9), "the games are no longer the same"
    solved = solve_markov(game)
    assert solved.certificate.met
    assert (solved.certificate.folds > 0) == (figure["precision"] == 50.0)
    assert benchmark.difference(solved, figure) < 1e-10
    assert np.allclose(solved.values, figure["values"], rtol=0, atol=1e-10)


# --- properties ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("precision", [0.5, 5.0, 1_000.0])
@pytest.mark.parametrize("seed", range(4))
def test_behaviour_is_the_logit_response_to_its_own_values(seed, precision):
    """Values and expected payoffs computed anew from the policies, whoever moves and however many at once."""
    game = random_game(seed, precision=precision)
    solved = solve_markov(game)
    values, options = expected(game, solved)
    assert solved.certificate.residual <= 1e-10
    assert np.allclose(solved.values, values, rtol=0, atol=1e-9)
    start = np.concatenate([[0], np.cumsum(game.member_options)])
    for m, payoffs in enumerate(options):
        odds = game.log_w[start[m] : start[m + 1]] + precision * payoffs
        assert np.allclose(solved.log_odds[start[m] : start[m + 1]], odds - odds[0], rtol=0, atol=1e-8 * max(1.0, np.abs(odds).max()))


@pytest.mark.property
def test_precision_nought_is_play_by_propensity():
    game = random_game(5, precision=0.0)
    solved = solve_markov(game)
    start = np.concatenate([[0], np.cumsum(game.member_options)])
    for m, policy in enumerate(all_policies(game, solved)):
        weights = np.exp(game.log_w[start[m] : start[m + 1]])
        assert np.allclose(policy, weights / weights.sum(), rtol=0, atol=1e-14)
    assert np.allclose(solved.values, expected(game, solved)[0], rtol=0, atol=1e-12)


@pytest.mark.property
@pytest.mark.parametrize("precision", [2.0, 200.0])
def test_names_of_states_and_players_do_not_matter(precision):
    game = random_game(8, n=9, precision=precision)
    states, players = np.random.default_rng(1).permutation(9), np.array([2, 0, 1])
    at = np.argsort(states)
    blocks = [([], [], []) for _ in range(9)]
    option = np.concatenate([[0], np.cumsum(game.member_options)])
    for s in range(9):
        members = range(game.member_start[s], game.member_start[s + 1])
        profiles = range(game.profile_start[s], game.profile_start[s + 1])
        onward = [range(game.onward_start[p], game.onward_start[p + 1]) for p in profiles]
        blocks[at[s]] = (
            [(players[game.member_player[m]], np.exp(game.log_w[option[m] : option[m + 1]])) for m in members],
            [game.reward[p][np.argsort(players)] for p in profiles],
            [{at[game.onward_state[k]]: game.onward_weight[k] for k in rows} for rows in onward],
        )
    solved, renamed = solve_markov(game), solve_markov(game_of(3, blocks, precision=precision))
    assert np.allclose(renamed.values[at][:, players], solved.values, rtol=0, atol=1e-9)
    for s in range(9):
        for one, two in zip(solved.policy(s), renamed.policy(at[s]), strict=True):
            assert np.allclose(one, two, rtol=0, atol=1e-9)


@pytest.mark.property
def test_a_constant_in_all_payoffs_shifts_values_only():
    game = benchmark.markov_game(6, 2, 4, 5.0)
    solved, shifted = solve_markov(game), solve_markov(replace(game, reward=game.reward + 2.0))
    assert np.allclose(shifted.values - solved.values, 2.0 / (1.0 - 0.95), rtol=0, atol=1e-9)
    assert np.allclose(shifted.log_odds, solved.log_odds, rtol=0, atol=1e-9)


@pytest.mark.property
def test_the_unit_of_payoffs_does_not_matter():
    game = benchmark.markov_game(6, 3, 4, 20.0)
    solved, scaled = solve_markov(game), solve_markov(replace(game, reward=1e-6 * game.reward, precision=1e6 * game.precision))
    assert np.allclose(scaled.log_odds, solved.log_odds, rtol=0, atol=1e-7)
    assert np.allclose(1e6 * scaled.values, solved.values, rtol=0, atol=1e-8)


@pytest.mark.property
def test_sparse_and_dense_systems_give_the_same(monkeypatch):
    game = random_game(11, n=60, precision=10.0)
    dense = solve_markov(game)
    monkeypatch.setattr(markov_system, "SMALL", 0)
    monkeypatch.setattr(markov_system, "FILLED", 2.0)
    sparse = solve_markov(game)
    assert ("dense" in dense.certificate.method, "sparse" in sparse.certificate.method) == (True, True)
    assert np.allclose(dense.log_odds, sparse.log_odds, rtol=0, atol=1e-8)
    assert (dense.certificate.folds, dense.certificate.crossings) == (sparse.certificate.folds, sparse.certificate.crossings)


@pytest.mark.property
def test_without_discount_play_that_ends_some_day_has_values():
    """A coin that ends the game with chance 1/4 each period: four periods are expected."""
    solved = solve_markov(game_of(1, [([(0, 2)], [[1.0], [1.0]], [{0: 0.75}, {0: 0.75}])]))
    assert solved.values[0, 0] == pytest.approx(4.0, abs=1e-12)


@pytest.mark.property
def test_players_who_differ_are_not_called_symmetric():
    assert not solve_markov(one_shot(np.eye(2), 2 * np.eye(2))).certificate.symmetric
    assert not solve_markov(
        game_of(2, [([(0, 2)], [[1.0, 1.0], [0.0, 0.0]], [{1: 0.5}] * 2), ([(1, 2)], [[1.0, 1.0], [0.0, 0.0]], [{}] * 2)])
    ).certificate.symmetric


@pytest.mark.property
def test_the_certificate_says_what_was_met():
    solved = solve_markov(one_shot(np.eye(2), np.eye(2), precision=4.0))
    assert "1 branch point (at 50.0% of the precision)" in solved.certificate.text()
    assert solved.certificate.as_dict()["crossings"] == pytest.approx([0.5], abs=1e-4)
    assert json.loads(json.dumps(solved.certificate.as_dict()))["met"] is True


# --- faults --------------------------------------------------------------------------------------------------------------------------------


def test_play_that_cannot_end_is_refused():
    """States 0 and 1 lead to each other undiscounted; only state 2 ends."""
    stay = ([(0, 2)], [[1.0], [0.0]])
    with pytest.raises(SolveError, match="from state 0 play goes on forever"):
        solve_markov(game_of(1, [(*stay, [{1: 1.0}] * 2), (*stay, [{0: 1.0}, {1: 1.0}]), (*stay, [{0: 0.5}, {}])]))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"reward": np.zeros((3, 2))}, "profile_start must rise from 0 to 3"),
        ({"reward": np.full((4, 2), np.nan)}, "reward must hold finite numbers"),
        ({"log_w": np.array([0.0, 0.0, -np.inf, 0.0])}, "log_w must hold finite numbers"),
        ({"member_options": np.array([2, 3]), "log_w": np.zeros(5)}, "state 0 has not one profile for each joint action"),
        ({"member_player": np.array([0, 2])}, "member 1 is no player"),
        ({"member_player": np.array([0, 0])}, "moves twice at once"),
        ({"precision": np.array([1.0, -1.0])}, "member 1 has a precision below 0"),
        ({"onward_state": np.array([0, 0, 1, 0])}, "onward entry 2 is no state"),
        ({"onward_weight": np.array([0.5, 1.5, 0.5, 0.5])}, "profile 1 leads on with more than its whole weight"),
        ({"onward_weight": np.array([0.5, -0.5, 0.5, 0.5])}, "onward entry 1 has a weight below 0"),
    ],
)
def test_arrays_that_are_no_game_are_refused(change, problem):
    with pytest.raises(BuildError, match=problem):
        solve_markov(replace(one_shot(np.eye(2), np.eye(2), discount=0.5), **change))


@pytest.mark.property
@pytest.mark.parametrize("precision", [300.0, 500.0, 1000.0, 2000.0])
def test_a_symmetric_war_of_attrition_stays_symmetric_past_its_branch_point(precision):
    """Two others cross there, on which one side quits at once; a step that lands on one of them is taken again."""
    reward = np.array([[-1.0, -1.0], [3.0, 0.0], [0.0, 3.0], [0.0, 0.0]])
    game = MarkovGame(
        2, np.array([0, 2]), np.array([0, 1]), np.array([2, 2]), np.zeros(4), np.full(2, precision / 2), np.array([0, 4]), reward,
        np.array([0, 1, 1, 1, 1]), np.array([0]), np.array([0.5]),
    )  # fmt: skip
    solved = solve_markov(game)
    one, two = solved.policy(0)
    assert solved.certificate.symmetric
    assert len(solved.certificate.crossings) == 1
    assert one == pytest.approx(two, abs=1e-9)
    assert one[1] == pytest.approx(0.25, abs=20.0 / precision)
