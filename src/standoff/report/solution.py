"""The report of `solve`: size, certificate, first choice, values."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Any

from standoff.errors import SolveError
from standoff.printed import Text
from standoff.report.branched import show_branches
from standoff.report.checked import size_lines
from standoff.report.opened import opening_content, opening_lines
from standoff.report.words import Content, commands, heading, plus_minus, probability, table
from standoff.scenario.titles import moment, spoken, titles

if TYPE_CHECKING:
    from standoff.scenario import Scenario
    from standoff.solve import Equilibrium, Exact

WORST = 3
"""So many of the places where a certificate is not met are printed."""


def solution_content(name: str, scenario: Scenario, eq: Equilibrium | Exact) -> Content:
    """Return a solution as plain data; `root` holds the first mover's choice probabilities."""
    from standoff.solve import Equilibrium
    from standoff.solve.control import Chosen

    canonical = eq.game.canonical
    # Of an exact solution, every point is one of those whose residual is told.
    where = getattr(eq.certificate, "where", None)
    content: Content = {
        "scenario": name,
        "title": scenario.title,
        "summary": " ".join(scenario.summary.split()),
        "size": eq.game.size(),
        "seconds": eq.seconds,
        "certificate": eq.certificate.as_dict() if eq.certificate is not None else None,
        "certificate_where": where(WORST) if where is not None else [],
        "certificate_text": eq.certificate.text() if eq.certificate is not None else "not certified",
        "opening": opening_content(eq.game),
        "root": {},
        "root_bounds": {},
        "value_bounds": _value_bounds(eq),
        "root_turn": None,
        "values": {player.name: dict(zip(player.types, eq.value(player.name).values.tolist(), strict=True)) for player in canonical.players},
    }
    try:
        node, x = eq.first_decision()
    except SolveError:
        return content
    structure = eq.game.structure
    for one in structure.members(node):
        mover = canonical.players[int(eq.game.arrays.owner[one])]
        content["root"][mover.name] = policy = eq.policy_at(one, x)
        if isinstance(eq, Equilibrium):
            off = Chosen(eq, one, x).bounds
            content["root_bounds"][mover.name] = {kind: dict(zip(policy[kind], off[k].tolist(), strict=True)) for k, kind in enumerate(mover.types)}
    content["root_turn"] = {
        "player": " and ".join(content["root"]),
        "turn": structure.places[structure.place[node]].removeprefix("turn:"),
        "period": int(structure.period[node]),
        "when": moment(canonical.calendar, int(structure.period[node])),
        "titles": {
            player: {option: titles(scenario)[f"{player}.{option}"] for option in next(iter(policy.values()))}
            for player, policy in content["root"].items()
        },
    }
    return content


def _value_bounds(eq: Equilibrium | Exact) -> Content:
    """Return how far each value at the start may be off; nothing where that is not told."""
    from standoff.claims.whole import values_within
    from standoff.solve import Equilibrium

    if not isinstance(eq, Equilibrium) or eq.game.structure.open_ended:
        return {}
    return {player: {kind: one.bound for kind, one in kinds.items()} for player, kinds in values_within(eq).items()}


def _exact_alone(content: Content) -> bool:
    """Tell whether there is no belief grid whose tolerance could be changed."""
    return content["certificate"] is not None and "policy_distance" not in content["certificate"]


def certificate_lines(content: Content) -> list[Any]:
    """Say how far a solution can be trusted."""
    certificate = content["certificate"]
    if certificate is None:
        return [Text("not certified", style="yellow")]
    lines: list[Any] = [Text(content["certificate_text"], style="green" if certificate["met"] else "bold red")]
    if not certificate["met"] and (_exact_alone(content) or certificate["exact_histories"]):
        lines.append(Text("The numbers of the machine carry no more digits at this precision. For more, lower the precision.", style="red"))
    elif not certificate["met"]:
        lines.append(Text("What follows may be off by more than the tolerance. Try a looser --tolerance, or a longer --max-seconds.", style="red"))
        if content["certificate_where"]:
            missed = certificate["missed"]
            count = f" at {missed:,} of {certificate['points']:,} points compared" if missed else ""
            lines.append(Text(f"Not met{count}; worst:" if missed else "Not met:", style="red"))
            lines += [Text(f"  {place}", style="red") for place in content["certificate_where"]]
    return lines


def first_choice(content: Content) -> list[Any]:
    """Show the first mover's choice by type."""
    if not content["root"]:
        return [Text("Nobody has a choice in this game.")]
    turn = content["root_turn"]
    together = ", at once" if len(content["root"]) > 1 else ""
    lines: list[Any] = [heading(f"First choice: {turn['player']}{together}, {turn['when']}")]
    for player, policy in content["root"].items():
        kinds = list(policy)
        shown = table(player if together else "option", "", *_named(kinds), right=tuple(_named(kinds)))
        for option, title in turn["titles"][player].items():
            said = "" if title == spoken(f"{player}.{option}") else title
            shown.add_row(option, Text(said, style="dim"), *(probability(policy[kind][option]) for kind in kinds))
        lines.append(shown)
        off = plus_minus("probabilities", [bound for kind in content["root_bounds"].get(player, {}).values() for bound in kind.values()])
        lines += [Text(f"Within {off} of exact play.", style="yellow")] if off else []
    return lines


def _named(kinds: list[str]) -> list[str]:
    return ["probability"] if kinds == ["public"] else [f"if {kind}" for kind in kinds]


def values_table(content: Content) -> list[Any]:
    """Show what each player expects at the start."""
    shown = table("player", "type", "expected payoff", right=("expected payoff",))
    for player, values in content["values"].items():
        for position, (kind, value) in enumerate(values.items()):
            shown.add_row(player if position == 0 else "", "" if kind == "public" else kind, f"{value:+.2f}")
    off = plus_minus("payoffs", [bound for kinds in content["value_bounds"].values() for bound in kinds.values()])
    return [heading("Values at the start"), shown, *([Text(f"Within {off} of exact play.", style="yellow")] if off else [])]


def show_solution(content: Content) -> list[Any]:
    """Return what `solve` prints."""
    name = content["scenario"]
    return [
        Text(content["title"] or name, style="bold"),
        *([Text(content["summary"], style="dim")] if content["summary"] else []),
        heading("The game"),
        *size_lines(content["size"], None, None),
        heading("The solution"),
        *certificate_lines(content),
        Text(f"solved in {content['seconds']:.1f} s", style="dim"),
        *opening_lines(content["opening"]),
        *first_choice(content),
        *values_table(content),
        *(show_branches(content["branches"]) if content.get("branches") else []),
        *commands(
            *([(f"standoff run {quote(name)}", "replay the record, sample worlds, judge the claims")] if "periods" in content["size"] else []),
            (f"standoff solve {quote(name)} --set NAME=VALUE", "with another value of a parameter"),
            *([] if _exact_alone(content) else [(f"standoff solve {quote(name)} --tolerance 1e-3", "to more digits")]),
            *([] if content.get("branches") else [(f"standoff solve {quote(name)} --branches", "look for other equilibria than this one")]),
        ),
    ]
