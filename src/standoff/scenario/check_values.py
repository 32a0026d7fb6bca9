"""Warn of expressions that have no value in some worlds: a division by zero, or the logarithm of a negative number, where priors end."""

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
from standoff.scenario.findings import Findings
from standoff.scenario.priors import Distribution
from standoff.scenario.scopes import Label, Names

_PARTIAL = frozenset(("/", "**", "log", "sqrt", "exp"))
"""Operations that have no finite result for some numbers."""

_MOST_STATES, _MOST_CORNERS = 2000, 256
"""Public states and combinations of parameters at which an expression is tried; where there are more, some of them."""


def warn_of_undefined(findings: Findings, names: Names, parameters: Sequence[ParameterSpec]) -> None:
    """Warn where an expression that has a value at the medians of the priors has none at their ends or at one of their choices."""
    trial = _Trial(findings.bounds, names, {spec.name: spec.prior for spec in parameters})
    for path, bound in list(findings.bounds.items()):
        # Priors about types have a check of their own.
        if path[0] == "players" and len(path) > 2 and path[2] in ("types", "believes"):
            continue
        error = trial.failure(bound) if _is_partial(bound) else None
        if error is not None:
            findings.add(
                path,
                "this has no value where the priors of its parameters end or choose so, and such a world cannot be computed",
                found=error.found,
                suggestion="guard it, as in `a / b if b > 0 else 0`, or keep that value out of the prior",
                severity="warning",
            )


def _is_partial(bound: Bound) -> bool:
    return any(
        (isinstance(tree, Apply) and tree.op in _PARTIAL) or (isinstance(tree, Fold) and any(op in _PARTIAL for op, _ in tree.rest))
        for tree in walk(bound.tree)
    )


@dataclass(frozen=True)
class _Trial:
    """What trying an expression needs to know."""

    bounds: Mapping[tuple[str | int, ...], Bound]
    names: Names
    priors: Mapping[str, Distribution]

    def failure(self, bound: Bound) -> ExpressionError | None:
        """Return why an expression has no value at a corner of the priors in a public state in which it has one at their medians; None if it has."""
        used = self._behind(bound.names)
        free = {name: self.priors[name] for name in sorted(used & self.priors.keys()) if not self.priors[name].is_fixed}
        if not free:
            return None
        middle = {name: self.priors[name].median for name in used & self.priors.keys()}
        sound = self._sound(bound, middle, self._states(used - self.priors.keys() - self.names.derived.keys()))
        if sound is None:
            return None
        for corner in _corners(free):
            try:
                self._value(bound, {**middle, **corner}, sound)
            except ExpressionError as error:
                return error
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
        if name.startswith("type("):
            return np.arange(len(self.names.types[name.removeprefix("type(").removesuffix(")")]))
        values: tuple[Label, ...] = self.names.variables.get(name, (False, True))
        return np.arange(len(values)) if isinstance(values[0], str) else np.array(values)

    def _sound(self, bound: Bound, parameters: Mapping[str, float], states: Mapping[str, np.ndarray]) -> dict[str, np.ndarray] | None:
        """Return the states in which an expression has a value at these parameters; None if there are none."""
        try:
            self._value(bound, parameters, states)
        except ExpressionError:
            n = len(next(iter(states.values()), ()))
            good = [i for i in range(n) if self._has_value(bound, parameters, {name: values[i : i + 1] for name, values in states.items()})]
            return {name: values[good] for name, values in states.items()} if good else None
        return dict(states)

    def _has_value(self, bound: Bound, parameters: Mapping[str, float], states: Mapping[str, np.ndarray]) -> bool:
        try:
            self._value(bound, parameters, states)
        except ExpressionError:
            return False
        return True

    def _value(self, bound: Bound, parameters: Mapping[str, float], states: Mapping[str, np.ndarray]) -> Any:
        env: dict[str, Any] = {**parameters, **states}
        # Derived quantities stand in an order in which each uses only those before it.
        for name in self.names.derived:
            if name in self._behind(bound.names):
                env[name] = self.bounds["derived", name].evaluate(env)
        return bound.evaluate(env)


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
