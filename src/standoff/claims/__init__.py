"""Claims: what they measure in a solved world, and whether they are true there."""

from standoff.claims.findings import Finding, columns, findings, sides
from standoff.claims.measure import Measures
from standoff.claims.points import roots_of

__all__ = ["Finding", "Measures", "columns", "findings", "roots_of", "sides"]
