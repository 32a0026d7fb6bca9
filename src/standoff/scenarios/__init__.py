"""Scenarios that come with standoff: YAML files, and the records that they replay. `standoff.load` finds them by name."""

from pathlib import Path


def record_path(name: str) -> Path:
    """Return the record file of a bundled scenario.

    Raises FileNotFoundError when that scenario has none.
    """
    path = Path(__file__).with_name(f"{name}.csv")
    if not path.exists():
        raise FileNotFoundError(f"the bundled scenario {name} has no record")
    return path
