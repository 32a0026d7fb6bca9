"""Claims: what they measure in a solved world, and whether they are true there."""

from standoff.claims.findings import Finding, findings
from standoff.claims.measure import Measures
from standoff.claims.points import roots_of

__all__ = ["Finding", "Measures", "findings", "roots_of"]
