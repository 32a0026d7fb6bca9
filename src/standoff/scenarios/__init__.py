"""Scenarios that come with standoff: YAML files, and the records that they replay. `standoff.load` finds them by name."""

from pathlib import Path

from standoff.errors import Fault, RecordError
from standoff.names import unknown


def record_path(name: str) -> Path:
    """Return the record file of a bundled scenario.

    Raises RecordError when that scenario has none.
    """
    folder = Path(__file__).parent
    path = folder / f"{name}.csv"
    if not path.exists():
        problem = unknown("bundled record", name, sorted(one.stem for one in folder.glob("*.csv")))
        raise RecordError([Fault(problem=problem)])
    return path
