"""What is known of each game of the gallery: the one place where figures from elsewhere stand.

A figure is the probability of an option after a public history, for one type of its player, at one precision; or the belief in a type there.
The limit of unbounded precision is compared with the solution at `LIMIT_PRECISION`; where the limit mixes, the noise left there moves it by less
than a thousandth, within the tolerance. `docs/gallery.md` derives the closed forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, inf
from typing import Literal

LIMIT_PRECISION = 1000.0
"""Where limits are measured."""

MIXING = 0.002
"""Tolerance of a limit. At precision 1,000 the log-odds of a mixture are bought with payoff differences of about a thousandth."""

EXACT = 1e-9

Whence = Literal["published", "closed form", "Gambit"]
"""Who says so: the work cited, pen and paper, or the agent quantal response of Gambit 17.0.0b2 on the same tree (an independent solver)."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number that is known of a game."""

    what: str
    """In words, after "the probability that"; or a whole phrase for a belief."""
    of: str
    """`player.option`, or `player.type` for a belief."""
    known: float
    whence: Whence
    within: float
    """How far ours may lie from it: a unit of its last digit, rounding of a closed form, or the distance from a limit."""
    type: str | None = None
    after: tuple[str, ...] = ()
    """Addresses of the moves before, in order."""
    precision: float = 1.0
    """Infinite for a limit."""
    belief: bool = False
    setting: Mapping[str, float] = field(default_factory=dict)
    """Parameters and clock fields that differ from the file."""


def logistic(x: float) -> float:
    """Return the probability of an option that is better than its only alternative by log-odds x."""
    return 1.0 / (1.0 + exp(-x))


def _limit(what: str, of: str, known: float, **more: object) -> Figure:
    return Figure(what=what, of=of, known=known, precision=inf, within=MIXING, whence="published", **more)  # type: ignore[arg-type]


def _derived(what: str, of: str, known: float, **more: object) -> Figure:
    return Figure(what=what, of=of, known=known, precision=inf, within=MIXING, whence="closed form", **more)  # type: ignore[arg-type]


def _gambit(what: str, of: str, known: float, **more: object) -> Figure:
    return Figure(what=what, of=of, known=known, whence="Gambit", within=1e-6, **more)  # type: ignore[arg-type]


def _closed(what: str, of: str, known: float, **more: object) -> Figure:
    return Figure(what=what, of=of, known=known, whence="closed form", within=EXACT, **more)  # type: ignore[arg-type]


def _centipede() -> list[Figure]:
    """Take, move by move: backward induction at two precisions, and its limit."""
    moves = ("one.take", "two.take", "one.take", "two.take")
    passes = ("one.pass", "two.pass", "one.pass")
    names = ("first", "second", "third", "fourth")
    at_two = (0.23619, 0.37630, 0.76158, 0.96083)
    found = []
    for i, (move, name) in enumerate(zip(moves, names, strict=True)):
        what, after = f"the {name} mover takes", passes[:i]
        found.append(_limit(what, move, 1.0, after=after))
        found.append(Figure(what=what, of=move, known=at_two[i], whence="Gambit", within=1e-5, after=after, precision=2.0))
    # The last mover gains 3.2 - 1.6 by taking, the third 1.6 less what the last one leaves it.
    last = logistic(1.6)
    third = logistic(1.6 - (0.8 * last + 6.4 * (1 - last)))
    found.append(_closed("the fourth mover takes", moves[3], last, after=passes))
    found.append(_closed("the third mover takes", moves[2], third, after=passes[:2]))
    return found


def _messages() -> list[Figure]:
    """Return what the two types send, for either transcription of one payoff."""
    chances = {
        2.0: {"one": (0.230796, 0.184630, 0.584574), "two": (0.383511, 0.198298, 0.418192)},
        1.0: {"one": (0.214046, 0.189870, 0.596084), "two": (0.406312, 0.193970, 0.399718)},
    }
    found = [_limit(f"type {kind} sends message 3", "sender.m3", 1.0, type=kind) for kind in ("one", "two")]
    for reward, by_type in chances.items():
        for kind, row in by_type.items():
            for number, known in enumerate(row, start=1):
                what = f"type {kind} sends message {number} (reward {reward:g})"
                found.append(_gambit(what, f"sender.m{number}", known, type=kind, setting={"reward": reward}))
    return found


