"""Repeated signalling beside Gambit's agent QRE on the game tree, in one run."""

import time

import pygambit
import pytest

import standoff as so
from standoff.export import export

PUBLISHED = {1: (0.52954, 0.89258), 2: (0.39529, 0.52164), 3: (0.42164, 0.55022)}


@pytest.mark.parametrize("rounds", [1, 2, 3])
def test_to_five_digits(benchmark, rounds, tmp_path):
    game = so.build(so.load("repeated-signalling", {"clock.periods": rounds}))
    so.solve(game, tolerance=1e-5)  # compiles what is not compiled yet
    # Without spare effort: small games are otherwise solved finer than asked.
    solved = benchmark.pedantic(so.solve, args=(game,), kwargs={"tolerance": 1e-5, "effort": 0}, rounds=3)
    assert solved.certificate.met
    benchmark.extra_info["policy_distance"] = solved.certificate.policy_distance
    table = solved.policy_at(*solved.first_decision())
    assert (table["weak"]["press"], table["strong"]["press"]) == pytest.approx(PUBLISHED[rounds], abs=1.1e-5)
    tree = pygambit.read_efg(str(export(game, tmp_path / "game.efg")))
    begun = time.perf_counter()
    (answer,) = pygambit.qre.logit_solve_lambda(tree, lam=[1.0])
    benchmark.extra_info["gambit_seconds"] = time.perf_counter() - begun
    assert answer is not None
    benchmark.extra_info["gambit_over_standoff"] = benchmark.extra_info["gambit_seconds"] / benchmark.stats.stats.median
