"""The report on other equilibria than the one taken: decisions with several, and the whole game where it is small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from standoff.report.words import Content, amount, heading, plural, probability, table, value_text
from standoff.scenario.titles import moment

if TYPE_CHECKING:
    import numpy as np

    from standoff.scenario import Scenario
    from standoff.solve import Branches
    from standoff.solve.branches import Decision

SHOWN = 8
"""Decisions shown in full."""

RARE = 0.005
"""Options that every type takes with less in every equilibrium share a column."""


def branches_content(found: Branches) -> Content:
    """Return what was found as plain data; every decision with several equilibria is listed, the likeliest first."""
    return {
        "unique": found.unique,
        "looked_at": len(found.decisions),
        "every_decision": found.every,
        "starts": found.starts,
        "incomplete": found.incomplete,
        "doubtful": sum(decision.doubtful for decision in found.decisions),
        "decisions": [_decision(found, decision) for decision in found.several],
        "whole_game": _whole(found),
    }


def _decision(found: Branches, decision: Decision) -> Content:
    game, structure = found.solved.game, found.solved.game.structure
    node, period = decision.node, int(structure.period[decision.node])
    player = game.canonical.players[int(game.arrays.owner[node])]
    options = _options(found, node)

    def by_type(row: np.ndarray) -> dict[str, Any]:
        return dict(zip(player.types, row.tolist(), strict=True))

    return {
        "player": player.name,
        "player_title": player.title or player.name,
        "turn": structure.places[structure.place[node]].removeprefix("turn:"),
        "period": period,
        "when": moment(game.canonical.calendar, period),
        "state": structure.labels(node),
        "beliefs": found.believed(decision.x),
        "probability": decision.chance,
        "complete": decision.complete,
        "equilibria": [
            {
                "taken": one.taken,
                "index": one.index,
                "difference": one.distance,
                "bits": one.bits,
                "policy": {kind: dict(zip(options, row.tolist(), strict=True)) for kind, row in zip(player.types, one.policy, strict=True)},
                "payoffs": by_type(one.payoffs),
            }
            for one in decision.equilibria
        ],
    }


def _options(found: Branches, node: int) -> list[str]:
    game = found.solved.game
    rows = range(int(game.arrays.option_start[node]), int(game.arrays.option_start[node + 1]))
    return [game.option_address(row).split(".", 1)[1] for row in rows]


def _whole(found: Branches) -> Content | None:
    if found.whole is None:
        return None
    game, whole = found.solved.game, found.whole
    node, x = whole.equilibria[0].first_decision()
    return {
        "starts": whole.starts,
        "led_to_one": whole.ended,
        "first": game.canonical.players[int(game.arrays.owner[node])].name,
        "equilibria": [
            {
                "taken": number == 0,
                "difference": distance,
                "policy": one.policy_at(node, x),
                "values": {player.name: dict(zip(player.types, one.value(player.name).values.tolist(), strict=True)) for player in game.canonical.players},
            }
            for number, (one, distance) in enumerate(zip(whole.equilibria, whole.distances, strict=True))
        ],
    }


# -- tables ----------------------------------------------------------------------------------------------------------------------------------


def show_branches(content: Content) -> list[Any]:
    """Return what `solve --branches` adds to the report of a solution."""
    shown: list[Any] = [heading("Other equilibria")]
    shown += [*_summary(content), *_doubts(content)]
    for decision in content["decisions"][:SHOWN]:
        shown += _decision_lines(decision)
    if len(content["decisions"]) > SHOWN:
        shown.append(Text(f"\nand {plural(len(content['decisions']) - SHOWN, 'less likely decision')}; --json has all", style="dim"))
    if content["decisions"]:
        shown.append(Text(f"\n{_legend(content)}", style="dim"))
    return [*shown, *_whole_lines(content["whole_game"])]


def _looked(content: Content) -> str:
    which = "all decisions" if content["every_decision"] else "the likeliest decisions"
    return f"{which} of players with a secret: {plural(content['looked_at'], 'point')}, {plural(content['starts'], 'start')} each"


def _summary(content: Content) -> list[Any]:
    several = len(content["decisions"])
    if not content["looked_at"]:
        if content["every_decision"]:
            return [Text("Nobody with a secret has a choice; each decision has one equilibrium, given what follows.", style="green")]
        return [Text("Single decisions are looked at on a belief grid: leave out --exact.", style="yellow")]
    if not several:
        return [Text(f"One equilibrium at every decision checked ({_looked(content)}).", style="green")]
    return [
        Text(f"Several equilibria at {several:,} of {content['looked_at']:,} checked ({_looked(content)}).", style="bold yellow"),
        Text("Each is an equilibrium of that one decision, everything after it as solved.", style="dim"),
    ]


def _doubts(content: Content) -> list[Any]:
    lines = []
    if content["doubtful"]:
        lines.append(
            Text(f"{plural(content['doubtful'], 'further solution')} on the belief grid left out: values followed exactly do not bear them out.", style="dim")
        )
    if content["incomplete"]:
        lines.append(
            Text(
                f"At {plural(content['incomplete'], 'decision')} some are missing: the signs do not add up to +1. In Python, "
                "so.branches(eq, starts=256) looks harder.",
                style="yellow",
            )
        )
    return lines


def _decision_lines(decision: Content) -> list[Any]:
    who = decision["player"] + (f" ({decision['player_title']})" if decision["player_title"] != decision["player"] else "")
    state = ", ".join(f"{name} {value_text(value)}" for name, value in decision["state"].items())
    beliefs = "; ".join(f"{player} " + ", ".join(f"{kind} {probability(p)}" for kind, p in b.items()) for player, b in decision["beliefs"].items())
    turn = f" (turn {decision['turn']})" if decision["turn"] != decision["player"] else ""
    lines: list[Any] = [
        heading(f"{decision['when']}: {who} decides{turn}, reached with probability {probability(decision['probability'])}"),
        *([Text(f"State: {state}.", style="dim")] if state else []),
        Text(f"Beliefs: {beliefs}.", style="dim"),
    ]
    equilibria = decision["equilibria"]
    columns = ["expects", "bits", "differs", "sign"]
    options, rest = _columns([one["policy"] for one in equilibria])
    shown = table("", "type", *options, *rest[:1], *columns, right=(*options, *rest[:1], *columns))
    for number, one in enumerate(equilibria, start=1):
        for position, (kind, policy) in enumerate(one["policy"].items()):
            whole = [amount(one["bits"]), "" if one["taken"] else amount(one["difference"]), f"{one['index']:+d}"] if position == 0 else [""] * 3
            shown.add_row(
                _mark(number, one) if position == 0 else "", kind, *_cells(policy, options, rest), f"{one['payoffs'][kind]:+.2f}", *whole,
                style="bold" if one["taken"] else "",
            )  # fmt: skip
    return [*lines, shown]


def _mark(number: int, one: Content) -> str:
    return f"{number} taken" if one["taken"] else str(number)


def _columns(policies: list[Content]) -> tuple[list[str], list[str]]:
    """Return the options to show, and those that share a column, whose heading comes first."""
    options = list(next(iter(policies[0].values())))
    rare = [option for option in options if all(policy[option] < RARE for by_type in policies for policy in by_type.values())]
    if len(rare) < 2:
        return options, []
    return [option for option in options if option not in rare], [f"other {len(rare)}", *rare]


def _cells(policy: Content, options: list[str], rest: list[str]) -> list[str]:
    cells = [probability(policy[option]) for option in options]
    return cells + ([probability(sum(policy[option] for option in rest[1:]))] if rest else [])


def _legend(content: Content) -> str:
    text = (
        "expects: payoff from here on to that type; bits: what the choice tells about the type; differs: largest difference of a probability from the "
        "equilibrium taken; sign: those of all solutions add up to +1."
    )
    if any(one["index"] < 0 for decision in content["decisions"] for one in decision["equilibria"]):
        text += " From a solution of sign -1, behaviour that adjusts moves away."
    return text


def _whole_lines(whole: Content | None) -> list[Any]:
    """Show the equilibria of the whole game."""
    if whole is None:
        return []
    found = whole["equilibria"]
    ended = f"{plural(whole['starts'], 'start')}, {whole['led_to_one']:,} of which led to one"
    little = " So few say little." if 4 * whole["led_to_one"] < whole["starts"] else ""
    said = "one equilibrium found" if len(found) == 1 else f"{len(found)} equilibria found"
    lines: list[Any] = [Text(f"\nThe whole game, every decision anew: {said} ({ended}).{little}", style="bold yellow" if len(found) > 1 or little else "green")]
    if len(found) == 1:
        return lines
    options, rest = _columns([one["policy"] for one in found])
    shown = table("", whole["first"], *options, *rest[:1], "expects", "differs", right=(*options, *rest[:1], "expects", "differs"))
    for number, one in enumerate(found, start=1):
        for position, (kind, policy) in enumerate(one["policy"].items()):
            named = "" if kind == "public" else kind
            differs = amount(one["difference"]) if position == 0 and not one["taken"] else ""
            expects = f"{one['values'][whole['first']][kind]:+.2f}"
            mark = _mark(number, one) if position == 0 else ""
            shown.add_row(mark, named, *_cells(policy, options, rest), expects, differs, style="bold" if one["taken"] else "")
    note = "The first choice in each; differs: largest difference of a probability at any history. --json has what every player expects."
    return [*lines, shown, Text(note, style="dim")]
