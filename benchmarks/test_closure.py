"""The threat to close the embassy: solving, simulating, one world."""

import resource
import subprocess
import sys

import pytest

import standoff as so
from standoff.worlds.draws import at_quantiles, draw
from standoff.worlds.sample import make_task
from standoff.worlds.world import run_world


@pytest.fixture(scope="module")
def game():
    game = so.build(so.load("baghdad-closure"))
    so.solve(game)  # compiles what is not compiled yet
    return game


@pytest.mark.parametrize("tolerance", [1e-2, 1e-3])
def test_median_world(benchmark, game, tolerance):
    solved = benchmark.pedantic(so.solve, args=(game,), kwargs={"tolerance": tolerance}, rounds=3)
    benchmark.extra_info["policy_distance"] = solved.certificate.policy_distance
    assert solved.certificate.met


def test_a_million_futures(benchmark, game):
    solved = so.solve(game)
    so.simulate(solved, runs=1000)
    futures = benchmark.pedantic(so.simulate, args=(solved,), kwargs={"runs": 1_000_000}, rounds=2)
    assert len(futures) == 1_000_000


def test_one_world_with_all_claims(benchmark):
    scenario = so.load("baghdad-closure")
    record = so.read_record(so.record_path("baghdad-closure"))
    task, _ = make_task(scenario, record, tolerance=1e-2, workers=1, progress=None)
    u = draw(task.canonical, 4, seed=0)
    world = benchmark.pedantic(run_world, args=(task, 2, at_quantiles(task.canonical, u[2])), rounds=3)
    assert not world.problem


def test_memory_of_the_median_world(benchmark):
    code = "import standoff as so; so.solve(so.build(so.load('baghdad-closure')), tolerance=1e-3)"
    benchmark.pedantic(subprocess.run, args=([sys.executable, "-c", code],), kwargs={"check": True}, rounds=1)
    benchmark.extra_info["peak_megabytes"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
