"""Other equilibria than the one taken.

`solve` follows the branch of solutions that begins at even play. At a decision where behaviour moves beliefs, and beliefs what follows, the same
equations may have further solutions: all pool on one message, or all on another. `branches` looks for them at the likeliest decisions, each with
everything after it as solved (`standoff.solve._branches`); and in small games that were solved exactly, for equilibria of the whole game.

Every solution of a stage lies in a box: continuation values are polynomials in the posterior, whose coefficients bound them, so

    log(w[a] / w[0]) + lambda * (least dQ[a, k])  <=  u[k, a]  <=  log(w[a] / w[0]) + lambda * (greatest dQ[a, k]).

Where the box is a point there is one solution. Else Newton's method starts from the corners (all types take one option, with the doubt after any
other falling on one type; each type its own) and from a Latin hypercube in the box. To each solution but the principal one belongs another of
opposite sign, to which its curve returns; it is followed there. Signs that do not add up to +1 tell that some are missing; signs that do are no proof
that none is.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from itertools import count, product
from typing import Any, NamedTuple

import numpy as np

from standoff.errors import SolveError
from standoff.game import DECISION, Game, estimate
from standoff.passed import passed
from standoff.solve._branches import returns, search
from standoff.solve._stage import Stage
from standoff.solve.certification import logit
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.exact import Exact
from standoff.solve.grid import MAX_LEVEL, PRODUCT_AXES, BeliefGrid, box, level_size, to_beliefs, to_coordinates
from standoff.solve.induction import Progress, sweep
from standoff.solve.public import further
from standoff.solve.tree_search import MOST_HISTORIES, WholeGame, whole_game
from standoff.text import brief

SAME = 1e-6
"""Solutions whose log-odds differ by less, relative to max(1, largest), are one."""

SAME_POLICY = 1e-6
"""Solutions whose choice probabilities differ by less count as one equilibrium, whatever would be believed after choices that are hardly made."""

TOLERANCE = 1e-2
"""Largest difference of a choice probability by which values followed exactly for a step may miss a solution."""

POINTS, STARTS = 160, 64
QUICK_POINTS, QUICK_STARTS, QUICK_HISTORIES = 40, 12, 1_000
"""What every certified solve looks at: decisions, starts of each, and histories of a game with choices made at once, which is searched whole."""

CHEAP_SECONDS = 0.3
"""The search solves games of at most two belief axes anew on the finest grid that is estimated to take so long on one core at most."""

LONGEST_LINE = 129
"""And where no player's own axes have more nodes than this: a stage reads values at the square of them."""

VISITS = 25
"""Public states visited in search of decisions, for each decision wanted."""

NEARLY_SURE = 6.0
"""Log-odds of an option that a type is nearly sure to take, where Newton's method starts from a corner."""

MIDDLE = 5.0
"""Half of the random starts have log-odds up to this: where no option is sure, a small change of behaviour moves beliefs most."""

MAX_CORNERS = 256


@dataclass(frozen=True, eq=False)
class StageEquilibrium:
    """One solution of a decision's equations. `K` types of the mover, `A` options, `Y` observations."""

    log_odds: np.ndarray  # (K, A) against the first option
    policy: np.ndarray  # (K, A)
    payoffs: np.ndarray  # (K,) what each type of the mover expects from here on, in units of payoff
    beliefs: np.ndarray  # (Y, K) about the mover after each observation
    bits: float
    """What the choice is expected to tell about the mover's type (mutual information)."""
    index: int
    """Sign of the Jacobian's determinant, added up over solutions of the same choice probabilities."""
    taken: bool = False
    distance: float = 0.0
    """Largest difference of a choice probability from the solution that is taken."""


@dataclass(frozen=True, eq=False)
class Decision:
    """A decision that was searched for equilibria."""

    node: int
    x: np.ndarray  # (D,) belief coordinates
    chance: float
    """Probability of the histories followed that lead here."""
    equilibria: tuple[StageEquilibrium, ...]
    """The one taken first, then the nearest to it."""
    doubtful: int
    """Further solutions on the belief grid that values followed exactly for a step do not bear out."""
    complete: bool
    """Whether the signs of all solutions found on the grid add up to +1."""

    @property
    def several(self) -> bool:
        """Whether more than one was found."""
        return len(self.equilibria) > 1


