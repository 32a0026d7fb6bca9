"""Verdicts: the share of plausible worlds in which a claim is true, what it hinges on, and the most plausible world that goes against it."""

from standoff.verdicts.counter import CounterWorld
from standoff.verdicts.effects import Effect, Effects
from standoff.verdicts.hinge import Condition, Hinge, Slope
from standoff.verdicts.judge import Verdict, Verdicts, judge
from standoff.verdicts.settle import settle
from standoff.verdicts.stories import Story

__all__ = ["Condition", "CounterWorld", "Effect", "Effects", "Hinge", "Slope", "Story", "Verdict", "Verdicts", "judge", "settle"]
