"""Forecasts scored: the authors, the model before the fact, and a base rate, on the same events.

The authors' probability is the middle of the range of their phrase; their best and worst score over the range stand beside it. The model's is
the mean over worlds. Skill is 1 minus the ratio of the mean Brier score to that of the base rate over the same forecasts (the Brier
skill score; Wilks 2019, *Statistical Methods in the Atmospheric Sciences*): above 0 is better than the base rate.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

from standoff.errors import WorldsError
from standoff.forecasts.model import Mixture, before_the_fact
from standoff.forecasts.resolution import Resolution, resolve
from standoff.forecasts.rules import brier, log_score
from standoff.names import unknown
from standoff.passed import passed
from standoff.record import Record
from standoff.scenario.check_forecasts import made_on
from standoff.scenario.models import BaseRate, Claim
from standoff.scenario.phrases import stated_range
from standoff.text import brief
from standoff.verdicts import Verdicts
from standoff.worlds import Worlds

if TYPE_CHECKING:
    import pandas as pd


Forecaster = Literal["authors", "model", "base"]
FORECASTERS: tuple[Forecaster, ...] = get_args(Forecaster)

_SAME = 1e-12
"""Brier scores that differ by less are the same but for rounding."""

NAN = float("nan")
NOWHERE = (NAN, NAN)


@dataclass(frozen=True)
class Scored:
    """A probability, the range or spread around it, and what it scored; scores are NaN while the forecast is open."""

    p: float
    low: float
    high: float
    brier: float
    log: float
    """In nats; infinite when what was called impossible happened."""
    brier_range: tuple[float, float]
    """Best and worst over low to high."""
    log_range: tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One forecast with its resolution and scores. `model` and `base` are None where there is no such probability."""

    name: str
    claim: Claim
    made: dt.date
    by: dt.date
    resolution: Resolution
    authors: Scored
    model: Scored | None
    mixture: Mixture
    """Where the model's probability comes from, or why there is none."""
    base: Scored | None
    base_rate: BaseRate | None

    @property
    def resolved(self) -> bool:
        """Whether the record decided it."""
        return self.resolution.status != "open"

    def of(self, forecaster: Forecaster) -> Scored | None:
        """Return what a forecaster said and scored."""
        found: Scored | None = getattr(self, forecaster)
        return found