@dataclass(frozen=True, eq=False)
class Branches:
    """What was looked at, and the equilibria found there."""

    solved: Equilibrium | Exact
    decisions: tuple[Decision, ...]
    """Decisions of players with a secret, the likeliest first. Where there is none the equilibrium of a decision is one, given what follows."""
    every: bool
    """Whether these are all decisions with a secret that can be reached."""
    starts: int
    whole: WholeGame | None
    """Equilibria of the whole game, where it has few histories and was solved exactly."""

    def __repr__(self) -> str:
        return brief(
            self, self.solved.game.canonical.name, f"{len(self.decisions)} decisions looked at", f"several equilibria at {len(self.several)}"
        )

    def believed(self, x: np.ndarray) -> dict[str, dict[str, float]]:
        """Return the belief about every player with a secret, by player and type."""
        players = self.solved.game.canonical.players
        parts = zip(players, to_beliefs(x, self.solved.game.n_types), strict=True)
        return {player.name: dict(zip(player.types, belief.tolist(), strict=True)) for player, belief in parts if len(player.types) > 1}

    @property
    def on_grid(self) -> bool:
        """Whether single decisions were looked at, which is done on a belief grid."""
        return isinstance(self.solved, Equilibrium)

    @property
    def several(self) -> tuple[Decision, ...]:
        """The decisions at which more than one equilibrium was found."""
        return tuple(decision for decision in self.decisions if decision.several)

    @property
    def incomplete(self) -> int:
        """Number of decisions at which some equilibria are known to be missing."""
        return sum(not decision.complete for decision in self.decisions)

    @property
    def unique(self) -> bool:
        """Whether the equilibrium taken is the only one found, where one was looked for, and none is known to be missing."""
        if self.whole is None and (self.solved.game.structure.at_once or not (self.decisions or self.every)):
            return False
        return not self.several and not self.incomplete and (self.whole is None or (len(self.whole.equilibria) == 1 and self.whole.complete))


def branches(
    solved: Equilibrium | Exact,
    *,
    starts: int = STARTS,
    points: int = POINTS,
    seed: int = 0,
    quick: bool = False,
    progress: Progress | None = None,
) -> Branches:
    """Look for equilibria beside the one taken, at the `points` likeliest decisions from `starts` starts each.

    Continuation values are those of the solution in hand: what follows is played as solved. `quick` looks on its own belief grid, which may be
    coarse where the game does not go, and at single decisions only.

    Raises SolveError for a game solved exactly without a grid that has too many histories to be searched as a whole.

    >>> import standoff as so
    >>> found = so.branches(so.solve(so.build(so.load("gallery/beer-quiche", {"precision": 20}))))
    >>> [len(decision.equilibria) for decision in found.decisions]
    [1]
    """
    solved = solved if isinstance(solved, Exact) else passed("branches", solved, Equilibrium)
    random = np.random.Generator(np.random.Philox(seed))
    decisions: list[Decision] = []
    every = False
    if isinstance(solved, Equilibrium):
        solved = solved if quick or not _secret(solved.game).any() else _finer(solved, progress)
        reached, every = _likeliest(solved, points)
        for number, (node, x, chance) in enumerate(reached):
            decisions.append(_search(solved, node, x, chance, starts, random))
            if progress is not None:
                progress("looking for other equilibria", (number + 1) / len(reached))
    else:
        every = not len(solved.choices)
    exact = solved if isinstance(solved, Exact) else solved.exact
    if isinstance(solved, Exact) and len(solved) > MOST_HISTORIES:
        raise SolveError(
            f"the game has {len(solved):,} public histories, of which {MOST_HISTORIES:,} at most are searched for equilibria of the whole game; "
            "solve it with a belief grid as well to look at single decisions"
        )
    searched = None
    if not quick and isinstance(solved, Equilibrium) and solved.certificate is not None and solved.certificate.whole is not None:
        searched = WholeGame(*further(solved, starts, random, progress))
    elif not quick and exact is not None and len(exact) <= MOST_HISTORIES and len(exact.choices):
        ideas = [(one.node, one.x, found.log_odds) for one in decisions for found in one.equilibria if not found.taken]
        searched = whole_game(exact, ideas, starts, random, progress)
    return Branches(solved, tuple(decisions), every, starts, searched)


