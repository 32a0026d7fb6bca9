"""Worlds are the same however they are computed, survive what interrupts them, and are weighted by the record with restraint."""

from __future__ import annotations

import errno
import importlib
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from standoff.errors import WorldsError
from standoff.scenario import Builder, load, resolve
from standoff.solve.grid import box
from standoff.worlds import Task, Weights, World, run_world, sample, weigh
from standoff.worlds.draws import BLOCK, EDGE, at_quantiles, draw, free_parameters
from standoff.worlds.store import from_frame, to_frame
from standoff.worlds.weights import LEAST_EFFECTIVE, TARGET_SHARE
from standoff.worlds.world import measured, structures_of
from toys import DECIDED, chooser, going, watched

SAMPLING = importlib.import_module("standoff.worlds.sample")  # the package has a function of that name

SCENARIO = "one-shot-threat"
N = 24
"""Three batches."""


def as_bytes(worlds):
    """Worlds as the bytes of one Parquet file."""
    buffer = io.BytesIO()
    to_frame(worlds.worlds).to_parquet(buffer, index=False)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def undisturbed():
    """The bytes of a run that nothing interrupted."""
    return as_bytes(sample(load(SCENARIO), N, seed=3, workers=1))


def batches(folder):
    return sorted((folder / "worlds").glob("batch-*.parquet"))


def resumed(folder, n=N):
    return as_bytes(sample(load(SCENARIO), n, seed=3, workers=1, folder=folder))


# --- draws -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("n", [1, 2, 3, 7, 8, 9, 31, 64])
def test_a_world_is_the_same_however_many_are_drawn(n):
    canonical = resolve(load("baghdad-closure"))
    assert np.array_equal(draw(canonical, n, seed=5), draw(canonical, 64, seed=5)[:n])


@pytest.mark.property
def test_every_block_of_worlds_is_a_latin_hypercube_by_seed():
    canonical = resolve(load(SCENARIO))
    u = draw(canonical, 2 * BLOCK, seed=0)
    assert u.shape == (2 * BLOCK, len(free_parameters(canonical)))
    for block in (u[:BLOCK], u[BLOCK:]):
        assert all((np.histogram(column, bins=BLOCK, range=(0, 1))[0] == 1).all() for column in block.T)
    assert not np.array_equal(u[:BLOCK], u[BLOCK:])
    assert not np.array_equal(u, draw(canonical, 2 * BLOCK, seed=1))
    assert np.array_equal(u, draw(canonical, 2 * BLOCK, seed=0))


@pytest.mark.property
def test_no_parameter_stands_in_for_another():
    """Among a hundred parameters and a hundred worlds the largest correlation of a pair is what independent draws would have (about 0.4)."""
    u = draw(resolve(load("baghdad-closure")), 96, seed=0)
    assert u.shape[1] > 100
    correlation = np.corrcoef(u.T) - np.eye(u.shape[1])
    assert np.abs(correlation).max() < 0.5
    assert np.sqrt((correlation**2).mean()) < 1.2 / np.sqrt(96)


@pytest.mark.property
def test_a_parameter_has_the_same_draws_in_both_scenarios_of_a_chain_and_when_another_is_fixed():
    siege, closure = resolve(load("baghdad-siege")), resolve(load("baghdad-closure", {"dread": "1"}))
    free = resolve(load("baghdad-closure"))

    def column(canonical, name):
        return draw(canonical, 40, seed=2)[:, [spec.name for spec in free_parameters(canonical)].index(name)]

    for name in ("loss", "prior_resolved", "siege_worth"):
        assert np.array_equal(column(siege, name), column(closure, name))
    assert np.array_equal(column(free, "memory"), column(closure, "memory"))