def _signalling() -> list[Figure]:
    pressing = {1: (0.52954, 0.89258), 2: (0.39529, 0.52164), 3: (0.42164, 0.55022)}
    return [
        Figure(
            what=f"the {kind} challenger presses at the start of {'one round' if rounds == 1 else f'{rounds} rounds'}",
            of="challenger.press",
            type=kind,
            known=known,
            whence="Gambit",
            within=1e-5,
            setting={"clock.periods": rounds},
        )
        for rounds, row in pressing.items()
        for kind, known in zip(("weak", "strong"), row, strict=True)
    ]


_ENTERED, _FOUGHT = ("entrant_3.enter",), ("entrant_3.enter", "monopolist.fight")
_TWICE = (*_FOUGHT, "entrant_2.enter", "monopolist.fight")
_THREATENED = ("challenger.threaten",)
_CHALLENGED = ("government.threaten",)
_SPOKEN = (*_CHALLENGED, "opposition.speak")
_SUPPORTED, _OPPOSED = (*_SPOKEN, "opposition.speak/support"), (*_SPOKEN, "opposition.speak/dissent")
_RALLIED = (*_CHALLENGED, "opposition.rally")
_SILENCED, _TORN = {"blame": 5.0}, {"blame": 2.0}
_NO_DETERRENCE = ("entrant_1.enter", "chain.fight", "entrant_2.enter", "chain.fight")

