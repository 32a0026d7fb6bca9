"""The report on other equilibria than the one taken: decisions with several, and the whole game where it is small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from standoff.printed import Text
from standoff.report.words import Content, amount, heading, plural, probability, table, value_text
from standoff.scenario.titles import moment

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console, ConsoleOptions

    from standoff.solve import Branches
    from standoff.solve.branches import Decision

SHOWN = 8
"""Decisions shown in full."""

MOST = 8
"""Equilibria shown of one decision."""

RARE = 0.005
"""Options that every type takes with less in every equilibrium share a column."""


def branches_content(found: Branches) -> Content:
    """Return what was found as plain data; every decision with several equilibria is listed, the likeliest first."""
    return {
        "unique": found.unique,
        "on_grid": found.on_grid,
        "choices_at_once": found.solved.game.structure.at_once,
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
        "complete": whole.complete,
        "first": game.canonical.players[int(game.arrays.owner[node])].name,
        "equilibria": [
            {
                "taken": number == 0,
                "index": index,
                "difference": distance,
                "policy": one.policy_at(node, x),
                "values": {
                    player.name: dict(zip(player.types, one.value(player.name).values.tolist(), strict=True)) for player in game.canonical.players
                },
            }
            for number, (one, distance, index) in enumerate(zip(whole.equilibria, whole.distances, whole.indices, strict=True))
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
    which = "all" if content["every_decision"] else "the likeliest"
    return f"{plural(content['looked_at'], 'point')}, {plural(content['starts'], 'start')} each; {which} decisions of players with a secret"


def _summary(content: Content) -> list[Any]:
    several = len(content["decisions"])
    if not content["on_grid"]:
        return [Text("Single decisions are looked at on a belief grid: leave out --exact.", style="yellow")]
    if not content["looked_at"] and not content["every_decision"]:
        return [Text("The likeliest histories lead to no decision of a player with a secret.", style="yellow")]
    if not content["looked_at"]:
        if content["choices_at_once"]:
            return [Text("Nobody with a secret has a choice alone.", style="dim")]
        return [Text("Nobody with a secret has a choice; each decision has one equilibrium, given what follows.", style="green")]
    if not several:
        return [Text(f"One equilibrium at every decision checked ({_looked(content)}).", style="green")]
    return [
        Text(f"Several equilibria at {several:,} of {plural(content['looked_at'], 'decision')} checked ({_looked(content)}).", style="bold yellow"),
        Text("Each is an equilibrium of that one decision, everything after it as solved.", style="dim"),
    ]


def _doubts(content: Content) -> list[Any]:
    lines = []
    if content["choices_at_once"] and content["whole_game"] is None:
        what = "Of choices made at once, other equilibria are looked for in games without secrets, and in small ones that were solved exactly."
        lines.append(Text(what, style="yellow"))
    if content["doubtful"]:
        lines.append(
            Text(
                f"{plural(content['doubtful'], 'further solution')} on the belief grid left out: values followed exactly do not bear them out.",
                style="dim",
            )
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
    rows = []
    chosen = _chosen(decision["equilibria"])
    for number, one in chosen:
        for position, (kind, policy) in enumerate(one["policy"].items()):
            whole = [amount(one["bits"]), "" if one["taken"] else amount(one["difference"]), f"{one['index']:+d}"] if position == 0 else [""] * 3
            rows.append(_Row((_mark(number, one) if position == 0 else "", kind), policy, (f"{one['payoffs'][kind]:+.2f}", *whole), one["taken"]))
    return [*lines, _Policies(("", "type"), ("expects", "bits", "differs", "sign"), tuple(rows)), *_unshown(decision["equilibria"], chosen)]


def _mark(number: int, one: Content) -> str:
    return f"{number} taken" if one["taken"] else str(number)


def _chosen(equilibria: list[Content]) -> list[tuple[int, Content]]:
    """Return the equilibria to show with their numbers: all where they are few, else an even spread over those of the largest sign."""
    numbered = list(enumerate(equilibria, start=1))
    if len(numbered) <= MOST:
        return numbered
    others = sorted(numbered[1:], key=lambda item: -item[1].get("index", 0))
    others = [item for item in others if item[1].get("index", 0) == others[0][1].get("index", 0)]
    spread = {round(i * (len(others) - 1) / (MOST - 2)) for i in range(MOST - 1)}
    return [numbered[0], *(others[i] for i in sorted(spread))]


def _unshown(equilibria: list[Content], chosen: list[tuple[int, Content]]) -> list[Any]:
    rest = len(equilibria) - len(chosen)
    return [Text(f"and {rest:,} more; --json has all", style="dim")] if rest else []


@dataclass(frozen=True)
class _Row:
    before: tuple[str, ...]
    policy: Content
    after: tuple[str, ...]
    taken: bool


@dataclass(frozen=True)
class _Policies:
    """Choice probabilities, a column an option; where the options' names do not fit, letters stand for them."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    rows: tuple[_Row, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        names = list(self.rows[0].policy)
        rare = [name for name in names if all(row.policy[name] < RARE for row in self.rows)]
        rare = rare if len(rare) > 1 else []
        shown = [name for name in names if name not in rare]
        rest = [f"other {len(rare)}"] if rare else []
        cells = [row.before + row.after for row in self.rows]
        fixed = sum(max(len(cell) for cell in column) + 2 for column in zip(self.before + self.after, *cells, strict=True))
        wide = fixed + sum(max(len(name), 5) + 2 for name in [*shown, *rest]) > options.max_width
        called = [chr(ord("a") + i) if wide else name for i, name in enumerate(shown)]
        made = table(*self.before, *called, *rest, *self.after, right=(*called, *rest, *self.after))
        for row in self.rows:
            together = [probability(sum(row.policy[name] for name in rare))] if rare else []
            made.add_row(*row.before, *(probability(row.policy[name]) for name in shown), *together, *row.after, style="bold" if row.taken else "")
        yield made
        if wide:
            yield Text("; ".join(f"{letter} {name}" for letter, name in zip(called, shown, strict=True)), style="dim")


def _legend(content: Content) -> str:
    text = (
        "expects: payoff from here on to that type; bits: what the choice tells about the type; differs: largest difference of a probability from "
        "the equilibrium taken; sign: those of all solutions add up to +1."
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
    lines: list[Any] = [
        Text(f"\nThe whole game, every decision anew: {said} ({ended}).{little}", style="bold yellow" if len(found) > 1 or little else "green")
    ]
    if not whole["complete"]:
        what = "One of them is singular, where branches cross or turn" if not all(one["index"] for one in found) else "Some are missing"
        lines.append(
            Text(f"{what}: the signs of their determinants do not add up to +1. In Python, so.branches(eq, starts=256) looks harder.", style="yellow")
        )
    if len(found) == 1:
        return lines
    rows = []
    chosen = _chosen(found)
    for number, one in chosen:
        for position, (kind, policy) in enumerate(one["policy"].items()):
            differs = amount(one["difference"]) if position == 0 and not one["taken"] else ""
            mark = _mark(number, one) if position == 0 else ""
            expects = f"{one['values'][whole['first']][kind]:+.2f}"
            sign = f"{one['index']:+d}" if position == 0 else ""
            rows.append(_Row((mark, "" if kind == "public" else kind), policy, (expects, differs, sign), one["taken"]))
    note = (
        "The first choice in each; differs: largest difference of a probability at any history; sign: those of all equilibria add up to +1. "
        "--json has what every player expects."
    )
    shown = _Policies(("", whole["first"]), ("expects", "differs", "sign"), tuple(rows))
    return [*lines, shown, *_unshown(found, chosen), Text(note, style="dim")]