@pytest.mark.paper
def test_quantiles_become_parameters_by_their_priors():
    builder = Builder("priors").clock(periods=1).parameter("precision", 2).parameter("low", prior={"uniform": [2, 4]})
    builder.parameter("some", prior={"choice": [1, 5], "weights": [0.25, 0.75]}).parameter("open", prior={"normal": [0, 1]})
    builder.player("me").payoff("me", "taste", on={"me.go": "low + some + open"}).turn("me", options={"go": {}, "stay": {}})
    canonical = resolve(builder.scenario())
    assert [spec.name for spec in free_parameters(canonical)] == ["low", "some", "open"]
    assert at_quantiles(canonical, np.array([0.25, 0.2, 0.5])) == pytest.approx({"precision": 2, "low": 2.5, "some": 1, "open": 0})
    assert at_quantiles(canonical, np.array([0.75, 0.3, 0.5]))["some"] == 5
    assert np.isfinite(at_quantiles(canonical, np.array([0.0, 0.0, 0.0]))["open"])
    assert at_quantiles(canonical, np.array([0.0, 0.0, 0.0]))["low"] == pytest.approx(2 + 2 * EDGE, abs=1e-12)


@pytest.mark.property
def test_a_scenario_without_doubts_gives_equal_worlds():
    worlds = sample(load("repeated-signalling", {"clock.periods": 1}), 4, workers=1)
    assert worlds.quantiles.shape == (4, 0)
    assert len({world.findings["pressing_informs"].margin for world in worlds.worlds}) == 1


# --- the same for any workers --------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_workers_do_not_change_a_byte(undisturbed, tmp_path):
    two = sample(load(SCENARIO), N, seed=3, workers=2, folder=tmp_path / "two")
    assert as_bytes(two) == undisturbed
    resumed(tmp_path / "one")
    files = [[(path.name, path.read_bytes()) for path in batches(tmp_path / name)] for name in ("one", "two")]
    assert len(files[0]) == 3
    assert files[0] == files[1]


@pytest.mark.property
def test_a_rerun_gives_the_same_bytes_and_another_seed_gives_others(undisturbed):
    assert as_bytes(sample(load(SCENARIO), N, seed=3, workers=1)) == undisturbed
    assert as_bytes(sample(load(SCENARIO), N, seed=4, workers=1)) != undisturbed


@pytest.mark.property
def test_a_longer_run_begins_with_the_worlds_of_a_shorter_one(undisturbed):
    longer = sample(load(SCENARIO), N + 9, seed=3, workers=1)
    buffer = io.BytesIO()
    to_frame(longer.worlds[:N]).to_parquet(buffer, index=False)
    assert buffer.getvalue() == undisturbed


# --- what interrupts a run -----------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("lost", [[0], [1], [0, 2], [0, 1, 2]])
def test_missing_batches_are_computed_again_and_no_others(undisturbed, lost, tmp_path, monkeypatch):
    assert resumed(tmp_path) == undisturbed
    for path in [batches(tmp_path)[i] for i in lost]:
        path.unlink()
    computed = []
    monkeypatch.setattr(SAMPLING, "run_world", lambda task, index, values: computed.append(index) or run_world(task, index, values))
    assert resumed(tmp_path) == undisturbed
    assert computed == [i for batch in lost for i in range(8 * batch, 8 * batch + 8)]


@pytest.mark.property
def test_a_folder_grows_with_the_number_of_worlds(undisturbed, tmp_path):
    resumed(tmp_path, n=5)
    resumed(tmp_path, n=13)
    assert resumed(tmp_path) == undisturbed


@pytest.mark.property
def test_a_killed_run_continues_where_it_was(tmp_path):
    """The process is killed outright once a batch is there; the rerun equals a run that nothing interrupted."""
    n = 200
    script = f"import sys, standoff as so; so.sample(so.load('{SCENARIO}'), {n}, seed=3, workers=1, folder=sys.argv[1])"
    process = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "run")], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    deadline = time.monotonic() + 60
    while not batches(tmp_path / "run"):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    kept = {path: path.read_bytes() for path in batches(tmp_path / "run")}
    assert 1 <= len(kept) < n // 8
    again = sample(load(SCENARIO), n, seed=3, workers=1, folder=tmp_path / "run")
    assert as_bytes(again) == as_bytes(sample(load(SCENARIO), n, seed=3, workers=1))
    assert all(path.read_bytes() == data for path, data in kept.items())


