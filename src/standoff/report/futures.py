"""The report on simulated futures: how the game ends and when, and what happens on the way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rich.console import Group

from standoff.measured import LUCK
from standoff.printed import Text
from standoff.report.words import Content, plus_minus, probability, table
from standoff.scenario.titles import moment, titles

if TYPE_CHECKING:
    from standoff.scenario import Scenario
    from standoff.simulate import Futures

MOVES_SHOWN = 8


UNSEEN = 0.005
"""Chances below this are not worth a column."""


def futures_content(scenario: Scenario, futures: Futures, *, after_record: bool = False) -> Content:
    """Return simulated futures as plain data: each end with its probability, in all and by the end of each period; each option taken."""
    from standoff.claims.whole import chances_of_ends

    canonical = futures.equilibrium.game.canonical
    called = titles(scenario)
    quiet = {f"{turn.player}.{turn.silent}" for turn in canonical.turns}
    options = {f"{turn.player}.{option.name}" for turn in canonical.turns for option in turn.options}
    ends, moves = futures.ends(), futures.moves()
    chances = chances_of_ends(futures.equilibrium, futures.root, futures.x, futures.acted)
    ends = ends.reindex([*ends.index, *(end for end, chance in chances.items() if end not in ends.index and chance.value > 0.0)], fill_value=0.0)
    n_periods = canonical.calendar.n_periods
    dated = int(canonical.calendar.starts is not None)  # by a date means by the end of the period before it
    return {
        "runs": len(futures),
        "start": int(futures.equilibrium.game.structure.period[futures.root]),
        "seed": futures.seed,
        "after_record": after_record,
        "periods": [moment(canonical.calendar, period + dated) for period in range(n_periods)],
        "ends": [
            {
                "end": end,
                "title": called.get(f"end:{end}", end),
                "probability": chances[str(end)].value,
                "bound": chances[str(end)].bound,
                "drawn": float(row["total"]),
                "by_period": row[list(range(n_periods))].cumsum().tolist(),
            }
            for end, row in ends.iterrows()
        ],
        "moves": [
            {"move": move, "title": called.get(str(move), str(move)), "probability": float(row["share"]), "first_period": float(row["first_period"])}
            for move, row in moves.iterrows()
            if move in options and move not in quiet
        ],
    }


def ends_table(content: Content) -> Any:
    """Show the ends with their probability by a few moments after the start, unless nearly all come in the last period."""
    first, last = content["start"], len(content["periods"]) - 1
    cuts = sorted({first + round((last - first) * share) for share in (0.25, 0.5, 0.75)} - {last}) if last - first > 2 else []
    late = bool(cuts) and all(end["by_period"][last - 1] < UNSEEN for end in content["ends"])
    if late:
        cuts = []
    names = [f"by {content['periods'][cut]}" for cut in cuts]
    shown = table("end", *names, "in all", right=(*names, "in all"))
    for end in content["ends"]:
        shown.add_row(end["title"], *(probability(end["by_period"][cut]) for cut in cuts), probability(end["probability"]))
    remarks = [Text("Nearly all come as time runs out.", style="dim")] if late else []
    off = plus_minus("in all", [end["bound"] for end in content["ends"]])
    remarks += [Text(f"Within {off} of exact play.", style="yellow")] if off else []
    remarks += [Text(line, style="bold red") for line in apart(content)]
    return Group(shown, *remarks) if remarks else shown


def apart(content: Content) -> list[str]:
    """Return the ends whose chance and whose share of the futures that were drawn differ by more than luck and the bound allow."""
    found = []
    for end in content["ends"]:
        p = min(max(end["probability"], 0.0), 1.0)
        luck = LUCK * (math.sqrt(p * (1.0 - p) / content["runs"]) + 1.0 / content["runs"])
        if not abs(end["drawn"] - p) <= luck + end["bound"]:
            found.append(
                f"FAULT: “{end['title']}” has a chance of {p:.4f} (within {end['bound']:.1e}), but comes in {end['drawn']:.4f} of "
                f"{content['runs']:,} futures drawn, more than {LUCK:.0f} standard errors away. One of the two is wrong: do not trust either."
            )
    return found


def moves_line(content: Content) -> str:
    """Say which moves happen most often."""
    rows = content["moves"][:MOVES_SHOWN]
    return "; ".join(f"{row['move'].split('.')[0]}: {_small(row)} {probability(row['probability'])}" for row in rows)


def _small(row: Content) -> str:
    title = str(row["title"]).removeprefix(f"{row['move'].split('.')[0]}: ")
    return title[:1].lower() + title[1:]
