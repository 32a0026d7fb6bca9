"""The run folder: manifest, worlds, claims, the solution of the median world, and the report.

All files but `timing.json`, and the lock of a run that is under way, have the same bytes whatever the number of workers: nothing in them depends on
time, place or machine load.
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

from standoff.errors import WorldsError
from standoff.report.words import Content, plain, to_json
from standoff.scenario.inputs import inputs_of
from standoff.version import __version__, source_digest

if TYPE_CHECKING:
    import xarray as xr

    from standoff.record import Record
    from standoff.scenario import Scenario
    from standoff.solve import Equilibrium
    from standoff.verdicts import Verdicts
    from standoff.worlds import Worlds

MANIFEST, REPORT = "manifest.json", "report.json"

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
    """Write the files of a run, each whole or not at all, and last the manifest with their hashes: a folder without one holds no finished run.

    Raises WorldsError when the disk does not take them.
    """
    from standoff.worlds.folder import discard, write_whole

    discard(folder / MANIFEST)
    files = {}
    if worlds is not None:
        files["worlds.parquet"] = _parquet(worlds.table)
    if verdicts is not None:
        files["claims.parquet"] = _parquet(verdicts.table)
    files["solution.nc"] = _netcdf(solution_dataset(eq))
    files[REPORT] = as_bytes({name: value for name, value in content.items() if name not in ("seconds", "folder")})
    files["report.txt"] = text.encode(errors="backslashreplace")
    for name, data in files.items():
        write_whole(folder / name, data)
    write_whole(folder / "timing.json", as_bytes(dict(timing)))
    manifest = {
        "command": command,
        "inputs": inputs_of(scenario, record) | {"settings": dict(settings)},
        "versions": versions(),
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }
    write_whole(folder / MANIFEST, as_bytes(manifest | {"sha256": _digest(manifest)}))


def versions() -> dict[str, str]:
    """Return the versions of what a result hangs on."""
    ours = {"standoff": __version__, "code_sha256": source_digest(), "python": platform.python_version()}
    return ours | {name: importlib.metadata.version(name) for name in LIBRARIES}


def as_bytes(content: Any) -> bytes:
    """Return plain data as JSON; half a character, which a file name may hold, is written as JSON escapes it."""
    return to_json(content).encode(errors="backslashreplace")


def _digest(manifest: Mapping[str, Any]) -> str:
    """Return the hash of a manifest without its own."""
    return hashlib.sha256(as_bytes({name: value for name, value in manifest.items() if name != "sha256"})).hexdigest()


def read_run(folder: Path, scenario: Scenario, record: Record | None) -> tuple[Mapping[str, Any], Content] | None:
    """Return the settings and the report of the finished run of these inputs in a folder; None when there is none.

    Raises WorldsError with the remedy when a file is damaged, foreign, too large or a link, or the run is of other inputs.
    """
    from standoff.worlds.folder import read_whole, refuse_link

    refuse_link(folder)
    try:
        manifest = _plain(read_whole(folder / MANIFEST), folder / MANIFEST)
        report = read_whole(folder / REPORT)
    except FileNotFoundError:
        return None
    if manifest.get("sha256") != _digest(manifest):
        raise _unusable(folder / MANIFEST, "it is damaged: its checksum does not hold")
    files, inputs, made_by = (manifest.get(name) for name in ("files", "inputs", "versions"))
    if not (isinstance(files, dict) and isinstance(inputs, dict) and isinstance(made_by, dict) and isinstance(inputs.get("settings"), dict)):
        raise _unusable(folder / MANIFEST, "it is of another shape")
    if made_by.get("code_sha256") != source_digest():
        raise _unusable(folder / MANIFEST, "it is of another version of standoff")
    if {name: value for name, value in inputs.items() if name != "settings"} != plain(inputs_of(scenario, record)):
        raise _unusable(folder / MANIFEST, "it is of a run of other inputs")
    if files.get(REPORT) != hashlib.sha256(report).hexdigest():
        raise _unusable(folder / REPORT, "it is damaged: its checksum does not hold")
    content = _plain(report, folder / REPORT)
    claims = content.get("claims")
    if not isinstance(claims, list) or [claim.get("id") if isinstance(claim, dict) else None for claim in claims] != list(scenario.claims):
        raise _unusable(folder / REPORT, "it is of another shape: its claims are not those of the scenario")
    return inputs["settings"], content


def _plain(data: bytes, path: Path) -> Content:
    """Read a JSON object."""
    try:
        found = json.loads(data, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _unusable(path, f"it is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise _unusable(path, "it is of another shape")
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _unusable(path: Path, why: str) -> WorldsError:
    return WorldsError(f"{path} cannot be used: {why}; remove the folder {path.parent} and run again, which computes everything anew")


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
