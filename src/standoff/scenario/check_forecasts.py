"""Check the forecasts: that each speaks of a probability, and says when it was made, by when it counts and how it is resolved."""

from __future__ import annotations

import datetime as dt

from standoff.expressions import Moments
from standoff.names import listed
from standoff.record import Record
from standoff.scenario.check_record import check_rule
from standoff.scenario.clock import period_at
from standoff.scenario.findings import Findings
from standoff.scenario.models import Claim, Forecast, Quantity, RecordMap, Rule
from standoff.scenario.places import FieldPath
from standoff.scenario.rules import COUNTED, matches

PROBABILITIES = ("chance_of_move", "chance_of_end", "chance_of_state", "choice")
"""The measures that are probabilities of an event."""

_DAY = dt.timedelta(days=1)


def made_on(forecast: Forecast, record: RecordMap | None, start: dt.date) -> dt.date:
    """Give the day on which a forecast was made: its own, else that of `record: known`, else the start of the clock."""
    if forecast.made is not None:
        return forecast.made
    return record.known if record is not None and record.known is not None else start


def last_replayed(record: RecordMap | None, end: dt.date) -> dt.date:
    """Give the last day of which a replay uses events: that before `record: known`, or before the end of the clock (the first day after it)."""
    known = record.known if record is not None else None
    return (min(known, end) if known is not None else end) - _DAY


def check_forecasts(findings: Findings, moments: Moments | None) -> None:
    """Check all forecasts; without a sound clock, `moments` is None and no date is checked."""
    for name, claim in findings.scenario.claims.items():
        if claim.forecast is None:
            continue
        path = ("claims", name, "forecast")
        _resolution(findings, path, claim.forecast)
        _probability(findings, ("claims", name, "test"), claim)
        if moments is not None and moments.starts is None:
            findings.add(path, "a forecast needs a clock with dates", found="periods", suggestion="give the clock a start, a step and an end")
        elif moments is not None and moments.starts is not None:
            made = made_on(claim.forecast, findings.scenario.record, moments.starts[0])
            _made(findings, (*path, "made"), claim.forecast.made, moments.starts)
            _dates(findings, path, claim.forecast, made, moments.starts)
            if claim.test.of is not None:
                _foresight(findings, ("claims", name, "test", "of"), claim.test.of, made, moments.starts)
                _span(findings, ("claims", name, "test", "of"), claim.test.of, made, claim.forecast.by, moments)


def _resolution(findings: Findings, path: FieldPath, forecast: Forecast) -> None:
    forms = "`resolve` with rules that pick the events which make it true, or `open` with the reason why the record cannot tell"
    if not forecast.resolve and not forecast.open.strip():
        findings.add(path, "nothing says how the forecast is resolved", found="neither resolve nor open", allowed=forms)
    if forecast.resolve and forecast.open.strip():
        findings.add((*path, "open"), "the forecast is resolved by the record and left open as well", found="resolve and open", allowed=forms)
    for position, rule in enumerate(forecast.resolve):
        check_rule(findings, (*path, "resolve", position), rule)
        if findings.record is not None:
            _picks(findings, (*path, "resolve", position), rule, findings.record)


def _picks(findings: Findings, path: FieldPath, rule: Rule, record: Record) -> None:
    """Check that the events which a rule names are in the record, and warn when it picks none. A rule that gives its reason is meant so."""
    known = [event.id for event in record]
    named = [((*path, "id"), rule.id)] if isinstance(rule.id, str) else [((*path, "id", position), one) for position, one in enumerate(rule.id or ())]
    there = [findings.known(place, "event of the record", one, known) for place, one in named]
    if all(there) and not rule.reason.strip() and not any(event.modality in COUNTED and matches(rule, event) for event in record):
        findings.add(
            path,
            "this rule matches no event of the record; if no other does, the forecast counts as not happened",
            suggestion="mend it, or give it a `reason` if that is meant",
            severity="warning",
        )


