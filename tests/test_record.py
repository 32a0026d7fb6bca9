"""A record file is read whole or refused with every fault: where it stands, what was found, what to write instead."""

from __future__ import annotations

import datetime as dt
import hashlib

import pytest

import standoff.record.events
from standoff.errors import RecordError
from standoff.record import Event, read_record
from standoff.scenarios import record_path

HEADER = "id,date,actor,action,modality,covert,killed"
GOOD = "a,2020-01-02,usa,warn,threatened,no,"


@pytest.fixture
def written(tmp_path):
    """Write lines to a record file and give its path."""

    def write(*lines, encoding="utf-8"):
        path = tmp_path / "record.csv"
        path.write_bytes("\n".join(lines).encode(encoding) + b"\n")
        return path

    return write


def faults_of(path):
    with pytest.raises(RecordError) as caught:
        read_record(path)
    return caught.value.faults


# --- what is read ------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_rows_become_events(written):
    path = written(HEADER, GOOD, 'b,2020-01-03,iran,"say, loudly",happened,yes,3')
    record = read_record(path)
    assert record.events == (
        Event(id="a", date=dt.date(2020, 1, 2), actor="usa", action="warn", modality="threatened"),
        Event(id="b", date=dt.date(2020, 1, 3), actor="iran", action="say, loudly", covert=True, killed=3),
    )
    assert len(record) == 2
    assert [event.id for event in record] == ["a", "b"]
    assert record.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.paper
def test_events_are_sorted_by_date_and_rows_keep_their_order_within_a_day(written):
    dates = {"late": 9, "first": 2, "second": 2, "third": 2, "early": 1}
    record = read_record(written("id,date,actor", *[f"{name},2020-01-{day:02},usa" for name, day in dates.items()]))
    assert [event.id for event in record] == ["early", "first", "second", "third", "late"]


@pytest.mark.paper
def test_what_a_cell_leaves_empty_is_unknown_or_open(written):
    (event,) = read_record(written("id,date,actor,covert,killed,us_killed", "a,2020-01-02,usa,,,"))
    assert (event.covert, event.killed, event.us_killed) == (False, None, None)


@pytest.mark.property
@pytest.mark.parametrize("lines", [["id,date,actor"], ["id,date,actor", "", ""]])
def test_a_record_may_be_empty(written, lines):
    assert len(read_record(written(*lines))) == 0


@pytest.mark.property
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path):
    path = tmp_path / "record.csv"
    path.write_bytes("\ufeffid,date,actor\r\na,2020-01-02,usa\r\n".encode())
    assert [event.id for event in read_record(path)] == ["a"]


@pytest.mark.property
def test_the_bundled_record_names_a_source_for_every_event():
    record = read_record(record_path("baghdad-closure"))
    assert len(record) >= 30
    assert all(event.source1 and event.summary for event in record)
    assert [event.date for event in record] == sorted(event.date for event in record)


# --- what is refused ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "field", "found", "remedy"),
    [
        ("b,yesterday,usa,warn,happened,no,", "date", "yesterday", "valid date"),
        ("b,2020-02-30,usa,warn,happened,no,", "date", "2020-02-30", "valid date"),
        ("b,,usa,warn,happened,no,", "date", "''", "valid date"),
        ("b,2020-01-03,usa,warn,rumoured,no,", "modality", "rumoured", "'happened', 'threatened', 'promised', 'forecast'"),
        ("b,2020-01-03,usa,warn,happened,perhaps,", "covert", "perhaps", "valid boolean"),
        ("b,2020-01-03,usa,warn,happened,no,many", "killed", "many", "valid integer"),
        ("a,2020-01-03,usa,warn,happened,no,", "id", "a", "used already on line 2"),
    ],
)
def test_a_wrong_cell_is_refused_with_its_line_and_what_is_allowed(written, row, field, found, remedy):
    path = written(HEADER, GOOD, row)
    (fault,) = faults_of(path)
    assert (fault.file, fault.line, fault.field) == (str(path), 3, field)
    assert found in fault.found
    assert remedy in str(fault)


@pytest.mark.parametrize("row", ["b,2020-01-03,usa,warn,happened,no", "b,2020-01-03,usa,warn,happened,no,,,more"])
def test_a_row_with_too_few_or_too_many_cells_is_refused(written, row):
    (fault,) = faults_of(written(HEADER, GOOD, row))
    assert fault.line == 3
    assert "does not have 7 cells" in fault.problem


def test_an_unknown_column_is_refused_with_the_one_that_may_be_meant(written):
    (fault,) = faults_of(written("id,date,actor,acton", "a,2020-01-02,usa,warn"))
    assert (fault.line, fault.field, fault.suggestion) == (1, "acton", "action")
    assert "modality" in fault.allowed


@pytest.mark.parametrize(("header", "missing"), [("date,actor", ["id"]), ("id,actor", ["date"]), ("", ["id", "date", "actor"])])
def test_missing_columns_are_named(written, header, missing):
    faults = faults_of(written(header))
    assert [fault.field for fault in faults] == missing
    assert all(fault.line == 1 and "missing" in fault.problem for fault in faults)


def test_every_fault_is_reported_at_once(written):
    faults = faults_of(written(HEADER, "a,soon,usa,warn,rumoured,no,", GOOD, "b,2020-01-03,usa"))
    assert [(fault.line, fault.field) for fault in faults] == [(2, "date"), (2, "modality"), (3, "id"), (4, None)]