def test_a_full_disk_is_said_and_what_was_finished_stays(undisturbed, tmp_path, monkeypatch):
    synced = os.fsync
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 2:  # the manifest and one batch fit
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorldsError, match=r"cannot write .*: No space left on device\. What was finished stays readable; run again to continue"):
        resumed(tmp_path)
    monkeypatch.undo()
    assert [world.index for world in from_frame(pd.read_parquet(batches(tmp_path)[0]))] == list(range(8))
    assert [path.name for path in (tmp_path / "worlds").iterdir()] == ["batch-000000.parquet"]  # no torn file beside it
    assert resumed(tmp_path) == undisturbed


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk")
def test_a_disk_that_is_really_full(undisturbed, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "none", str(disk)], check=False, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        with pytest.raises(WorldsError, match="No space left on device"):
            resumed(disk / "run")
        for path in batches(disk / "run"):
            assert len(pd.read_parquet(path)) == 8
        subprocess.run(["mount", "-o", "remount,size=16m", str(disk)], check=True)
        assert resumed(disk / "run") == undisturbed
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("change", ["seed", "parameter", "record", "tolerance"])
def test_a_folder_of_other_inputs_is_refused(change, tmp_path):
    scenario, record = watched({"c": {"left": {"choice": "mover.go"}, "is": "above", "right": 0.4}}), going(0)
    sample(scenario, 4, seed=0, record=record, workers=1, folder=tmp_path)
    arguments = {"seed": 0, "record": record, "workers": 1, "folder": tmp_path}
    if change == "seed":
        arguments["seed"] = 1
    elif change == "parameter":
        scenario = watched({"c": {"left": {"choice": "mover.go"}, "is": "above", "right": 0.5}})
    elif change == "record":
        arguments["record"] = going(1)
    else:
        arguments["tolerance"] = 1e-13
        with pytest.raises(WorldsError, match="holds a run of other inputs: the scenario differs and the record differs"):
            sample(load(SCENARIO), 4, workers=1, folder=tmp_path)
        return
    said = {"seed": "the seed differs", "parameter": "the scenario differs", "record": "the record differs"}[change]
    with pytest.raises(WorldsError, match=f"holds a run of other inputs: {said}; begin anew with --fresh, .* or name another folder with --out"):
        sample(scenario, 4, **arguments)
    assert len(batches(tmp_path)) == 1


def test_a_run_of_another_version_is_called_that(tmp_path, monkeypatch):
    """Nothing of the user's own has changed, and the message must not say so."""
    sample(load(SCENARIO), 1, workers=1, folder=tmp_path)
    monkeypatch.setattr(SAMPLING, "source_digest", lambda: "of other code")
    with pytest.raises(WorldsError, match="other inputs: it is of another version of standoff; begin anew with --fresh"):
        sample(load(SCENARIO), 1, workers=1, folder=tmp_path)


def test_another_tolerance_alone_is_called_that(tmp_path, monkeypatch):
    monkeypatch.setattr(SAMPLING, "source_digest", lambda: "of this code")
    scenario = load("repeated-signalling", {"clock.periods": 1})
    sample(scenario, 1, workers=1, folder=tmp_path)
    with pytest.raises(WorldsError, match="other inputs: the tolerance differs;"):
        sample(scenario, 1, tolerance=1e-7, workers=1, folder=tmp_path)


def test_a_torn_batch_is_named(tmp_path):
    resumed(tmp_path, n=8)
    batches(tmp_path)[0].write_bytes(b"PAR1 torn")
    with pytest.raises(WorldsError, match=r"batch-000000\.parquet cannot be read .*remove it and run again"):
        resumed(tmp_path, n=8)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorldsError, match=r"file cannot be made: .*file is a file; name another folder with `standoff run --out FOLDER`"):
        resumed(tmp_path / "file")
    with pytest.raises(WorldsError, match=r"run cannot be made: .*file is a file; move .*file away, or name another folder"):
        resumed(tmp_path / "file" / "run")


@pytest.mark.parametrize("n", [0, -1])
def test_at_least_one_world_is_asked_for(n):
    with pytest.raises(WorldsError, match=f"must be at least 1, not {n}"):
        sample(load(SCENARIO), n)


