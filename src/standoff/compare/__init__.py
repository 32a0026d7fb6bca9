"""What if: the same worlds under several arms, with moves forced or forbidden, parameters set, dates moved and secrets revealed."""

from standoff.compare.arms import AS_IT_IS, Arm, MoveDate, RemoveDate, Reveal, SetParameter, SwitchOff, read_arm
from standoff.compare.comparison import Comparison, compare
from standoff.compare.lines import Line

__all__ = ["AS_IT_IS", "Arm", "Comparison", "Line", "MoveDate", "RemoveDate", "Reveal", "SetParameter", "SwitchOff", "compare", "read_arm"]
