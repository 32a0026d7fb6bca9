"""Finished worlds in the run folder: they survive a full disk, Ctrl-C or a kill, and the next run of the same inputs continues.

Each batch of worlds is a Parquet file that appears whole. It carries the hash of everything that decides the worlds, and of its own bytes, so that
neither worlds of another run nor damaged ones are taken; `inputs.json` says in words what a folder is a run of.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pandas as pd

from standoff.claims import Finding
from standoff.errors import WorldsError
from standoff.worlds.folder import LARGEST, below, locked, make_folder, read_whole, write_whole
from standoff.worlds.world import World

BATCH = 8
"""Worlds per file."""


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


def _differing(written: bytes, fingerprint: Mapping[str, Any]) -> list[str]:
    """Say in what a manifest differs from what is wanted."""
    try:
        known = json.loads(written)
        if not isinstance(known, dict):
            raise ValueError
    except (ValueError, RecursionError):
        return ["its inputs.json cannot be read"]
    wanted = json.loads(json.dumps(fingerprint))

    def differ(keys: Iterable[str]) -> bool:
        return any(known.get(key) != wanted.get(key) for key in keys)

    found = [words for words, keys in ASPECTS.items() if differ(keys)]
    return found or ["the tolerance differs" if differ(GRIDS) else "its inputs.json was written otherwise"]


BEGIN_ANEW = "begin anew with --fresh, which discards its worlds, or name another folder with --out"


class Store:
    """Finished worlds of one run in a folder, by the parameters and claims that they have."""

    def __init__(self, folder: Path, fingerprint: Mapping[str, Any], parameters: Iterable[str], claims: Iterable[str]) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self.parameters = frozenset(parameters)
        self.claims = frozenset(claims)
        self.text = json.dumps(fingerprint, indent=2, sort_keys=True).encode()
        self.inputs = hashlib.sha256(self.text).hexdigest()
        make_folder(folder)

    def locked(self) -> AbstractContextManager[None]:
        """Keep the folder from other runs while worlds are read and written."""
        return locked(self.folder)

    def load(self) -> dict[int, World]:
        """Return the worlds that are finished, by index.

        Raises WorldsError when the folder holds a run of other inputs, or a batch that is damaged, foreign, or of another shape.
        """
        self._claim()
        found: dict[int, World] = {}
        for path in sorted(below(self.folder, "worlds").glob("batch-*.parquet")):
            try:
                worlds = self._read(read_whole(path, LARGEST_BATCH))
            except FileNotFoundError:
                continue
            except (ValueError, LookupError, TypeError, OverflowError) as error:
                raise WorldsError(f"{path} cannot be read ({error}); remove it and run again, which computes its worlds anew") from error
            found |= {world.index: world for world in worlds}
        return found

    def save(self, worlds: list[World]) -> None:
        """Append a batch."""
        write_whole(below(self.folder, "worlds") / f"batch-{worlds[0].index:06d}.parquet", sealed(to_frame(worlds), self.inputs))

    def _claim(self) -> None:
        """Make the folder that of this run, or find that it is."""
        manifest = self.folder / "inputs.json"
        try:
            known = read_whole(manifest)
        except FileNotFoundError:
            write_whole(manifest, self.text)
            return
        if known != self.text:
            raise WorldsError(f"{self.folder} holds a run of other inputs: {' and '.join(_differing(known, self.fingerprint))}; {BEGIN_ANEW}")

    def _read(self, data: bytes) -> list[World]:
        """Return the worlds of a batch. Raises ValueError, LookupError, TypeError or OverflowError that says what is wrong with it."""
        frame = unsealed(data, self.inputs)
        names = {kind: {name.partition(":")[2] for name in frame.columns if name.startswith(f"{kind}:")} for kind in ("p", *OF_A_CLAIM)}
        if names["p"] != self.parameters:
            raise ValueError("it has other parameters")
        # Where no world of a batch could be computed nothing is measured.
        measured = self.claims if any(not problem for problem in frame["problem"]) else frozenset(names["margin"])
        if not all(measured == names[kind] <= self.claims for kind in OF_A_CLAIM):
            raise ValueError("it has other claims")
        worlds = from_frame(frame)
        numbers = [world.index for world in worlds]
        if min(numbers) < 0 or len(set(numbers)) < len(numbers):
            raise ValueError("its worlds are not numbered one by one")
        if not all(isinstance(problem, str) or pd.isna(problem) for problem in frame["problem"]):
            raise TypeError("a problem is no text")
        return worlds


# -- batches -------------------------------------------------------------------------------------------------------------------------------

LARGEST_BATCH = LARGEST
"""Bytes of a batch, on disk and unpacked."""

OF_A_CLAIM = ("margin", "numbers", "problem")

_INPUTS = b"standoff:inputs"
_SEAL = b"standoff:seal"
_MARK = b"sha256 of this file with zeros in place of what follows: "
_BLANK = b"0" * 64


def sealed(frame: pd.DataFrame, inputs: str) -> bytes:
    """Return a Parquet file that carries the hash of the inputs and of its own bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.Table.from_pandas(frame, preserve_index=False)
    table = table.replace_schema_metadata({**table.schema.metadata, _INPUTS: inputs.encode(), _SEAL: _MARK + _BLANK})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    head, mark, tail = buffer.getvalue().rpartition(_MARK + _BLANK)
    assert mark, "Parquet keeps metadata as they are"
    digest = hashlib.sha256(head + mark + tail).hexdigest()
    return head + _MARK + digest.encode() + tail


def unsealed(data: bytes, inputs: str) -> pd.DataFrame:
    """Return the table of a batch. Nothing is unpacked before the hash of its bytes is found right.

    Raises ValueError that says what is wrong.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    head, mark, tail = data.rpartition(_MARK)
    digest, rest = tail[: len(_BLANK)], tail[len(_BLANK) :]
    if not mark or hashlib.sha256(head + mark + _BLANK + rest).hexdigest().encode() != digest:
        raise ValueError("it is damaged: its checksum does not hold")
    try:
        file = pq.ParquetFile(io.BytesIO(data), thrift_string_size_limit=LARGEST_BATCH, thrift_container_size_limit=LARGEST_BATCH)
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        if (file.metadata.metadata or {}).get(_INPUTS) != inputs.encode():
            raise ValueError("it is of a run of other inputs")
        if not 0 < file.metadata.num_rows <= BATCH or sum(group.total_byte_size for group in groups) > LARGEST_BATCH:
            raise ValueError(f"it is no batch: 1 to {BATCH} worlds in at most {LARGEST_BATCH:,} bytes are")
        frame: pd.DataFrame = file.read().to_pandas(ignore_metadata=True)
    except (OSError, pa.ArrowException, MemoryError) as error:
        raise ValueError(f"it is no Parquet file: {str(error).splitlines()[0] if str(error) else type(error).__name__}") from error
    return frame