@pytest.mark.property
def test_worlds_are_read_back_as_they_were_written():
    worlds = list(sample(chooser({"c": DECIDED}), 8, workers=1).worlds)
    worlds.append(World(8, dict(worlds[0].parameters), float("nan"), {}, 0, float("nan"), 0, "did not build"))
    buffer = io.BytesIO()
    to_frame(worlds).to_parquet(buffer, index=False)
    back = from_frame(pd.read_parquet(buffer))
    assert repr(back) == repr(worlds)


# --- worlds that fail ------------------------------------------------------------------------------------------------------------------


def doubtful(values, weights=None):
    """A claim about a storm whose chance may come out above 1."""
    prior = {"choice": values} | ({"weights": weights} if weights else {})
    builder = Builder("doubtful").clock(periods=1).parameter("precision", 1).parameter("p", prior=prior).player("me")
    builder.turn("me", options={"go": {}, "stay": {}}).event("storm", outcomes={"hit": {"chance": "p"}, "miss": {"chance": "rest"}})
    return builder.claim("c", "Storms hit", test={"left": {"chance_of_move": "storm/hit"}, "is": "above", "right": 0.3}).scenario()


@pytest.mark.property
def test_a_world_that_cannot_be_built_says_why_and_does_not_count():
    worlds = sample(doubtful([0.2, 0.5, 1.5]), 32, workers=1)
    failed = [world for world in worlds.worlds if world.parameters["p"] == 1.5]
    assert 8 <= len(failed) <= 13
    assert worlds.problems == failed
    assert all("the probabilities of storm are 1.5" in world.problem and not world.findings for world in failed)
    assert worlds.weights.effective == 32 - len(failed)
    assert all((weight == 0.0) == bool(world.problem) for weight, world in zip(worlds.weights.values, worlds.worlds, strict=True))


def test_when_no_world_can_be_computed_the_first_reason_is_given(monkeypatch):
    failed = World(0, {}, float("nan"), {}, False, float("nan"), 0, "the probabilities of storm are 1.5")
    monkeypatch.setattr(SAMPLING, "run_world", lambda *_: failed)
    with pytest.raises(WorldsError, match="no world could be computed; the first says: the probabilities of storm"):
        sample(doubtful([0.2, 0.5, 1.5]), 1, workers=1)


# --- weights ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_weights_are_powers_of_the_likelihood():
    plain = weigh(np.log([0.4, 0.2, 0.2]), temper=1.0)
    assert plain.values == pytest.approx([1 / 2, 1 / 4, 1 / 4])
    assert plain.effective == pytest.approx(1 / (1 / 4 + 1 / 8))
    half = weigh(np.log([0.4, 0.1]), temper=0.5)
    assert half.values == pytest.approx([2 / 3, 1 / 3])
    assert weigh(np.log([0.4, 0.1]), temper=0.0).values == pytest.approx([1 / 2, 1 / 2])


@pytest.mark.paper
def test_the_temper_leaves_a_quarter_of_the_worlds():
    """One world of 16 is e**100 likelier: (1 + 15 e)**2 = 4 (1 + 15 e**2) for the others' relative weight e, so e = (-30 + sqrt(2880)) / 330."""
    weights = weigh(np.array([0.0] + [-100.0] * 15))
    others = (-30 + np.sqrt(2880)) / 330
    assert weights.temper == pytest.approx(-np.log(others) / 100, rel=1e-9)
    assert weights.values[1] / weights.values[0] == pytest.approx(others, rel=1e-9)
    assert weights.effective == pytest.approx(16 * TARGET_SHARE, rel=1e-9)


@pytest.mark.paper
def test_a_record_that_all_worlds_foresee_alike_needs_no_temper():
    weights = weigh(np.full(8, -30.0))
    assert (weights.temper, weights.effective) == (1.0, pytest.approx(8.0))


@pytest.mark.property
def test_impossible_worlds_weigh_nothing():
    weights = weigh(np.array([np.nan, -1.0, -np.inf, -1.0]))
    assert weights.values == pytest.approx([0, 1 / 2, 0, 1 / 2])
    nothing = weigh(np.array([np.nan, -np.inf]))
    assert (nothing.values.sum(), nothing.effective, nothing.enough) == (0.0, 0.0, False)


