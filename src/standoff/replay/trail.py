"""The beliefs along the record.

At every public state of the record's path the stage is solved at the exact belief; what was observed moves the belief by Bayes' rule. The
information an observation reveals about its author is the relative entropy of the posterior to the belief before, in bits; its likelihood
ratio compares the types it favours most and least. A turn about which the record is silent counts as the turn's `silent` move.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from standoff.errors import Fault, RecordError
from standoff.game import CLOSE, END, Game
from standoff.game.told import no_moves, no_turns, silent_moves
from standoff.measured import Measured
from standoff.passed import passed
from standoff.record import Event, Record
from standoff.scenario.canonical import PlayerSpec
from standoff.scenario.mapping import MappedEvent, known_by, known_periods, map_record
from standoff.solve.control import FACTOR, FLOOR, Chosen
from standoff.solve.grid import to_beliefs, to_coordinates
from standoff.solve.solver import as_equilibrium
from standoff.text import brief

if TYPE_CHECKING:
    import pandas as pd

    from standoff.solve import Equilibrium, Exact

BRIEF = 4
"""Histories drawn from each point of a record's path."""


@dataclass(frozen=True)
class Step:
    """One observation on the record's path."""

    period: int
    date: dt.date | None
    """Of the event; None where the record is silent."""
    node: int
    player: str
    """Who moved, or on whose type the chance depended; empty for pure chance."""
    move: str
    events: tuple[str, ...]
    """Ids of the events that are told by this move."""
    silent: bool
    slipped: int
    """Periods by which the event came later than its date."""
    probability: float
    by_type: dict[str, float]
    """Probability of the observation by type of the player."""
    bits: float
    likelihood_ratio: float
    """Largest over smallest of `by_type`."""
    before: np.ndarray
    """Belief coordinates; of choices made at once, before the first of them."""
    after: np.ndarray
    other: Step | None = None
    """The same where every choice so far is corrected by its estimated error; None where the solution is exact."""
    slack: float = 0.0
    """What may be off of an exact number, relative to it; infinite where nothing is known of the error."""

    def within(self, read: Callable[[Step], float]) -> Measured:
        """Return a number of this step with its bound."""
        value = read(self)
        error = FACTOR * abs(read(self.other) - value) if self.other is not None else 0.0
        return Measured(value, error + self.slack * max(1.0, abs(value)))

    @property
    def bits_within(self) -> Measured:
        """The bits with their bound."""
        return self.within(lambda step: step.bits)

    def belief_bound(self, game: Game) -> float:
        """Return how far any belief after the step may be off."""
        if self.other is None:
            return self.slack
        pairs = zip(to_beliefs(self.after, game.n_types), to_beliefs(self.other.after, game.n_types), strict=True)
        return FACTOR * max(float(np.abs(one - other).max()) for one, other in pairs) + self.slack

    def moved(self, game: Game, about: int, kind: int) -> Measured:
        """Return by how much the belief in a type of a player rose."""
        return self.within(lambda step: float(to_beliefs(step.after, game.n_types)[about][kind] - to_beliefs(step.before, game.n_types)[about][kind]))


