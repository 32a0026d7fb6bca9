"""An expression bound to the names of a scenario, and its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from standoff.errors import ExpressionError
from standoff.expressions.kinds import Boolean, Kind, Number, Symbol
from standoff.expressions.operations import LOGICAL, NUMERIC
from standoff.expressions.tree import PERIOD, Apply, ByPeriod, Constant, Fold, Lookup, Select, Tree, walk

Values = dict[str, Any]
"""Values of the names: all Python scalars, or some of them arrays that broadcast together."""


class NotFinite(Exception):  # noqa: N818 - it never leaves this package
    """Raised where an operation has no finite result."""

    def __init__(self, values: Values, bad: Any) -> None:
        super().__init__()
        self.values = values
        self.bad = bad


@dataclass(frozen=True)
class Bound:
    """An expression ready to be evaluated.

    `names` are the keys of the environment that it needs: parameters, variables and derived quantities, `period`, `time_is_up`, and
    `type(PLAYER)`. `types` are the players whose type it uses. `constant` is its value when it needs nothing, else None; a label is given
    by its code.
    """

    text: str
    kind: Kind
    tree: Tree
    names: frozenset[str]
    types: frozenset[str]
    constant: float | bool | int | None
    where: str = field(default="", compare=False)
    """File, line, column and field, for errors."""

    def at(self, problem: str) -> str:
        """Return what is wrong with the value, beginning with the place in the file where there is one."""
        return f"{self.where}: {problem}" if self.where else problem

    def evaluate(self, env: Mapping[str, Any]) -> Any:
        """Give the value for an environment of scalars or NumPy arrays, which broadcast together.

        In `env` a number is itself, a boolean a bool, and a label or type its position among the values. The result is coded likewise: a
        Python scalar when every value needed is a scalar, else an array of their common shape. Raises ExpressionError where a result is
        not finite, with the values of the first such place.
        """
        if self.constant is not None:
            return self.constant
        values, shape = self._values(env)
        if 0 in shape:
            return np.empty(shape, dtype=self._dtype)
        try:
            if not shape:
                return run(self.tree, values)
            with np.errstate(all="ignore"):
                result = run(self.tree, values)
        except NotFinite as error:
            raise self._not_finite(error) from None
        except ExpressionError as error:
            error.text, error.where = self.text, self.where
            raise
        return result if np.shape(result) == shape else np.broadcast_to(result, shape).copy()

    @property
    def _dtype(self) -> type:
        return float if isinstance(self.kind, Number) else bool if isinstance(self.kind, Boolean) else np.int64

    def _values(self, env: Mapping[str, Any]) -> tuple[Values, tuple[int, ...]]:
        missing = self.names - env.keys()
        if missing:
            raise ExpressionError("a value is missing", text=self.text, where=self.where, found=", ".join(sorted(missing)))
        values = {name: env[name] for name in self.names}
        arrays = [value.shape for value in values.values() if isinstance(value, np.ndarray) and value.ndim]
        return values, np.broadcast_shapes(*arrays) if arrays else ()

    def _not_finite(self, error: NotFinite) -> ExpressionError:
        shapes = [np.shape(value) for value in error.values.values()]
        shape = np.broadcast_shapes(np.shape(error.bad), *shapes)
        first = tuple(np.argwhere(np.broadcast_to(error.bad, shape))[0])
        kinds = {node.key: node.kind for node in walk(self.tree) if isinstance(node, Lookup)}
        found = [
            f"{name} = {_shown(np.broadcast_to(value, shape)[first], kinds.get(name, Number()))}" for name, value in sorted(error.values.items())
        ]
        return ExpressionError(
            "the result is not a finite number (division by zero, a root or logarithm of a negative number, or overflow)",
            text=self.text,
            where=self.where,
            found=", ".join(found) or None,
            suggestion="guard it, as in `a / b if b > 0 else 0`",
        )


def run(tree: Tree, values: Values) -> Any:
    """Evaluate a bound tree; Python scalars when all values are, else arrays that broadcast to their common shape."""
    match tree:
        case Constant():
            return tree.value
        case Lookup():
            return _look_up(tree, values)
        case Apply():
            return _apply(tree.op, [run(arg, values) for arg in tree.args], values)
        case Fold():
            result = run(tree.first, values)
            for op, part in tree.rest:
                result = _apply(op, [result, run(part, values)], values)
            return result
        case Select():
            return _select(tree, values)
        case ByPeriod():
            return _by_period(tree, values)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim > 0


def _look_up(lookup: Lookup, values: Values) -> Any:
    value = values[lookup.key]
    if isinstance(lookup.kind, Number):
        number = np.asarray(value, dtype=float) if _is_array(value) else float(value)
        return _finite(number, values)
    if isinstance(lookup.kind, Boolean):
        return np.asarray(value, dtype=bool) if _is_array(value) else bool(value)
    return np.asarray(value, dtype=np.int64) if _is_array(value) else int(value)


def _apply(op: str, args: list[Any], values: Values) -> Any:
    vector = any(map(_is_array, args))
    if op in LOGICAL:
        return LOGICAL[op][vector](*args)
    try:
        return _finite(NUMERIC[op][vector](*args), values)
    except (ArithmeticError, ValueError):
        raise NotFinite(values, True) from None


def _finite(result: Any, values: Values) -> Any:
    # A negative number to a broken power is complex in Python and not a number in NumPy.
    if isinstance(result, complex):
        raise NotFinite(values, True)
    good = np.isfinite(result) if _is_array(result) else abs(result) < np.inf
    if not np.all(good):
        raise NotFinite(values, ~np.asarray(good))
    return result


def _select(tree: Select, values: Values) -> Any:
    condition = run(tree.condition, values)
    if not _is_array(condition):
        return run(tree.yes if condition else tree.no, values)
    shape = np.broadcast_shapes(condition.shape, *(np.shape(value) for value in values.values()))
    where = np.broadcast_to(condition, shape)
    yes, no = (
        run(branch, {name: np.broadcast_to(value, shape)[chosen] for name, value in values.items()}) if chosen.any() else None
        for branch, chosen in ((tree.yes, where), (tree.no, ~where))
    )
    result = np.empty(shape, dtype=np.asarray(yes if no is None else no).dtype)
    for value, chosen in ((yes, where), (no, ~where)):
        if value is not None:
            result[chosen] = value
    return result


def _by_period(tree: ByPeriod, values: Values) -> Any:
    period = values[PERIOD]
    good = np.logical_and(np.greater_equal(period, 0), np.less(period, len(tree.table)))
    if not np.all(good):
        raise ExpressionError("the period is outside the clock", found=str(period), allowed=f"0 to {len(tree.table) - 1}")
    if _is_array(period):
        return np.asarray(tree.table)[np.asarray(period, dtype=np.int64)]
    return tree.table[int(period)]


def _shown(value: Any, kind: Kind) -> str:
    if isinstance(kind, Symbol):
        return kind.domain[int(value)]
    return str(bool(value)).lower() if isinstance(kind, Boolean) else f"{float(value):.6g}"
