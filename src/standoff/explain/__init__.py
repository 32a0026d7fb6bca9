"""Reasons: why a player would do what, and what would change its mind."""

from standoff.explain.flips import Flip, Flips
from standoff.explain.points import Spot
from standoff.explain.reasons import Reasons, explain

__all__ = ["Flip", "Flips", "Reasons", "Spot", "explain"]
