"""The bundled case as a whole: it is solved to its certificate, its record replays, its claims can be measured, its numbers give reasons."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from standoff.game import DECISION, build
from standoff.record import read_record
from standoff.replay import replay
from standoff.scenario import check, load, resolve
from standoff.scenarios import record_path
from standoff.solve import solve
from standoff.solve.grid import simplex
from standoff.worlds import Task
from standoff.worlds.draws import at_quantiles, sobol
from standoff.worlds.world import measured, structures_of

DOCS = Path(__file__).parents[1] / "docs" / "scenarios.md"
GRID = simplex(4, 1)
CLAIMS = [f"C{i}" for i in range(12, 28)]


@pytest.fixture(scope="module")
def scenario():
    return load("baghdad-closure")


@pytest.fixture(scope="module")
def canonical(scenario):
    return resolve(scenario)


@pytest.fixture(scope="module")
def record():
    return read_record(record_path("baghdad-closure"))


@pytest.fixture(scope="module")
def median(canonical):
    return solve(structures_of(canonical).build({}), tolerance=1e-3, workers=1)


# --- the game ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_the_median_world_is_solved_to_a_thousandth(median):
    certificate = median.certificate
    assert certificate.met
    assert certificate.policy_distance <= 1e-3
    assert certificate.failed == 0
    assert certificate.points >= 100
    assert certificate.standard_error < 1e-2
    assert certificate.text().startswith("met: policy distance")


@pytest.mark.property
def test_a_finer_grid_gives_the_same_start(median):
    """The grid after next moves no probability of the first choice by more than the tolerance of the certificate."""
    finer = solve(median.game, levels=simplex(4, 2), certify=False, workers=1)
    assert float(np.abs(finer.policy().values - median.policy().values).max()) < 1e-3


@pytest.mark.property
def test_the_size_is_reported_as_documented(median, canonical):
    row = next(line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `baghdad-closure`"))
    documented = int(re.sub(r"\D", "", row.rsplit("|", 2)[1]))
    size = median.game.size()
    assert build(canonical).size()["decision_points"] == documented
    assert size["decision_points"] == int((median.game.structure.kind == DECISION).sum()) >= documented
    assert (size["periods"], size["private_types"]) == (9, 4)
    assert {place.removeprefix("end:") for place in median.game.structure.places if place.startswith("end:")} >= {
        spec.name for spec in canonical.ends
    } - {"time_up"}


@pytest.mark.property
def test_the_scenario_has_no_fault_and_no_warning(scenario):
    assert check(scenario) == []


# --- the record --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_the_record_replays_with_nothing_unexplained(median, record):
    trail = replay(median, record)
    assert trail.unplayed == ()
    assert trail.slips == []
    assert trail.notes == ()
    assert all(re.match(r"left out by the scenario: (?!no reason given).{5,}|did not happen: it is ", item.reason) for item in trail.unmapped)
    told = [step for step in trail.steps if step.events]
    assert [step.move for step in told] == [
        "usa.warn", "militia.militia_blamed", "pm.mediate", "militia.truce", "usa.draw_down", "militia.militia_blamed", "iran.restrain",
        "militia.iran_blamed", "pm.crack_down",
    ]  # fmt: skip
    assert all(0.0 < step.probability < 1.0 for step in told)
    assert median.game.structure.places[median.game.structure.place[trail.node]] == "end:january_present"
    assert trail.log_likelihood < 0.0
    assert set(trail.bits) == {"usa", "pm", "militia", "iran"}


@pytest.mark.property
def test_every_rule_of_the_record_picks_an_event(canonical, record):
    known = {event.id for event in record}
    rules = [*canonical.record.ignore, *(rule for rules in canonical.record.map.values() for rule in rules)]
    for rule in rules:
        assert rule.reason
        assert {rule.id} <= known if isinstance(rule.id, str) else set(rule.id) <= known


# --- the claims --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_all_the_claims_are_there_with_their_places_and_readings(scenario):
    assert list(scenario.claims) == CLAIMS
    for claim in scenario.claims.values():
        assert claim.text
        assert re.match(r"B P\d", claim.where)
        assert len(claim.reading) > 20


@pytest.mark.property
@pytest.mark.parametrize("world", [None, 0, 1, 2])
def test_every_claim_can_be_measured(canonical, record, world):
    """In the median world and in sampled ones."""
    parameters = {} if world is None else at_quantiles(canonical, sobol(canonical, 4, seed=0)[world])
    found = measured(Task(canonical, record, GRID, GRID, {}), structures_of(canonical), 0, parameters, GRID)
    assert list(found.findings) == CLAIMS
    for finding in found.findings.values():
        assert finding.problem == ""
        assert np.isfinite(finding.margin)
        assert np.isfinite(finding.numbers).all()
    assert np.isfinite(found.log_likelihood)
    assert found.failed_stages == 0


# --- the numbers -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_every_parameter_has_a_prior_a_unit_a_reason_and_a_source(scenario):
    for name, parameter in scenario.parameters.items():
        assert (parameter.prior is None) != (parameter.value is None), name
        assert parameter.unit, name
        assert len(parameter.reason) > 10, name
        assert parameter.source, name


@pytest.mark.property
def test_a_prior_whose_reason_speaks_of_values_below_nought_holds_both_signs(canonical):
    spoken = [spec for spec in canonical.parameters if re.search(r"below 0|sign is unknown|above 0 ", spec.reason)]
    assert len(spoken) >= 20
    for spec in spoken:
        assert spec.prior.ppf(0.01) < 0.0 < spec.prior.ppf(0.99), spec.name


@pytest.mark.property
@pytest.mark.parametrize(
    "name",
    ["campaign_cost", "pressure", "reprisal", "bury_accord", "punish_militia", "dread", "stability", "host_value", "militia_exit", "iran_exit"],
)
def test_a_motive_that_a_claim_is_about_may_have_either_sign(canonical, name):
    (spec,) = [spec for spec in canonical.parameters if spec.name == name]
    assert spec.prior.ppf(0.01) < 0.0 < spec.prior.ppf(0.99)


@pytest.mark.property
def test_what_is_left_in_reach_may_be_more_dangerous_elsewhere(canonical):
    for spec in canonical.parameters:
        if spec.name in ("reach_closed", "reach_reduced"):
            assert spec.prior.ppf(0.01) < 1.0 < spec.prior.ppf(0.99)


@pytest.mark.property
@pytest.mark.parametrize("name", ["exit_gap", "resolve_gap", "success_gap"])
def test_gaps_between_types_start_where_the_types_are_alike(canonical, name):
    (spec,) = [spec for spec in canonical.parameters if spec.name == name]
    assert spec.prior.ppf(0.0) == 0.0