@dataclass(frozen=True)
class Summary:
    """How a forecaster did over the resolved forecasts for which it has a probability."""

    forecaster: Forecaster
    n: int
    brier: float
    log: float
    against: tuple[str, ...]
    """The resolved forecasts for which there is a base rate as well."""
    skill: float
    """Brier skill score over these; NaN when there are none or the base rate made no error."""
    better: tuple[str, ...]
    """Those with a lower Brier score than the base rate."""
    worse: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """All forecasts of a scenario, in its order."""

    rows: tuple[Row, ...]

    def __repr__(self) -> str:
        return brief(self, f"{len(self.rows)} forecasts", f"{len(self.resolved)} resolved")

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.table.to_html()}"

    def __getitem__(self, name: str) -> Row:
        names = [row.name for row in self.rows]
        if name not in names:
            raise WorldsError(unknown("forecast", name, names))
        return self.rows[names.index(name)]

    @property
    def resolved(self) -> tuple[Row, ...]:
        """The forecasts that the record decided."""
        return tuple(row for row in self.rows if row.resolved)

    def summary(self, forecaster: Forecaster) -> Summary:
        """Return the mean scores of a forecaster and its skill against the base rate."""
        own = [scored for row in self.resolved if (scored := row.of(forecaster)) is not None]
        pairs = [
            (row.name, one.brier, base.brier) for row in self.resolved if (one := row.of(forecaster)) is not None and (base := row.base) is not None
        ]
        base_total = sum(base for _, _, base in pairs)
        return Summary(
            forecaster,
            len(own),
            _mean([scored.brier for scored in own]),
            _mean([scored.log for scored in own]),
            tuple(name for name, _, _ in pairs),
            1.0 - sum(one for _, one, _ in pairs) / base_total if base_total > 0 else NAN,
            tuple(name for name, one, base in pairs if one < base - _SAME),
            tuple(name for name, one, base in pairs if one > base + _SAME),
        )

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per forecast: dates, resolution, probabilities and scores."""
        import pandas as pd

        return pd.DataFrame([_flat(row) for row in self.rows])


def score(judged: Verdicts | Worlds, record: Record | None = None) -> Scores:
    """Resolve every forecast from the record and score the authors, the model and the base rate.

    The whole record resolves, also what comes after `record: known`; without one given it is the record that the worlds were weighed by. Raises
    WorldsError when no claim is a forecast, or there is no record.

    >>> import datetime as dt
    >>> import standoff as so
    >>> from standoff.record import Event, Record
    >>> start, end = dt.date(2020, 1, 1), dt.date(2020, 1, 15)
    >>> builder = so.Builder("dare").clock(start=start, step="1 week", end=end).parameter("precision", 0).player("daredevil")
    >>> builder = builder.turn("daredevil", options={"jump": {}, "stay": {}})
    >>> test = {"of": {"chance_of_move": "daredevil.jump"}, "phrase": "very likely"}
    >>> base = {"rate": 0.5, "reason": "4 of 8 such weeks", "source": "a diary"}
    >>> forecast = {"by": end, "resolve": [{"action": "jump"}], "base": base}
    >>> scenario = builder.claim("C1", "It will jump.", test=test, forecast=forecast).scenario()
    >>> record = Record((Event(id="E1", date=dt.date(2020, 1, 9), actor="daredevil", action="jump"),))
    >>> row = so.score(so.sample(scenario, n=1, workers=1), record)["C1"]
    >>> row.resolution.status, row.authors.p, row.model.p, round(row.authors.brier, 4), round(row.model.brier, 4), row.base.brier
    ('happened', 0.875, 0.75, 0.0156, 0.0625, 0.25)
    """
    worlds = judged.worlds if isinstance(judged, Verdicts) else passed("score", judged, Worlds)
    record = passed("score", record, Record) if record is not None else worlds.task.record
    forecasts = {name: claim for name, claim in worlds.canonical.claims.items() if claim.forecast is not None}
    if not forecasts:
        raise WorldsError("no claim of the scenario is a forecast; give one a `forecast:` that says by when it counts and how it is resolved")
    if record is None:
        raise WorldsError("forecasts are resolved from a record, and none was given; name its file under `record:`, or pass one")
    return Scores(tuple(_row(name, claim, worlds, record) for name, claim in forecasts.items()))


def _row(name: str, claim: Claim, worlds: Worlds, record: Record) -> Row:
    forecast, starts = claim.forecast, worlds.canonical.calendar.starts
    # A checked scenario has these.
    assert forecast is not None
    assert starts is not None
    made = made_on(forecast, worlds.canonical.record, starts[0])
    resolution = resolve(forecast, record, made=made)
    low, high = stated_range(claim.test.phrase, claim.test.range)
    mixture = before_the_fact(worlds, name, made=made)
    rate = forecast.base
    return Row(
        name,
        claim,
        made,
        forecast.by,
        resolution,
        _scored(0.5 * (low + high), low, high, resolution),
        None if mixture.problem else _scored(mixture.p, mixture.low, mixture.high, resolution),
        mixture,
        _scored(rate.rate, rate.rate, rate.rate, resolution) if rate is not None else None,
        rate,
    )


def _scored(p: float, low: float, high: float, resolution: Resolution) -> Scored:
    if resolution.status == "open":
        return Scored(p, low, high, NAN, NAN, NOWHERE, NOWHERE)
    happened = resolution.status == "happened"

    def ends(rule: Callable[[float, bool], float]) -> tuple[float, float]:
        # Both rules fall as the probability nears what happened, so the ends of the range bound them.
        return min(rule(low, happened), rule(high, happened)), max(rule(low, happened), rule(high, happened))

    return Scored(p, low, high, brier(p, happened), log_score(p, happened), ends(brier), ends(log_score))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else NAN


def _flat(row: Row) -> dict[str, Any]:
    flat = {
        "claim": row.name,
        "text": " ".join(row.claim.text.split()),
        "made": row.made,
        "by": row.by,
        "status": row.resolution.status,
        "decided_by": " ".join(event.id for event in row.resolution.events),
        "decided_on": row.resolution.events[0].date if row.resolution.events else None,
        "reason": row.resolution.reason,
        "phrase": row.claim.test.phrase or "",
        "base_source": row.base_rate.source if row.base_rate is not None else "",
        "model_weighted": row.mixture.weighted,
        "model_problem": row.mixture.problem,
    }
    for forecaster in FORECASTERS:
        scored = row.of(forecaster)
        flat |= {f"{forecaster}_{name}": getattr(scored, name) if scored is not None else NAN for name in ("p", "low", "high", "brier", "log")}
        if forecaster == "authors":
            assert scored is not None
            best_worst = zip(("best", "worst"), scored.brier_range, scored.log_range, strict=True)
            flat |= {f"authors_{rule}_{end}": value for end, b, g in best_worst for rule, value in (("brier", b), ("log", g))}
    return flat
