"""What a solution says of its own error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from standoff.solve.markov import MarkovResidual
from standoff.solve.tree_system import RESIDUAL

if TYPE_CHECKING:
    from standoff.solve.exact import Residual

SHOWN = 20
"""So many points that miss the tolerance are kept, and so many turns with unsolved stages; beyond that they are counted."""


@dataclass(frozen=True)
class Miss:
    """A decision point at which the policy is further from the logit response than the tolerance allows."""

    period: int
    when: str
    """The period in words: its date, or its number."""
    turn: str
    player: str
    state: Mapping[str, Any]
    """Values of all state variables."""
    moved: tuple[str, ...]
    """The state in words: what is not as at the start."""
    beliefs: Mapping[str, Mapping[str, float]]
    """Public belief about each player with a secret, by type."""
    distance: float
    regret: float
    cause: str
    """`unsolved stage`; `switched branch` (the grid's own policy leads to another branch here); `folded branch`; `few draws` (two standard errors
    of the drawn values explain the distance); else `interpolation`."""

    def text(self) -> str:
        """Say where it is."""
        state = ", ".join(self.moved) or "all as at the start"
        beliefs = "; ".join(f"{player} {_likeliest(belief)}" for player, belief in self.beliefs.items())
        turn = f"{self.player} decides" + (f" at {self.turn}" if self.turn != self.player else "")
        return f"{self.when}, {turn}, {state}" + (f" ({beliefs})" if beliefs else "") + f": off by {self.distance:.2g}, {self.cause}"


@dataclass(frozen=True)
class Unsolved:
    """A turn at which no method solved some stages of the grid."""

    period: int
    when: str
    turn: str
    stages: int

    def text(self) -> str:
        """Say where it is."""
        return f"{self.when}, {self.turn}: {self.stages:,} stages unsolved"


def _likeliest(belief: Mapping[str, float]) -> str:
    kind = max(belief, key=lambda name: belief[name])
    return f"{kind} {100 * belief[kind]:.3g} %"


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
    exact_met: bool = True
    """Whether that is within the exact engine's own tolerance."""
    grid_met: bool = True
    """Whether the belief grid is within the tolerance. `met` is about the solution that answers: the exact one where there is one, else the grid."""
    exact_selection: Literal["principal", "adjusted"] = "principal"
    """Whether the exact solution lies on the principal branch, or is where play settles that adjusts (`standoff.solve.tree_flow`)."""
    exact_problem: str = ""
    """Why a game of few histories was not solved exactly."""
    missed: int = 0
    """Compared points whose distance exceeds the tolerance."""
    misses: tuple[Miss, ...] = ()
    """The worst of them first, at most `SHOWN`."""
    unsolved: tuple[Unsolved, ...] = ()
    """Where stages of the grid are unsolved, most first, at most `SHOWN`."""
    whole: MarkovResidual | None = None
    """Of a game without secrets that was solved over all its public states at once; the figures above then follow from this one."""
    searched: int = 0
    """Decisions, the likeliest ones of players with a secret, at which other equilibria were looked for."""
    several: int = 0
    """Those of them at which others were found; the principal branch is taken."""
    at_once: bool = False
    """Whether choices are made at once, which are not among those looked at one by one."""
    equilibria: int = 0
    """Where they are, equilibria of the whole game that were found; 0 where it was not searched."""

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return asdict(self) | {"whole": self.whole.as_dict() if self.whole is not None else None}

    def where(self, most: int = SHOWN) -> list[str]:
        """Say in words where the tolerance is not met, worst first, and where stages are unsolved; at most `most` lines of each."""
        return [miss.text() for miss in self.misses[:most]] + [turn.text() for turn in self.unsolved[:most]]

    def text(self) -> str:
        """Say in a sentence whether the solution can be trusted."""
        if self.whole is not None:
            return self.whole.text()
        how = f"all {self.points} decision points" if self.every_history else f"{self.points} decision points on drawn histories"
        verdict = "met" if self.met else "NOT MET"
        if self.exact_histories:
            settled = "" if self.exact_met else f" (NOT MET: above the tolerance of {RESIDUAL:.0e}; what is left is rounding)"
            settled += ", where play settles that adjusts, not shown to lie on the principal branch" if self.exact_selection == "adjusted" else ""
            return (
                f"{'met' if self.exact_met else 'NOT MET'}: exact on all {self.exact_histories:,} public histories, residual "
                f"{self.exact_residual:.1e}{settled}; other beliefs are solved so when they are asked for{self._choice()}"
            )
        lost = f"; not solved exactly: {self.exact_problem}" if self.exact_problem else ""
        lost += self._choice()
        return (
            f"{verdict}: policy distance {self.policy_distance:.1e} (tolerance {self.tolerance:.0e}) at {how}; "
            f"regret {self.regret:.1e}, stage residual {self.stage_residual:.1e}, {self.failed} of {self.stages:,} stages unsolved{lost}"
        )

    def _choice(self) -> str:
        """Say whether there was an equilibrium to choose."""
        said = self._choice_at_once() if self.at_once else ""
        if not self.searched:
            return said
        one = self.searched == 1
        looked = f"{'the decision' if one else f'{self.searched} decisions'} looked at"
        if not self.several:
            return f"; one equilibrium found at {'' if one else 'each of '}{looked}{said}"
        which = looked if one else f"{self.several} of {looked}"
        return f"; several equilibria at {which} ({self._taken()}){said}"

    def _choice_at_once(self) -> str:
        if not self.equilibria:
            return "; choices made at once were not searched for other equilibria"
        if self.equilibria == 1:
            return "; one equilibrium of the whole game found"
        return f"; {self.equilibria} equilibria of the whole game found ({self._taken()})"

    def _taken(self) -> str:
        return f"{'principal branch' if self.exact_selection == 'principal' else 'where play settles'} taken; --branches lists them"


def alone(exact: Residual, tolerance: float) -> Certificate:
    """Return the certificate of an exact solution without a belief grid beside it."""
    return Certificate(
        policy_distance=0.0, regret=0.0, stage_residual=exact.residual, tolerance=tolerance, met=exact.met, every_history=True, points=0,
        standard_error=0.0, beliefs=0, levels=(), stages=0, traced=0, folded=0, failed=0, switched=0, exact_histories=exact.histories,
        exact_residual=exact.residual, exact_met=exact.met, exact_selection=exact.selection,
    )  # fmt: skip
