"""Warn of priors about types that are no probabilities in some worlds, and of own priors that do not go with the declared ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from standoff.errors import ExpressionError
from standoff.expressions import Bound
from standoff.scenario.canonical import ParameterSpec, PlayerSpec
from standoff.scenario.findings import Findings
from standoff.scenario.places import FieldPath
from standoff.scenario.priors import Distribution

TAILS = (0.01, 0.99)
"""Quantiles of the parameters at which priors are tried: one world in fifty lies beyond them."""

_MOST = 8
"""Parameters of which all combinations of tails are tried; beyond that each is moved by itself."""

_TOLERANCE = 1e-9


def warn_of_type_priors(findings: Findings, players: Sequence[PlayerSpec], parameters: Sequence[ParameterSpec]) -> None:
    """Warn where a prior about types is none at likely ends of the parameters that it uses: it leaves 0 to 1, or sums to more than 1.

    A player's own prior about another must also allow the same types as the declared one; where no parameter can mend that it is an error.
    """
    priors = {spec.name: spec.prior for spec in parameters}
    named = {player.name: player for player in players}
    for player in players:
        _try(findings, ("players", player.name, "types"), player, player.priors, (), priors)
        for other, own in player.believes.items():
            _try(findings, ("players", player.name, "believes", other), named[other], own, named[other].priors, priors)


def _try(
    findings: Findings,
    path: FieldPath,
    player: PlayerSpec,
    given: Sequence[Bound | None],
    declared: Sequence[Bound | None],
    priors: Mapping[str, Distribution],
) -> None:
    """Note what is wrong with a prior about a player's types; `declared` is the one that it must agree with on which types there are."""
    used = sorted({name for bound in (*given, *declared) if bound is not None for name in bound.names})
    for values in _corners({name: priors[name] for name in used}):
        problem = _problem(player.types, given, values)
        allowed: str | None = "0 to 1"
        suggestion = "cut the priors of the parameters off, or wrap the expression in `clip`"
        if problem is None and declared and _problem(player.types, declared, values) is None:
            problem = _disagreement(player, given, declared, values)
            allowed, suggestion = None, "give it a small probability in both, or 0 in both"
        if problem is None:
            continue
        field, what, found = problem
        where = ", ".join(f"{name} = {value:.4g}" for name, value in values.items())
        findings.add(
            (*path, *field),
            f"{what} in some worlds, which then cannot be computed" if used else what,
            found=f"{found}, where {where}" if used else found,
            allowed=allowed,
            suggestion=suggestion,
            severity="warning" if used else "error",
        )
        return


def _corners(priors: Mapping[str, Distribution]) -> Iterator[dict[str, float]]:
    """Yield the values of parameters at the tails of their priors."""
    ends = {name: [prior.median] if prior.is_fixed else [prior.ppf(u) for u in TAILS] for name, prior in priors.items()}
    if len(ends) <= _MOST:
        yield from (dict(zip(ends, values, strict=True)) for values in itertools.product(*ends.values()))
        return
    middle = {name: prior.median for name, prior in priors.items()}
    yield from (middle | {name: value} for name, values in ends.items() for value in values)


def _problem(types: Sequence[str], given: Sequence[Bound | None], values: Mapping[str, float]) -> tuple[tuple[str, ...], str, str] | None:
    """Return the field, what is wrong there with a prior at these values, and what was found."""
    total = 0.0
    for name, bound in zip(types, given, strict=True):
        if bound is None:
            continue
        try:
            chance = float(bound.evaluate(values))
        except ExpressionError as error:
            return (name,), "this probability has no value", error.problem
        if not -_TOLERANCE <= chance <= 1 + _TOLERANCE:
            return (name,), "this probability leaves 0 to 1", f"{chance:.4g}"
        total += chance
    if total > 1 + _TOLERANCE:
        return (), "the probabilities sum to more than 1", f"{total:.4g}"
    if None not in given and total < 1 - _TOLERANCE:
        return (), "the probabilities sum to less than 1", f"{total:.4g}"
    return None


def _disagreement(
    player: PlayerSpec, own: Sequence[Bound | None], declared: Sequence[Bound | None], values: Mapping[str, float]
) -> tuple[tuple[str, ...], str, str] | None:
    """Return a type that one prior allows and the other excludes, as `_problem` does."""
    here, there = (_chances(given, values) for given in (own, declared))
    for name, one, other in zip(player.types, here, there, strict=True):
        if (one > 0.0) != (other > 0.0):
            found = f"{one:.4g} here and {other:.4g} there"
            return (name,), f"players.{player.name}.types {'allows' if other > 0.0 else 'excludes'} this type", found
    return None


def _chances(given: Sequence[Bound | None], values: Mapping[str, float]) -> list[float]:
    known = [None if bound is None else float(bound.evaluate(values)) for bound in given]
    rest = 1.0 - sum(chance for chance in known if chance is not None)
    return [rest if chance is None else chance for chance in known]
