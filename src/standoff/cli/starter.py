"""The starter scenario that `new` writes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from standoff.cli.arguments import overrides
from standoff.errors import Fault, ScenarioError
from standoff.names import listed

if TYPE_CHECKING:
    from standoff.game import Game

_BLOCKS = {"prior": r"\{prior: \{[^}]*\}", "value": r"\{value: [^,}]*"}


def starter_text(name: str) -> str:
    """Return the starter scenario under a name."""
    text = resources.files("standoff.cli").joinpath("starter.yaml").read_text(encoding="utf-8")
    return text.replace("name: my-crisis", f"name: {name}", 1)


def write_starter(path: Path, given: Iterable[str] | None = None) -> tuple[list[Fault], Game]:
    """Write the starter, and return its warnings and its game; `given` sets its parameters and the number of its periods.

    Raises ScenarioError when the file exists or cannot be written, when `given` names something else, or when what would be written has
    faults; then nothing is written.
    """
    name = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:64] or "my-crisis"
    text = starter_text(name)
    for key, value in overrides(given).items():
        text = _changed(text, key, value)
    faults, game = _checked(text, path)
    try:
        # `x` refuses to overwrite, and nothing can slip in between a check and the writing.
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
    except FileExistsError as error:
        raise ScenarioError(
            [Fault(file=str(path), problem="this file exists already; nothing was written", suggestion="choose another name")]
        ) from error
    except OSError as error:
        raise ScenarioError([Fault(file=str(path), problem=f"cannot be written: {error.strerror}")]) from error
    return faults, game


def _checked(text: str, path: Path) -> tuple[list[Fault], Game]:
    """Return the warnings and the game of a starter that is yet to be written. Raises ScenarioError when it has faults."""
    from standoff.cli.examine import examine
    from standoff.scenario.chain import Link
    from standoff.scenario.files import tree_of
    from standoff.scenario.load import declare_checked

    faults, game = examine(declare_checked([Link(tree_of(text, str(path)), path)], (), {}))
    errors = [fault for fault in faults if fault.severity == "error"]
    if game is None or errors:
        raise ScenarioError(errors)
    return faults, game


def _changed(text: str, key: str, value: str) -> str:
    """Replace the value or prior of a parameter, or the number of periods."""
    if not re.fullmatch(r"[-+.0-9eE]+", value):
        raise ScenarioError([Fault(field=f"--set {key}", problem="the value is not a number", found=value, allowed="a number")])
    if key == "clock.periods":
        return text.replace("clock: {periods: 2}", f"clock: {{periods: {value}}}", 1)
    name = key.removeprefix("parameters.")
    for pattern in _BLOCKS.values():
        text, count = re.subn(rf"(?m)^(  {re.escape(name)}: ){pattern}", rf"\g<1>{{value: {value}", text, count=1)
        if count:
            return text
    known = re.findall(r"(?m)^  (\w+): \{(?:prior|value):", text)
    raise ScenarioError(
        [Fault(field=f"--set {key}", problem="the starter has no such parameter", found=key, allowed=f"{listed(known)}, clock.periods")]
    )
