"""Random stochastic games solved by the stationary engine and by sgamesolver in one run: `python benchmarks/markov.py [OTHER_PYTHON]`.

`OTHER_PYTHON` is an interpreter that has sgamesolver, which needs NumPy below 2 and hence an environment of its own; its logit homotopy
(`QRE`) is run with its own settings. Without it, ours alone are measured. Games are those of sgamesolver's `SGame.random_game`: payoffs uniform
on [0, 1], every joint action leading to all states with random chances, discount 0.95, two to four actions.

`OTHER_PYTHON benchmarks/markov.py --figures` writes tests/data/sgamesolver_qre.json: what sgamesolver finds, with tightened tolerances, for
the small games of `FIGURES`, against which tests/test_markov.py compares. This file imports standoff only where it solves with it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

DISCOUNT = 0.95
ACTIONS = (2, 4)
FIGURES = [
    *(
        (states, players, seed, precision)
        for seed, (states, players) in enumerate([(2, 2), (5, 2), (8, 2), (2, 3), (5, 3)])
        for precision in (1.0, 5.0)
    ),
    # Branches that turn: twice, and four times.
    (2, 2, 11, 50.0),
    (2, 3, 31, 50.0),
]
"""States, players, seed and precision."""
KEPT = Path(__file__).parents[1] / "tests" / "data" / "sgamesolver_qre.json"
DENSE = [(10, 2), (30, 2), (100, 2), (200, 2), (10, 3), (30, 3)]
SPARSE = [100, 300, 1_000]
PRECISION = 5.0
SLOW = 200
"""States from which sgamesolver takes minutes, so that it is run once only."""


def random_game(states: int, players: int, seed: int) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Return numbers of actions (states, players), payoffs (players, actions ..) and transitions (actions .., states) by state.

    The draws are those of `SGame.random_game(states, players, [2, 4], 0.95, seed)`.
    """
    rng = np.random.default_rng(seed)
    actions = rng.integers(low=ACTIONS[0], high=ACTIONS[1], size=(states, players), endpoint=True)
    payoffs = [rng.random((players, *actions[s])) for s in range(states)]
    chances = [rng.exponential(scale=1, size=(*actions[s], states)) for s in range(states)]
    return actions, payoffs, [chance / chance.sum(axis=-1, keepdims=True) for chance in chances]


def markov_game(states: int, players: int, seed: int, precision: float) -> Any:
    """Return the random game as the arrays of the stationary engine."""
    from standoff.solve.markov import MarkovGame

    actions, payoffs, chances = random_game(states, players, seed)
    profiles = int(actions.prod(axis=1).sum())
    return MarkovGame(
        players,
        np.arange(states + 1) * players,
        np.tile(np.arange(players), states),
        actions.ravel(),
        np.zeros(int(actions.sum())),
        np.full(states * players, precision),
        np.concatenate([[0], np.cumsum(actions.prod(axis=1))]),
        np.concatenate([payoff.reshape(players, -1).T for payoff in payoffs]),
        np.arange(profiles + 1) * states,
        np.tile(np.arange(states), profiles),
        DISCOUNT * np.concatenate([chance.ravel() for chance in chances]),
    )


def sparse_game(states: int, seed: int, precision: float) -> Any:
    """Return a random game of two players in which each joint action leads to three to five states, anywhere."""
    from standoff.solve.markov import MarkovGame

    rng = np.random.default_rng(seed)
    actions = rng.integers(low=ACTIONS[0], high=ACTIONS[1], size=(states, 2), endpoint=True)
    profiles = int(actions.prod(axis=1).sum())
    count = rng.integers(3, 5, size=profiles, endpoint=True)
    weights = [rng.exponential(size=n) for n in count]
    return MarkovGame(
        2,
        np.arange(states + 1) * 2,
        np.tile(np.arange(2), states),
        actions.ravel(),
        np.zeros(int(actions.sum())),
        np.full(states * 2, precision),
        np.concatenate([[0], np.cumsum(actions.prod(axis=1))]),
        rng.random((profiles, 2)),
        np.concatenate([[0], np.cumsum(count)]),
        np.concatenate([rng.choice(states, n, replace=False) for n in count]),
        DISCOUNT * np.concatenate([weight / weight.sum() for weight in weights]),
    )


