"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MAX_WORLDS, MAX_RUNS, MAX_WORKERS = 1_000_000, 1_000_000_000, 1024
"""More cannot be meant: they would take weeks, or more memory than there is."""

MAX_SEED = 2**63 - 1
"""The largest whole number that the tables of a run can hold."""

ScenarioArgument = Annotated[str, typer.Argument(metavar="SCENARIO", help="Name of a bundled scenario, or a YAML file.", show_default=False)]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Fix a parameter, clock.FIELD or calendar.DATE; repeatable.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print the same content as JSON.", show_default=False)]
Tolerance = Annotated[float, typer.Option(min=1e-9, max=1.0, help="Largest policy distance that the certificate accepts.")]
Workers = Annotated[int, typer.Option(min=1, max=MAX_WORKERS, help="Processes or threads; results do not depend on it.")]
AllowOutside = Annotated[
    bool, typer.Option("--allow-outside", help="Let the scenario name files outside its own folder, which are then read.", show_default=False)
]
RecordFile = Annotated[Path | None, typer.Option("--record", metavar="FILE", help="A record instead of the scenario's own.", show_default=False)]
