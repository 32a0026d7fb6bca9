"""The expressions of scenarios: a small grammar of our own, bound to names once and evaluated on arrays; never Python code."""

from standoff.expressions.binder import bind
from standoff.expressions.bound import Bound
from standoff.expressions.kinds import Boolean, Kind, Number, Symbol
from standoff.expressions.parser import parse
from standoff.expressions.scope import RESERVED, Moments, Scope

__all__ = ["RESERVED", "Boolean", "Bound", "Kind", "Moments", "Number", "Scope", "Symbol", "bind", "parse"]
