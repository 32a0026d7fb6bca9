"""Check the record map and the mechanisms."""

from __future__ import annotations

from standoff.errors import RecordError
from standoff.expressions import Moments
from standoff.reading import is_folder, is_there
from standoff.record import Record, read_record
from standoff.scenario.chain import record_file
from standoff.scenario.clock import check_moment
from standoff.scenario.findings import Findings
from standoff.scenario.models import RecordMap, Rule
from standoff.scenario.moves import Moves, check_move
from standoff.scenario.places import FieldPath


def check_record(findings: Findings, moves: Moves, moments: Moments | None) -> None:
    """Check that the record is mapped to moves that exist and can be seen, by rules that say something, up to a date that the clock knows."""
    record = findings.scenario.record
    if record is None:
        return
    _check_known(findings, record, moments)
    if record.file is not None:
        findings.record = _read(findings, record.file)
    for address, rules in record.map.items():
        path = ("record", "map", address)
        info = check_move(findings, path, address, moves, key=True)
        if info is not None and info.kind == "option" and info.covert:
            signals = [one for one, other in moves.items() if other.kind == "signal" and other.turn == info.turn]
            findings.add(
                path,
                "a covert option is not seen when it happens",
                found=address,
                suggestion=f"map its signals: {', '.join(signals)}",
                severity="warning",
                key=True,
            )
        if not rules:
            findings.add(path, "no rule says which events count as this move", key=True)
        for position, rule in enumerate(rules):
            check_rule(findings, (*path, position), rule)
    for position, rule in enumerate(record.ignore):
        check_rule(findings, ("record", "ignore", position), rule)


def _read(findings: Findings, name: str) -> Record | None:
    """Read the record file, noting every fault of it. A scenario made in Python has no folder, so its file is looked for when it is used."""
    path = ("record", "file")
    try:
        file = record_file(findings.scenario, name)
    except RecordError as error:
        findings.add(path, error.faults[0].problem, found=name, suggestion=error.faults[0].suggestion)
        return None
    if findings.scenario.path is None and not is_there(file):
        return None
    try:
        if is_folder(file):
            findings.add(path, "this is a directory, not a file", found=str(file), allowed="a CSV file, relative to the scenario")
        elif not is_there(file):
            findings.add(path, "there is no such file", found=str(file), allowed="a CSV file, relative to the scenario")
        else:
            return read_record(file)
    except RecordError as error:
        # A fault within the table has a line of its own; one of the whole file is told where it is named.
        for fault in error.faults:
            if fault.line is not None:
                findings.faults.append(fault)
            else:
                findings.add(path, f"the record cannot be used: {fault.problem}", found=str(file))
    except (OSError, ValueError) as error:
        findings.add(path, f"this is no path of a file ({error})", found=name)
    return None


def _check_known(findings: Findings, record: RecordMap, moments: Moments | None) -> None:
    """Check that the day on which the claims were made lies in the game, best at the beginning of a period."""
    path = ("record", "known")
    period = check_moment(findings, path, record.known, moments)
    if period is None or moments is None or moments.starts is None or record.known is None:
        return
    first, following = moments.starts[period], moments.starts[period + 1]
    if record.known == moments.starts[0]:
        findings.add(path, "nothing is known before the first day", found=str(record.known), allowed=f"a date after {record.known}, or no `known`")
    elif record.known != first:
        findings.add(
            path,
            "claims are made within a period: what it saw by then counts, and the rest of it is taken as silent",
            found=str(record.known),
            allowed=f"the first day of a period, such as {first} or {following}",
            severity="warning",
        )


def check_rule(findings: Findings, path: FieldPath, rule: Rule) -> None:
    """Check that a rule says something."""
    if not rule.model_fields_set - {"reason"}:
        known = [name for name in Rule.model_fields if name != "reason"]
        findings.add(path, "an empty rule would pick every event", allowed=", ".join(known))


def check_mechanisms(findings: Findings) -> None:
    """Check that mechanisms are switched off by parameters that exist."""
    for name, mechanism in findings.scenario.mechanisms.items():
        path = ("mechanisms", name, "off")
        if not mechanism.off:
            findings.add(path, "nothing switches this mechanism off", suggestion="give parameters and the values that switch it off")
        for parameter, value in mechanism.off.items():
            findings.known((*path, parameter), "parameter", parameter, findings.parameters, key=True)
            findings.finite((*path, parameter), value)
