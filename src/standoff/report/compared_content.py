"""A comparison as plain data, with what changes most said in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from standoff.report.words import Content, percents, plural
from standoff.scenario.play import TIME_UP
from standoff.scenario.titles import day, moment, spoken, titles

if TYPE_CHECKING:
    import datetime as dt

    from standoff.compare import Arm, Comparison
    from standoff.compare.arms import Change
    from standoff.compare.lines import Line
    from standoff.scenario import Scenario
    from standoff.scenario.models import Quantity

HEADLINES = 3
"""So many of the probabilities that change most are said in a sentence."""

SHOWN = 0.0005
"""Differences below a twentieth of a percentage point are left out of sentences and tables."""


def compare_content(name: str, comparison: Comparison) -> Content:
    """Return a comparison as plain data."""
    scenario = comparison.scenario
    return {
        "scenario": name,
        "title": scenario.title,
        "player": scenario.turns[0].player if scenario.turns else None,
        "base": comparison.base.name,
        "base_changes": comparison.base.lines,
        "worlds": len(comparison.worlds),
        "runs": comparison.runs,
        "seed": comparison.seed,
        "weighted": comparison.weighted,
        "effective": comparison.effective,
        "effective_by_record": comparison.refused,
        "interval": "90 %, Bayesian bootstrap over worlds",
        "arms": [_arm(comparison, arm) for arm in comparison.arms[1:]],
    }


def _arm(comparison: Comparison, arm: Arm) -> Content:
    scenario, calendar = comparison.scenario, comparison.calendar
    called = titles(scenario)
    quiet = {f"{turn.player}.{turn.silent}" for turn in scenario.turns if turn.silent}
    dated = int(calendar.starts is not None)  # by a date means by the end of the period before it
    found = comparison.differences(arm.name)
    by_name: dict[tuple[str, str], list[int]] = {}
    for number, line in enumerate(comparison.lines):
        by_name.setdefault((line.kind, line.name), []).append(number)

    def row(number: int) -> Content:
        return {
            "base": found.base[number], "value": found.arm[number], "difference": found.mean[number], "low": found.low[number],
            "high": found.high[number], "worlds": int(found.worlds[number]), "agree": int(found.agree[number]),
            "against": int(found.against[number]), "sign": int(found.sign[number]), "bound": found.bound[number],
        }  # fmt: skip

    def course(numbers: Sequence[int]) -> list[Content]:
        periods = [(number, comparison.lines[number].period) for number in numbers]
        return [{"by": moment(calendar, period + dated), **row(number)} for number, period in periods if period is not None]

    def whole(kind: str, name: str, title: str) -> Content:
        numbers = by_name[kind, name]
        (total,) = (n for n in numbers if comparison.lines[n].period is None and not comparison.lines[n].component)
        return {"name": name, "title": title, **row(total), "by_date": course(numbers)}

    names = {kind: [name for one, name in by_name if one == kind] for kind in ("end", "move", "payoff", "quantity")}
    players = {player: scenario.players[player].title or player for player in names["payoff"]}
    content: Content = {
        "arm": arm.name,
        "changes": arm.lines,
        "lead": _lead(scenario, arm),
        "ends": [whole("end", name, called.get(f"end:{name}", name)) for name in names["end"]],
        "moves": [{**whole("move", name, called.get(name, spoken(name))), "quiet": name in quiet} for name in names["move"]],
        "quantities": [
            {**whole("quantity", name, scenario.quantities[name].title or spoken(name)), "probability": _is_probability(scenario.quantities[name])}
            for name in names["quantity"]
        ],
        "payoffs": [
            {
                **whole("payoff", name, players[name]),
                "components": [
                    {"component": comparison.lines[n].component, **row(n)} for n in by_name["payoff", name] if comparison.lines[n].component
                ],
            }
            for name in names["payoff"]
        ],
        "gaps": comparison.gaps(arm.name),
        "idle": comparison.idle(arm.name),
        "problems": comparison.problems(arm.name),
    }
    content["headlines"] = _headlines(comparison, arm, content)
    return content


def _is_probability(quantity: Quantity) -> bool:
    chances = quantity.choice, quantity.chance_of_move, quantity.chance_of_end, quantity.chance_of_state
    return quantity.scale == "plain" and any(measure is not None for measure in chances)


def _headlines(comparison: Comparison, arm: Arm, content: Content) -> list[Content]:
    """Return the probabilities that change most, each with the worlds that do not go along."""
    rows = [("end", row) for row in content["ends"] if row["name"] != TIME_UP]  # what the other ends leave
    rows += [("quantity", row) for row in content["quantities"] if row["probability"]]
    rows = [(kind, row) for kind, row in rows if row["sign"] and abs(row["difference"]) >= SHOWN]
    rows.sort(key=lambda pair: -abs(pair[1]["difference"]))
    found = []
    for kind, row in rows[:HEADLINES]:
        whole = next(line for line in comparison.lines if line.kind == kind and line.name == row["name"] and line.period is None)
        found.append({"kind": kind, "name": row["name"], "words": _sentence(row, comparison), **_apart(comparison, arm, whole)})
    return found


def _apart(comparison: Comparison, arm: Arm, line: Line) -> Content:
    apart = comparison.disagreement(arm.name, line)
    return {"against": list(apart.against), "unclear": list(apart.unclear), "hinge": apart.hinge.text() if apart.hinge is not None else None}


def _sentence(row: Content, comparison: Comparison) -> str:
    by = f" by {row['by_date'][-1]['by']}" if row["by_date"] and comparison.calendar.starts is not None else ""
    verb = "rises" if row["difference"] > 0 else "falls"
    unclear = row["worlds"] - row["agree"] - row["against"]
    against = (f", {row['against']} the other way" if row["against"] else "") + (f", {unclear} without a clear difference" if unclear else "")
    before, after = percents(row["base"], row["value"])
    return (
        f"\u201c{row['title']}\u201d{by} {verb} from {before} to {after} "
        f"({points(row['difference'])} points, 90 % interval {points(row['low'])} to {points(row['high'])}); "
        f"{row['agree']} of {plural(row['worlds'], 'world')} agree{against}."
    )


# --- what an arm is called in a sentence -------------------------------------------------------------------------------------------------


def _lead(scenario: Scenario, arm: Arm) -> str:
    if len(arm.changes) == 1 and arm.name in (arm.lines[0], ""):
        return _said(scenario, arm.changes[0])
    return f"Under \u201c{arm.name}\u201d"


def _said(scenario: Scenario, change: Change) -> str:
    from standoff.compare import MoveDate, RemoveDate, Reveal, SetParameter, SwitchOff

    match change:
        case SetParameter():
            return f"With {change.name} at {change.value:g}"
        case SwitchOff():
            return f"Without {change.mechanism} ({scenario.mechanisms[change.mechanism].title})"
        case MoveDate():
            return f"With {_date(scenario, change.name)} moved to {_moment(change.to)}"
        case RemoveDate():
            return f"Without {_date(scenario, change.name)}"
        case Reveal():
            return f"With the secret of {scenario.players[change.player].title or change.player} known to all"
    move = change.force or change.forbid or ""
    title = titles(scenario).get(move, move)
    said = f"\u201c{title}\u201d" + ("" if title == spoken(move) else f" ({move.split('.')[0]})")
    if change.first is not None and change.first == change.last:
        span = f" on {_moment(change.first)}"
    else:
        span = "".join(f" {word} {_moment(one)}" for word, one in (("from", change.first), ("until", change.last)) if one is not None)
    return f"With {said} forced{span}" if change.force else f"Without {said}{span}"


def _date(scenario: Scenario, name: str) -> str:
    return getattr(scenario.calendar[name], "title", "") or name


def _moment(given: int | str | dt.date) -> str:
    return given if isinstance(given, str) else f"period {given}" if isinstance(given, int) else day(given)


def points(x: float) -> str:
    """Write a difference of probabilities in percentage points."""
    if x != x:
        return "-"
    hundred = 100.0 * x
    return f"{hundred:+.0f}" if abs(hundred) >= 9.95 else small(hundred, 1)


def small(x: float, digits: int) -> str:
    """Write a difference with its sign; one that would read as 0 gets up to two more digits, and 0 is only what is exactly 0.

    >>> small(-0.004, 2), small(0.00001, 2), small(0.0, 2)
    ('-0.004', '<0.0001', '0.00')
    """
    if x == 0.0:
        return f"{0.0:.{digits}f}"
    for more in range(digits, digits + 3):
        text = f"{x:+.{more}f}"
        if float(text) != 0.0:
            return text
    return f"{'<' if x > 0.0 else '>-'}{10.0 ** -(digits + 2):.{digits + 2}f}"
