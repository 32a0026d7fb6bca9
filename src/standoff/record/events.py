"""Coded events and the file that holds them.

A record is a CSV file (UTF-8, header line) with one event a row. The vocabulary is PLOVER 0.8; `action` keeps the original code of the act.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from standoff.errors import Fault, RecordError
from standoff.names import closest
from standoff.reading import Unreadable, decoded, read_bytes

MAX_BYTES = 50 * 2**20


class Event(BaseModel):
    """One event: who did what to whom, when, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    date: dt.date
    date_precision: Literal["day", "week", "month"] = "day"
    actor: str = Field(min_length=1)
    actor_detail: str = ""
    action: str = ""
    plover: str = ""
    mode: str = ""
    target: str = ""
    target_detail: str = ""
    modality: Literal["happened", "threatened", "promised", "forecast", "hypothetical", "negated"] = "happened"
    covert: bool = False
    claimed_by: str = ""
    blamed_by: str = ""
    denied_by: str = ""
    killed: int | None = None
    us_killed: int | None = None
    summary: str = ""
    source1: str = ""
    source2: str = ""
    confidence: str = ""
    note: str = ""

    @field_validator("date", mode="before")
    @classmethod
    def _iso_only(cls, value: object) -> object:
        # A bare number would be taken for seconds since 1970.
        if isinstance(value, str) and value.strip().isdigit():
            raise ValueError("a date is written like 2020-09-26")
        return value

    @field_validator("killed", "us_killed", mode="before")
    @classmethod
    def _empty_is_unknown(cls, value: object) -> object:
        return None if value == "" else value

    @field_validator("covert", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object) -> object:
        return False if value == "" else value


@dataclass(frozen=True)
class Record:
    """Events in order of date."""

    events: tuple[Event, ...]
    path: str = ""
    sha256: str = ""

    def __iter__(self) -> Iterator[Event]:  # type: ignore[override]
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)


def read_record(path: str | Path) -> Record:
    """Read a record file.

    Raises RecordError with every fault: its line, column, what was found and what is allowed.

    >>> import standoff as so
    >>> record = so.read_record(so.record_path("baghdad-closure"))
    >>> record.events[0].id
    'E51'
    """
    path = Path(path)
    try:
        raw = read_bytes(path, MAX_BYTES)
        text = decoded(raw)
    except Unreadable as error:
        fault = Fault(
            file=str(path), line=error.line, problem=error.problem, found=error.found, allowed=error.allowed, suggestion=error.suggestion
        )  # fmt: skip
        raise RecordError([fault]) from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    fields = list(Event.model_fields)
    faults: list[Fault] = []
    rows: list[tuple[int, dict[str, str]]] = []
    try:
        header = list(reader.fieldnames or [])
        rows += [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        fault = Fault(
            file=str(path), line=reader.line_num, problem=f"cannot be read: {error}", suggestion="look for a quote that is not closed, here or above"
        )
        raise RecordError([fault]) from error
    twice = sorted({name for name in header if header.count(name) > 1})
    faults += [Fault(file=str(path), line=1, field=name, problem="this column is there twice") for name in twice]
    faults += [
        Fault(file=str(path), line=1, field=str(name), problem="unknown column", allowed=", ".join(fields), suggestion=closest(str(name), fields))
        for name in header
        if name not in fields
    ]
    faults += [Fault(file=str(path), line=1, field=name, problem="this column is missing") for name in ("id", "date", "actor") if name not in header]
    if faults:
        raise RecordError(faults)
    events: list[Event] = []
    seen: dict[str, int] = {}
    for line, row in rows:
        if None in row or any(value is None for value in row.values()):
            faults.append(Fault(file=str(path), line=line, problem=f"the row does not have {len(header)} cells"))
            continue
        if row["id"] in seen:
            faults.append(Fault(file=str(path), line=line, field="id", problem=f"used already on line {seen[row['id']]}", found=row["id"]))
        elif row["id"]:
            seen[row["id"]] = line
        try:
            event = Event.model_validate(row)
        except ValidationError as error:
            faults += [
                Fault(file=str(path), line=line, field=".".join(map(str, item["loc"])), problem=item["msg"], found=repr(item["input"]))
                for item in error.errors()
            ]
            continue
        events.append(event)
    if faults:
        raise RecordError(faults)
    # A stable sort: within a day the order of the rows is the order of the events.
    return Record(tuple(sorted(events, key=lambda event: event.date)), str(path), hashlib.sha256(raw).hexdigest())