def theirs(states: int, players: int, seed: int, precision: float, *, tight: bool = False) -> dict[str, Any]:
    """Solve by sgamesolver (in its own environment); its lambda is our precision: log-odds per unit of payoff."""
    import sgamesolver

    _, payoffs, chances = random_game(states, players, seed)
    homotopy = sgamesolver.homotopy.QRE(sgamesolver.SGame(payoffs, chances, DISCOUNT))
    homotopy.solver_setup(target_lambda=precision)
    if tight:
        homotopy.solver.set_parameters({"corrector_tol": 1e-12, "convergence_tol": 1e-12})
    homotopy.solver.verbose = 0
    begun = time.perf_counter()
    homotopy.solve()
    seconds = time.perf_counter() - begun
    assert homotopy.solver.converged, "sgamesolver did not reach the precision asked for"
    strategies, values, _ = homotopy.y_to_sigma_V_t(homotopy.solver.y, zeros=True)
    return {
        "states": states,
        "players": players,
        "seed": seed,
        "precision": precision,
        "payoffs": float(sum(payoff.sum() for payoff in payoffs)),
        "seconds": round(seconds, 4),
        "strategies": np.round(strategies, 12).tolist(),
        "values": np.round(values, 12).tolist(),
    }


def known(other: str, *game: float) -> dict[str, Any]:
    """Have another interpreter solve a game (`theirs`)."""
    call = [other, __file__, "--one", *map(str, game)]
    # One thread for linear algebra, as ours takes: on busy cores several threads wait for each other many times over.
    one_thread = os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    finished = subprocess.run(call, check=True, capture_output=True, text=True, env=one_thread)
    answer: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return answer


def difference(solved: Any, answer: dict[str, Any]) -> float:
    """Return the largest difference in any probability of choice."""
    return max(
        float(np.abs(mine - np.array(choices)[: len(mine)]).max())
        for state, strategies in enumerate(answer["strategies"])
        for mine, choices in zip(solved.policy(state), strategies, strict=True)
    )


def table(other: str | None) -> list[list[str]]:
    """Measure and return the rows of the table, its header first."""
    from standoff.solve.markov import solve_markov

    rows = [["onward", "states", "players", "linear systems", "steps", "residual", "standoff, s", "sgamesolver, s", "ratio", "largest difference"]]
    solve_markov(markov_game(2, 2, 0, PRECISION))  # compiles
    games = [("all states", markov_game(states, players, 1, PRECISION), (states, players)) for states, players in DENSE]
    games += [("3 to 5 states", sparse_game(states, 1, PRECISION), None) for states in SPARSE]
    for onward, game, size in games:
        runs = [solve_markov(game) for _ in range(5 if game.n_states < 500 else 2)]
        best, found = min(run.seconds for run in runs), runs[0].certificate
        row = [onward, f"{found.states:,}", f"{game.n_players}", found.method, f"{found.steps}", f"{found.residual:.0e}", f"{best:.4f}", "", "", ""]
        if other is not None and size is not None:
            answers = [known(other, *size, 1, PRECISION) for _ in range(1 if found.states >= SLOW else 2)]
            seconds = min(answer["seconds"] for answer in answers)
            row[-3:] = f"{seconds:.2f}", f"{seconds / best:,.0f}", f"{difference(runs[0], answers[0]):.0e}"
        rows.append(row)
        print("| " + " | ".join(row) + " |", flush=True)
    return rows


def main() -> None:
    """Do as the command line says."""
    match sys.argv[1:]:
        case ["--one", states, players, seed, precision]:
            print(json.dumps(theirs(int(states), int(players), int(seed), float(precision))))
        case ["--figures"]:
            figures = [{key: value for key, value in theirs(*game, tight=True).items() if key != "seconds"} for game in FIGURES]
            KEPT.parent.mkdir(exist_ok=True)
            KEPT.write_text("[\n" + ",\n".join(json.dumps(figure) for figure in figures) + "\n]\n", encoding="utf-8")
        case [*other]:
            table(other[0] if other else None)


if __name__ == "__main__":
    main()
