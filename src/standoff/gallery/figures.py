"""What is known of each game of the gallery: the one place where figures from elsewhere stand.

A figure is the probability of an option after a public history, for one type of its player, at one precision; or the belief in a type there. In
games solved over their public states (turns taken at once, games without end) it is that of an option in a state.
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

Whence = Literal["published", "closed form", "fixed point", "Gambit"]
"""Who says so: the work cited; pen and paper; equations of one unknown at a time, solved on their own (the tests do it); or the agent quantal
response of Gambit 17.0.0b2 on the same tree (an independent solver)."""


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
    state: Mapping[str, str | bool] = field(default_factory=dict)
    """Public state at the moment of choice, where the game is solved over its states; what is not said is as at the start."""
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


def _fixed(what: str, of: str, known: float, **more: object) -> Figure:
    return Figure(what=what, of=of, known=known, whence="fixed point", within=1e-9, **more)  # type: ignore[arg-type]


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


def _lemons() -> list[Figure]:
    """Every choice at precision 1: sellers by what the price leaves them, the buyer by what their answers are worth."""
    sells = {
        (kind, price): logistic(paid - worth) for kind, worth in (("peach", 2.0), ("lemon", 0.0)) for price, paid in (("high", 2.25), ("low", 0.25))
    }
    gain = {("peach", "high"): 0.75, ("peach", "low"): 2.75, ("lemon", "high"): -1.25, ("lemon", "low"): 0.75}
    better = sum(0.5 * (sells[kind, "high"] * gain[kind, "high"] - sells[kind, "low"] * gain[kind, "low"]) for kind in ("peach", "lemon"))
    found = [_closed("the high price is offered", "buyer.offer_high", logistic(better))]
    for (kind, price), p in sells.items():
        found.append(_closed(f"a {kind} is sold at the {price} price", "seller.sell", p, type=kind, after=(f"buyer.offer_{price}",)))
    return found


def _misperception() -> list[Figure]:
    """Every choice at precision 1; the watcher weighs the types as it believes them to be."""
    gains = {"aggressor": (-1.0, 0.0, 2.0), "peaceful": (-1.0, 0.0, -2.0)}
    attack = {kind: exp(gain[2]) / sum(map(exp, gain)) for kind, gain in gains.items()}
    found = []
    for feared, whose in ((0.6, "as it sees the rival"), (0.05, "seeing the rival as it is")):
        arms = logistic(4 * (feared * attack["aggressor"] + (1 - feared) * attack["peaceful"]) - 1)
        found.append(_closed(f"the watcher arms, {whose}", "watcher.arm", arms, setting={"feared": feared}))
    for kind, p in attack.items():
        who = "aggressors" if kind == "aggressor" else "the peaceful"
        found.append(_closed(f"{who} attack where they are trusted", "rival.attack", p, type=kind, after=("watcher.trust",)))
    return [*found, _closed("the peaceful arm against the armed", "rival.arm", logistic(1), type="peaceful", after=("watcher.arm",))]


_ENTERED, _FOUGHT = ("entrant_3.enter",), ("entrant_3.enter", "monopolist.fight")
_TWICE = (*_FOUGHT, "entrant_2.enter", "monopolist.fight")
_THREATENED = ("challenger.threaten",)
_CHALLENGED = ("government.threaten",)
_SPOKEN = (*_CHALLENGED, "opposition.speak")
_SUPPORTED, _OPPOSED = (*_SPOKEN, "opposition.speak/support"), (*_SPOKEN, "opposition.speak/dissent")
_RALLIED = (*_CHALLENGED, "opposition.rally")
_SILENCED, _TORN = {"blame": 5.0}, {"blame": 2.0}
_COME, _AHEAD, _AS_IT_IS = {"entered": True}, {"a_armed": True}, {"feared": 0.05}
_FITTED = 1.8456097537
_DEAR, _TOO_DEAR = {"build": 5.0, "fear": 0.1}, {"build": 8.0, "fear": 0.1}
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
    "matching-pennies": (
        _gambit("row goes up", "row.up", 0.586784),
        _gambit("column goes left", "column.left", 0.451807),
        Figure(what="row goes up, at the precision that fits", of="row.up", known=0.6156513, whence="Gambit", within=1e-7, precision=_FITTED),
        Figure(what="column goes left, at that precision", of="column.left", known=0.3832909, whence="Gambit", within=1e-7, precision=_FITTED),
        _derived("row goes up", "row.up", 1 / 2),
        _derived("column goes left", "column.left", 0.2785 / (1.1141 + 0.2785)),
    ),
    "entry": (
        _gambit("the entrant comes in", "entrant.enter", 0.831465),
        _gambit("it comes in the first way", "entrant.in1", 0.478259, state=_COME),
        _gambit("it is fought", "incumbent.fight", 0.362340, state=_COME),
        _derived("the entrant comes in", "entrant.enter", 1.0),
        _derived("it comes in the first way", "entrant.in1", 2 / 3, state=_COME),
        _derived("it is accommodated", "incumbent.accommodate", 2 / 3, state=_COME),
        _derived("it is, the second way paying half if fought", "incumbent.accommodate", 3 / 5, state=_COME, setting={"fought": 0.5}),
    ),
    "attrition": (
        _fixed("either quits", "first.quit", 0.347270024262),
        _fixed("either quits (discount 0.5)", "first.quit", 0.362473981842, setting={"clock.discount": 0.5}),
        _derived("either quits", "first.quit", 1 / 4),
        _derived("either quits (discount 0.8)", "first.quit", 1 / 4, setting={"clock.discount": 0.8}),
        _derived("either quits (prize 2)", "second.quit", 1 / 3, setting={"prize": 2.0}),
    ),
    "arms-race": (
        _fixed("either builds", "a.build", 0.665698759425),
        _fixed("the one behind builds", "b.build", 0.643185488691, state=_AHEAD),
        _derived("either builds", "a.build", 1.0),
        _derived("the one behind builds", "b.build", 1.0, state=_AHEAD),
        _derived("either builds (edge 5)", "b.build", 1.0, setting={"edge": 5.0}),
        _derived("either builds (build 5, fear 0.1)", "a.build", 1 / 3, setting=_DEAR),
        _derived("the one behind builds (build 5, fear 0.1)", "b.build", 0.0, state=_AHEAD, setting=_DEAR),
        _derived("either builds (build 8, fear 0.1)", "b.build", 0.0, setting=_TOO_DEAR),
    ),
    "lemons": (
        *_lemons(),
        _derived("the high price is offered", "buyer.offer_high", 0.0),
        _derived("a peach is sold at the low price", "seller.sell", 0.0, type="peach", after=("buyer.offer_low",)),
        _derived("a lemon is sold at the low price", "seller.sell", 1.0, type="lemon", after=("buyer.offer_low",)),
        _derived("the high price is offered, three cars in four being good", "buyer.offer_high", 1.0, setting={"good": 0.75}),
    ),
    "misperception": (
        *_misperception(),
        _derived("the watcher arms, as it sees the rival", "watcher.arm", 1.0),
        _derived("the watcher arms, seeing the rival as it is", "watcher.arm", 0.0, setting=_AS_IT_IS),
        _derived("the peaceful arm against the armed", "rival.arm", 1.0, type="peaceful", after=("watcher.arm",)),
        _derived("the peaceful let be who trusts them", "rival.let_be", 1.0, type="peaceful", after=("watcher.trust",)),
    ),
    "repeated-signalling": tuple(_signalling()),
}  # fmt: skip

FIGURES = {name: tuple(sorted(figures, key=lambda figure: figure.precision)) for name, figures in _KNOWN.items()}
"""By game, in the order of the gallery, limits last; the first figure of each is the one that the overview shows."""