def test_an_id_used_twice_is_reported_with_all_else(written):
    """Though the row has other faults, or the row that has the id first has."""
    faults = faults_of(written(HEADER, "a,soon,usa,warn,happened,no,", GOOD, "a,2020-01-03,usa,warn,rumoured,no,"))
    assert [(fault.line, fault.field) for fault in faults] == [(2, "date"), (3, "id"), (4, "id"), (4, "modality")]
    assert all("used already on line 2" in fault.problem for fault in faults if fault.field == "id")


def test_a_fault_in_a_row_of_several_lines_stands_on_a_line_of_that_row(written):
    (fault,) = faults_of(written(HEADER, GOOD, 'b,2020-01-03,usa,"first', 'second",rumoured,no,'))
    assert fault.line in (3, 4)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path, why in [(tmp_path / "none.csv", "No such file"), (tmp_path, "directory")]:
        (fault,) = faults_of(path)
        assert fault.file == str(path)
        assert why in fault.problem


def test_text_in_another_encoding_is_refused_with_its_line_and_byte(written):
    (fault,) = faults_of(written("id,date,actor", "a,2020-01-02,\u00e9mile", encoding="latin-1"))
    assert (fault.line, fault.found) == (2, "byte 0xe9")
    assert "not UTF-8" in fault.problem


def test_a_huge_file_is_refused_before_it_is_read(written, monkeypatch):
    monkeypatch.setattr(standoff.record.events, "MAX_BYTES", 2**20)
    (fault,) = faults_of(written("id,date,actor", "a" * 2**20))
    assert "too large" in fault.problem
    assert fault.allowed == "1,048,576 bytes"


def test_a_quote_that_is_never_closed_is_a_fault_of_the_record(written):
    """It swallows the rest of the file; beyond 128 kB the reader of the standard library gives up."""
    for rest in (1, 20_000):
        (fault,) = faults_of(written(HEADER, 'b,2020-01-03,usa,"warn,happened,no,', *[GOOD] * rest))
        assert fault.line is not None


def test_a_column_named_twice_is_refused(written):
    (fault,) = faults_of(written("id,date,actor,actor", "a,2020-01-02,usa,iran"))
    assert (fault.line, fault.field) == (1, "actor")


@pytest.mark.parametrize(("row", "field"), [(",2020-01-02,usa", "id"), ("a,2020-01-02,", "actor")])
def test_an_event_needs_an_id_and_an_actor(written, row, field):
    (fault,) = faults_of(written("id,date,actor", row))
    assert (fault.line, fault.field) == (2, field)


@pytest.mark.paper
@pytest.mark.parametrize("rest", [(), ("c,2020-01-04,usa,warn,happened,no,",), ("", "c,2020-01-04,usa,warn,happened,no,")])
def test_a_quote_left_open_in_the_last_column_is_told_with_the_line_where_it_opens(written, rest):
    (fault,) = faults_of(written("id,date,actor,summary", "a,2020-01-02,usa,calm", 'b,2020-01-03,usa,"The Times, 3 January', *rest))
    assert fault.line == 3
    assert "close the quote" in fault.suggestion


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        (['b,2020-01-03,usa,"The Times', 'c,2020-01-04,usa,"said so"'], 2),  # the next quote closes the first, and is followed by text
        (['b,2020-01-03,usa,"The Times', "c,2020-01-04,usa,so it was", 'd,2020-01-05,usa,it said so"'], 2),  # one at the end of a cell closes it
        (['b,2020-01-03,usa,"The ""Times"', 'c,2020-01-04,usa,"open'], 3),
        (['b,2020-01-03,usa,"The Times" of London'], 2),
    ],
)
def test_events_that_a_quote_swallows_are_missed(written, rows, line):
    (fault,) = faults_of(written("id,date,actor,summary", *rows))
    assert fault.line == line
    assert "quote" in fault.suggestion


@pytest.mark.paper
def test_a_quoted_cell_may_go_over_several_lines(written):
    record = read_record(written("id,date,actor,summary", 'a,2020-01-02,usa,"first', "second, and third", '"', "b,2020-01-03,usa,calm"))
    assert [(event.id, event.summary) for event in record] == [("a", "first\nsecond, and third"), ("b", "calm")]


@pytest.mark.parametrize(
    "written_date", ["0", "-5", "1600000000", "1.6e9", "20200103", "2020-1-3", "03/01/2020", "2020-01-03T00:00:00", "٢٠٢٠-٠١-٠٣"]
)
def test_only_a_date_is_a_date(written, written_date):
    (fault,) = faults_of(written("id,date,actor", f"b,{written_date},usa"))
    assert (fault.line, fault.field) == (2, "date")
    assert "2020-09-26" in fault.problem


@pytest.mark.parametrize("number", ["-1", "1_000", "٣", "3.0", "1e2"])
def test_a_number_of_people_is_written_in_digits(written, number):
    (fault,) = faults_of(written("id,date,actor,killed", f"b,2020-01-03,usa,{number}"))
    assert (fault.line, fault.field) == (2, "killed")


@pytest.mark.paper
def test_blanks_around_a_cell_do_not_count(written):
    (event,) = read_record(written("id,date,actor,action,killed", "a , 2020-01-02, usa ,warn , 3"))
    assert (event.id, event.date, event.actor, event.action, event.killed) == ("a", dt.date(2020, 1, 2), "usa", "warn", 3)


def test_text_in_another_encoding_is_refused_with_its_line(written):
    (fault,) = faults_of(written("id,date,actor", "a,2020-01-02,usa", "b,2020-01-03,\u00e9mile", encoding="latin-1"))
    assert fault.line == 3