@dataclass(frozen=True)
class Trail:
    """A replayed record."""

    equilibrium: Equilibrium
    steps: tuple[Step, ...]
    unmapped: tuple[MappedEvent, ...]
    """Events that stand for no move, each with its reason."""
    unplayed: tuple[tuple[Event, str], ...]
    """Events that were mapped but found no turn, each with the reason."""
    notes: tuple[str, ...]
    node: int
    """Where the record leaves the game: an end, or the first node of the period in which it is not known any more."""
    x: np.ndarray = field(repr=False)
    """Belief coordinates there."""
    record: Record = field(repr=False)
    whole: bool = False
    """Whether it was replayed beyond the day on which the claims were made."""
    other_x: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)
    """Belief coordinates at the end where every choice is corrected by its estimated error."""

    def __repr__(self) -> str:
        return brief(self, self.equilibrium.game.canonical.name, f"{len(self.steps)} moves", f"log-likelihood {self.log_likelihood:.2f}")

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.beliefs.to_html(max_rows=20)}"

    @property
    def log_likelihood(self) -> float:
        """Log-probability of what was replayed, silences included."""
        return self.log_likelihood_within.value

    @cached_property
    def log_likelihood_within(self) -> Measured:
        """The same with its bound."""
        value = float(sum(np.log(step.probability) for step in self.steps))
        other = float(sum(np.log((step.other or step).probability) for step in self.steps))
        slack = sum(step.slack for step in self.steps)
        return Measured(value, FACTOR * abs(other - value) + slack)

    @property
    def slips(self) -> list[Step]:
        """Steps whose event was moved to a later period."""
        return [step for step in self.steps if step.slipped]

    @cached_property
    def bits(self) -> dict[str, float]:
        """Bits revealed about each player with a secret, summed over the record."""
        total = {player.name: 0.0 for player in self.equilibrium.game.canonical.players if len(player.types) > 1}
        for step in self.steps:
            if step.player in total:
                total[step.player] += step.bits
        return total

    @cached_property
    def beliefs(self) -> pd.DataFrame:
        """One row per step that the record tells, with the belief about every player and type after it."""
        import pandas as pd

        game = self.equilibrium.game
        starts = game.canonical.calendar.starts
        rows: list[dict[str, Any]] = []
        for step in self.steps:
            if step.silent and step.bits < 1e-12:
                continue
            row: dict[str, Any] = {
                "period": step.period,
                "date": step.date or (starts[step.period] if starts is not None else None),
                "move": step.move,
                "events": " ".join(step.events),
                "silent": step.silent,
                "probability": step.probability,
                "bits": step.bits,
            }
            for player, belief in self.equilibrium.beliefs(step.after).items():
                for kind, p in belief.items():
                    row[f"{player}: {kind}"] = p
            rows.append(row)
        return pd.DataFrame(rows)


def replay(equilibrium: Equilibrium | Exact, record: Record, *, whole: bool = False, without: Collection[str] = ()) -> Trail:
    """Play a record through a solved game.

    It stops before the first period that begins on the day on which the claims were made (`record: known`) or later, and knows no event of
    that day or after; `whole` goes to the end. Events named in `without` are taken away: the record is silent about them.

    Raises RecordError when no event of the record stands for any move of the scenario, when some do and none finds its turn, and when none of the
    types believed in could have done what it tells.

    >>> import standoff as so
    >>> scenario = so.load("baghdad-closure")
    >>> eq = so.solve(so.build(scenario), certify=False)
    >>> trail = so.replay(eq, so.read_record(so.record_path("baghdad-closure")))
    >>> trail.log_likelihood < 0
    True
    """
    equilibrium, record = as_equilibrium("replay", equilibrium), passed("replay", record, Record)
    equilibrium.game.must_end("replaying a record")
    canonical = equilibrium.game.canonical
    mapped = map_record(canonical, record)
    if not any(item.moves for item in mapped):
        raise RecordError([no_moves(record.path or None, mapped)])
    known = None if whole else known_by(canonical)
    if known is not None or without:
        mapped = map_record(canonical, record, known=known, without=without)
    walk = _Replay(equilibrium, mapped, known, record.path or None)
    steps, unmapped, unplayed, notes, node, x = walk.run()
    if not without and any(item.moves for item in mapped) and all(step.silent for step in steps):
        raise RecordError([no_turns(record.path or None, [f"{event.id}: {why}" for event, why in unplayed])])
    return Trail(equilibrium, steps, unmapped, unplayed, notes, node, x, record, whole, walk.other_x)


