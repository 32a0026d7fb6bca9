"""The report of `explain`: one decision in words, then the numbers."""

from __future__ import annotations

from shlex import quote
from typing import Any

import numpy as np

from standoff.printed import Text
from standoff.report.explained_content import explain_content
from standoff.report.explained_words import PROPENSITY, called, lead, option_of
from standoff.report.words import Content, commands, heading, percent, plural, plus_minus, probability, table, value_text

__all__ = ["explain_content", "show_explained"]

UNSEEN = 0.005
"""Numbers below this are shown together, or not at all."""

FLIPS_SHOWN = 6

IDLE_SHOWN = 3


def show_explained(content: Content, *, full: bool = False) -> list[Any]:
    """Return what `explain` prints; `full` adds every option's value by component."""
    point = content["point"]
    title = point["player_title"] if point["player_title"] != point["player"] else ""
    shown: list[Any] = [
        Text(content["title"] or content["scenario"], style="bold"),
        heading(f"{point['when']}: {point['player']} decides" + (f" ({title})" if title else "")),
        *_place_lines(content),
        Text(""),
        *(Text(f"{sentence}") for sentence in content["words"]),
        heading("The options"),
        _options_table(content),
        *_within(content),
        heading(f"Why: {called(content, content['choice'])} rather than {called(content, content['rival'])}"),
        Text(f"Payoff by motive; log-odds are {content['precision']:.2g} (precision) times their difference, plus propensity.", style="dim"),
        _why_table(content),
    ]
    if full:
        for kind in content["types"]:
            shown += [heading("Every option by motive" + ("" if kind == "public" else f", if {kind}")), _split_table(content, kind)]
    return [*shown, *_next_table(content), *_flips_table(content), *_next_commands(content)]


def _headed(kinds: list[str], columns: list[str]) -> list[str]:
    """Return columns for each type, with the type over the first of them."""
    if kinds == ["public"]:
        return columns
    return [f"{kind if number == 0 else ''}\n{name}" for kind in kinds for number, name in enumerate(columns)]


def _options_table(content: Content) -> Any:
    """Show probability and value of every option by type."""
    kinds = list(content["types"])
    columns = _headed(kinds, ["prob.", "value"])
    whole = ["prob."] if len(kinds) > 1 else []
    titled = any(option["titled"] for option in content["options"])
    shown = table("option", *([""] if titled else []), *whole, *columns, right=(*whole, *columns))
    for option in sorted(content["options"], key=lambda option: -option["probability"]):
        cells = [cell for told in option["by_type"].values() for cell in (probability(told["probability"]), f"{told['value']:+.2f}")]
        average = [probability(option["probability"])] if whole else []
        style = "bold" if option["option"] == content["choice"] else ""
        named = [Text(option["title"] if option["titled"] else "", style="dim")] if titled else []
        shown.add_row(option["option"], *named, *average, *cells, style=style)
    return shown


def _within(content: Content) -> list[Any]:
    """Say how far probabilities and values may be off, where that shows in the digits printed."""
    told = [kind for option in content["options"] for kind in option["by_type"].values()]
    off = plus_minus("probabilities", [one["bound"] for one in told]), plus_minus("values", [one["value_bound"] for one in told])
    said = [one for one in off if one]
    return [Text(f"Within {' and '.join(said)} of exact play.", style="yellow")] if said else []


def _why_table(content: Content) -> Any:
    """Show the payoffs of the choice and its rival by component, and what each makes in log-odds."""
    kinds = list(content["types"])
    choice, rival = (option_of(content, content[name])["by_type"] for name in ("choice", "rival"))
    columns = _headed(kinds, [content["choice"], content["rival"], "log-odds"])
    titled = any(title != part.replace("_", " ") for part, title in content["components"].items())
    shown = table("motive", *([""] if titled else []), *columns, right=tuple(columns))
    odds = {kind: lead(content, kind) for kind in kinds}
    weight = {part: sum(share * abs(odds[kind][part]) for kind, share in content["types"].items()) for part in content["components"]}
    ranked = sorted(weight, key=lambda part: -weight[part])
    seen = [part for part in ranked if any(abs(odds[kind][part]) >= UNSEEN for kind in kinds)]
    rest = [part for part in ranked if part not in seen]

    def cells(parts: list[str]) -> list[str]:
        found = []
        for kind in kinds:
            found += [_payoff(sum(side[kind]["components"][part] for part in parts)) for side in (choice, rival)]
            found.append(_payoff(sum(odds[kind][part] for part in parts)))
        return found

    def row(name: str, title: str, numbers: list[str], style: str = "") -> None:
        shown.add_row(name, *([Text(title, style="dim")] if titled else []), *numbers, style=style)

    habit = [odds[kind][PROPENSITY] for kind in kinds]
    if any(habit):
        row(PROPENSITY, "Weight before payoffs count", [cell for value in habit for cell in ("", "", _payoff(value))])
    for part in seen:
        title = content["components"][part]
        row(part, title if title != part.replace("_", " ") else "", cells([part]))
    if rest:
        row(f"the other {len(rest)}" if len(rest) > 1 else rest[0], "", cells(rest), "dim")
    total = []
    for kind in kinds:
        total += [_payoff(choice[kind]["value"]), _payoff(rival[kind]["value"]), _payoff(sum(odds[kind].values()))]
    row("in all", "", total, "bold")
    return shown


