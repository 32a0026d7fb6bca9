"""The bundled scenario of the threat to close the embassy: solved, replayed, every claim measurable, every number accounted for."""

from __future__ import annotations

import numpy as np
import pytest

import standoff as so
from standoff.scenario import load, resolve
from standoff.worlds.draws import at_quantiles, sobol
from standoff.worlds.world import Task, run_world

CLAIMS = [f"C{number}" for number in range(12, 28)]
MECHANISMS = ["M03", "M04", *(f"M{number}" for number in range(12, 24))]


@pytest.fixture(scope="module")
def scenario():
    return load("baghdad-closure")


@pytest.fixture(scope="module")
def solved(scenario):
    return so.solve(so.build(scenario), tolerance=1e-3)


def test_the_median_world_meets_its_certificate_to_a_thousandth(solved):
    assert solved.certificate.met
    assert solved.certificate.policy_distance <= 1e-3
    assert solved.certificate.failed == 0


@pytest.mark.property
def test_the_certificate_agrees_with_a_finer_grid(solved):
    """What the certificate says of the first move is not less than a tenth of the change that a much finer grid makes."""
    from standoff.solve.grid import simplex

    finer = so.solve(solved.game, levels=simplex(4, 2), certify=False)
    node, x = solved.first_decision()
    change = np.abs(solved.probe(node, x).policy - finer.probe(node, x).policy).max()
    assert change <= 10 * solved.certificate.policy_distance


def test_all_its_claims_and_mechanisms_are_there(scenario):
    assert list(scenario.claims) == CLAIMS
    assert list(scenario.mechanisms) == MECHANISMS


def test_every_parameter_has_a_unit_and_a_reason_and_every_claim_its_place_and_reading(scenario):
    for name, parameter in scenario.parameters.items():
        assert parameter.unit, name
        assert parameter.reason, name
        assert parameter.source, name
    for name, claim in scenario.claims.items():
        assert claim.where.startswith("B P"), name
        assert claim.reading, name


def test_the_record_replays_and_accounts_for_every_event(solved):
    record = so.read_record(so.record_path("baghdad-closure"))
    trail = so.replay(solved, record)
    told = [name for step in trail.steps for name in step.events]
    left = [item.event.id for item in trail.unmapped] + [event.id for event, _ in trail.unplayed]
    assert sorted({*told, *left}) == sorted(event.id for event in record)
    assert not set(told) & set(left)
    assert all(item.reason for item in trail.unmapped)
    assert np.isfinite(trail.log_likelihood)


def test_every_claim_can_be_measured_in_any_world(scenario, solved):
    canonical = resolve(scenario)
    record = so.read_record(so.record_path("baghdad-closure"))
    task = Task(canonical, record, solved.grid.levels, solved.grid.levels, {})
    for index, u in enumerate(sobol(canonical, 2, seed=3)):
        world = run_world(task, index, at_quantiles(canonical, u))
        assert world.problem == ""
        assert list(world.findings) == CLAIMS
        for name, finding in world.findings.items():
            assert finding.problem == "", name
            assert np.isfinite(finding.margin), name