class Looked(NamedTuple):
    """What a quick look found."""

    searched: int
    """Decisions looked at."""
    several: int
    """Those of them at which several equilibria were found."""
    equilibria: int
    """Equilibria of the whole game, where choices are made at once and it has few histories; 0 where it was not searched."""


def look(solved: Equilibrium) -> Looked:
    """Take a quick look at whether there are other equilibria, for the certificate."""
    found = branches(solved, starts=QUICK_STARTS, points=QUICK_POINTS, quick=True)
    whole = 0
    if solved.game.structure.at_once and solved.exact is not None and len(solved.exact) <= QUICK_HISTORIES:
        random = np.random.Generator(np.random.Philox(0))
        whole = len(whole_game(solved.exact, [], QUICK_STARTS, random).equilibria)
    return Looked(len(found.decisions), len(found.several), whole)


def _finer(solved: Equilibrium, progress: Progress | None = None) -> Equilibrium:
    """Return the solution on a finer belief grid, where there are two axes at most and that is cheap.

    A certificate looks where the game goes; other equilibria may lead to beliefs where the grid in hand is coarse.
    """
    game, grid = solved.game, solved.grid
    own = max(game.n_types) - 1
    sizes = [(level, level_size(level)) for level in range(MAX_LEVEL + 1)]
    affordable = [level for level, n in sizes if estimate(game, n**grid.n_axes).seconds <= CHEAP_SECONDS and n**own <= LONGEST_LINE]
    levels = tuple(max(affordable[-1], old) for old in grid.axis_levels) if affordable else grid.axis_levels
    if not 1 <= grid.n_axes <= PRODUCT_AXES or (levels == grid.axis_levels and not grid.combination.local):
        return solved
    new = BeliefGrid(game.n_types, box(levels))
    lines, values, policy, report, unsolved = sweep(game, new, workers=2, progress=progress)
    return replace(solved, grid=new, lines=lines, values=values, log_policy=policy, sweep=report, unsolved=unsolved)


def _secret(game: Game) -> np.ndarray:
    """Tell at which nodes a player with a secret chooses alone."""
    g = game.arrays
    return np.asarray(
        (game.structure.kind == DECISION) & ~game.structure.together & (np.diff(g.option_start) > 1) & (np.array(game.n_types)[g.owner] > 1)
    )


def _likeliest(solved: Equilibrium, points: int) -> tuple[list[tuple[int, np.ndarray, float]], bool]:
    """Follow histories in order of probability; return decisions with a secret (node, belief, probability), and whether these are all.

    Choices made at once are left out.
    """
    game, g, secret = solved.game, solved.game.arrays, _secret(solved.game)
    if not secret.any():
        return [], True
    order = count()
    pending = [(-1.0, next(order), int(game.structure.roots[0]), solved.prior)]
    found: dict[tuple[int, bytes], tuple[int, np.ndarray, float]] = {}
    for _ in range(VISITS * points):
        if not pending:
            break
        chance, _, node, x = heapq.heappop(pending)
        owner = int(g.owner[node])
        if secret[node]:
            key = node, (x.round(9) + 0.0).tobytes()
            if key not in found and len(found) == points:
                pending.append((chance, next(order), node, x))
                break
            earlier = found.get(key, (node, x, 0.0))
            found[key] = *earlier[:2], earlier[2] - chance
        if g.observation_start[node + 1] == g.observation_start[node]:
            continue
        probe = solved.probe(node, x)
        belief = to_beliefs(x, game.n_types)[owner] if owner >= 0 else np.ones(1)
        for y, p in enumerate((probe.likelihood @ belief).tolist()):
            if p > 0.0:
                heapq.heappush(pending, (chance * p, next(order), int(g.target[g.observation_start[node] + y]), probe.posteriors[y]))
    return sorted(found.values(), key=lambda one: -one[2]), not pending


