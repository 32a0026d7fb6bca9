"""What would have to change for another option to be the likeliest.

Every free parameter is moved alone, from its present value towards either end of its prior, and the game is solved again; the belief at the
point is held. The *lead* is the log-odds of the likeliest option against the best of the others; where it is lost at an end, the crossing is
found by regula falsi on the parameter's quantile. Distance is prior probability passed over: the smallest change is the most plausible one.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from standoff.errors import StandoffError
from standoff.explain.spot import Spot, locate
from standoff.game import Game, Root, build
from standoff.game.structure import Structure, explore, structural_names
from standoff.scenario.canonical import Canonical, ParameterSpec
from standoff.scenario.priors import Distribution
from standoff.solve.induction import Progress
from standoff.solve.solver import solve_on
from standoff.workers import parallel

ENDS = (0.01, 0.99)
"""Quantiles between which a parameter is moved."""

CLOSE = 1e-3
"""A crossing is located to this much prior probability."""

MAX_STEPS = 30

NOTHING = 1e-6
"""A lead that shrinks by less has not been brought nearer to its end."""

SMALL = 200_000
"""Games with fewer nodes times beliefs are solved faster than worker processes start."""


@dataclass(frozen=True)
class Flip:
    """A change of one parameter. `before` and `after` are quantiles of its prior."""

    parameter: str
    unit: str
    value: float
    """As it is."""
    to: float
    before: float
    after: float
    lead: float
    """Log-odds of the present choice against the best other option after the change; negative when it has lost the lead."""
    option: str
    """The best other option after the change."""
    choice_prob: float
    """Of the present choice after the change."""
    option_prob: float

    @property
    def distance(self) -> float:
        """Prior probability between the values."""
        return abs(self.after - self.before)


@dataclass(frozen=True)
class Flips:
    """The search over all free parameters."""

    choice: str
    """The option whose lead is at stake, or which is to gain the lead (`gains`)."""
    gains: bool
    """Whether the search asked what makes `choice` the likeliest, rather than what makes another option so."""
    lead: float
    """Log-odds of the likeliest option against the best other one, as things are."""
    found: tuple[Flip, ...]
    """One for each parameter that can change the likeliest option, the smallest change first."""
    nearest: Flip | None
    """Where none can: the change that brings it nearest."""
    tried: int
    """Parameters that were moved."""
    idle: tuple[str, ...]
    """Parameters that change nothing from here on."""
    problems: tuple[tuple[str, str], ...]
    """Parameters with values at which the game could not be built, solved, or does not reach the point."""

    @property
    def smallest(self) -> Flip | None:
        """The smallest change that does it."""
        return self.found[0] if self.found else None


@dataclass(frozen=True)
class _Task:
    """What all parameters share."""

    canonical: Canonical
    parameters: Mapping[str, float]
    root: Root | None
    place: str
    period: int
    state: tuple[int, ...]
    x: np.ndarray
    levels: frozenset[tuple[int, ...]]
    weights: np.ndarray
    """Of the mover's types, shape (K,)."""
    choice: str
    gains: bool
    lead: float
    """As things are."""


