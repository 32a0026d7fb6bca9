"""Collect the faults of one scenario, with their places, and remember which names its expressions use."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from standoff.errors import ExpressionError, Fault
from standoff.expressions import Boolean, Bound, Kind, Number, Scope, bind
from standoff.expressions.tree import Constant
from standoff.names import closest, listed
from standoff.record import Record
from standoff.scenario.canonical import Source
from standoff.scenario.models import Scenario
from standoff.scenario.places import FieldPath, dotted

NUMBER, BOOLEAN = Number(), Boolean()

PLACEHOLDER = Bound("1", NUMBER, Constant(1.0), frozenset(), frozenset(), 1.0)
"""Stands for an expression that has a fault."""


@dataclass(frozen=True)
class Span:
    """The numbers from `low` to `high`, or above `low`."""

    low: float
    high: float = math.inf
    above: bool = False
    """Whether the lower end is left out."""

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low:g}"
        return f"{'above' if self.above else 'at least'} {self.low:g}" + ("" if self.high == math.inf else f", at most {self.high:g}")


@dataclass
class Findings:
    """The faults found so far, and every expression bound, by path."""

    scenario: Scenario
    faults: list[Fault] = field(default_factory=list)
    bounds: dict[FieldPath, Bound] = field(default_factory=dict)
    spans: dict[FieldPath, Span] = field(default_factory=dict)
    """Where the value of an expression must lie in every world, by path."""
    blocks: dict[FieldPath, tuple[tuple[Bound, ...], bool]] = field(default_factory=dict)
    """The probabilities of each block, without the rest, and whether there is a rest."""
    broken: set[str] = field(default_factory=set)
    """Declared names that have faults of their own; what uses them is not called wrong as well."""
    source: Source | None = None
    """Where the opening beliefs come from, once that has been checked."""
    record: Record | None = None
    """The record that the scenario names, once it has been read without faults."""

    @property
    def parameters(self) -> list[str]:
        """The parameters of the scenario's worlds: its own, then those of its source."""
        own = list(self.scenario.parameters)
        return own + [spec.name for spec in (self.source.canonical.parameters if self.source is not None else ()) if spec.name not in own]

    def add(
        self,
        path: FieldPath,
        problem: str,
        *,
        found: str | None = None,
        allowed: str | None = None,
        suggestion: str | None = None,
        severity: Literal["error", "warning"] = "error",
        key: bool = False,
    ) -> None:
        """Note a fault of the field at a path, or of its name."""
        place = self.scenario.origin.place(path, key=key)
        self.faults.append(
            Fault(
                file=place.file,
                line=place.line,
                column=place.column,
                field=dotted(path),
                problem=problem,
                found=found,
                allowed=allowed,
                suggestion=suggestion,
                severity=severity,
            )
        )

    def unknown(self, path: FieldPath, what: str, name: str, known: Collection[str], *, key: bool = False) -> None:
        """Note a name that does not exist."""
        self.add(path, f"unknown {what}", found=name, allowed=listed(known), suggestion=closest(name, known), key=key)

    def known(self, path: FieldPath, what: str, name: str, known: Collection[str], *, key: bool = False) -> bool:
        """Tell whether a name exists, and note a fault if not."""
        if name in known:
            return True
        self.unknown(path, what, name, known, key=key)
        return False

    def bind(self, path: FieldPath, text: str | float | bool, scope: Scope, expected: Kind | None = None) -> Bound:
        """Bind an expression; a faulty one is noted and gives a placeholder, so that the search for faults can go on."""
        try:
            bound = bind(text, scope, expected)
        except ExpressionError as error:
            if error.found in self.broken:
                return PLACEHOLDER
            place = self.scenario.origin.text_place(path, error.column)
            self.faults.append(
                Fault(
                    file=place.file,
                    line=place.line,
                    column=place.column,
                    field=dotted(path),
                    problem=error.problem,
                    found=error.found,
                    allowed=error.allowed,
                    suggestion=error.suggestion,
                )
            )
            return PLACEHOLDER
        place = self.scenario.origin.text_place(path, None)
        where = ":".join(str(part) for part in (place.file, place.line, place.column) if part is not None)
        self.bounds[path] = replace(bound, where=": ".join(filter(None, (where, dotted(path)))))
        return self.bounds[path]

    def bind_number(
        self, path: FieldPath, text: str | float | bool, scope: Scope, *, low: float = 0, high: float | None = None, above: bool = False
    ) -> Bound:
        """Bind a number that lies between two ends, if it is known already; `above` leaves the lower end out."""
        bound = self.bind(path, text, scope, NUMBER)
        value, span = bound.constant, Span(low, math.inf if high is None else high, above)
        self.spans[path] = span
        if path in self.bounds and value is not None and not ((value > low if above else value >= low) and value <= span.high):
            self.add(path, "the number is out of range", found=f"{value:g}", allowed=str(span))
        return bound

    def finite(self, path: FieldPath, value: float) -> bool:
        """Tell whether a number is finite, and note a fault if not."""
        if math.isfinite(value):
            return True
        self.add(path, "the number is not finite", found=f"{value:g}", allowed="a finite number")
        return False

    def ok(self, path: FieldPath) -> bool:
        """Tell whether the expression at a path could be bound."""
        return path in self.bounds

    @property
    def errors(self) -> list[Fault]:
        """The faults that are errors."""
        return [fault for fault in self.faults if fault.severity == "error"]
