"""The reference names every field of the language, every column of a record and every method of the builder, each in the section of its block."""

import inspect
import json
import re
from pathlib import Path

import pytest

import standoff as so
from standoff.record import Event

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "schema" / "scenario.schema.json").read_text(encoding="utf-8"))
BLOCKS = {"Scenario": SCHEMA, **SCHEMA["$defs"]}
PAGE = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
EXAMPLE = re.search(r"(?ms)^```yaml\n(.*?)^```", PAGE)[1]


def named(heading):
    """Give the words that stand as code in the section under a heading."""
    section = re.search(rf"(?ms)^### {heading}\n(.*?)(?=^##|\Z)", PAGE)[1]
    section = re.sub(r"(?ms)^```.*?^```", "", section)
    return set(re.findall(r"[a-z_0-9]+", " ".join(re.findall(r"`([^`]*)`", section))))


@pytest.mark.parametrize("block", [name for name, schema in BLOCKS.items() if "properties" in schema])
def test_every_field_of_the_schema_is_named_in_its_section(block):
    assert set(BLOCKS[block]["properties"]) <= named(block)


def test_every_column_of_a_record_is_named():
    assert set(Event.model_fields) <= named("Columns of a record")


def test_every_method_of_the_builder_is_named():
    methods = {name for name, _ in inspect.getmembers(so.Builder, inspect.isfunction) if not name.startswith("_")}
    assert methods <= named("Builder")


def test_the_example_has_every_block():
    used = set(re.findall(r"(?m)^([a-z]+):", EXAMPLE))
    assert set(SCHEMA["properties"]) - used == {"beliefs", "include"}