def search(spot: Spot, weights: np.ndarray, choice: str, *, gains: bool, workers: int, progress: Progress | None) -> Flips:
    """Return what would make another option the likeliest (or `choice` the likeliest, with `gains`), types of the mover weighted so."""
    structure = spot.structure
    state = structure.state[structure.head[spot.node]]
    policy = weights @ spot.solved.probe(spot.node, spot.x).policy
    task = _Task(
        spot.solved.game.canonical, dict(spot.solved.game.parameters), spot.root, f"turn:{spot.turn}", spot.period, tuple(map(int, state)), spot.x,
        spot.solved.grid.levels, weights, choice, gains, _lead(policy, spot.menu, choice, gains)[0],
    )  # fmt: skip
    free = [spec for spec in task.canonical.parameters if not spec.prior.is_fixed]
    results: list[_Result] = []
    small = structure.n_nodes * spot.solved.grid.n_nodes < SMALL
    for spec, result in zip(free, _moved(task, free, 1 if small else workers), strict=True):
        results.append(result)
        if progress is not None:
            progress(f"moving parameters: {spec.name}", len(results) / len(free))
    changes = [result.flip for result in results if result.flip is not None]
    found = sorted((flip for flip in changes if flip.lead < 0.0), key=lambda flip: (flip.distance, flip.parameter))
    near = sorted((flip for flip in changes if 0.0 <= flip.lead < task.lead - NOTHING), key=lambda flip: (flip.lead, flip.parameter))
    return Flips(
        choice, gains, task.lead, tuple(found), near[0] if near and not found else None, len(free),
        tuple(spec.name for spec, r in zip(free, results, strict=True) if r.idle),
        tuple((spec.name, r.problem) for spec, r in zip(free, results, strict=True) if r.problem),
    )  # fmt: skip


@dataclass(frozen=True)
class _Result:
    """What moving one parameter did: the flip, or the change that came nearest."""

    flip: Flip | None = None
    idle: bool = False
    problem: str = ""


def _moved(task: _Task, free: Sequence[ParameterSpec], workers: int) -> Iterator[_Result]:
    return parallel(_move, [(task, spec) for spec in free], workers)


class _Builder:
    """Builds the game from the point on at changed parameters; a new shape is explored once."""

    def __init__(self, task: _Task) -> None:
        self.task = task
        self.names = sorted(structural_names(task.canonical))
        self.shapes: dict[tuple[float, ...], Structure] = {}
        self.present, self.present_node = self.game({})

    def game(self, changed: Mapping[str, float]) -> tuple[Game, int | None]:
        """Return the game and the node of the point in it, None where the point is not reached."""
        task = self.task
        values = {**task.parameters, **changed}
        key = tuple(values[name] for name in self.names)
        if key not in self.shapes:
            if len(self.shapes) > 8:
                self.shapes.clear()
            # What comes before the point does not matter to it. Where it cannot be a root, the game is built from the start.
            self.shapes[key] = explore(task.canonical, values, (task.root or Root(),))
        shape = self.shapes[key]
        return build(task.canonical, values, structure=shape), locate(shape, task.place, task.period, np.array(task.state))

    def differs(self, game: Game) -> bool:
        """Whether anything from the point on is other than at present, opening beliefs aside."""
        if game.structure is not self.present.structure:
            return True
        pairs = [*zip(game.arrays, self.present.arrays, strict=True), *zip(game.payoffs, self.present.payoffs, strict=True)]
        return not all(np.array_equal(one, other) for one, other in pairs)


_CACHE: dict[str, _Builder] = {}


def _builder(task: _Task) -> _Builder:
    """Return the builder of a task, kept within a process from parameter to parameter."""
    key = hashlib.sha256(pickle.dumps((task.canonical, sorted(task.parameters.items()), task.root, task.place, task.period, task.state))).hexdigest()
    if key not in _CACHE:
        _CACHE.clear()
        _CACHE[key] = _Builder(task)
    return _CACHE[key]


def _move(task: _Task, spec: ParameterSpec) -> _Result:
    """Move one parameter to either end of its prior, and where the lead is lost back to the crossing."""
    builder = _builder(task)
    value = task.parameters[spec.name]
    here = quantile(spec.prior, value)
    start = Flip(spec.name, spec.unit, value, value, here, here, task.lead, "", np.nan, np.nan)
    flips: list[Flip] = []
    problems: list[str] = []
    idle = True
    for end in ENDS:
        if (end - here) * (end - 0.5) <= 0.0 or spec.prior.ppf(end) == value:
            continue  # the value lies beyond this end already
        there = _tried(task, builder, spec, start, end)
        if there is None:
            continue
        idle = False
        if isinstance(there, str):
            problems.append(f"at {spec.prior.ppf(end):g}: {there}")
        elif there.lead < 0.0:
            crossing = _crossing(task, builder, spec, start, there)
            problems += [crossing] if isinstance(crossing, str) else []
            flips.append(there if isinstance(crossing, str) else crossing)
        else:
            flips.append(there)
    best = min(flips, key=lambda flip: (flip.lead >= 0.0, flip.distance if flip.lead < 0.0 else flip.lead), default=None)
    return _Result(best, idle and not problems, "; ".join(problems))


