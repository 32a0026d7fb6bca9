"""Warn of expressions that have no value in some worlds, or one that is not allowed: a division by zero or a probability of 1.5 where priors end."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from standoff.errors import ExpressionError
from standoff.expressions import Bound, Moments
from standoff.expressions.tree import PERIOD, Apply, Fold, walk
from standoff.scenario.canonical import ParameterSpec
from standoff.scenario.check_types import TAILS
from standoff.scenario.findings import Findings, Span
from standoff.scenario.priors import Distribution
from standoff.scenario.scopes import Label, Names

_PARTIAL = frozenset(("/", "**", "log", "sqrt", "exp"))
"""Operations that have no finite result for some numbers."""

_MOST_STATES, _MOST_CORNERS = 2000, 256
"""Public states and combinations of parameters at which an expression is tried; where there are more, some of them."""

_TOLERANCE = 1e-9
"""By which a probability or a sum may miss its ends, for rounding."""

_ANY = Span(-math.inf)

Values = dict[str, Any]


def warn_of_values(findings: Findings, names: Names, parameters: Sequence[ParameterSpec]) -> None:
    """Warn where expressions that are sound at the medians of the priors are not at their ends or at one of their choices.

    Tried are whether there is a value at all, whether probabilities, propensities, precisions and discounts lie where they must, and whether the
    probabilities of a block sum to 1.
    """
    trial = _Trial(findings.bounds, names, {spec.name: spec.prior for spec in parameters})
    for path, bound in list(findings.bounds.items()):
        span = findings.spans.get(path, _ANY)
        # Priors about types have a check of their own.
        if _is_prior(path) or bound.constant is not None or not (_is_partial(bound) or path in findings.spans):
            continue
        found = trial.failure((bound,), span)
        if found is not None and found.value is None:
            findings.add(
                path,
                "this has no value where the priors of its parameters end or choose so, and such a world cannot be computed",
                found=found.where,
                suggestion="guard it, as in `a / b if b > 0 else 0`, or keep that value out of the prior",
                severity="warning",
            )
        elif found is not None:
            findings.add(
                path,
                "this leaves what is allowed at some values that its parameters may take, and such a world cannot be computed",
                found=found.text(),
                allowed=str(span),
                suggestion="cut the priors of the parameters off, or wrap the expression in `clip`",
                severity="warning",
            )
    for path, (bounds, rest) in findings.blocks.items():
        total = Span(0.0, 1.0) if rest else Span(1.0, 1.0)
        found = None if _is_prior(path) or (rest and len(bounds) == 1) else trial.failure(bounds, total)
        if found is not None and found.value is not None:
            findings.add(
                path,
                f"the probabilities sum to {'more than 1' if found.value > 1 else 'less than 1'} where the priors of their parameters end or choose "
                "so, and such a world cannot be computed",
                found=found.text(),
                suggestion="cut the priors of the parameters off" if rest else "make one of them `rest`",
                severity="warning",
            )


def _is_prior(path: tuple[str | int, ...]) -> bool:
    return path[0] == "players" and len(path) > 2 and path[2] in ("types", "believes")


def _is_partial(bound: Bound) -> bool:
    return any(
        (isinstance(tree, Apply) and tree.op in _PARTIAL) or (isinstance(tree, Fold) and any(op in _PARTIAL for op, _ in tree.rest))
        for tree in walk(bound.tree)
    )


@dataclass(frozen=True)
class _Failure:
    """Where expressions fail: the value that they have there, None where they have none, and the values of the names."""

    value: float | None
    where: str | None

    def text(self) -> str:
        """Say what was found."""
        return f"{self.value:.4g}" + (f", where {self.where}" if self.where else "")


@dataclass(frozen=True)
class _Trial:
    """What trying expressions needs to know."""

    bounds: Mapping[tuple[str | int, ...], Bound]
    names: Names
    priors: Mapping[str, Distribution]

    def failure(self, bounds: Sequence[Bound], span: Span) -> _Failure | None:
        """Return where the sum of expressions is not in a span at a corner of the priors, in a public state in which it is at their medians.

        Where it is in no state at the medians, that is the place. None where it is in the span in all that is tried.
        """
        used = self._behind(frozenset().union(*(bound.names for bound in bounds)))
        free = {name: self.priors[name] for name in sorted(used & self.priors.keys()) if not self.priors[name].is_fixed}
        middle = {name: self.priors[name].median for name in sorted(used & self.priors.keys())}
        states = self._states(used - self.priors.keys() - self.names.derived.keys())
        sound = self._sound(bounds, span, middle, states)
        # What has a value nowhere is refused when the game is built, with the state in which it is asked for.
        if sound is None and span is _ANY:
            return None
        for corner in [middle] if sound is None else _corners(free):
            sound = states if sound is None else sound
            try:
                value = self._value(bounds, {**middle, **corner}, sound)
            except ExpressionError as error:
                return _Failure(None, error.found)
            bad = np.flatnonzero(~_inside(value, span))
            if len(bad):
                at = int(bad[0])
                shown = [f"{name} = {number:.4g}" for name, number in corner.items()]
                shown += [f"{name} = {self._shown(name, values[at])}" for name, values in sound.items()]
                return _Failure(float(np.atleast_1d(value)[at]), ", ".join(shown))
        return None

    def _behind(self, names: frozenset[str]) -> frozenset[str]:
        """Return names with all that the derived quantities among them use."""
        found, waiting = set(names), [name for name in names if name in self.names.derived]
        while waiting:
            more = self.bounds["derived", waiting.pop()].names - found
            found |= more
            waiting += [name for name in more if name in self.names.derived]
        return frozenset(found)

    def _states(self, names: frozenset[str]) -> dict[str, np.ndarray]:
        """Return the values of public names and types in as many of their combinations as are tried, shape (n,) each."""
        domains = {name: self._domain(name) for name in sorted(names)}
        sizes = tuple(len(domain) for domain in domains.values())
        total = math.prod(sizes)
        rows = np.unique(np.linspace(0, total - 1, min(total, _MOST_STATES)).astype(np.int64))
        where = np.unravel_index(rows, sizes) if sizes else ()
        return {name: domain[index] for (name, domain), index in zip(domains.items(), where, strict=True)}

    def _domain(self, name: str) -> np.ndarray:
        moments: Moments = self.names.moments
        if name == PERIOD:
            return np.arange(moments.n_periods)
        values = self._labels(name)
        return np.arange(len(values)) if isinstance(values[0], str) else np.array(values)

    def _labels(self, name: str) -> tuple[Label, ...]:
        """Return the types of `type(PLAYER)`, or the values of a variable."""
        if name.startswith("type("):
            return tuple(self.names.types[name.removeprefix("type(").removesuffix(")")])
        return self.names.variables.get(name, (False, True))

    def _shown(self, name: str, value: Any) -> str:
        """Write a value of a public name as the scenario does."""
        labels: tuple[Label, ...] = (0,) if name == PERIOD else self._labels(name)
        if isinstance(labels[0], str):
            return str(labels[int(value)])
        return str(bool(value)).lower() if isinstance(labels[0], bool) else f"{value:g}"

    def _sound(self, bounds: Sequence[Bound], span: Span, parameters: Mapping[str, float], states: Values) -> Values | None:
        """Return the states in which the sum of expressions is in a span at these parameters; None if there are none."""
        try:
            good = np.flatnonzero(_inside(self._value(bounds, parameters, states), span))
        except ExpressionError:
            n = len(next(iter(states.values()), ()))
            good = np.array([i for i in range(n) if self._is_sound(bounds, span, parameters, {name: one[i : i + 1] for name, one in states.items()})])
        return {name: values[good] for name, values in states.items()} if len(good) else None

    def _is_sound(self, bounds: Sequence[Bound], span: Span, parameters: Mapping[str, float], states: Values) -> bool:
        try:
            return bool(_inside(self._value(bounds, parameters, states), span).all())
        except ExpressionError:
            return False

    def _value(self, bounds: Sequence[Bound], parameters: Mapping[str, float], states: Values) -> Any:
        env: Values = {**parameters, **states}
        behind = self._behind(frozenset().union(*(bound.names for bound in bounds)))
        # Derived quantities stand in an order in which each uses only those before it.
        for name in self.names.derived:
            if name in behind:
                env[name] = self.bounds["derived", name].evaluate(env)
        value = bounds[0].evaluate(env)
        for bound in bounds[1:]:
            value = value + bound.evaluate(env)
        # What depends on no state has one value for all of them.
        return np.broadcast_to(value, next((np.shape(one) for one in states.values()), (1,)))


def _inside(value: Any, span: Span) -> np.ndarray:
    if span is _ANY:
        return np.ones(np.shape(value), dtype=bool)
    low = value > span.low if span.above else value >= span.low - _TOLERANCE
    return np.asarray(low & (value <= span.high + _TOLERANCE))


def _corners(priors: Mapping[str, Distribution]) -> Iterator[dict[str, float]]:
    """Yield the values of parameters where their priors end, in all combinations or, where these are many, each by itself."""
    ends = {name: _ends(prior) for name, prior in priors.items()}
    if math.prod(map(len, ends.values())) <= _MOST_CORNERS:
        yield from (dict(zip(ends, values, strict=True)) for values in itertools.product(*ends.values()))
        return
    yield from ({name: value} for name, values in ends.items() for value in values)


def _ends(prior: Distribution) -> list[float]:
    """Return every choice of a prior, the ends that the analyst wrote, or what is near the ends that no world reaches."""
    if prior.kind in ("choice", "uniform", "triangular"):
        return sorted(set(prior.args))
    tails = [prior.ppf(u) for u in TAILS]
    cut = [end for end in (prior.low, prior.high) if math.isfinite(end)] if prior.kind in ("normal", "lognormal") else []
    return [*tails, *cut]
