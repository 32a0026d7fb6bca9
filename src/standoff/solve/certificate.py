"""What a solution says of its own error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Certificate:
    """Figures that bound the error of a solution."""

    policy_distance: float
    regret: float
    stage_residual: float
    tolerance: float
    met: bool
    every_history: bool
    """Whether all histories were followed (else a sample)."""
    points: int
    """Decision points compared."""
    standard_error: float
    """Of the estimated log-odds, where histories were drawn; 0 where all were followed."""
    beliefs: int
    levels: tuple[int, ...]
    """Finest level on each belief axis."""
    stages: int
    traced: int
    """Stages solved along the principal branch from precision 0 rather than from a neighbour."""
    folded: int
    """Stages whose branch passed a turning point."""
    failed: int
    """Stages on the grid that no method solved."""
    switched: int
    """Compared points at which a start from the grid's policy would have found another branch."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self)

    def text(self) -> str:
        """Say in a sentence whether the solution can be trusted."""
        how = f"all {self.points} decision points" if self.every_history else f"{self.points} decision points on drawn histories"
        verdict = "met" if self.met else "NOT MET"
        return (
            f"{verdict}: policy distance {self.policy_distance:.1e} (tolerance {self.tolerance:.0e}) at {how}; "
            f"regret {self.regret:.1e}, stage residual {self.stage_residual:.1e}, {self.failed} of {self.stages:,} stages unsolved"
        )