def _crossing(task: _Task, builder: _Builder, spec: ParameterSpec, kept: Flip, lost: Flip) -> Flip | str:
    """Narrow the way between a value that keeps the lead and one that loses it; return the near side of what loses it."""
    kept_lead, lost_lead = kept.lead, lost.lead  # halved where one side stays, so that the other moves too (Illinois)
    for _ in range(MAX_STEPS):
        if abs(lost.after - kept.after) <= CLOSE:
            break
        share = kept_lead / (kept_lead - lost_lead)
        # Aimed a little beyond the estimate, so that the bracket closes from both sides.
        share = min(max(share + 0.02, 0.05), 0.95)
        u = kept.after + share * (lost.after - kept.after)
        tried = _tried(task, builder, spec, kept, u)
        if tried is None:  # nothing has changed yet
            tried = replace(kept, to=spec.prior.ppf(u), after=u)
        if isinstance(tried, str):
            return f"between {kept.to:g} and {lost.to:g}: {tried}"
        if tried.lead < 0.0:
            lost, lost_lead, kept_lead = tried, tried.lead, kept_lead / 2
        else:
            kept, kept_lead, lost_lead = tried, tried.lead, lost_lead / 2
    return lost


def _tried(task: _Task, builder: _Builder, spec: ParameterSpec, start: Flip, u: float) -> Flip | str | None:
    """Solve with a parameter at quantile `u` and see who leads; a text says why that cannot be, None that nothing changes from here on."""
    to = spec.prior.ppf(u)
    try:
        game, node = builder.game({spec.name: to})
        if not builder.differs(game):
            return None
        if node is None:
            return "the game does not come to this point"
        policy = task.weights @ solve_on(game, task.levels, at=(node, task.x)).probe(node, task.x).policy
    except StandoffError as error:
        return str(error)
    g = game.arrays
    rows = range(int(g.option_start[node]), int(g.option_start[node + 1]))
    menu = tuple(game.option_address(row).split(".", 1)[1] for row in rows)
    return Flip(spec.name, spec.unit, start.value, to, start.before, u, *_lead(policy, menu, task.choice, task.gains))


def _lead(policy: np.ndarray, menu: Sequence[str], choice: str, gains: bool) -> tuple[float, str, float, float]:
    """Return the log-odds that hold things as they are, the best option beside the choice, and the probabilities of both."""
    chances = dict(zip(menu, policy.tolist(), strict=True))
    p = chances.pop(choice, 0.0)
    option = max(chances, key=lambda name: chances[name], default="")
    tiny = float(np.finfo(float).tiny)  # an option that is not on the menu, or too unlikely for plain numbers
    odds = float(np.log(max(p, tiny)) - np.log(max(chances.get(option, 0.0), tiny)))
    return (-odds if gains else odds), option, p, chances.get(option, 0.0)


def quantile(prior: Distribution, value: float) -> float:
    """Return the share of the prior's probability below a value; 1/2 at the median, whatever the prior."""
    if value == prior.median:
        return 0.5
    low, high = 0.0, 1.0
    if value <= prior.ppf(1e-9):
        return 0.0
    if value >= prior.ppf(1.0 - 1e-9):
        return 1.0
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (middle, high) if prior.ppf(middle) < value else (low, middle)
    return (low + high) / 2