def _probability(findings: Findings, path: FieldPath, claim: Claim) -> None:
    test = claim.test
    if test.of is None:
        findings.add(
            path,
            "a forecast states a probability, which this test does not",
            allowed="a test of the form `of` with a phrase or range",
            suggestion="write `of`, or take `forecast` away",
        )
        return
    if all(getattr(test.of, measure) is None for measure in PROBABILITIES):
        findings.add((*path, "of"), "this is not the probability of an event, so a forecast of it cannot be scored", allowed=listed(PROBABILITIES))
    for field in ("against", "type"):
        if getattr(test.of, field) is not None:
            findings.add(
                (*path, "of", field),
                "a forecast is about what happens, whatever the type and with every option on the menu",
                found=str(getattr(test.of, field)),
                suggestion=f"leave {field} out",
            )
    if test.of.scale != "plain":
        findings.add((*path, "of", "scale"), "a forecast is a probability", found=test.of.scale, suggestion="leave scale out")
    if test.range is not None and not 0 <= min(test.range) <= max(test.range) <= 1:
        findings.add((*path, "range"), "the range of a forecast holds probabilities", found=f"{list(test.range)}", allowed="0 to 1")


def _dates(findings: Findings, path: FieldPath, forecast: Forecast, made: dt.date, starts: tuple[dt.date, ...]) -> None:
    place = (*path, "by")
    if forecast.by <= made:
        findings.add(
            place, "the last day that counts does not come after the day the forecast was made", found=str(forecast.by), allowed=f"after {made}"
        )
    elif not starts[0] <= forecast.by <= starts[-1]:
        findings.add(place, "the last day that counts is outside the clock", found=str(forecast.by), allowed=f"{starts[0]} to {starts[-1]}")


def _made(findings: Findings, path: FieldPath, made: dt.date | None, starts: tuple[dt.date, ...]) -> None:
    """Check that a forecast says it was made within the clock, best on the day as of which all claims are judged."""
    record = findings.scenario.record
    known = record.known if record is not None else None
    if made is None:
        return
    if made < starts[0]:
        findings.add(path, "the forecast was made before the clock starts", found=str(made), allowed=f"{starts[0]} or later")
    elif known is not None and made != known:
        findings.add(
            path,
            f"the forecast was made on {made}, but claims are judged as of {known} (`known` of the record)",
            allowed=f"{known}, or no `made`",
            severity="warning",
        )


def _foresight(findings: Findings, path: FieldPath, quantity: Quantity, made: dt.date, starts: tuple[dt.date, ...]) -> None:
    """Refuse beliefs that already know what came after the forecast."""
    record = findings.scenario.record
    if quantity.at is None or not quantity.at.after_record or record is None:
        return
    last = last_replayed(record, starts[-1])
    if last > made:
        findings.add(
            (*path, "at", "after_record"),
            f"the forecast was made on {made}, but the beliefs are those that the record leaves on {last}",
            suggestion=f"set `known` of the record to {made}, or leave after_record out",
        )


def _span(findings: Findings, path: FieldPath, quantity: Quantity, made: dt.date, by: dt.date, moments: Moments) -> None:
    """Warn where the model counts other days than the forecast does."""
    assert moments.starts is not None
    starts = moments.starts
    first = quantity.over[0] if quantity.over is not None else quantity.at.at if quantity.at is not None else None
    begins = period_at(0 if first is None else first, moments)
    if begins is not None and starts[begins + 1] <= made:
        findings.add(
            path,
            f"the forecast was made on {made}, but its quantity is measured from {starts[begins]}",
            suggestion="say from when in `at`",
            severity="warning",
        )
    ends = period_at(moments.n_periods - 1 if quantity.until is None else quantity.until, moments)
    if quantity.choice is None and ends is not None and not starts[ends] <= by <= starts[ends + 1]:
        findings.add(
            path,
            f"the forecast counts until {by}, its quantity until {starts[ends + 1] - _DAY}",
            suggestion="give the quantity an `until` in the same period",
            severity="warning",
        )