@pytest.mark.property
@pytest.mark.parametrize("effective", [LEAST_EFFECTIVE - 0.01, LEAST_EFFECTIVE])
def test_too_few_effective_worlds_are_not_enough(effective):
    assert Weights(np.ones(1), 1.0, effective).enough == (effective >= LEAST_EFFECTIVE)


@pytest.mark.paper
def test_worlds_are_weighted_by_how_they_foresee_the_record():
    """Going three times has chance 1/4 h**3 + 3/4 (1/2)**3, where h = logistic(eagerness) is the hawk's chance."""
    worlds = sample(watched(), 16, record=going(0, 1, 2), temper=1.0, workers=1)
    hawk = 1 / (1 + np.exp(-np.array([world.parameters["eagerness"] for world in worlds.worlds])))
    likelihood = hawk**3 / 4 + 3 / 32
    assert [world.log_likelihood for world in worlds.worlds] == pytest.approx(np.log(likelihood), abs=1e-6)
    assert worlds.weights.values == pytest.approx(likelihood / likelihood.sum(), abs=1e-6)
    assert worlds.table["weight"].tolist() == worlds.weights.values.tolist()


@pytest.mark.property
def test_without_a_record_worlds_weigh_alike():
    worlds = sample(load(SCENARIO), 8, workers=1)
    assert worlds.weights.values.tolist() == [1 / 8] * 8
    assert worlds.table["index"].tolist() == list(range(8))
    assert {"weight", "p:prize", "margin:bluff"} <= set(worlds.table.columns)


# --- worlds near an edge -----------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_worlds_climb_to_finer_grids_until_claims_are_decided_and_numbers_within_the_tolerance():
    exact = sample(load(SCENARIO), 16, workers=1).worlds
    canonical = resolve(load(SCENARIO))
    task = Task(canonical, None, (box((1,)), box((2,)), box((4,))), 1e-3, most=0)
    structures = structures_of(canonical)
    worlds = [run_world(task, world.index, world.parameters) for world in exact]
    assert len({world.rung for world in worlds}) > 1
    for world in worlds:
        for rung in range(world.rung):
            there = measured(task, structures, world.index, world.parameters, rung).findings.values()
            assert any(found.holds is None or max(found.bounds) > 1e-3 for found in there)
        assert world.rung == 2 or all(found.holds is not None for found in world.findings.values())


@pytest.mark.solver
def test_what_a_coarse_grid_decides_is_so_on_all_histories_and_its_bounds_hold():
    exact = sample(load(SCENARIO), 16, workers=1).worlds
    for levels in ((1,), (2,), (3,)):
        task = Task(resolve(load(SCENARIO)), None, (box(levels),), 1e-2, most=0)
        for world in exact:
            for name, found in run_world(task, world.index, world.parameters).findings.items():
                truth = world.findings[name]
                assert found.holds in (truth.holds, None)
                assert abs(found.margin - truth.margin) <= found.bound + truth.bound


def test_paths_may_be_given_as_text(tmp_path):
    sample(load(SCENARIO), 2, workers=1, folder=str(tmp_path / "run"))
    assert Path(tmp_path / "run" / "inputs.json").exists()


# --- a median world that fails -----------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_a_median_world_that_cannot_be_computed_does_not_stop_the_others():
    """Going pays 1 / gap, which is no number in the median world alone: it is positive in the upper half of the worlds."""
    builder = Builder("gap").clock(periods=1).parameter("precision", 1).parameter("gap", prior={"uniform": [-1, 1]})
    builder.player("me").payoff("me", "taste", on={"me.go": "1 / gap"}).turn("me", options={"go": {}, "stay": {}})
    goes = {"left": {"choice": "me.go"}, "is": "above", "right": 0.5}
    worlds = sample(builder.claim("goes", "It goes", test=goes).scenario(), n=16, seed=0, workers=1)
    assert not worlds.problems
    assert [world.findings["goes"].margin > 0 for world in worlds.worlds] == [world.parameters["gap"] > 0 for world in worlds.worlds]
    assert "the median world could not be computed" in worlds.task.problem
    assert "45% quantile" in worlds.task.problem
    assert sample(load(SCENARIO), n=1, workers=1).task.problem == ""
