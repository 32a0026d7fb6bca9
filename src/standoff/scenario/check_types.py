"""Warn of type priors that are no probabilities in some worlds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from standoff.errors import ExpressionError
from standoff.scenario.canonical import ParameterSpec, PlayerSpec
from standoff.scenario.findings import Findings
from standoff.scenario.priors import Distribution

TAILS = (0.01, 0.99)
"""Quantiles of the parameters at which priors are tried: one world in fifty lies beyond them."""

_MOST = 8
"""Parameters of which all combinations of tails are tried; beyond that each is moved by itself."""

_TOLERANCE = 1e-9


def warn_of_type_priors(findings: Findings, players: Sequence[PlayerSpec], parameters: Sequence[ParameterSpec]) -> None:
    """Warn where the prior of a type leaves 0 to 1, or several sum to more than 1, at likely ends of the parameters that it uses."""
    priors = {spec.name: spec.prior for spec in parameters}
    for player in players:
        used = sorted({name for bound in player.priors if bound is not None for name in bound.names})
        for values in _corners({name: priors[name] for name in used}) if used else ():
            problem = _problem(player, values)
            if problem is not None:
                field, what, found = problem
                where = ", ".join(f"{name} = {value:.4g}" for name, value in values.items())
                findings.add(
                    ("players", player.name, "types", *field),
                    f"{what} in some worlds, which then cannot be computed",
                    found=f"{found}, where {where}",
                    allowed="0 to 1",
                    suggestion="cut the priors of the parameters off, or wrap the expression in `clip`",
                    severity="warning",
                )
                break


def _corners(priors: Mapping[str, Distribution]) -> Iterator[dict[str, float]]:
    """Yield the values of parameters at the tails of their priors."""
    ends = {name: [prior.median] if prior.is_fixed else [prior.ppf(u) for u in TAILS] for name, prior in priors.items()}
    if len(ends) <= _MOST:
        yield from (dict(zip(ends, values, strict=True)) for values in itertools.product(*ends.values()))
        return
    middle = {name: prior.median for name, prior in priors.items()}
    yield from (middle | {name: value} for name, values in ends.items() for value in values)


def _problem(player: PlayerSpec, values: Mapping[str, float]) -> tuple[tuple[str, ...], str, str] | None:
    """Return the field, what is wrong there with a player's priors at these values, and what was found."""
    total = 0.0
    for name, bound in zip(player.types, player.priors, strict=True):
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
    if None not in player.priors and total < 1 - _TOLERANCE:
        return (), "the probabilities sum to less than 1", f"{total:.4g}"
    return None
