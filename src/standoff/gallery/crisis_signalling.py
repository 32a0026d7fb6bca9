"""The crisis signalling game of Lewis and Schultz, whose private shocks are normal and so outside the scenario language.

A challenger lets things be or challenges; a defender concedes or resists; a challenger that is resisted fights or backs down. Payoffs, the
challenger's first (letters of the papers: A the challenger, B the defender):

    status quo        challenger_status_quo (SA)
    concession        challenger_prize (VA),                        defender_concession (CB)
    war               challenger_war (WA bar) + shock,              defender_war (WB bar) + shock
    backing down      challenger_retreat (a bar) + shock,           defender_prize (VB)

The shocks are independent standard normal; each player knows its own when it first moves. An equilibrium is a fixed point of one number, the
probability `r` that the defender resists: it fixes which challengers challenge, these fix how likely a challenge leads to war, and that
fixes `r`. There may be several.

J. B. Lewis and K. A. Schultz (2003), Revealing Preferences: Empirical Estimation of a Crisis Bargaining Game with Incomplete Information,
Political Analysis 11(4), 345-367. C. Crisman-Cox and M. Gibilisco (2019), Estimating Signaling Games in International Relations: Problems and
Solutions, Political Science Research and Methods, doi:10.1017/psrm.2019.58, whose parameter values are the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

from standoff.errors import SolveError
from standoff.gallery.figures import Whence

CITATION = (
    "J. B. Lewis and K. A. Schultz (2003), Revealing Preferences: Empirical Estimation of a Crisis Bargaining Game with Incomplete Information, "
    "Political Analysis 11(4), 345-367"
)
STORY = (
    "A challenger lets things be or challenges, a defender concedes or resists, a challenger that is resisted fights or backs down; what war and "
    "retreat are worth is known to each side alone. At these values resistance may be rare, even or usual: three equilibria of one game."
)
TITLE = "Crisis signalling with three equilibria"
KNOWN: tuple[tuple[float, Whence], ...] = ((0.2964518, "published"), (0.4724232, "fixed point"), (0.8740314, "published"))
"""Probabilities of resistance at the defaults, and who says so. Crisman-Cox and Gibilisco's replication files list the first and the third; for the
second they list 0.4715766 and search on from there, so it is the root of the equation as the papers write it, with bivariate normal probabilities."""
WITHIN = 1e-7


@dataclass(frozen=True, kw_only=True)
class CrisisSignalling:
    """Payoffs of the game, in standard deviations of the shocks."""

    challenger_status_quo: float = 0.0
    challenger_prize: float = 1.0
    challenger_retreat: float = -1.2
    challenger_war: float = -1.9
    defender_concession: float = 0.0
    defender_prize: float = 1.0
    defender_war: float = -2.8

    def chances(self, resist: float) -> tuple[float, float]:
        """Return the probabilities that the challenger challenges, and that it fights if it has challenged and is resisted.

        `resist` is the probability of resistance, above 0 and at most 1. Raises SolveError where hardly anybody challenges, so that the
        second cannot be told.
        """
        from scipy.integrate import quad
        from scipy.special import ndtr

        # A challenger challenges when the better of its last two options, were it resisted, is worth at least this.
        needed = (self.challenger_status_quo - (1 - resist) * self.challenger_prize) / resist
        war_short, retreat_short = self.challenger_war - needed, self.challenger_retreat - needed
        challenge = float(ndtr(war_short) + ndtr(retreat_short) - ndtr(war_short) * ndtr(retreat_short))
        if challenge < 1e-12:
            raise SolveError(f"with resistance at {resist:.3g} hardly anybody challenges, and what a challenge means cannot be told")
        gap = self.challenger_war - self.challenger_retreat
        # Ten standard deviations hold all that a double can tell.
        fights, _ = quad(lambda z: _density(z) * float(ndtr(z + gap)), min(max(-war_short, -10.0), 10.0), 10.0, epsabs=1e-13, epsrel=1e-12)
        return challenge, fights / challenge

    def resistance(self, resist: float) -> float:
        """Return the probability of resistance that is best when `resist` is expected: the map whose fixed points are the equilibria."""
        from scipy.special import ndtr

        _, fight = self.chances(resist)
        return float(ndtr((fight * self.defender_war + (1 - fight) * self.defender_prize - self.defender_concession) / fight))


def _density(z: float) -> float:
    from math import exp, pi, sqrt

    return exp(-0.5 * z * z) / sqrt(2 * pi)


def equilibria(game: CrisisSignalling | None = None, *, points: int = 200) -> tuple[float, ...]:
    """Return the probabilities of resistance in every equilibrium that a grid of this many points brackets, in increasing order.

    Two equilibria nearer to each other than the grid's step are missed, as is one where the map touches without crossing.

    >>> [round(resist, 4) for resist in equilibria()]
    [0.2965, 0.4724, 0.874]
    """
    from scipy.optimize import brentq

    game = game or CrisisSignalling()

    def excess(resist: float) -> float:
        return game.resistance(resist) - resist

    # Certain resistance is never best, nor is certain concession: between the ends lies at least one equilibrium.
    grid = [1e-6, *((i + 0.5) / points for i in range(points)), 1.0]
    values = [excess(resist) for resist in grid]
    return tuple(
        float(brentq(excess, low, high, xtol=1e-13))
        for low, high, at_low, at_high in zip(grid, grid[1:], values, values[1:], strict=False)
        if at_low * at_high < 0.0
    )
