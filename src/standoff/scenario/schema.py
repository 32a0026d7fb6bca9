"""The JSON Schema of scenarios, for editors. `python -m standoff.scenario.schema` writes it to `schema/scenario.schema.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from standoff.scenario.models import LANGUAGE_VERSION, Scenario

DEFAULT_FILE = Path("schema/scenario.schema.json")


def json_schema() -> dict[str, Any]:
    """Make the schema."""
    schema = Scenario.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": f"standoff scenario, version {LANGUAGE_VERSION}"}


def schema_text() -> str:
    """Write the schema as the text of its file."""
    return json.dumps(json_schema(), indent=2) + "\n"


def main(arguments: list[str]) -> None:
    """Write the schema to the file named, or to its usual place under the current directory."""
    file = Path(arguments[0]) if arguments else DEFAULT_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
