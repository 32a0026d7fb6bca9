"""Robustness: whether verdicts survive a change of the modeller's own choices."""

from standoff.robust.robustness import Robustness, Row
from standoff.robust.survival import Judged, standing
from standoff.robust.variants import VARIANTS, Variant, choose
from standoff.robust.varying import estimate, robust, vary

__all__ = ["VARIANTS", "Judged", "Robustness", "Row", "Variant", "choose", "estimate", "robust", "standing", "vary"]
