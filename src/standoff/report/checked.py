"""The report of `check`: faults and warnings, and how large the game is. Nothing is solved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from standoff.errors import Fault, RecordError
from standoff.game import Estimate, estimate
from standoff.game.told import must_be_told
from standoff.printed import Text
from standoff.report.words import Content, plural
from standoff.scenario import own_record

if TYPE_CHECKING:
    from standoff.game import Game
    from standoff.scenario import Scenario

PRODUCT_AXES, MAX_AXES = 2, 12
"""As in `standoff.solve`; a test compares what follows, importing it would load the compiler."""


def beliefs_at_first(n_axes: int) -> int:
    """Return the number of nodes of the belief grid that a solve begins with: nine per axis, or the smallest sparse grid."""
    if n_axes <= PRODUCT_AXES:
        return int(9**n_axes)
    return 1 + 2 * n_axes


def first_estimate(game: Game) -> Estimate | None:
    """Return what the first belief grid of a game will take.

    None beyond `MAX_AXES`, and for games without secrets that are solved over all their public states at once.
    """
    axes = game.size()["private_types"]
    whole = axes == 0 and (game.structure.at_once or game.structure.open_ended)
    return None if whole or axes > MAX_AXES else estimate(game, beliefs_at_first(axes))


def found_in_game(scenario: Scenario, game: Game) -> list[Fault]:
    """Tell of options never on a menu, ends never reached, too many types, and a record that tells nothing: only the built game can."""
    structure, axes = game.structure, game.size()["private_types"]
    never = "this option can never be taken: no state that can be reached offers it"
    options = [
        _warning(scenario, ("turns", position, "options", name), never, name)
        for position, turn in enumerate(scenario.turns)
        for name in turn.options
        if not len(game.options_at(f"{turn.player}.{name}"))
    ]
    ends = [
        _warning(scenario, ("ends", name), "this end is never reached", name) for name in scenario.ends if not len(structure.nodes_at(f"end:{name}"))
    ]
    problem = f"the types span more belief axes than the {MAX_AXES} of a grid; only a game of few histories can be solved, with `solve --exact`"
    types = [_warning(scenario, ("players",), problem, f"{axes} axes (a player with K types takes K - 1)")] if axes > MAX_AXES else []
    return options + ends + types + _untold(scenario, game)


def _untold(scenario: Scenario, game: Game) -> list[Fault]:
    """Refuse a record of which nothing would be told, as `replay` and `run` do."""
    record = None if game.structure.open_ended else own_record(scenario)
    try:
        if record is not None:
            must_be_told(game, record)
    except RecordError as error:
        return list(error.faults)
    return []


def _warning(scenario: Scenario, path: tuple[str | int, ...], problem: str, found: str) -> Fault:
    place = scenario.origin.place(path, key=True)
    field = ".".join(map(str, path))
    return Fault(problem=problem, file=place.file, line=place.line, column=place.column, field=field, found=found, severity="warning")


def fault_content(fault: Fault) -> Content:
    """Return a fault as plain data."""
    return {name: getattr(fault, name) for name in ("severity", "file", "line", "column", "field", "problem", "found", "allowed", "suggestion")} | {
        "text": str(fault)
    }


def check_content(name: str, faults: Sequence[Fault], game: Game | None) -> Content:
    """Return the report of a checked scenario; `game` is None when it has errors."""
    errors = sum(fault.severity == "error" for fault in faults)
    content: Content = {
        "file": name,
        "ok": errors == 0,
        "errors": errors,
        "warnings": len(faults) - errors,
        "faults": [fault_content(fault) for fault in faults],
        "size": None,
        "estimate": None,
        "players": None,
    }
    if game is not None:
        content["size"] = game.size()
        guess = first_estimate(game)
        content["estimate"] = asdict(guess) if guess is not None else None
        content["players"] = [
            {"player": player.name, "title": player.title, "types": dict(zip(player.types, np.asarray(prior).tolist(), strict=True))}
            for player, prior in zip(game.canonical.players, game.priors, strict=True)
        ]
    return content


def show_check(content: Content) -> list[Any]:
    """Return what `check` prints; of a chain, what it prints of each part."""
    shown: list[Any] = []
    if content.get("parts"):
        for part in content["parts"]:
            shown += [*show_check(part), Text("")]
    for number, fault in enumerate(content["faults"], start=1):
        style = "red" if fault["severity"] == "error" else "yellow"
        shown.append(Text.assemble((f"{number:>3}. ", style), fault["text"]))
    summary = f"{content['file']}: "
    if content["errors"]:
        summary += plural(content["errors"], "error") + (f", {plural(content['warnings'], 'warning')}" if content["warnings"] else "")
        shown.append(Text(summary, style="bold red"))
    else:
        summary += plural(content["warnings"], "warning") if content["warnings"] else "no faults"
        shown.append(Text(summary, style="bold yellow" if content["warnings"] else "bold green"))
    if content["size"] is not None:
        shown += size_lines(content["size"], content["estimate"], content["players"])
    return shown


def size_lines(size: Content, guess: Content | None, players: Sequence[Content] | None) -> list[Any]:
    """Say how large a game is."""
    lines = [
        f"{plural(size['decision_points'], 'decision point')} with {plural(size['options'], 'option')}, "
        f"{plural(size['chance_points'], 'chance point')}, {plural(size['ends'], 'end point')}, "
        + (f"in {plural(size['periods'], 'period')}" if "periods" in size else "in periods without end")
    ]
    if players is not None:
        who = "; ".join(
            f"{player['player']}" + (f" ({_shown_types(list(player['types']))})" if len(player["types"]) > 1 else " (no secret)")
            for player in players
        )
        lines.append(f"players: {who}")
    if guess is not None:
        seconds = max(guess["seconds"], 1.0)
        time = "a second" if seconds < 1.5 else f"{seconds:,.0f} s"
        sweeps = f" in each of some {guess['sweeps']:,} sweeps until values settle" if guess["sweeps"] > 1 else ""
        lines.append(
            f"the first belief grid has {plural(guess['beliefs'], 'node')}: {plural(guess['stages'], 'stage')}{sweeps}, about "
            f"{max(guess['bytes'] / 2**20, 1):,.0f} MB and {time} on one core; finer grids follow as needed"
        )
    return [Text(line) for line in lines]


def _shown_types(types: Sequence[str]) -> str:
    return " or ".join(types) if len(types) <= 12 else f"{len(types):,} types"
