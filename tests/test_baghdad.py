"""The bundled cases as wholes: each is solved to its certificate, its record replays, its claims can be measured, its numbers give reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
from standoff.worlds.draws import at_quantiles, draw
from standoff.worlds.world import measured, structures_of

DOCS = Path(__file__).parents[1] / "docs" / "scenarios.md"


@dataclass(frozen=True)
class Case:
    """What is expected of a scenario."""

    name: str
    claims: tuple[str, ...]
    axes: int
    periods: int
    told: tuple[str, ...]
    """The moves that the record tells, in order."""
    slips: tuple[str, ...]
    """Events that find their turn a period later."""
    end: str
    outside: frozenset[str]
    """Events of the record that lie outside the clock: they show that it reaches beyond the last forecast."""

    @property
    def grid(self):
        return simplex(self.axes, 1)


SIEGE = Case(
    "baghdad-siege",
    tuple(f"C{i:02}" for i in range(1, 12)),
    3,
    22,
    (
        "militia.militia_blamed", "militia.militia_blamed/deadly", "usa.strike_militia", "militia.besiege", "militia.besiege/breached",
        "usa.reinforce", "iran.deny", "pm.guarantee", "militia.withdraw", "usa.strike_iran", "militia.militia_blamed", "usa.deploy", "vote/passes",
        "militia.militia_blamed", "iran.retaliate", "iran.stand_down", "usa.back_off", "militia.militia_blamed", "usa.sanction",
        "militia.militia_blamed", "militia.militia_blamed",
    ),
    ("E26", "X16"),
    "end:settled",
    frozenset({"X20", "X21"}),
)  # fmt: skip
CLOSURE = Case(
    "baghdad-closure",
    tuple(f"C{i}" for i in range(12, 28)),
    4,
    9,
    (
        "usa.warn", "militia.militia_blamed", "pm.mediate", "militia.truce", "usa.draw_down", "militia.militia_blamed", "iran.restrain",
        "militia.iran_blamed", "pm.crack_down",
    ),
    (),
    "end:january_present",
    frozenset(),
)  # fmt: skip


@pytest.fixture(scope="module", params=[SIEGE, CLOSURE], ids=lambda case: case.name)
def case(request):
    return request.param


@pytest.fixture(scope="module")
def scenario(case):
    return load(case.name)


@pytest.fixture(scope="module")
def canonical(scenario):
    return resolve(scenario)


@pytest.fixture(scope="module")
def record(case):
    return read_record(record_path(case.name))


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
def test_a_finer_grid_gives_the_same_start(median, case):
    """The grid after next moves no probability of the first choice by more than the tolerance of the certificate."""
    finer = solve(median.game, levels=simplex(case.axes, 2), certify=False, workers=1)
    assert float(np.abs(finer.policy().values - median.policy().values).max()) < 1e-3


@pytest.mark.property
def test_the_size_is_reported_as_documented(median, canonical, case):
    row = next(line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith(f"| `{case.name}`"))
    documented = int(re.sub(r"\D", "", row.rsplit("|", 2)[1]))
    size = median.game.size()
    assert build(canonical).size()["decision_points"] == documented
    assert size["decision_points"] == int((median.game.structure.kind == DECISION).sum()) >= documented
    assert (size["periods"], size["private_types"]) == (case.periods, case.axes)
    assert {place.removeprefix("end:") for place in median.game.structure.places if place.startswith("end:")} >= {
        spec.name for spec in canonical.ends
    } - {"time_up"}


@pytest.mark.property
def test_the_scenario_has_no_fault_and_no_warning(scenario):
    assert check(scenario) == []


# --- the record --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_the_record_replays_with_nothing_unexplained(median, record, case):
    trail = replay(median, record, whole=True)
    assert trail.unplayed == ()
    assert tuple(name for step in trail.slips for name in step.events) == case.slips
    assert trail.notes == ()
    outside = {item.event.id for item in trail.unmapped if "outside the clock" in item.reason}
    assert outside == case.outside
    left_out = r"left out by the scenario: (?!no reason given).{5,}|did not happen: it is "
    assert all(re.match(left_out, item.reason) for item in trail.unmapped if item.event.id not in outside)
    told = [step for step in trail.steps if step.events]
    assert tuple(step.move for step in told) == case.told
    assert all(0.0 < step.probability < 1.0 for step in told)
    assert median.game.structure.places[median.game.structure.place[trail.node]] == case.end
    assert trail.log_likelihood < 0.0
    assert set(trail.bits) == {player.name for player in median.game.canonical.players if len(player.types) > 1}


@pytest.mark.property
def test_every_rule_of_the_record_picks_an_event(canonical, record):
    known = {event.id for event in record}
    rules = [*canonical.record.ignore, *(rule for rules in canonical.record.map.values() for rule in rules)]
    for rule in rules:
        assert rule.reason
        assert {rule.id} <= known if isinstance(rule.id, str) else set(rule.id) <= known


# --- the claims --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_all_the_claims_are_there_with_their_places_and_readings(scenario, case):
    assert tuple(scenario.claims) == case.claims
    for claim in scenario.claims.values():
        assert claim.text
        assert re.match(r"[AB] P\d", claim.where)
        assert len(claim.reading) > 20


@pytest.mark.property
@pytest.mark.parametrize("world", [None, 0, 1, 2])
def test_every_claim_can_be_measured(canonical, record, world, case):
    """In the median world and in sampled ones."""
    parameters = {} if world is None else at_quantiles(canonical, draw(canonical, 4, seed=0)[world])
    found = measured(Task(canonical, record, (case.grid,), 1e-2), structures_of(canonical), 0, parameters, 0)
    assert tuple(found.findings) == case.claims
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


SIGNED = {
    "baghdad-siege": (
        "usa_unanswered diversion pressure_worth backing_cost shooting_cost siege_worth camp_worth guard_fear guard_effect defiance_militia "
        "defiance_iran breach_gap shelter law_worth promise_cost iran_siege"
    ),
    "baghdad-closure": "campaign_cost pressure reprisal bury_accord punish_militia dread stability host_value militia_exit iran_exit",
}


@pytest.mark.property
def test_a_motive_that_a_claim_is_about_may_have_either_sign(canonical, case):
    specs = {spec.name: spec for spec in canonical.parameters}
    for name in SIGNED[case.name].split():
        assert specs[name].prior.ppf(0.01) < 0.0 < specs[name].prior.ppf(0.99), name


@pytest.mark.property
def test_what_is_left_in_reach_may_be_more_dangerous_elsewhere():
    specs = {spec.name: spec for spec in resolve(load("baghdad-closure")).parameters}
    for name in ("reach_closed", "reach_reduced"):
        assert specs[name].prior.ppf(0.01) < 1.0 < specs[name].prior.ppf(0.99)


@pytest.mark.property
def test_gaps_between_types_start_where_the_types_are_alike(canonical):
    """The siege's `breach_gap` is the exception: crowds may do it best alone."""
    gaps = [spec for spec in canonical.parameters if spec.name.endswith("_gap") and spec.name != "breach_gap"]
    assert len(gaps) >= 2
    for spec in gaps:
        assert spec.prior.ppf(0.0) == 0.0


@pytest.mark.property
def test_the_forecasts_start_where_the_record_known_by_then_leaves_the_game():
    """The state that the claims of the siege declare for 2 January is the one at which its replay stops."""
    scenario = load("baghdad-siege")
    canonical = resolve(scenario)
    median = solve(structures_of(canonical).build({}), levels=SIEGE.grid, certify=False, workers=1)
    trail = replay(median, read_record(record_path("baghdad-siege")))
    structure = median.game.structure
    assert structure.places[structure.place[trail.node]] == "turn:militia"
    assert canonical.calendar.starts[structure.period[trail.node]] == scenario.record.known
    start = {name: str(value) for name, value in ((v.name, v.values[v.start]) for v in canonical.variables)}
    forecasts = [claim for claim in scenario.claims.values() if claim.forecast is not None]
    assert len(forecasts) == 6
    for claim in forecasts:
        point = claim.test.of.at
        assert point.after_record
        assert start | {name: str(value) for name, value in point.state.items()} == {n: str(v) for n, v in structure.labels(trail.node).items()}
