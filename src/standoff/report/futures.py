"""The report on simulated futures: how the game ends and when, and what happens on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from standoff.report.words import Content, moment, probability, table
from standoff.scenario.titles import titles

if TYPE_CHECKING:
    from standoff.scenario import Scenario
    from standoff.simulate import Futures

MOVES_SHOWN = 8


def futures_content(scenario: Scenario, futures: Futures, *, after_record: bool = False) -> Content:
    """Return simulated futures as plain data: each end with its probability, in all and by the end of each period; each option taken."""
    canonical = futures.equilibrium.game.canonical
    called = titles(scenario)
    quiet = {f"{turn.player}.{turn.silent}" for turn in canonical.turns}
    options = {f"{turn.player}.{option.name}" for turn in canonical.turns for option in turn.options}
    ends, moves = futures.ends(), futures.moves()
    n_periods = canonical.calendar.n_periods
    dated = int(canonical.calendar.starts is not None)  # by a date means by the end of the period before it
    return {
        "runs": len(futures),
        "seed": futures.seed,
        "after_record": after_record,
        "periods": [moment(canonical.calendar, period + dated) for period in range(n_periods)],
        "ends": [
            {
                "end": end,
                "title": called.get(f"end:{end}", end),
                "probability": float(row["total"]),
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
    """Show the ends with their probability by a few moments."""
    n = len(content["periods"])
    cuts = sorted({round((n - 1) * share) for share in (0.25, 0.5, 0.75)} - {n - 1}) if n > 3 else []
    names = [f"by {content['periods'][cut]}" for cut in cuts]
    shown = table("end", *names, "in all", right=(*names, "in all"))
    for end in content["ends"]:
        shown.add_row(end["title"], *(probability(end["by_period"][cut]) for cut in cuts), probability(end["probability"]))
    return shown


def moves_line(content: Content) -> str:
    """Say which moves happen most often."""
    rows = content["moves"][:MOVES_SHOWN]
    return "; ".join(f"{row['move'].split('.')[0]}: {_small(row)} {probability(row['probability'])}" for row in rows)


def _small(row: Content) -> str:
    title = str(row["title"]).removeprefix(f"{row['move'].split('.')[0]}: ")
    return title[:1].lower() + title[1:]
