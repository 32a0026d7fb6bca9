"""Coded events and the file that holds them.

A record is a CSV file (UTF-8, header line) with one event a row. The vocabulary is PLOVER 0.8; `action` keeps the original code of the act.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from standoff.errors import ArgumentError, Fault, RecordError
from standoff.names import closest
from standoff.reading import Unreadable, decoded, read_bytes
from standoff.record.dates import is_written, only_a_date
from standoff.text import brief

MAX_BYTES = 50 * 2**20

CLOSE_QUOTES = 'close the quote that opens in it; a quote within a quoted cell is written twice, as in "the ""gap"""'


class Event(BaseModel):
    """One event: who did what to whom, when, and who says so."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    id: str = Field(min_length=1)
    date: Annotated[dt.date, BeforeValidator(only_a_date)]
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

    @field_validator("killed", "us_killed", mode="before")
    @classmethod
    def _empty_is_unknown(cls, value: object) -> object:
        if isinstance(value, bool) or (isinstance(value, str) and not re.fullmatch(r"\s*([0-9]{1,9})?\s*", value)):
            raise ValueError("a number of people is a valid integer, written in plain digits")
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("covert", mode="before")
    @classmethod
    def _empty_is_open(cls, value: object) -> object:
        return False if isinstance(value, str) and not value.strip() else value


@dataclass(frozen=True)
class _Row:
    """A row of the file: the line on which it begins, its cells, and its text."""

    number: int
    cells: list[str]
    text: str

    def swallowed(self, date: int) -> int | None:
        """Return a line within a quoted cell of the row that has a date where events have it (column `date`); None where there is none."""
        for number, line in enumerate(self.text.splitlines()[1:], start=self.number + 1):
            cells = line.split(",")
            if len(cells) > date and is_written(cells[date]):
                return number
        return None


def _rows(text: str, file: str) -> Iterator[_Row]:
    """Yield the rows that hold anything. Raises RecordError where the file cannot be divided into cells."""
    lines = io.StringIO(text, newline="").readlines()
    # Without `strict` what follows a quote that is not closed would be taken for one long cell.
    reader = csv.reader(lines, strict=True)
    first = 1
    try:
        for cells in reader:
            if cells:
                yield _Row(first, cells, "".join(lines[first - 1 : reader.line_num]))
            first = reader.line_num + 1
    except csv.Error as error:
        raise RecordError([Fault(file=file, line=first, problem=f"this row cannot be read: {error}", suggestion=CLOSE_QUOTES)]) from error


@dataclass(frozen=True)
class Record:
    """Events in order of date."""

    events: tuple[Event, ...]
    path: str = ""
    sha256: str = ""

    def __repr__(self) -> str:
        return brief(self, self.path, f"{len(self)} events")

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
    if not isinstance(path, (str, Path)):
        raise ArgumentError(f'a record is read from its file, not from {type(path).__name__}; write so.read_record("FILE.csv")')
    path = Path(path)
    try:
        raw = read_bytes(path, MAX_BYTES)
        text = decoded(raw)
    except Unreadable as error:
        fault = Fault(
            file=str(path), line=error.line, problem=error.problem, found=error.found, allowed=error.allowed, suggestion=error.suggestion
        )  # fmt: skip
        raise RecordError([fault]) from error
    fields = list(Event.model_fields)
    lines = list(_rows(text, str(path)))
    header = lines[0].cells if lines else []
    faults: list[Fault] = []
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
    for line in lines[1:]:
        if (swallowed := line.swallowed(header.index("date"))) is not None:
            problem = f"a cell of this row goes on over line {swallowed}, which looks like an event of its own"
            faults.append(Fault(file=str(path), line=line.number, problem=problem, suggestion=CLOSE_QUOTES))
            continue
        if len(line.cells) != len(header):
            found = str(len(line.cells))
            faults.append(Fault(file=str(path), line=line.number, problem=f"the row does not have {len(header)} cells", found=found))
            continue
        row = dict(zip(header, line.cells, strict=True))
        if (name := row["id"].strip()) in seen:
            faults.append(Fault(file=str(path), line=line.number, field="id", problem=f"used already on line {seen[name]}", found=name))
        elif name:
            seen[name] = line.number
        try:
            event = Event.model_validate(row)
        except ValidationError as error:
            faults += [
                Fault(file=str(path), line=line.number, field=".".join(map(str, item["loc"])), problem=item["msg"], found=repr(item["input"]))
                for item in error.errors()
            ]
            continue
        events.append(event)
    if faults:
        raise RecordError(faults)
    # A stable sort: within a day the order of the rows is the order of the events.
    return Record(tuple(sorted(events, key=lambda event: event.date)), str(path), hashlib.sha256(raw).hexdigest())
