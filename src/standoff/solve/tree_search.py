"""Equilibria of a whole game: Newton's method on the tree of public histories (`standoff.solve.exact`), from many starts.

Unlike at a single decision, what follows moves with what is done: every decision is solved anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from standoff.game.tree import menus
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.exact import Exact
from standoff.solve.induction import Progress
from standoff.solve.tree_system import RESIDUAL, System

MOST_HISTORIES = 2_000
"""Games with at most so many public histories are searched as a whole."""

REPLIES, HELD_REPLIES, ROUNDS, HALVINGS = 100, 3, 60, 12

DRAG = 1e12
"""As much in the linearised equations leaves of Newton's step the logit response to what is played (`standoff.solve.tree_flow`)."""

SAME = 1e-6
"""Equilibria whose choice probabilities differ by less everywhere are one."""

MORE = 4
"""The search is begun again with other random starts while signs do not add up, at most so many times."""

SCALES = (1.0, 5.0, 25.0)
"""Spread of the log-odds of random starts: undecided, leaning, sure."""


@dataclass(frozen=True, eq=False)
class WholeGame:
    """The equilibria found of a whole game."""

    equilibria: tuple[Exact | Equilibrium, ...]
    """The one taken first, then the nearest to it."""
    distances: tuple[float, ...]
    """Largest difference of a choice probability anywhere from the one taken."""
    indices: tuple[int, ...]
    """Sign of the determinant of each, 0 where it is singular."""
    starts: int
    ended: int
    """Starts that led to an equilibrium; where few did the search says little."""

    @property
    def complete(self) -> bool:
        """Whether signs add up to +1, as those of all equilibria do where none is singular (index theorem)."""
        return sum(self.indices) == 1 and all(self.indices)


def whole_game(
    exact: Exact, ideas: Sequence[tuple[int, np.ndarray, np.ndarray]], starts: int, random: np.random.Generator, progress: Progress | None = None
) -> WholeGame:
    """Look for equilibria of the whole game from `starts` random starts, and from `ideas` what else to do at a node and belief, log-odds (K, A)."""
    rows = _Rows(exact)
    tried: list[tuple[np.ndarray, int, np.ndarray | None]] = []
    for u, held in rows.changed(ideas):
        tried += [(u, 0, None), (u, HELD_REPLIES, held)]
    policies, found, indices = [rows.policy(exact.log_odds)], [exact], [_index(exact)]
    count = ended = 0
    for _ in range(MORE):
        tried += [(u, REPLIES * (number % 4 > 0), None) for number, u in enumerate(rows.drawn(starts, random))]
        for number, (solved, index) in enumerate(_solutions(exact, tried)):
            if solved is not None:
                ended += 1
                policy = rows.policy(solved.log_odds)
                if all(np.abs(policy - other).max() > SAME for other in policies):
                    policies.append(policy)
                    found.append(solved)
                    indices.append(index)
            if progress is not None:
                progress("looking for other equilibria of the whole game", (number + 1) / len(tried))
        count += len(tried)
        tried = []
        if (sum(indices) == 1 and all(indices)) or not starts:
            break
    distances = [float(np.abs(policy - policies[0]).max()) for policy in policies]
    order = np.argsort(distances, kind="stable").tolist()
    ordered = tuple(found[i] for i in order), tuple(distances[i] for i in order), tuple(indices[i] for i in order)
    return WholeGame(*ordered, count, ended)


def _index(exact: Exact) -> int:
    """Return the sign of the determinant at a solution."""
    system = System(exact.game, 1)
    system.state.u[:] = exact.log_odds[system.others()]
    system.point[-1] = 1.0
    system.linearise()
    return int(system.side())


