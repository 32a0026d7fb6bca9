"""Verdicts: the share of plausible worlds in which a claim is true, what it hinges on, and the strongest counter-world."""

from standoff.verdicts.hinge import Hinge, Slope
from standoff.verdicts.judge import CounterWorld, Verdict, Verdicts, judge

__all__ = ["CounterWorld", "Hinge", "Slope", "Verdict", "Verdicts", "judge"]
