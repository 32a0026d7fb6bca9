"""The run folder: finished worlds survive a full disk, Ctrl-C or a kill, and the next run of the same inputs continues.

Each batch of worlds is a Parquet file that appears whole (written beside, then renamed). A manifest with the hash of everything that decides
the worlds tells whether a folder belongs to the run.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from standoff.claims import Finding
from standoff.errors import WorldsError
from standoff.worlds.world import World


def to_frame(worlds: Iterable[World]) -> pd.DataFrame:
    """Return one row per world; parameters as `p:NAME`, claims as `margin:ID`, `numbers:ID` and `problem:ID`."""
    rows = []
    for world in worlds:
        row: dict[str, Any] = {
            "index": world.index,
            "log_likelihood": world.log_likelihood,
            "rung": world.rung,
            "slack": world.slack,
            "stage_residual": world.stage_residual,
            "failed_stages": world.failed_stages,
            "problem": world.problem,
        }
        row |= {f"p:{name}": value for name, value in world.parameters.items()}
        for name, finding in world.findings.items():
            row[f"margin:{name}"] = finding.margin
            row[f"bound:{name}"] = finding.bound
            row[f"numbers:{name}"] = list(finding.numbers)
            row[f"bounds:{name}"] = list(finding.bounds)
            row[f"problem:{name}"] = finding.problem
        rows.append(row)
    return pd.DataFrame(rows)


def from_frame(frame: pd.DataFrame) -> list[World]:
    """Read worlds back."""
    parameters = [column.removeprefix("p:") for column in frame.columns if column.startswith("p:")]
    claims = [column.removeprefix("margin:") for column in frame.columns if column.startswith("margin:")]
    worlds = []
    for row in frame.to_dict("records"):
        found = {}
        for name in claims:
            if isinstance(row[f"problem:{name}"], str):
                numbers, bounds = (
                    tuple(map(float, row[f"{what}:{name}"])) if row[f"{what}:{name}"] is not None else () for what in ("numbers", "bounds")
                )
                found[name] = Finding(float(row[f"margin:{name}"]), numbers, row[f"problem:{name}"], float(row[f"bound:{name}"]), bounds)
        worlds.append(
            World(
                int(row["index"]),
                {name: float(row[f"p:{name}"]) for name in parameters},
                float(row["log_likelihood"]),
                found,
                int(row["rung"]),
                float(row["stage_residual"]),
                int(row["failed_stages"]),
                row["problem"] or "",
                float(row["slack"]),
            )
        )
    return worlds


ELSEWHERE = "name another folder with `standoff run --out FOLDER`"
"""The remedy where a run folder cannot be used."""

FULL = (errno.ENOSPC, errno.EDQUOT)


def make_folder(folder: Path) -> None:
    """Make the folder of a run, before anything is computed for it. Raises WorldsError that names what is in the way."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        in_the_way = isinstance(error, (FileExistsError, NotADirectoryError))
        blocking = next((path for path in (folder, *folder.parents) if path.is_file()), None) if in_the_way else None
        reason = f"{blocking} is a file" if blocking is not None else error.strerror
        remedy = f"move {blocking} away, or {ELSEWHERE}" if blocking not in (None, folder) else ELSEWHERE
        raise WorldsError(f"the run folder {folder} cannot be made: {reason}; {remedy}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WorldsError(f"the run folder {folder} cannot be written to; {ELSEWHERE}")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is either there whole or not at all. Raises WorldsError when the disk does not take it."""
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        remedy = ". What was finished stays readable; run again to continue" if error.errno in FULL else f"; {ELSEWHERE}"
        raise WorldsError(f"cannot write {path}: {error.strerror}{remedy}") from error


ASPECTS = {
    "the scenario differs": ("scenario", "scenario_sha256"),
    "the record differs": ("record", "record_sha256"),
    "what goes before it differs": ("before",),
    "the seed differs": ("seed",),
    "where in the priors worlds are drawn differs": ("spread",),
    "it is of another version of standoff": ("standoff", "code_sha256"),
}
"""What decides the worlds, by the entries of the manifest."""

GRIDS = ("ladder", "first", "tolerance", "before_levels")
"""These follow from all else and from the tolerance."""


def _differing(text: str, fingerprint: Mapping[str, Any]) -> list[str]:
    """Say in what a manifest differs from what is wanted."""
    try:
        known = json.loads(text)
        if not isinstance(known, dict):
            raise ValueError
    except ValueError:
        return ["its inputs.json cannot be read"]
    wanted = json.loads(json.dumps(fingerprint))

    def differ(keys: Iterable[str]) -> bool:
        return any(known.get(key) != wanted.get(key) for key in keys)

    found = [words for words, keys in ASPECTS.items() if differ(keys)]
    return found or ["the tolerance differs"]


class Store:
    """Finished worlds of one run in a folder."""

    def __init__(self, folder: Path, fingerprint: Mapping[str, Any]) -> None:
        self.folder = folder
        self.batches = folder / "worlds"
        manifest = folder / "inputs.json"
        text = json.dumps(fingerprint, indent=2, sort_keys=True)
        make_folder(folder)
        if manifest.exists():
            try:
                known = manifest.read_text(encoding="utf-8")
            except OSError as error:
                raise WorldsError(f"cannot read {manifest}: {error.strerror}") from error
            if known != text:
                raise WorldsError(
                    f"{folder} holds a run of other inputs: {' and '.join(_differing(known, fingerprint))}; "
                    "begin anew with --fresh, which discards its worlds, or name another folder with --out"
                )
        else:
            write_whole(manifest, text.encode())

    def load(self) -> dict[int, World]:
        """Return the worlds that are finished, by index."""
        found: dict[int, World] = {}
        for path in sorted(self.batches.glob("batch-*.parquet")):
            try:
                frame = pd.read_parquet(path)
            except (OSError, ValueError) as error:
                raise WorldsError(f"{path} cannot be read ({error}); remove it and run again") from error
            found |= {world.index: world for world in from_frame(frame)}
        return found

    def save(self, worlds: list[World]) -> None:
        """Append a batch."""
        import io

        buffer = io.BytesIO()
        to_frame(worlds).to_parquet(buffer, index=False)
        write_whole(self.batches / f"batch-{worlds[0].index:06d}.parquet", buffer.getvalue())
