"""The gallery: every game with what is known of it and what comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from standoff.errors import SolveError
from standoff.gallery import crisis_signalling
from standoff.gallery.choices import Choice, choices
from standoff.gallery.figures import FIGURES, Figure
from standoff.gallery.measure import Line, measure
from standoff.scenario import bundled, load
from standoff.scenario.find import no_such_game

OWN = "No publication: a game of our own, whose answer another solver (Gambit) found on its tree."
"""The citation of a bundled scenario."""

Progress = Callable[[str, float], None]

FIXED_POINT = "crisis-signalling"
"""The one game that is no scenario but a map of its own."""


@dataclass(frozen=True)
class Exhibit:
    """One published game."""

    name: str
    title: str
    story: str
    citation: str
    """The work in which the game, or its answer, is published."""
    remarks: tuple[str, ...]
    """Other sources, and what differs from the work cited."""
    scenario: str | None
    """What `load` finds it by; None for a game outside the scenario language."""
    lines: tuple[Line, ...]
    choices: tuple[Choice, ...] = ()
    """Every choice, in the order in which Gambit prints them of the exported game; nothing for a game outside the scenario language."""
    beyond_gambit: str = ""
    """Why Gambit cannot solve it; nothing where it can."""
    endless: bool = False
    """Whether the game goes on without a last period."""

    @property
    def agrees(self) -> bool:
        """Tell whether every figure agrees."""
        return all(line.agrees for line in self.lines)


@dataclass(frozen=True)
class Gallery:
    """Published games, solved."""

    exhibits: tuple[Exhibit, ...]

    @property
    def agrees(self) -> bool:
        """Tell whether every figure of every game agrees."""
        return all(exhibit.agrees for exhibit in self.exhibits)

    @property
    def table(self) -> Any:
        """Return all figures as a pandas DataFrame, one row a figure; the precision of a limit is infinite."""
        import pandas as pd

        rows = [
            {
                "game": exhibit.name,
                "citation": exhibit.citation,
                "what": line.figure.what,
                "precision": line.figure.precision,
                "whence": line.figure.whence,
                "published": line.figure.known,
                "ours": line.ours,
                "difference": line.difference,
                "agrees": line.agrees,
            }
            for exhibit in self.exhibits
            for line in exhibit.lines
        ]
        return pd.DataFrame(rows)


def names() -> tuple[str, ...]:
    """List the games of the gallery."""
    return (*FIGURES, FIXED_POINT)


def gallery(name: str | None = None, *, progress: Progress | None = None) -> Gallery:
    """Solve the published games, or one of them, and set what comes out beside what is known.

    Raises ScenarioError for a name that is none, SolveError when a game cannot be solved as finely as its figures need.

    >>> import standoff as so
    >>> shown = so.gallery("trust")
    >>> shown.agrees
    True
    >>> shown.table["what"].head(2).to_list()
    ['trust is honoured', 'the buyer trusts']
    """
    known = names()
    if name is not None:
        name = name.removeprefix("gallery/")
        if name not in known:
            raise no_such_game(name, known)
    wanted = known if name is None else (name,)
    exhibits = []
    for number, one in enumerate(wanted):
        if progress is not None:
            progress("solving published games", number / len(wanted))
        exhibits.append(_fixed_point() if one == FIXED_POINT else _solved(one))
    if progress is not None:
        progress("solving published games", 1.0)
    return Gallery(tuple(exhibits))


def _solved(name: str) -> Exhibit:
    found = name if name in bundled() else f"gallery/{name}"
    scenario = load(found)
    sources = dict(scenario.sources)
    citation = sources.pop("published", OWN)
    story, remarks = " ".join(scenario.summary.split()), tuple(sources.values())
    chosen, beyond = choices(found)
    return Exhibit(name, scenario.title, story, citation, remarks, found, measure(found, FIGURES[name]), chosen, beyond, scenario.clock.open_ended)


def _fixed_point() -> Exhibit:
    """Return the crisis signalling game with all its equilibria."""
    known, ours = crisis_signalling.KNOWN, crisis_signalling.equilibria()
    if len(ours) != len(known):
        raise SolveError(f"{FIXED_POINT} has {len(known)} equilibria, of which {len(ours)} were found")
    lines = []
    for which, (one, whence), found in zip(("first", "second", "third"), known, ours, strict=True):
        what = f"the defender resists, in the {which} equilibrium"
        figure = Figure(what=what, of="defender.resist", known=one, whence=whence, within=crisis_signalling.WITHIN, precision=inf)
        lines.append(Line(figure, found, inf, 0.0))
    remarks = (
        "Private shocks are normal: outside the scenario language, so it is solved as a fixed point of its own.",
        "Values as in C. Crisman-Cox and M. Gibilisco (2019), Political Science Research and Methods, doi:10.1017/psrm.2019.58.",
        "Their replication files list 0.4715766 for the second and search on from there: resistance that is expected so often comes with 0.4713015. "
        "What is set beside ours is the root of the equation as the papers write it, found on its own.",
    )
    told = crisis_signalling.TITLE, crisis_signalling.STORY, crisis_signalling.CITATION, remarks, None, tuple(lines)
    return Exhibit(FIXED_POINT, *told, beyond_gambit="its shocks are normal, and a tree has finitely many types")
