"""The report of `gallery`: published games, what is known of each, and what comes out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, Any

from standoff.printed import Table, Text
from standoff.report.words import Content, commands, heading, plural, table

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions

    from standoff.gallery import Choice, Exhibit, Gallery, Line


ROOM = 106
"""Columns from which on the overview has room for everything."""

SHOWN = 12
"""Most choices that are listed of one game."""


def gallery_content(gallery: Gallery) -> Content:
    """Return the gallery as plain data: of each game its name, citation and figures, each published, ours and their difference."""
    return {"agrees": gallery.agrees, "games": [_game(exhibit) for exhibit in gallery.exhibits]}


def _game(exhibit: Exhibit) -> Content:
    return {
        "name": exhibit.name,
        "title": exhibit.title,
        "story": exhibit.story,
        "citation": exhibit.citation,
        "remarks": list(exhibit.remarks),
        "scenario": exhibit.scenario,
        "endless": exhibit.endless,
        "agrees": exhibit.agrees,
        "figures": [_figure(line) for line in exhibit.lines],
        "choices": [_choice(choice) for choice in exhibit.choices],
        "gambit": {"commands": _in_gambit(exhibit), "why_not": exhibit.beyond_gambit or None},
    }


def _figure(line: Line) -> Content:
    figure = line.figure
    return {
        "what": figure.what,
        "of": figure.of,
        "type": figure.type,
        "after": list(figure.after),
        "state": dict(figure.state),
        "belief": figure.belief,
        "setting": dict(figure.setting),
        "limit": isinf(figure.precision),
        "precision": None if isinf(line.precision) else line.precision,
        "whence": figure.whence,
        "published": figure.known,
        "ours": line.ours,
        "difference": line.difference,
        "within": figure.within,
        "agrees": line.agrees,
        "certified": line.certified,
    }


def _in_gambit(exhibit: Exhibit) -> list[str]:
    """Return the commands that solve a scenario in Gambit at its own precision; none where it cannot."""
    scenario = exhibit.scenario
    if scenario is None or exhibit.beyond_gambit:
        return []
    return [f"standoff export {scenario} --scaled", f"gambit-logit -q -e -l 1 {scenario.removeprefix('gallery/')}.efg"]


def _choice(choice: Choice) -> Content:
    return {
        "player": choice.player,
        "type": choice.type,
        "after": list(choice.after),
        "state": dict(choice.state),
        "ours": dict(zip(choice.options, choice.probabilities, strict=True)),
    }


def short_citation(citation: str) -> str:
    """Return surnames and year.

    >>> short_citation("J. Banks, C. Camerer and D. Porter (1994), An Experimental Analysis")
    'Banks et al. 1994'
    >>> short_citation("I.-K. Cho and D. M. Kreps (1987), Signaling Games")
    'Cho & Kreps 1987'
    """
    told = re.match(r"(.*?) \((\d{4})\)", citation)
    if told is None:
        return ""
    surnames = [re.sub(r"(?:[A-Z]\.-?)+ ", "", name) for name in re.split(r", | and ", told[1])]
    return f"{f'{surnames[0]} et al.' if len(surnames) > 2 else ' & '.join(surnames)} {told[2]}"


def show_gallery(content: Content) -> list[Any]:
    """Return what `gallery` prints: all games in one table, or one of them in full."""
    games = content["games"]
    return _one(games[0]) if len(games) == 1 else _overview(content)


@dataclass(frozen=True)
class _FirstFigures:
    """The first figure of every game; where there is not the room for it, the work that it is from is left out."""

    games: Sequence[Content]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Table]:
        yield _first_figures(self.games, with_work=options.max_width >= ROOM)


def _first_figures(games: Sequence[Content], *, with_work: bool) -> Table:
    work = ("work",) if with_work else ()
    what = "the probability that"
    shown = table("game", *work, what, "known", "ours", "difference", "agree", right=("known", "ours", "difference"), wide=(what,))
    for column in shown.columns:
        column.no_wrap = column.header != what
    for game in games:
        first = game["figures"][0]
        agree = sum(figure["agrees"] for figure in game["figures"])
        shown.add_row(
            Text(game["name"], style="bold"),
            *([short_citation(game["citation"]) or "our own"] if with_work else []),
            f"{first['what']}{' *' if first['limit'] and game['scenario'] else ''}",
            f"{first['published']:.4f}",
            f"{first['ours']:.4f}",
            _difference(first),
            _agreement(agree, len(game["figures"])),
        )
    return shown


def _overview(content: Content) -> list[Any]:
    figures = sum(len(game["figures"]) for game in content["games"])
    limits = {figure["precision"] for game in content["games"] for figure in game["figures"] if figure["limit"] and figure["precision"]}
    said = f"* the limit of unbounded precision, beside ours at precision {', '.join(f'{p:g}' for p in sorted(limits))}"
    verdict = "All agree." if content["agrees"] else "NOT ALL AGREE."
    return [
        Text("Published games with known answers, solved anew", style="bold"),
        Text(
            f"{plural(len(content['games']), 'game')}, {plural(figures, 'figure')}; the first of each is shown. {verdict}",
            style="" if content["agrees"] else "bold red",
        ),
        _FirstFigures(content["games"]),
        Text(said, style="dim"),
        *commands(
            ("standoff gallery NAME", "one game in full"),
            ("standoff solve gallery/NAME", "its solution; so with explain, export and the other commands"),
            ("standoff gallery --json", "every figure"),
        ),
    ]


def _difference(figure: Content) -> Text:
    if abs(figure["difference"]) < 5e-5:
        return Text("<0.0001")
    return Text(f"{figure['difference']:+.4f}", style="" if figure["agrees"] else "bold red")


def _agreement(agree: int, count: int) -> Text:
    return Text(f"{agree} of {count}", style="green" if agree == count else "bold red")


def _one(game: Content) -> list[Any]:
    shown = table(
        "the probability that",
        "precision",
        "says",
        "known",
        "ours",
        "difference",
        right=("precision", "known", "ours", "difference"),
        wide=("the probability that",),
    )
    for figure in game["figures"]:
        miss = f"{figure['difference']:+.1e}" if figure["difference"] else "0"
        shown.add_row(
            figure["what"],
            _precision(figure),
            figure["whence"],
            f"{figure['published']:.6f}",
            f"{figure['ours']:.6f}",
            Text(miss, style="" if figure["agrees"] else "bold red"),
        )
    agree = sum(figure["agrees"] for figure in game["figures"])
    return [
        Text(game["title"], style="bold"),
        Text(game["story"], style="dim"),
        heading("Published"),
        Text(game["citation"]),
        *(Text(remark, style="dim") for remark in game["remarks"]),
        heading(f"What is known, and what comes out: {agree} of {plural(len(game['figures']), 'figure')} agree"),
        shown,
        *_notes(game),
        *_choices(game),
        *_next(game),
    ]


def _precision(figure: Content) -> str:
    if not figure["limit"]:
        return f"{figure['precision']:g}"
    return "-" if figure["precision"] is None else f"limit, at {figure['precision']:g}"


def _notes(game: Content) -> list[Any]:
    """Say how far limits may lie off, and how far the solutions themselves can be trusted."""
    if game["scenario"] is None:
        return []
    said = []
    for limit, where in ((False, "at finite precision"), (True, "where limits are measured")):
        errors = [figure["certified"] for figure in game["figures"] if figure["limit"] is limit]
        if errors:
            said.append(f"{max(errors):.0e} {where}")
    tolerance = [figure["within"] for figure in game["figures"] if figure["limit"]]
    lines = [Text(f"Certified policy distance: at most {' and '.join(said)}.", style="dim")]
    if tolerance:
        lines.append(Text(f"A limit counts as met within {max(tolerance):g}: some noise is left at any precision.", style="dim"))
    return lines


def _choices(game: Content) -> list[Any]:
    """Show every choice from our solution, in the order in which Gambit prints them of the same tree."""
    choices = game["choices"]
    if not choices:
        return []
    in_states = any(choice["state"] for choice in choices)
    shown = table("who chooses", "when" if in_states else "after", "with", wide=("when" if in_states else "after", "with"))
    for choice in choices[:SHOWN]:
        who = choice["player"] + (f", {choice['type']}" if choice["type"] else "")
        before = ", ".join(f"{name} is {_label(value)}" for name, value in choice["state"].items()) or " ".join(choice["after"])
        shown.add_row(who, before or "the start", ", ".join(f"{option} {p:.6f}" for option, p in choice["ours"].items()))
    rest = len(choices) - SHOWN
    more = [Text(f"... and {plural(rest, 'more choice')}; --json has them all.", style="dim")] if rest > 0 else []
    if game["gambit"]["why_not"]:
        return [heading("Every choice"), shown, *more, Text(f"Gambit cannot solve it: {game['gambit']['why_not']}.", style="dim")]
    return [heading("The same in Gambit: after the precision it prints these numbers, in this order"), shown, *more]


def _label(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _next(game: Content) -> list[Any]:
    name = game["scenario"]
    if name is None:
        line = Text("In Python, `equilibria(CrisisSignalling(defender_war=-2))` of standoff.gallery answers for other payoffs.", style="dim")
        return [line, *commands(("standoff gallery", "all games"))]
    # Reasons are given for games that end.
    why = [] if game["endless"] else [(f"standoff explain {name}", "why, and what would change it")]
    return commands(
        (f"standoff solve {name}", "its solution; --set precision=5 for sharper play"),
        *why,
        *zip(game["gambit"]["commands"], ("write the tree for Gambit", "and solve it there"), strict=False),
    )
