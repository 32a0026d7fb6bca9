"""The report on opening beliefs: what the record of the scenario that goes before left, and what is still believed of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standoff.printed import Text
from standoff.report.words import Content, heading, percent, probability, table

if TYPE_CHECKING:
    from standoff.game import Game


def opening_content(game: Game) -> Content | None:
    """Return how the opening beliefs of a game came about as plain data; None when they are the declared priors."""
    opened, source = game.opened, game.canonical.source
    if opened is None or source is None:
        return None
    beliefs = []
    for name in source.players:
        i = game.player_index[name]
        for k, kind in enumerate(game.canonical.players[i].types):
            parts = {"declared": float(opened.declared[i][k]), "closing": opened.closing[name][kind], "opening": float(game.priors[i][k])}
            beliefs.append({"player": name, "type": kind, **parts})
    kept = [player.name for player in game.canonical.players if len(player.types) > 1 and player.name not in source.players]
    grid = source.grid
    return {
        "from": opened.source,
        "memory": opened.memory,
        "beliefs": beliefs,
        "as_declared": kept,
        "log_likelihood": opened.log_likelihood,
        "policy_distance": grid.policy_distance if grid is not None else None,
        "met": grid.met if grid is not None else None,
    }


def opening_lines(content: Content | None) -> list[Any]:
    """Show the opening beliefs beside what they are made of."""
    if content is None:
        return []
    source = content["from"]
    closing = f"after {source}"
    shown = table("player", "type", "declared prior", closing, "opening", right=("declared prior", closing, "opening"))
    last = ""
    for row in content["beliefs"]:
        numbers = [probability(row[column]) for column in ("declared", "closing", "opening")]
        shown.add_row("" if row["player"] == last else row["player"], row["type"], *numbers)
        last = row["player"]
    lines: list[Any] = [heading("Opening beliefs"), shown]
    kept = f" The belief about {' and '.join(content['as_declared'])} is the declared prior." if content["as_declared"] else ""
    remembered = f"{percent(content['memory'])} of what the whole record of {source} left, the rest the declared prior."
    lines.append(Text(f"{remembered}{kept}", style="dim"))
    if content["met"] is False:
        distance = content["policy_distance"]
        lines.append(
            Text(f"The solution of {source} misses the tolerance (policy distance {distance:.1e}): these beliefs may be off.", style="bold red")
        )
    return lines
