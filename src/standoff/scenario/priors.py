"""Priors of parameters as distributions that can be drawn by quantile."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

from standoff.scenario.models import Parameter, Prior

KINDS = ("fixed", "uniform", "triangular", "normal", "lognormal", "beta", "choice")


@dataclass(frozen=True)
class Problem:
    """Something wrong with a prior: the field of it, what, and what is allowed."""

    field: str | None
    problem: str
    found: str | None = None
    allowed: str | None = None


@dataclass(frozen=True)
class Distribution:
    """How plausible each value of a parameter is.

    `args` are as the analyst wrote them; the values of a choice are sorted, with `weights` that sum to 1. `low` and `high` cut a normal or
    lognormal off and are the ends of a beta.
    """

    kind: str
    args: tuple[float, ...]
    weights: tuple[float, ...] = ()
    low: float = -math.inf
    high: float = math.inf

    @classmethod
    def fixed(cls, value: float) -> Distribution:
        """Make the distribution of a known value."""
        return cls("fixed", (float(value),))

    @classmethod
    def of(cls, prior: Prior) -> Distribution:
        """Make the distribution that a prior without problems describes."""
        kind = next(kind for kind in KINDS if getattr(prior, kind) is not None)
        given = getattr(prior, kind)
        args = (given,) if kind == "fixed" else tuple(given)
        default = (0.0, 1.0) if kind == "beta" else (-math.inf, math.inf)
        low = default[0] if prior.low is None else prior.low
        high = default[1] if prior.high is None else prior.high
        if kind != "choice":
            return cls(kind, args, (), low, high)
        weights = prior.weights or [1.0] * len(args)
        pairs = sorted((value, weight / sum(weights)) for value, weight in zip(args, weights, strict=True) if weight > 0)
        return cls(kind, tuple(value for value, _ in pairs), tuple(weight for _, weight in pairs))

    @property
    def support(self) -> tuple[float, float]:
        """The least and the greatest possible value; they may be infinite."""
        match self.kind:
            case "lognormal":
                return max(self.low, 0.0), self.high
            case "normal" | "beta":
                return self.low, self.high
            case _:
                return self.args[0], self.args[-1]

    @property
    def is_fixed(self) -> bool:
        """Whether there is only one possible value."""
        low, high = self.support
        return low == high

    @property
    def median(self) -> float:
        """The value that is exceeded as often as not."""
        return self.ppf(0.5)

    @property
    def text(self) -> str:
        """Describe the distribution, as in `uniform(0, 2)`."""
        values = ", ".join(f"{value:g}" for value in self.args)
        extra = ""
        if self.kind == "choice" and len(set(self.weights)) > 1:
            extra = "; weights " + ", ".join(f"{weight:g}" for weight in self.weights)
        elif self.kind in ("normal", "lognormal", "beta"):
            default = (0, 1) if self.kind == "beta" else (-math.inf, math.inf)
            if (self.low, self.high) != default:
                extra = f"; {self.low:g} to {self.high:g}"
        return f"{self.kind}({values}{extra})"

    def ppf(self, u: float) -> float:
        """Give the value below which the share `u` of the probability lies, for `u` between 0 and 1."""
        match self.kind:
            case "uniform":
                low, high = self.args
                return low + u * (high - low)
            case "triangular":
                return _triangular(u, *self.args)
            case "normal":
                mean, sd = self.args
                return self._inside(mean + sd * self._truncated_normal(u, (self.low - mean) / sd, (self.high - mean) / sd))
            case "lognormal":
                median, sd = self.args
                ends = (_log(self.low / median) / sd, _log(self.high / median) / sd)
                return self._inside(median * math.exp(sd * self._truncated_normal(u, *ends)))
            case "beta":
                from scipy.special import betaincinv

                return self._inside(self.low + (self.high - self.low) * float(betaincinv(*self.args, u)))
            case "choice":
                for value, below in zip(self.args, accumulate(self.weights), strict=True):
                    if u <= below:
                        return value
        return self.args[-1]

    def _truncated_normal(self, u: float, low: float, high: float) -> float:
        """Quantile of the standard normal between two ends."""
        from scipy.special import ndtr, ndtri

        # The left tail keeps its digits, so an interval on the right is mirrored.
        if low > 0:
            return -self._truncated_normal(1 - u, -high, -low)
        below = float(ndtr(low))
        return float(ndtri(below + u * (float(ndtr(high)) - below)))

    def _inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)


def _triangular(u: float, low: float, mode: float, high: float) -> float:
    if low == high:
        return low
    share = (mode - low) / (high - low)
    if u < share:
        return low + math.sqrt(u * (high - low) * (mode - low))
    return high - math.sqrt((1 - u) * (high - low) * (high - mode))


def _log(value: float) -> float:
    return math.log(value) if value > 0 else -math.inf


def parameter_problems(parameter: Parameter) -> Iterator[Problem]:
    """Find what is wrong with the value or prior of a parameter."""
    if (parameter.value is None) == (parameter.prior is None):
        found = "neither" if parameter.value is None else "both"
        yield Problem(None, "a parameter needs a value or a prior", found, "exactly one of value and prior")
    if parameter.value is not None and not math.isfinite(parameter.value):
        yield Problem("value", "the value is not finite", str(parameter.value), "a finite number")
    if parameter.prior is not None:
        for problem in prior_problems(parameter.prior):
            field = "prior" if problem.field is None else f"prior.{problem.field}"
            yield Problem(field, problem.problem, problem.found, problem.allowed)


def prior_problems(prior: Prior) -> Iterator[Problem]:
    """Find what is wrong with a prior."""
    given = [kind for kind in KINDS if getattr(prior, kind) is not None]
    if len(given) != 1:
        yield Problem(None, "a prior has exactly one kind", ", ".join(given) or "none", ", ".join(KINDS))
        return
    kind = given[0]
    given_values = getattr(prior, kind)
    values: list[float] = [given_values] if kind == "fixed" else list(given_values)
    ends = [end for end in (prior.low, prior.high) if end is not None]
    if not all(map(math.isfinite, [*values, *ends, *(prior.weights or [])])):
        yield Problem(kind, "a number of the prior is not finite", None, "finite numbers")
        return
    yield from _misplaced(prior, kind)
    yield from _shape_problems(kind, values)
    if prior.weights is not None and kind == "choice":
        yield from _weight_problems(prior.weights, len(values))
    if kind in ("normal", "lognormal", "beta"):
        yield from _cut_problems(prior, kind)


def _misplaced(prior: Prior, kind: str) -> Iterator[Problem]:
    if prior.weights is not None and kind != "choice":
        yield Problem("weights", f"weights do not go with {kind}", None, "weights with choice only")
    for end in ("low", "high"):
        if getattr(prior, end) is not None and kind not in ("normal", "lognormal", "beta"):
            yield Problem(end, f"{end} does not go with {kind}", None, f"{end} with normal, lognormal and beta only")


def _shape_problems(kind: str, values: list[float]) -> Iterator[Problem]:
    shown = str(values)
    if kind in ("uniform", "triangular") and values != sorted(values):
        order = "low, high" if kind == "uniform" else "low, mode, high"
        yield Problem(kind, "the numbers are not in order", shown, f"[{order}], from least to greatest")
    if kind in ("normal", "lognormal") and values[1] <= 0:
        yield Problem(kind, "the standard deviation is not above 0", f"{values[1]:g}", "a number above 0")
    if kind == "lognormal" and values[0] <= 0:
        yield Problem(kind, "the median is not above 0", f"{values[0]:g}", "a number above 0")
    if kind == "beta" and min(values) <= 0:
        yield Problem(kind, "a and b must be above 0", shown, "numbers above 0")


def _weight_problems(weights: list[float], count: int) -> Iterator[Problem]:
    if len(weights) != count:
        yield Problem("weights", "there must be one weight for each value", str(len(weights)), str(count))
    if min(weights, default=0) < 0 or sum(weights) <= 0:
        yield Problem("weights", "weights must not be negative, nor all 0", str(weights), "numbers of 0 or more")


def _cut_problems(prior: Prior, kind: str) -> Iterator[Problem]:
    default = (0.0, 1.0) if kind == "beta" else (-math.inf, math.inf)
    low = default[0] if prior.low is None else prior.low
    high = default[1] if prior.high is None else prior.high
    if low >= high:
        yield Problem("low", "low is not below high", f"{low:g} and {high:g}", "low below high")
    elif kind == "lognormal" and high <= 0:
        yield Problem("high", "nothing is left of the prior below high", f"{high:g}", "a number above 0")
    elif kind != "beta" and not _has_mass(prior, kind, low, high):
        yield Problem("low", "nothing is left of the prior between low and high", f"{low:g} to {high:g}", "ends nearer to its centre")


def _has_mass(prior: Prior, kind: str, low: float, high: float) -> bool:
    centre, sd = prior.normal or prior.lognormal or (0.0, 1.0)
    if sd <= 0 or (kind == "lognormal" and centre <= 0):
        return True
    ends = [(end - centre) / sd if kind == "normal" else _log(end / centre) / sd for end in (low, high)]
    # Beyond 35 standard deviations double precision holds no probability.
    return ends[0] < 35 and ends[1] > -35
