"""What the operators and functions do, to Python scalars and to NumPy arrays.

The scalar forms are there for speed: a call of NumPy on a single number costs about twenty times as much.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _logistic_array(x: Any) -> Any:
    return np.exp(-np.logaddexp(0.0, -x))


def _among(item: Any, *items: Any) -> bool:
    return item in items


def _among_array(item: Any, *items: Any) -> Any:
    return reduce(np.logical_or, [np.equal(item, one) for one in items])


def _clip(x: float, low: float, high: float) -> float:
    return min(max(x, low), high)


def _clip_array(x: Any, low: Any, high: Any) -> Any:
    return np.minimum(np.maximum(x, low), high)


def _minimum(*args: Any) -> Any:
    return reduce(np.minimum, args)


def _maximum(*args: Any) -> Any:
    return reduce(np.maximum, args)


NUMERIC: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "+": (operator.add, np.add),
    "-": (operator.sub, np.subtract),
    "*": (operator.mul, np.multiply),
    "/": (operator.truediv, np.divide),
    "**": (operator.pow, np.power),
    "negative": (operator.neg, np.negative),
    "min": (min, _minimum),
    "max": (max, _maximum),
    "abs": (abs, np.abs),
    "exp": (math.exp, np.exp),
    "log": (math.log, np.log),
    "sqrt": (math.sqrt, np.sqrt),
    "clip": (_clip, _clip_array),
    "logistic": (_logistic, _logistic_array),
}
"""Operations with a number as result, which must be finite: for scalars, for arrays."""

LOGICAL: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "==": (operator.eq, np.equal),
    "!=": (operator.ne, np.not_equal),
    "<": (operator.lt, np.less),
    "<=": (operator.le, np.less_equal),
    ">": (operator.gt, np.greater),
    ">=": (operator.ge, np.greater_equal),
    "in": (_among, _among_array),
    "not": (operator.not_, np.logical_not),
}
"""Operations that are true or false: for scalars, for arrays."""

ARGUMENTS = {
    "min": (2, None),
    "max": (2, None),
    "abs": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "sqrt": (1, 1),
    "clip": (3, 3),
    "logistic": (1, 1),
}
"""How many arguments each function takes, at least and at most."""