def _search(solved: Equilibrium, node: int, x: np.ndarray, chance: float, starts: int, random: np.random.Generator) -> Decision:
    """Look for all solutions of the stage at a node and belief."""
    game, g, lines, work = solved.game, solved.game.arrays, solved.lines, solved._work
    principal = solved.on_grid.probe(node, x, work=work)
    s, owner = work.stage, int(g.owner[node])
    k, n_obs, n_options = game.n_types[owner], len(principal.likelihood), principal.policy.shape[1]
    axis, n_leaf = solved.grid.first_axis[owner], int(lines.n_leaf[owner])
    stage = (
        s, k, n_options, n_obs, bool(g.is_open[node]), np.ascontiguousarray(x[axis : axis + k - 1]), float(g.precision[node]), float(g.beta[node]),
        owner, lines.sizes, lines.exponents, n_leaf,
    )  # fmt: skip
    points = s.u[None, :k, :n_options].copy()
    low, high = _box(s, game.likelihoods(node), float(g.precision[node]), float(g.beta[node]), lines.exponents[owner, :n_leaf])
    if (high - low).max() > 0.0:
        points = np.concatenate([points, *_starts(low, high, starts, random)])
    believed = to_beliefs(x, game.n_types)[owner]
    found = _solutions(stage, points, on_principal=principal.residual < np.inf)
    told = []
    for u, sign in found:
        search(*stage, u[None].copy(), np.zeros(1))
        policy, posts = s.sigma[:k, :n_options].copy(), s.post[:n_obs, : k - 1].copy()
        payoffs = (policy * s.q[:n_options, :k].T).sum(axis=1)
        beliefs = np.array([to_beliefs(post, (k,))[0] for post in posts])
        likelihood = np.exp(s.log_like[:n_obs, :k])
        told.append(StageEquilibrium(u, policy, payoffs, beliefs, _bits(likelihood, believed), sign))
    used = principal.policy if solved.exact is None else solved.probe(node, x).policy
    told.sort(key=lambda one: float(np.abs(one.policy - used).max()))
    kept: list[StageEquilibrium] = []
    doubtful = 0
    for one in told:
        same = next((i for i, other in enumerate(kept) if np.abs(one.policy - other.policy).max() <= SAME_POLICY), None)
        if same is not None:
            kept[same] = replace(kept[same], index=kept[same].index + one.index)
        elif kept and _gap(solved, node, x, one) > TOLERANCE:
            doubtful += 1
        else:
            kept.append(replace(one, taken=not kept, distance=float(np.abs(one.policy - kept[0].policy).max()) if kept else 0.0))
    return Decision(node, x, chance, tuple(kept), doubtful, sum(sign for _, sign in found) == 1)


def _bits(likelihood: np.ndarray, belief: np.ndarray) -> float:
    """Return the mutual information in bits between type and observation, from likelihoods (Y, K) and the belief (K,)."""
    joint = likelihood * belief
    apart = joint.sum(axis=1, keepdims=True) * belief
    seen = joint > 0.0
    return float(max((joint[seen] * np.log2(joint[seen] / apart[seen])).sum(), 0.0))


def _gap(solved: Equilibrium, node: int, x: np.ndarray, one: StageEquilibrium) -> float:
    """Return the largest difference between a solution and the logit response to continuation values backed up exactly by one step.

    On a belief grid that is too coarse for what follows, equations may have solutions that the game has not.
    """
    game, g, grid = solved.game, solved.game.arrays, solved.on_grid
    owner, k = int(g.owner[node]), one.policy.shape[0]
    o0, o1, y0 = int(g.option_start[node]), int(g.option_start[node + 1]), int(g.observation_start[node])
    own = slice(int(g.columns[owner]), int(g.columns[owner]) + k)
    axis = solved.grid.first_axis[owner]
    onward = np.zeros((len(one.beliefs), k))
    for y, belief in enumerate(one.beliefs):
        after = x.copy()
        after[axis : axis + k - 1] = to_coordinates([belief])
        onward[y] = game.payoffs.observation[y0 + y, own] + g.beta[node] * grid.probe(int(g.target[y0 + y]), after, work=solved._work).values[own]
    q = game.payoffs.option[o0:o1, own].T + np.einsum("ayk,yk->ka", game.likelihoods(node), onward)
    return float(np.abs(logit(g.log_w[o0:o1], float(g.precision[node]), q) - one.policy).max())


