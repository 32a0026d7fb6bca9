"""The run folder: manifest, worlds, claims, the solution of the median world, and the report.

All files but `timing.json` have the same bytes whatever the number of workers: nothing in them depends on time, place or machine load.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from standoff.report.words import Content, to_json
from standoff.scenario.inputs import inputs_of
from standoff.version import __version__, source_digest

if TYPE_CHECKING:
    import xarray as xr

    from standoff.record import Record
    from standoff.scenario import Scenario
    from standoff.solve import Equilibrium
    from standoff.verdicts import Verdicts
    from standoff.worlds import Worlds

LIBRARIES = ("numpy", "numba", "scipy", "pandas", "scikit-learn")


def default_folder(scenario: Scenario, record: Record | None, *, seed: int, tolerance: float) -> Path:
    """Return `runs/NAME-HASH`; the hash is of everything that decides the worlds, so that only runs of the same inputs share a folder."""
    settings = {"seed": seed, "tolerance": tolerance, "standoff": __version__, "code": source_digest()}
    inputs = inputs_of(scenario, record) | {"settings": settings}
    digest = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return Path("runs") / f"{scenario.name}-{digest[:8]}"


def write_run(
    folder: Path,
    content: Content,
    *,
    scenario: Scenario,
    record: Record | None,
    settings: Mapping[str, Any],
    command: str,
    eq: Equilibrium,
    worlds: Worlds | None,
    verdicts: Verdicts | None,
    timing: Mapping[str, float],
    text: str,
) -> None:
    """Write the files of a run, each whole or not at all. Raises WorldsError when the disk does not take them."""
    from standoff.worlds.store import write_whole

    manifest = {
        "command": command,
        "inputs": inputs_of(scenario, record) | {"settings": dict(settings)},
        "versions": {"standoff": __version__, "python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES},
    }
    write_whole(folder / "manifest.json", to_json(manifest).encode())
    if worlds is not None:
        write_whole(folder / "worlds.parquet", _parquet(worlds.table))
    if verdicts is not None:
        write_whole(folder / "claims.parquet", _parquet(verdicts.table))
    write_whole(folder / "solution.nc", _netcdf(solution_dataset(eq)))
    kept = {name: value for name, value in content.items() if name not in ("seconds", "folder")}
    write_whole(folder / "report.json", to_json(kept).encode())
    write_whole(folder / "report.txt", text.encode())
    write_whole(folder / "timing.json", to_json(dict(timing)).encode())


def _parquet(frame: Any) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


def solution_dataset(eq: Equilibrium) -> xr.Dataset:
    """Return the solution at every decision point that the start can lead to, as labelled arrays.

    `value` (point, belief, player_type) is the expected payoff from there on; `log_odds` (option, belief, type) is the log-odds of each
    option against the first of its decision point, by position of the mover's type. Half of the digits of a double are kept.
    """
    import numpy as np
    import xarray as xr

    from standoff.game import DECISION
    from standoff.solve.grid import to_beliefs

    game, structure = eq.game, eq.game.structure
    points = np.flatnonzero((structure.kind == DECISION) & _reached(structure))
    position = np.full(structure.n_nodes, -1)
    position[points] = np.arange(len(points))
    options = np.flatnonzero(position[game.option_node] >= 0)
    players = game.canonical.players
    beliefs = [to_beliefs(x, game.n_types) for x in eq.grid.points]
    places = np.array([place.removeprefix("turn:") for place in structure.places], dtype=object)
    coords: dict[str, Any] = {
        "player_type": [f"{player.name}: {kind}" for player in players for kind in player.types],
        "period": ("point", structure.period[points].astype(np.int16)),
        "turn": ("point", places[structure.place[points]].astype(str)),
        "option_name": ("option", [game.option_address(int(row)) for row in options]),
        "option_point": ("option", position[game.option_node[options]].astype(np.int32)),
    }
    for i, spec in enumerate(game.canonical.variables):
        labels = np.array([str(value) for value in spec.values])
        coords[f"state_{spec.name}"] = ("point", labels[structure.state[points, i]])
    for i, player in enumerate(players):
        for k, kind in enumerate(player.types if len(player.types) > 1 else ()):
            coords[f"belief_{player.name}_{kind}"] = ("belief", np.array([parts[i][k] for parts in beliefs]))
    certificate = eq.certificate.as_dict() if eq.certificate is not None else {}
    # An attribute holds text or numbers; what has parts of its own is written as JSON.
    attributes = {
        f"certificate_{name}": np.array(value, dtype=float)
        if np.asarray(value).dtype.kind in "bif"
        else value
        if isinstance(value, str)
        else json.dumps(value)
        for name, value in certificate.items()
        if value is not None
    }
    return xr.Dataset(
        {
            "value": (("point", "belief", "player_type"), eq.values[points].astype(np.float32), {"long_name": "expected payoff from here on"}),
            "log_odds": (
                ("option", "belief", "type"),
                eq.log_policy[options].astype(np.float32),
                {"long_name": "log-odds of the option against the first option of its point, by type of the mover"},
            ),
        },
        coords=coords,
        attrs={"title": game.canonical.title or game.canonical.name, "source": f"standoff {__version__}", **attributes},
    )


def _reached(structure: Any) -> Any:
    """Tell which nodes the start can lead to; targets have higher numbers, so one pass suffices."""
    import numpy as np

    reached = np.zeros(structure.n_nodes, dtype=bool)
    reached[structure.roots[0]] = True
    for first, last in zip(structure.layers[:-1], structure.layers[1:], strict=True):
        nodes = np.arange(first, last)[reached[first:last]]
        if len(nodes):
            starts, stops = structure.observation_start[nodes], structure.observation_start[nodes + 1]
            rows = np.repeat(starts - np.concatenate([[0], np.cumsum(stops - starts)[:-1]]), stops - starts) + np.arange(int((stops - starts).sum()))
            reached[structure.target[rows]] = True
    return reached


def _netcdf(data: xr.Dataset) -> bytes:
    packed = {"zlib": True, "complevel": 3, "shuffle": True}
    return bytes(data.to_netcdf(engine="h5netcdf", encoding=dict.fromkeys(data.data_vars, packed)))
