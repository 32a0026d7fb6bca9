"""The report of `compare`: what each arm changes, first in words, then end by end, by date, move by move, payoff by payoff."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote
from typing import Any

from standoff.printed import Text
from standoff.report.compared_content import SHOWN, compare_content, points, small
from standoff.report.words import Content, commands, heading, percents, plural, plus_minus, table
from standoff.scenario.play import TIME_UP

__all__ = ["compare_content", "show_compare"]

MOVES, COURSES, COMPONENTS, DATES, LISTED = 6, 4, 3, 4, 8
"""How many of each are shown; `--json` holds all."""

UNMOVED = "no end and no named probability changes by 0.05 points or more and beyond the noise of the futures"

CAVEAT = "Others do not know of a forced or forbidden move: they read what they see as if it had been chosen."


def show_compare(content: Content) -> list[Any]:
    """Return what `compare` prints."""
    shown: list[Any] = [Text(content["title"] or content["scenario"], style="bold underline"), *_basis(content)]
    for arm in content["arms"]:
        shown += _shown_arm(content, arm)
    name = quote(content["scenario"])
    return [
        *shown,
        *commands(
            (f"standoff explain {name} --player {content['player']}", "why a player does what it does"),
            (f"standoff compare {name} --do .. --worlds {4 * content['worlds']}", "narrower intervals"),
            (f"standoff run {name}", "what the authors claim, judged over worlds"),
        ),
    ]


def _basis(content: Content) -> list[Any]:
    worlds = plural(content["worlds"], "world")
    weight = f"weighted by the record (as good as {content['effective']:.1f} equal ones)" if content["weighted"] else "all of equal weight"
    if content["effective_by_record"] is not None:
        weight += f" (by the record they would be as good as {content['effective_by_record']:.1f}, fewer than 10: take more --worlds)"
    base = content["base"] if not content["base_changes"] else f"{content['base']} ({'; '.join(content['base_changes'])})"
    futures = plural(content["runs"], "future")
    return [
        Text(
            f"{worlds}, {weight}; {futures} in each, with the same luck under every arm. Compared with: {base}. Ends and moves are counted in "
            "these futures; named quantities and payoffs are evaluated without drawing. Differences of chances are in percentage points, with "
            f"90 % intervals over worlds; a world agrees if it clearly shows the majority's sign. {CAVEAT}",
            style="dim",
        )
    ]


def _shown_arm(content: Content, arm: Content) -> list[Any]:
    shown: list[Any] = [heading(arm["arm"])]
    if arm["changes"] != [arm["arm"]]:
        shown.append(Text("; ".join(arm["changes"]) or "nothing is changed", style="dim"))
    shown += [Text(f"{arm['lead']}, {headline['words']}" if i == 0 else headline["words"]) for i, headline in enumerate(arm["headlines"])]
    if not arm["headlines"]:
        shown.append(Text(f"{arm['lead']}, {UNMOVED}."))
    shown += _ends(content, arm)
    shown += _courses(arm)
    shown += _moves(content, arm)
    shown += _quantities(content, arm)
    shown += _payoffs(content, arm)
    shown += _disagreements(arm)
    return [*shown, *_remarks(arm)]


def _chances(content: Content, what: str, rows: Sequence[Content]) -> Any:
    made = table(what, content["base"], "this arm", "difference", "90 % interval", "agree", right=(content["base"], "this arm", "difference"))
    for row in rows:
        low, high = points(row["low"]), points(row["high"])
        made.add_row(row["title"], *percents(row["base"], row["value"]), points(row["difference"]), f"{low} to {high}", _agree(row))
    return made


def _ends(content: Content, arm: Content) -> list[Any]:
    rows = [row for row in arm["ends"] if max(row["base"], row["value"]) > 0.0]
    rows.sort(key=lambda row: -abs(row["difference"]))
    return [Text(""), _chances(content, "end", rows)]


def _courses(arm: Content) -> list[Any]:
    """Show the course of what changes most by a few dates."""
    followed = [row for row in arm["ends"] if row["name"] != TIME_UP] + [row for row in arm["quantities"] if row["probability"]]
    rows = [row for row in followed if len(row["by_date"]) > 1]
    rows = sorted((row for row in rows if _most(row) >= SHOWN), key=lambda row: -_most(row))[:COURSES]
    if not rows:
        return []
    dates = [entry["by"] for entry in rows[0]["by_date"]]
    n = len(dates)
    cuts = sorted({round((n - 1) * (i + 1) / DATES) for i in range(DATES)}) if n > DATES else list(range(n))
    names = [dates[cut].replace("period", "until period") if dates[cut].startswith("period") else f"by {dates[cut]}" for cut in cuts]
    made = table("in points, in the course of time", *names, right=tuple(names))
    for row in rows:
        at = {entry["by"]: entry for entry in row["by_date"]}
        cells = [at.get(dates[cut]) for cut in cuts]
        made.add_row(row["title"], *("" if cell is None else points(cell["difference"]) for cell in cells))
    return [Text(""), made]


def _most(row: Content) -> float:
    return max((abs(entry["difference"]) for entry in row["by_date"] if entry["difference"] == entry["difference"]), default=0.0)


def _moves(content: Content, arm: Content) -> list[Any]:
    rows = [row for row in arm["moves"] if row["sign"] and abs(row["difference"]) >= SHOWN]
    rows.sort(key=lambda row: -abs(row["difference"]))
    return [Text(""), _chances(content, "moves that change most", rows[:MOVES])] if rows else []


def _quantities(content: Content, arm: Content) -> list[Any]:
    if not arm["quantities"]:
        return []
    made = table(
        "named quantity", content["base"], "this arm", "difference", "90 % interval", "agree", right=(content["base"], "this arm", "difference")
    )
    for row in arm["quantities"]:
        pair, change = (percents, points) if row["probability"] else (_amounts, _signed)
        cells = *pair(row["base"], row["value"]), change(row["difference"]), f"{change(row['low'])} to {change(row['high'])}"
        made.add_row(row["title"], *cells, _agree(row))
    return [Text(""), made]


def _payoffs(content: Content, arm: Content) -> list[Any]:
    made = table("expected payoff", content["base"], "this arm", "difference", "mostly through", right=(content["base"], "this arm", "difference"))
    for row in arm["payoffs"]:
        parts = sorted((part for part in row["components"] if abs(part["difference"]) >= 0.005), key=lambda part: -abs(part["difference"]))
        through = ", ".join(f"{part['component']} {_signed(part['difference'])}" for part in parts[:COMPONENTS])
        change = f"{_signed(row['difference'])} ({_signed(row['low'])} to {_signed(row['high'])})"
        made.add_row(row["title"], *_amounts(row["base"], row["value"]), change, through)
    return [Text(""), made]


def _disagreements(arm: Content) -> list[Any]:
    rows = {("end", row["name"]): row for row in arm["ends"]} | {("quantity", row["name"]): row for row in arm["quantities"]}
    lines: list[Any] = []
    for headline in arm["headlines"]:
        row = rows[headline["kind"], headline["name"]]
        if row["agree"] == row["worlds"]:
            continue
        one, two = len(headline["against"]), len(headline["unclear"])
        against = f"{plural(one, 'world')} go{'es' if one == 1 else ''} the other way ({_listed(headline['against'])})" if one else ""
        unclear = f"{plural(two, 'world')} show{'s' if two == 1 else ''} no clear difference" if two else ""
        what = "; ".join(part for part in (against, unclear) if part)
        hinge = headline["hinge"] or "no single assumption tells them apart"
        told = f" Going with the majority hinges on {hinge}." if headline["hinge"] else f" {hinge[0].upper()}{hinge[1:]}."
        lines.append(Text.assemble((f"  {row['title']}: ", "bold"), f"{what}.", (told, "dim")))
    return [heading("Worlds that do not go along"), *lines] if lines else []


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:LISTED]))
    return shown + (f" and {len(numbers) - LISTED} more" if len(numbers) > LISTED else "")


def _remarks(arm: Content) -> list[Any]:
    rows = [row for kind in ("quantities", "payoffs", "ends") for row in arm[kind]]
    off = plus_minus("differences of payoffs, quantities and ends", [row["bound"] for row in rows], 3)
    lines: list[Any] = [Text(f"Within {off} of exact play.", style="yellow")] if off else []
    for move, count in arm["idle"].items():
        lines.append(Text(f"In {plural(count, 'world')} the turn of {move} never comes, so nothing was done there.", style="yellow"))
    for name, reason in arm["gaps"].items():
        lines.append(Text(f"Not measured in some worlds: {name} ({reason}).", style="yellow"))
    if arm["problems"]:
        lines.append(Text(f"{plural(len(arm['problems']), 'world')} could not be computed under this arm: {arm['problems'][0]}", style="red"))
    return [Text(""), *lines] if lines else []


def _agree(row: Content) -> str:
    if row["difference"] == row["low"] == row["high"] == 0.0:
        return "no change"
    if not row["sign"]:
        return "none clear"
    return f"{row['agree']} of {row['worlds']}" + (f", {row['against']} against" if row["against"] else "")


def _signed(x: float) -> str:
    if x != x:
        return "-"
    return small(x, 2)


def _amounts(x: float, y: float) -> tuple[str, str]:
    """Write two numbers with as many decimals as tell them apart, two at least and four at most."""
    pair = ["-" if number != number else f"{number:.2f}" for number in (x, y)]
    for digits in (3, 4):
        if pair[0] != pair[1] or x == y or x != x:
            break
        pair = [f"{number:.{digits}f}" for number in (x, y)]
    return pair[0], pair[1]
