"""Reasons: why a player would do what, and what would change its mind."""

from standoff.explain.flips import Flip, Flips
from standoff.explain.reasons import Reasons, explain
from standoff.explain.spot import Spot

__all__ = ["Flip", "Flips", "Reasons", "Spot", "explain"]