def _solutions(exact: Exact, starts: Sequence[tuple[np.ndarray, int, np.ndarray | None]]) -> Iterator[tuple[Exact | None, int]]:
    """Yield for every start the solution of the whole tree that damped Newton's method finds, or None, and the sign of the determinant there.

    A start is log-odds (O, K) and how often all first reply: move to the mean of their logit responses so far, as in fictitious play, which leads
    to where play that adjusts would settle. Without replies Newton's method also finds the solutions from which it would run away. Where rows are
    held, the others reply to them, each time anew.
    """
    system = System(exact.game, 1)
    state, others = system.state, system.others()
    system.point[-1] = 1.0
    for start, replies, held in starts:
        state.u[:] = begun = start[others]
        kept = held[others] if held is not None else None
        for number in range(replies):
            # With so much drag the system says `newton = -F / drag`, and `u - F` is the logit response to `u`.
            system.linearise(DRAG)
            system.respond()
            state.u[:] += (1.0 / (number + 2) if kept is None else 1.0) * DRAG * state.newton
            if kept is not None:
                state.u[kept] = begun[kept]
        rounds, residual = 0, system.linearise()
        while residual > RESIDUAL and rounds < ROUNDS:
            rounds += 1
            system.respond()
            step = state.newton.copy()
            before, worst, share = state.u.copy(), residual, 1.0
            for _ in range(HALVINGS):
                state.u[:] = before + share * step
                residual = system.linearise()
                if residual <= (1.0 - 0.1 * share) * worst:
                    break
                share *= 0.5
            else:
                residual = np.nan
        if not residual <= RESIDUAL:
            yield None, 0
            continue
        certificate = replace(exact.certificate, residual=residual, folds=0, steps=rounds)
        solved = replace(exact, log_odds=system.log_odds(), beliefs=system.beliefs, values=state.value.copy(), certificate=certificate)
        yield solved, int(system.side())


class _Rows:
    """The option rows of a tree of histories: `O` rows in all, `K` types."""

    def __init__(self, exact: Exact) -> None:
        g, tree = exact.game.arrays, exact.tree
        options = menus(exact.game.structure, tree)
        here = np.repeat(tree.node, options)
        self.exact = exact
        self.first = tree.option[options > 0]
        self.first_of = np.repeat(tree.option, options)
        self.in_game = np.repeat(g.option_start[tree.node] - tree.option, options) + np.arange(len(here))
        self.n_in_game = int(g.option_start[-1])
        self.used = np.arange(exact.log_odds.shape[1]) < np.array(exact.game.n_types)[g.owner[here]][:, None]

    def policy(self, u: np.ndarray) -> np.ndarray:
        """Return choice probabilities (O, K), those of types that a mover does not have even."""
        u = np.where(self.used, u, 0.0)
        top = np.repeat(np.maximum.reduceat(u, self.first), np.diff([*self.first, len(u)]), axis=0)
        p = np.exp(u - top)
        return np.asarray(p / np.repeat(np.add.reduceat(p, self.first), np.diff([*self.first, len(u)]), axis=0))

    def changed(self, ideas: Sequence[tuple[int, np.ndarray, np.ndarray]]) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return the log-odds of the solution in hand with one decision's replaced, for each idea that some history meets, and its rows (O,)."""
        made = []
        for node, x, log_odds in ideas:
            history = self.exact.find(node, x)
            if history is not None:
                k, n_options = log_odds.shape
                first = int(self.exact.tree.option[history])
                u = self.exact.log_odds.copy()
                u[first : first + n_options, :k] = log_odds.T
                rows = np.arange(len(u))
                made.append((u, (rows >= first) & (rows < first + n_options)))
        return made

    def drawn(self, starts: int, random: np.random.Generator) -> list[np.ndarray]:
        """Return normal log-odds; in every second start the same for all histories of a public state."""
        made = []
        for number in range(starts):
            scale = SCALES[number // 2 % len(SCALES)]
            u = random.normal(scale=scale, size=(self.n_in_game if number % 2 else len(self.used), self.used.shape[1]))
            u = u[self.in_game] if number % 2 else u
            made.append(np.where(self.used, u - u[self.first_of], 0.0))
        return made
