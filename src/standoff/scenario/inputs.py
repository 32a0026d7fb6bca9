"""What decides a result among the things that the analyst gave: scenarios and records, by their hashes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from standoff.record import Record
from standoff.scenario.chain import own_record
from standoff.scenario.models import Scenario


def inputs_of(scenario: Scenario, record: Record | None) -> dict[str, Any]:
    """Return the names and hashes of a scenario, of the record that is replayed, and of the scenarios that go before with their records."""
    text = scenario.model_dump_json(by_alias=True)
    found: dict[str, Any] = {
        "scenario": scenario.name,
        "scenario_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "record": Path(record.path).name if record is not None else None,
        "record_sha256": record.sha256 if record is not None else None,
    }
    if scenario.source is not None:
        found["before"] = inputs_of(scenario.source, own_record(scenario.source))
    return found