_KNOWN: dict[str, tuple[Figure, ...]] = {
    "poker": (
        _limit("a queen bluffs", "professor.bet", 1 / 3, type="queen"),
        _limit("a king bets", "professor.bet", 1.0, type="king"),
        _limit("the bet is called", "student.call", 2 / 3, after=("professor.bet",)),
        _gambit("a queen bluffs", "professor.bet", 0.539087, type="queen"),
        _gambit("a king bets", "professor.bet", 0.931785, type="king"),
        _gambit("the bet is called", "student.call", 0.614444, after=("professor.bet",)),
    ),
    "job-market": (
        _limit("the able study", "worker.study", 1.0, type="able"),
        _limit("the others study", "worker.study", 0.0, type="other"),
        _limit("a graduate becomes manager", "firm.manager", 1.0, after=("worker.study",)),
        _limit("one without a diploma becomes manager", "firm.manager", 0.0, after=("worker.work",)),
        _gambit("the able study", "worker.study", 0.805697, type="able"),
        _gambit("the others study", "worker.study", 0.171120, type="other"),
        _gambit("a graduate becomes manager", "firm.manager", 0.953410, after=("worker.study",)),
        _gambit("one without a diploma becomes manager", "firm.manager", 0.049695, after=("worker.work",)),
    ),
    "centipede": tuple(_centipede()),
    "chain-store": (
        _limit("the first entrant enters", "entrant_1.enter", 1.0),
        _limit("the first entry is shared, not fought", "chain.share", 1.0, after=("entrant_1.enter",)),
        _limit("the third enters after two fights", "entrant_3.enter", 1.0, after=_NO_DETERRENCE),
        _closed("the first entry is shared, not fought", "chain.share", logistic(2), after=("entrant_1.enter",)),
        _closed("the first entrant enters", "entrant_1.enter", logistic(2 * logistic(2) - 1)),
        _closed("the third enters after two fights", "entrant_3.enter", logistic(2 * logistic(2) - 1), after=_NO_DETERRENCE),
    ),
    "messages": tuple(_messages()),
    "beer-quiche": (
        _limit("the surly have beer", "stranger.beer", 1.0, type="surly"),
        _limit("a wimp has beer", "stranger.beer", 1.0, type="wimp"),
        _limit("beer is left in peace", "bully.leave", 1.0, after=("stranger.beer",)),
        _gambit("the surly have beer", "stranger.beer", 0.765018, type="surly"),
        _gambit("a wimp has beer", "stranger.beer", 0.305847, type="wimp"),
        _gambit("beer is challenged", "bully.duel", 0.285991, after=("stranger.beer",)),
        _gambit("quiche is challenged", "bully.duel", 0.376187, after=("stranger.quiche",)),
    ),
    "reputation": (
        _limit("a weak monopolist fights the first entrant", "monopolist.fight", 1 / 3, type="weak", after=_ENTERED),
        _limit("a strong monopolist fights the first entrant", "monopolist.fight", 1.0, type="strong", after=_ENTERED),
        _limit("the belief that it is strong after one fight", "monopolist.strong", 0.5**2, after=_FOUGHT, belief=True),
        _limit("the second entrant comes in after a fight", "entrant_2.enter", 1 / 2, after=_FOUGHT),
        _limit("a weak monopolist fights the second too", "monopolist.fight", 1 / 3, type="weak", after=(*_FOUGHT, "entrant_2.enter")),
        _limit("the belief that it is strong after two fights", "monopolist.strong", 0.5, after=_TWICE, belief=True),
        _limit("the last entrant comes in after two fights", "entrant_1.enter", 1 / 2, after=_TWICE),
        _limit("a weak monopolist fights the last", "monopolist.fight", 0.0, type="weak", after=(*_TWICE, "entrant_1.enter")),
        _limit("the second entrant comes in after none", "entrant_2.enter", 1.0, after=(*_ENTERED, "monopolist.yield")),
    ),
    "audience-costs": (
        _derived("one that is not resolved threatens", "challenger.threaten", 1 / 3, type="bluffing"),
        _derived("the resolved threaten", "challenger.threaten", 1.0, type="resolved"),
        _derived("the belief that a threat is meant", "challenger.resolved", 1 / 2, after=_THREATENED, belief=True),
        _derived("the threat is yielded to", "defender.yield", 1 / 2, after=_THREATENED),
        _derived("it is, audiences costing twice as much", "defender.yield", 2 / 3, after=_THREATENED, setting={"audience_cost": 2.0}),
        _derived("a bluffer whose bluff is called backs down", "challenger.back_down", 1.0, type="bluffing", after=(*_THREATENED, "defender.hold")),
    ),
    "domestic-opposition": (
        _derived("one that is not resolved threatens", "government.threaten", 1 / 12, type="bluffing"),
        _derived("the opposition speaks", "opposition.speak", 1.0, after=_CHALLENGED),
        _derived("a threat that it supports is yielded to", "rival.yield", 1.0, after=_SUPPORTED),
        _derived("a threat that it opposes is yielded to", "rival.yield", 3 / 8, after=_OPPOSED),
        _derived("the belief that a supported threat is meant", "government.resolved", 16 / 17, after=_SUPPORTED, belief=True),
        _derived("the belief that an opposed one is", "government.resolved", 1 / 2, after=_OPPOSED, belief=True),
        _derived("one that is not resolved threatens (blame 5)", "government.threaten", 1 / 3, type="bluffing", setting=_SILENCED),
        _derived("the opposition speaks (blame 5)", "opposition.speak", 0.0, after=_CHALLENGED, setting=_SILENCED),
        _derived("a threat that it rallies to is yielded to (blame 5)", "rival.yield", 1 / 2, after=_RALLIED, setting=_SILENCED),
        _derived("one that is not resolved threatens (blame 2)", "government.threaten", 1 / 6, type="bluffing", setting=_TORN),
        _derived("the opposition speaks (blame 2)", "opposition.speak", 5 / 8, after=_CHALLENGED, setting=_TORN),
        _gambit("one that is not resolved threatens", "government.threaten", 0.414200, type="bluffing"),
        _gambit("the opposition speaks", "opposition.speak", 0.561480, after=_CHALLENGED),
        _gambit("a threat that it supports is yielded to", "rival.yield", 0.523767, after=_SUPPORTED),
        _gambit("a threat that it opposes is yielded to", "rival.yield", 0.349498, after=_OPPOSED),
    ),
    "trust": (
        _limit("the buyer trusts", "buyer.trust", 0.0),
        _limit("trust is honoured", "seller.honour", 0.0, after=("buyer.trust",)),
        _closed("trust is honoured", "seller.honour", logistic(-1), after=("buyer.trust",)),
        _closed("the buyer trusts", "buyer.trust", logistic(2 * logistic(-1) - 1)),
    ),
    "mini-ultimatum": (
        _limit("the low offer is made", "proposer.low", 1.0),
        _limit("the low offer is accepted", "responder.accept", 1.0, after=("proposer.low",)),
        _closed("the low offer is accepted", "responder.accept", logistic(1), after=("proposer.low",)),
        _closed("the low offer is made", "proposer.low", logistic(3 * logistic(1) - 2)),
    ),
    "cheap-talk": (
        _limit("X is accepted", "panel.accept", 0.0, after=("candidate.say_x",)),
        _closed("the good one says X", "candidate.say_x", 0.5, type="good"),
        _closed("the bad one says X", "candidate.say_x", 0.5, type="bad"),
        _closed("X is accepted", "panel.accept", logistic(-1), after=("candidate.say_x",)),
    ),
    "repeated-signalling": tuple(_signalling()),
}  # fmt: skip

FIGURES = {name: tuple(sorted(figures, key=lambda figure: figure.precision)) for name, figures in _KNOWN.items()}
"""By game, in the order of the gallery, limits last; the first figure of each is the one that the overview shows."""
