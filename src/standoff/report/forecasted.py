"""The report on forecasts: what came of each, and how the authors, the model and the base rate did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from standoff.printed import Text
from standoff.report.words import Content, amount, heading, plural, probability, table
from standoff.scenario.titles import day

if TYPE_CHECKING:
    from standoff.forecasts import Row, Scored, Scores

CALLED = {"authors": "authors", "model": "model", "base": "base rate"}
"""What the tables call each forecaster."""

INFINITE = "infinite"
"""How JSON and tables write the score of an event that was called impossible and happened, or called certain and did not."""

STATUS_COLOURS = {"happened": "green", "did not happen": "red", "open": "yellow"}

SHOWN_EVENTS = 2


def forecasts_content(scores: Scores) -> Content:
    """Return all forecasts as plain data, with the mean scores over those that are resolved."""
    return {
        "forecasts": [_forecast(row) for row in scores.rows],
        "resolved": len(scores.resolved),
        "happened": sum(row.resolution.status == "happened" for row in scores.rows),
        "summary": [_summary(scores, forecaster) for forecaster in CALLED],
    }


def renamed(content: Content, ids: Mapping[str, str]) -> Content:
    """Return forecasts under other ids."""
    lists = ("against_base", "better_than_base", "worse_than_base")
    return {
        **content,
        "forecasts": [forecast | {"id": ids[forecast["id"]]} for forecast in content["forecasts"]],
        "summary": [summary | {key: [ids[name] for name in summary[key]] for key in lists} for summary in content["summary"]],
    }


def _forecast(row: Row) -> Content:
    mixture, rate = row.mixture, row.base_rate
    return {
        "id": row.name,
        "text": " ".join(row.claim.text.split()),
        "where": row.claim.where,
        "made": row.made.isoformat(),
        "by": row.by.isoformat(),
        "status": row.resolution.status,
        "events": [{"id": event.id, "date": event.date.isoformat(), "summary": event.summary} for event in row.resolution.events],
        "reason": row.resolution.reason,
        "event": row.claim.test.of.title if row.claim.test.of is not None else "",
        "phrase": row.claim.test.phrase,
        "range_declared": row.claim.test.range is not None,
        "authors": _scored(row.authors),
        "model": None if row.model is None else {**_scored(row.model), "worlds": mixture.worlds, "weighted": mixture.weighted},
        "model_problem": mixture.problem,
        "base": None if row.base is None or rate is None else {**_scored(row.base), "reason": " ".join(rate.reason.split()), "source": rate.source},
    }


def _scored(scored: Scored) -> Content:
    return {
        "p": scored.p,
        "low": scored.low,
        "high": scored.high,
        "brier": scored.brier,
        "log": _number(scored.log),
        "brier_best_worst": list(scored.brier_range),
        "log_best_worst": [_number(value) for value in scored.log_range],
    }


def _summary(scores: Scores, forecaster: Any) -> Content:
    summary = scores.summary(forecaster)
    return {
        "forecaster": forecaster,
        "n": summary.n,
        "brier": summary.brier,
        "log": _number(summary.log),
        "skill": summary.skill,
        "against_base": list(summary.against),
        "better_than_base": list(summary.better),
        "worse_than_base": list(summary.worse),
    }


def _number(value: float) -> float | str:
    return INFINITE if math.isinf(value) else value


def show_forecasts(content: Content) -> list[Any]:
    """Return what is printed about forecasts: words first, then the tables."""
    return [
        heading("The forecasts"),
        *words(content),
        Text(""),
        forecasts_table(content["forecasts"]),
        *_summary_lines(content),
        *_base_lines(content["forecasts"]),
    ]


def words(content: Content) -> list[Any]:
    """Say in words how many forecasts are resolved and who did better than the base rate."""
    n, resolved, happened = len(content["forecasts"]), content["resolved"], content["happened"]
    if not resolved:
        return [Text(f"The record resolves none of {plural(n, 'forecast')}, so there is nothing to score yet.")]
    failed = resolved - happened
    count = f"Of {plural(n, 'forecast')} the record resolves {resolved}: {happened} happened, {failed} did not"
    lines = [Text(f"{count}; {n - resolved} stay{'s' if n - resolved == 1 else ''} open." if n > resolved else f"{count}.")]
    lines += [Text(_compared(summary)) for summary in content["summary"] if summary["forecaster"] != "base" and summary["against_base"]]
    note = (
        "Lower is better. Brier is the squared error of the probability, log its surprise in nats. The authors' probability is the middle of "
        f"the range of their phrase; the model's is the mean over worlds ({_weighing(content)}), with the 5 and 95 % quantile."
    )
    return [*lines, Text(note, style="dim")]


def _compared(summary: Content) -> str:
    better, worse = summary["better_than_base"], summary["worse_than_base"]
    same = [name for name in summary["against_base"] if name not in better + worse]
    told = [f"{word} on {', '.join(names)}" for word, names in (("better", better), ("worse", worse), ("as well", same)) if names]
    return f"Against the base rate, by Brier score, the {CALLED[summary['forecaster']]} did {', '.join(told)}."


def _weighing(content: Content) -> str:
    weighted = {forecast["model"]["weighted"] for forecast in content["forecasts"] if forecast["model"] is not None}
    if weighted == {True}:
        return "weighted by what the record told until the forecast was made"
    return "all of equal weight" if weighted <= {False} else "weighted by the record where that tells nothing later"


def forecasts_table(forecasts: Sequence[Content]) -> Any:
    """Show each forecast, what came of it, and what each forecaster said and scored."""
    shown = table("id", "forecast, and what came of it", "by whom", "probability", "Brier", "log", right=("Brier", "log"))
    shown.expand = True
    shown.columns[1].ratio = 1
    for column in (0, 2, 3, 4, 5):
        shown.columns[column].no_wrap = True
    for forecast in forecasts:
        said = [(CALLED[name], forecast[name]) for name in CALLED]
        shown.add_row(
            Text(forecast["id"], style="bold"),
            _told(forecast),
            "\n".join(name for name, _ in said),
            "\n".join(_chance(scored) for _, scored in said),
            "\n".join("-" if scored is None else amount(scored["brier"], 3) for _, scored in said),
            "\n".join("-" if scored is None else _log(scored["log"]) for _, scored in said),
        )
    return shown


def _told(forecast: Content) -> Text:
    declared = " (range declared)" if forecast["range_declared"] else ""
    phrase = f', "{forecast["phrase"]}"{declared}' if forecast["phrase"] else ", as a range"
    told = Text.assemble(
        forecast["text"],
        (f"  said {day(forecast['made'])}{phrase}, by {day(forecast['by'])}\n", "dim"),
        f"{forecast['event']}: " if forecast["event"] else "",
        (forecast["status"], STATUS_COLOURS[forecast["status"]]),
    )
    events = forecast["events"]
    if events:
        more = f" and {len(events) - SHOWN_EVENTS} more" if len(events) > SHOWN_EVENTS else ""
        deciding = ", ".join(f"{event['id']} on {day(event['date'])}" for event in events[:SHOWN_EVENTS])
        told.append(f", {deciding}{more}")
    elif forecast["reason"]:
        told.append(f", {forecast['reason']}" if forecast["status"] != "open" else f": {forecast['reason']}")
    if forecast["model_problem"]:
        told.append(f"\nthe model gives no probability: {forecast['model_problem']}", style="yellow")
    return told


def _chance(scored: Content | None) -> str:
    if scored is None:
        return "-"
    spread = f" ({probability(scored['low'])} to {probability(scored['high'])})" if scored["low"] != scored["high"] else ""
    return f"{probability(scored['p'])}{spread}"


def _log(value: float | str | None) -> str:
    return value if isinstance(value, str) else amount(value, 3)


def _summary_lines(content: Content) -> list[Any]:
    if not content["resolved"]:
        return []
    shown = table("mean over the resolved", "forecasts", "Brier", "log", "skill", right=("forecasts", "Brier", "log", "skill"))
    for summary in content["summary"]:
        if summary["n"]:
            skill = summary["skill"]
            known = skill is not None and not math.isnan(skill) and summary["forecaster"] != "base"
            row = (str(summary["n"]), amount(summary["brier"], 3), _log(summary["log"]), f"{skill:+.2f}" if known else "")
            shown.add_row(CALLED[summary["forecaster"]], *row)
    lines: list[Any] = [Text(""), shown]
    if any(summary["against_base"] for summary in content["summary"]):
        few = plural(content["resolved"], "event")
        note = f"skill: 1 minus the ratio of Brier scores to the base rate's on the same forecasts. It tells of {few}, not of the next."
        lines.append(Text(note, style="dim"))
    return lines


def _base_lines(forecasts: Sequence[Content]) -> list[Any]:
    told = [forecast for forecast in forecasts if forecast["base"] is not None]
    if not told:
        return []
    lines = [Text.assemble((f"  {one['id']} ", "bold"), f"{one['base']['reason']} ", (f"({one['base']['source']})", "dim")) for one in told]
    return [heading("The base rates"), *lines]