class _Replay:
    """Walks the game along the mapped events."""

    def __init__(self, equilibrium: Equilibrium, mapped: list[MappedEvent], known: dt.date | None, file: str | None) -> None:
        self.eq = equilibrium
        self.file = file
        self.known = known
        self.game = equilibrium.game
        canonical = self.game.canonical
        self.slip = canonical.record.slip if canonical.record is not None else 1
        self.unmapped = [item for item in mapped if not item.moves]
        self.pending: list[tuple[MappedEvent, str]] = [(item, move) for item in mapped for move in item.moves]
        self.silent = silent_moves(canonical)
        self.steps: list[Step] = []
        self.unplayed: list[tuple[Event, str]] = []
        self.notes: list[str] = []

    def run(self) -> tuple[tuple[Step, ...], tuple[MappedEvent, ...], tuple[tuple[Event, str], ...], tuple[str, ...], int, np.ndarray]:
        """Follow the record from the start to the end of the game, or of what is known of it."""
        structure, g = self.game.structure, self.game.arrays
        node, x = int(structure.roots[0]), self.eq.prior
        seen = x
        opened = self.game.opened
        self.other_x = other_seen = to_coordinates(opened.others) if opened is not None and opened.others else x
        periods = known_periods(self.game.canonical) if self.known is not None else self.game.canonical.calendar.n_periods
        while structure.kind[node] != END and structure.period[node] < periods:
            if structure.reveals[node]:
                # What comes out at the end is no event: the record does not say which type it was.
                node = int(g.target[g.observation_start[node]])
                continue
            chosen = Chosen(self.eq, node, x, BRIEF)
            probe, other = chosen.probe, chosen.elsewhere(self.other_x) if chosen.exactly is None else None
            first = int(g.observation_start[node])
            labels = [structure.address(first + y) for y in range(len(probe.likelihood))]
            period = int(structure.period[node])
            self._expire(period)
            y, told, silent = self._observed(node, period, labels, probe.likelihood, x)
            onward = int(g.target[first + y])
            # Choices made at once are not acted on before all have been made, but each tells of its author.
            held = onward != structure.head[onward] == structure.head[node]
            seen = self._moved(node, seen if structure.head[node] != node else x, probe.likelihood[y]) if held else probe.posteriors[y]
            first_of_all = structure.head[node] == node
            if other is not None:
                before = self.other_x if first_of_all else other_seen
                other_seen = self._moved(node, before, other.likelihood[y]) if held else other.posteriors[y]
            if structure.kind[node] != CLOSE and (told or len(labels) > 1):
                step = self._step(node, period, labels[y], told, silent, probe.likelihood[y], x, seen)
                slack = chosen.exactly if chosen.exactly is not None else np.inf if structure.at_once and self.eq.grid.n_axes else FLOOR
                if other is not None:
                    corrected = self._step(node, period, labels[y], told, silent, other.likelihood[y], self.other_x, other_seen)
                    step = replace(step, other=corrected)
                self.steps.append(replace(step, slack=slack))
            self.other_x = other.posteriors[y] if other is not None else probe.posteriors[y]
            node, x = onward, probe.posteriors[y]
        return tuple(self.steps), tuple(self.unmapped), self._left_over(node), tuple(self.notes), node, x

    def _moved(self, node: int, x: np.ndarray, likelihood: np.ndarray) -> np.ndarray:
        """Return belief coordinates moved by a choice at a node, by Bayes' rule."""
        beliefs, owner = to_beliefs(x, self.game.n_types), int(self.game.arrays.owner[node])
        joint = beliefs[owner] * likelihood
        if joint.sum() > 0.0:
            beliefs[owner] = joint / joint.sum()
        return to_coordinates(beliefs)

    def _left_over(self, node: int) -> tuple[tuple[Event, str], ...]:
        """Return the events that found no turn before the replay stopped at a node, each with the reason."""
        structure = self.game.structure
        if structure.kind[node] == END:
            end = structure.places[structure.place[node]].removeprefix("end:")
            until = f"the game ended ({end}, period {structure.period[node]})"
        else:
            until = f"{self.known}, when the claims were made"
        told = {name for step in self.steps for name in step.events}
        found = self.unplayed + [(item.event, f"{move} found no turn before {until}") for item, move in self.pending]
        return tuple({event.id: (event, why) for event, why in found if event.id not in told}.values())

    def _expire(self, period: int) -> None:
        """Give up on events that waited longer than `slip` periods."""
        keep = []
        for item, move in self.pending:
            assert item.period is not None
            if item.period + self.slip < period:
                self.unplayed.append((item.event, f"{move} was not possible within {self.slip} period(s) of its date"))
            else:
                keep.append((item, move))
        self.pending = keep

    def _observed(self, node: int, period: int, labels: list[str], likelihood: np.ndarray, x: np.ndarray) -> tuple[int, list[MappedEvent], bool]:
        """Return the observation at a node, the events that tell it, and whether the record is silent about it."""
        due = [(item, move) for item, move in self.pending if item.period is not None and item.period <= period and move in labels]
        if due:
            move = due[0][1]
            told = [item for item, other in due if other == move]
            self.pending = [(item, other) for item, other in self.pending if not (other == move and item in told)]
            return labels.index(move), told, False
        if len(labels) == 1:
            return 0, [], True
        place = self.game.structure.places[self.game.structure.place[node]]
        assumed = self.silent.get(place)
        if assumed in labels:
            return labels.index(assumed), [], True
        belief = self._belief_of_owner(node, x)
        y = int(np.argmax(likelihood @ belief))
        self.notes.append(
            f"period {period}: the record is silent at {place} and {assumed or 'its silent move'} is not possible; "
            f"taken as the likeliest, {labels[y]}"
        )
        return y, [], True

    def _belief_of_owner(self, node: int, x: np.ndarray) -> np.ndarray:
        owner = int(self.game.arrays.owner[node])
        return to_beliefs(x, self.game.n_types)[owner] if owner >= 0 else np.ones(1)

    def _impossible(
        self, period: int, move: str, told: list[MappedEvent], likelihood: np.ndarray, belief: np.ndarray, player: PlayerSpec | None
    ) -> Fault:
        """Say why a move cannot have happened, and what would let it."""
        found = ", ".join(item.event.id for item in told) or "the record is silent, which stands for this move"
        if player is None or not likelihood.max() > 0.0:
            remedy = "give it a chance above 0, or map the event to another move"
            return Fault(file=self.file, problem=f"{move} in period {period} has no chance at all", found=found, suggestion=remedy)
        left = " or ".join(kind for kind, p in zip(player.types, belief, strict=True) if p > 0.0)
        able = " or ".join(kind for kind, p in zip(player.types, likelihood, strict=True) if p > 0.0)
        return Fault(
            file=self.file,
            problem=f"{move} in period {period} is impossible for every type of {player.name} that is still believed in ({left}): only {able} could",
            found=found,
            suggestion=f"give {able} a prior above 0, or what ruled it out before a chance above 0, or map the event to another move",
        )

    def _step(
        self, node: int, period: int, move: str, told: list[MappedEvent], silent: bool, likelihood: np.ndarray, before: np.ndarray, after: np.ndarray
    ) -> Step:
        owner = int(self.game.arrays.owner[node])
        belief = self._belief_of_owner(node, before)
        probability = float(likelihood @ belief)
        player = self.game.canonical.players[owner] if owner >= 0 else None
        if not probability > 0.0:
            raise RecordError([self._impossible(period, move, told, likelihood, belief, player)])
        posterior = self._belief_of_owner(node, after)
        with np.errstate(divide="ignore", invalid="ignore"):
            bits = float(np.where(posterior > 0, posterior * np.log2(posterior / belief), 0.0).sum())
            ratio = float(likelihood.max() / likelihood.min()) if likelihood.min() > 0 else float("inf")
        return Step(
            period=period,
            date=told[0].event.date if told else None,
            node=node,
            player=player.name if player is not None else "",
            move=move,
            events=tuple(item.event.id for item in told),
            silent=silent,
            slipped=max((period - item.period for item in told if item.period is not None), default=0),
            probability=probability,
            by_type={kind: float(p) for kind, p in zip(player.types, likelihood, strict=True)} if player is not None else {},
            bits=max(bits, 0.0),
            likelihood_ratio=ratio,
            before=before,
            after=after,
        )
