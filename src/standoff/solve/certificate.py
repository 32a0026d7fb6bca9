"""What a solution says of its own error."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from standoff.solve.markov import MarkovResidual


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
    exact_histories: int = 0
    """Public histories on which the game was solved exactly; 0 where it was not."""
    exact_residual: float = 0.0
    """Largest residual of the equations there, in relative log-odds."""
    exact_problem: str = ""
    """Why a game of few histories was not solved exactly."""
    whole: MarkovResidual | None = None
    """Of a game without secrets that was solved over all its public states at once; the figures above then follow from this one."""
    searched: int = 0
    """Decisions, the likeliest ones of players with a secret, at which other equilibria were looked for."""
    several: int = 0
    """Those of them at which others were found; the principal branch is taken."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self) | {"whole": self.whole.as_dict() if self.whole is not None else None}

    def text(self) -> str:
        """Say in a sentence whether the solution can be trusted."""
        if self.whole is not None:
            return self.whole.text()
        how = f"all {self.points} decision points" if self.every_history else f"{self.points} decision points on drawn histories"
        verdict = "met" if self.met else "NOT MET"
        if self.exact_histories:
            return (
                f"exact on all {self.exact_histories:,} public histories, residual {self.exact_residual:.1e}; {verdict} by the belief grid, which "
                f"answers for other beliefs and for futures: within {self.policy_distance:.1e} of it (tolerance {self.tolerance:.0e}) at {how}, "
                f"stage residual {self.stage_residual:.1e}, {self.failed} of {self.stages:,} stages unsolved{self._choice()}"
            )
        lost = f"; not solved exactly: {self.exact_problem}" if self.exact_problem else ""
        lost += self._choice()
        return (
            f"{verdict}: policy distance {self.policy_distance:.1e} (tolerance {self.tolerance:.0e}) at {how}; "
            f"regret {self.regret:.1e}, stage residual {self.stage_residual:.1e}, {self.failed} of {self.stages:,} stages unsolved{lost}"
        )

    def _choice(self) -> str:
        """Say whether there was an equilibrium to choose."""
        if not self.searched:
            return ""
        one = self.searched == 1
        looked = f"{'the decision' if one else f'{self.searched} decisions'} looked at"
        if not self.several:
            return f"; one equilibrium found at {'' if one else 'each of '}{looked}"
        which = looked if one else f"{self.several} of {looked}"
        return f"; several equilibria at {which} (principal branch taken; --branches lists them)"