def _solutions(stage: tuple[Any, ...], points: np.ndarray, *, on_principal: bool) -> list[tuple[np.ndarray, int]]:
    """Return the distinct solutions to which the starts lead, log-odds (K, A) and index, and those to which their curves return.

    The first start is the principal solution if `on_principal`; its curve leads back to precision 0.
    """
    s, k, n_options = stage[:3]
    known: list[tuple[np.ndarray, int]] = []

    def add(u: np.ndarray, sign: float) -> None:
        if all(np.abs(u - other).max() > SAME * max(1.0, float(np.abs(other).max())) for other, _ in known):
            known.append((u.copy(), int(sign)))

    signs = np.zeros(len(points))
    search(*stage, points, signs)
    for u, sign in zip(points[signs != 0.0], signs[signs != 0.0], strict=True):
        add(u, sign)
    position = int(on_principal)
    while position < len(known):
        residual, sign = returns(*stage, known[position][0])
        if residual < np.inf:
            add(s.u[:k, :n_options], sign)
        position += 1
    return known


def _box(s: Stage, like: np.ndarray, precision: float, beta: float, exponents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest log-odds that any solution can have, shapes (K, A), from the stage set up in `s`.

    `like` is (A, Y, K); a product of Chebyshev polynomials lies between -1 and 1.
    """
    n_options, n_obs, k = like.shape
    coef = s.coef[:n_obs, :k, : len(exponents)]
    constant = (exponents == 0).all(axis=1)
    middle = s.reward_y[:n_obs, :k] + beta * coef[..., constant].sum(axis=2)
    spread = abs(beta) * np.abs(coef[..., ~constant]).sum(axis=2)
    reward = s.reward[:n_options, :k]
    rise = (reward - reward[0]).T + np.einsum("ayk,yk->ka", like - like[0], middle)
    reach = np.einsum("ayk,yk->ka", np.abs(like - like[0]), spread)
    log_w = s.log_w[:n_options] - s.log_w[0]
    return log_w + precision * (rise - reach), log_w + precision * (rise + reach)


def _starts(low: np.ndarray, high: np.ndarray, starts: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return log-odds (S, K, A) to start from: corners, at most half of all, and a Latin hypercube."""
    k, n_options = low.shape
    corners = _corners(k, n_options)
    if len(corners) > starts // 2:
        corners = corners[np.sort(random.permutation(len(corners))[: starts // 2])]
    n = max(starts - len(corners), 0)
    cube = (np.argsort(random.random((n, k, n_options)), axis=0) + random.random((n, k, n_options))) / max(n, 1)
    inner = np.clip(low, -MIDDLE, MIDDLE), np.clip(high, -MIDDLE, MIDDLE)
    half = (np.arange(n) % 2 == 0)[:, None, None]
    drawn = np.where(half, inner[0] + cube * (inner[1] - inner[0]), low + cube * (high - low))
    return corners, drawn - drawn[:, :, :1]


def _corners(k: int, n_options: int) -> np.ndarray:
    """Return log-odds (S, K, A) where types are nearly sure: all of one option, any other then pointing to one type; each type of its own."""
    found = []
    for option, blamed in product(range(n_options), range(k)):
        u = np.full((k, n_options), -2.0 * NEARLY_SURE)
        u[blamed] = -NEARLY_SURE
        u[:, option] = 0.0
        found.append(u)
    profiles = product(range(n_options), repeat=k) if n_options**k <= MAX_CORNERS else ()
    for profile in profiles:
        u = np.full((k, n_options), -NEARLY_SURE)
        u[np.arange(k), list(profile)] = 0.0
        found.append(u)
    return np.array([u - u[:, :1] for u in found])