def _payoff(value: float) -> str:
    return f"{0.0 if abs(value) < UNSEEN else value:+.2f}"


def _split_table(content: Content, kind: str) -> Any:
    """Show the value of every option by component for one type."""
    names = [option["option"] for option in content["options"]]
    shown = table("motive", *names, right=tuple(names))
    told = [option["by_type"][kind] for option in content["options"]]
    shown.add_row("probability", *(probability(one["probability"]) for one in told), style="dim")
    for part in content["components"]:
        shown.add_row(part, *(_payoff(one["components"][part]) for one in told))
    shown.add_row("value", *(_payoff(one["value"]) for one in told), style="bold")
    return shown


def _next_table(content: Content) -> list[Any]:
    """Show what the others do next after the choice and after its rival."""
    columns = [f"after {content[name]}" for name in ("choice", "rival")]
    titled = any(move["titled"] for other in content["next"] for move in other["moves"])
    shown = table("player", "move", *([""] if titled else []), *columns, right=tuple(columns))
    for other in content["next"]:
        first = other["player"]
        left = np.ones(2)
        for move in other["moves"]:
            after = [move["after"][content[name]] for name in ("choice", "rival")]
            left -= after
            if max(after) >= UNSEEN:
                title = [Text(move["title"] if move["titled"] else "", style="dim")] if titled else []
                shown.add_row(first, move["move"].removeprefix(f"{other['player']}."), *title, *(probability(max(p, 0.0)) for p in after))
                first = ""
        if left.max() >= UNSEEN:
            idle = [probability(p if p >= UNSEEN else 0.0) for p in left.tolist()]
            shown.add_row(first, Text("(no choice by then)", style="dim"), *([""] if titled else []), *idle)
    if not shown.row_count:
        return []
    return [heading("What the others are expected to do next (this period or the one after)"), shown]


def _flips_table(content: Content) -> list[Any]:
    flips = content["flips"]
    if flips is None:
        return []
    shown: list[Any] = []
    if len(flips["found"]) > 1:
        columns = ("from", "to", "of the prior")
        grid = table("parameter", *columns, "then leads", "unit", right=columns)
        for flip in flips["found"][:FLIPS_SHOWN]:
            leads = flips["of"] if flips["gains"] else flip["option"]
            unit = Text(flip["unit"], style="dim")
            grid.add_row(flip["parameter"], f"{flip['from']:.3g}", f"{flip['to']:.3g}", percent(flip["distance"]), leads, unit)
        shown += [heading("What would change its mind: single parameters, the smallest change first"), grid]
        if len(flips["found"]) > FLIPS_SHOWN:
            shown.append(Text(f"and {len(flips['found']) - FLIPS_SHOWN} more", style="dim"))
    if flips["tried"]:
        text = f"{plural(flips['tried'], 'parameter')} moved{' one at a time' if flips['tried'] > 1 else ''}{_idle(flips)}; the belief is held; "
        text += "distance is prior probability passed over."
        shown.append(Text(("" if shown else "\n") + text, style="dim"))
    shown += [Text(f"  {item['parameter']} {item['problem']}", style="yellow") for item in flips["problems"][:FLIPS_SHOWN]]
    return shown


def _idle(flips: Content) -> str:
    """Say which of the parameters moved change nothing from the point on."""
    idle = flips["idle"]
    if not idle:
        return ""
    named = ", ".join(idle[:IDLE_SHOWN]) + (f" and {len(idle) - IDLE_SHOWN} more" if len(idle) > IDLE_SHOWN else "")
    return f" ({named} change{'s' if len(idle) == 1 else ''} nothing from here on)"


def _place_lines(content: Content) -> list[Any]:
    point = content["point"]
    state = ", ".join(f"{name} {value_text(value)}" for name, value in point["state"].items())
    lines = [Text(f"{point['how'][0].upper()}{point['how'][1:]}.", style="dim")]
    lines += [Text(f"State: {state}.", style="dim")] if state else []
    for whose, held in (("Beliefs", point["beliefs"]), (f"In the eyes of {point['player']}", point["own_beliefs"])):
        beliefs = "; ".join(f"{player} " + ", ".join(f"{kind} {probability(p)}" for kind, p in b.items()) for player, b in held.items())
        lines += [Text(f"{whose}: {beliefs}.", style="dim")] if beliefs else []
    return lines


def _next_commands(content: Content) -> list[Any]:
    name, point = quote(content["scenario"]), content["point"]
    forced = f"force {point['player']}.{content['rival']} on {point['begins']}"
    lines = [(f'standoff compare {name} --do "{forced}"', "what if it did")]
    others = [option["option"] for option in content["options"] if option["option"] not in (content["choice"], content["rival"])]
    where = point["arguments"]
    if others:
        lines.append((f"standoff explain {name} {where} --against {others[0]}", "what would lead to that"))
    lines.append((f"standoff explain {name} {where} --full", "every option by motive"))
    if content["observed"] is not None:
        lines.append((f"standoff replay {name}", "the record, move by move"))
    return commands(*lines)
