"""Small games of two players, drawn by seed: is every one solved, at any precision, also where branches turn or cross?

    python benchmarks/small_games.py [--games 20000] [--seed 0] [--trees 500]

Payoffs are small whole numbers, of each player its own or alike (common, opposed, the same for both), often with ties. Precisions are whole numbers,
drawn from 0.01 to 1,000 by their logarithm, and those at which the branch of the game turns back or another one crosses it, to the last digit.
Solutions are held against the logit equations, written anew here. Some games are solved on their tree of histories as well; where the two solutions
differ, a reference that follows the branch in tiny steps, plainly written, tells which of them left it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from standoff.errors import SolveError
from standoff.game import Game
from standoff.scenario import Builder, resolve
from standoff.solve import Exact, exact
from standoff.solve.markov import Markov, MarkovGame, solve_markov
from standoff.worlds.world import structures_of

SHAPES = (2, 2), (3, 3), (2, 3)
RANGES = (-5, 9), (0, 1), (0, 3), (-1, 1)

SAME = 1e-6
"""Choice probabilities that differ by more belong to different solutions."""

Small = tuple[np.ndarray, np.ndarray]
"""Payoffs of the row and of the column player, shapes (R, C)."""


def draw(random: np.random.Generator) -> Small:
    """Return a game: square ones are mostly symmetric, common or opposed."""
    shape = SHAPES[random.integers(len(SHAPES))]
    low, high = RANGES[random.integers(len(RANGES))]
    row, column = (random.integers(low, high + 1, size=shape).astype(float) for _ in range(2))
    kind = random.integers(4) if shape[0] == shape[1] else 0
    return row, (column, row.T, row, -row)[kind]


def draw_precision(random: np.random.Generator) -> float:
    """Return a precision from 0.01 to 1,000, half of the time a whole number."""
    if random.integers(2):
        return float(10.0 ** random.uniform(-2.0, 3.0))
    return float(random.integers(1, 13) * (1, 1, 10, 50)[random.integers(4)])


def as_markov(game: Small, precision: float) -> MarkovGame:
    """Return a game as one state at which both choose and which ends."""
    row, column = game
    n = row.size
    return MarkovGame(
        2, np.array([0, 2]), np.array([0, 1]), np.array(row.shape), np.zeros(sum(row.shape)), np.full(2, precision), np.array([0, n]),
        np.stack([row.ravel(), column.ravel()], axis=1), np.zeros(n + 1, dtype=int), np.zeros(0, dtype=int), np.zeros(0),
    )  # fmt: skip


def error(game: Small, precision: float, row: np.ndarray, column: np.ndarray) -> float:
    """Return the largest distance of a choice probability from the logit response to the other's."""
    worst = 0.0
    for policy, worth in ((row, game[0] @ column), (column, row @ game[1])):
        weight = np.exp(precision * (worth - worth.max()))
        worst = max(worst, float(np.abs(policy - weight / weight.sum()).max()))
    return worst


def reference(game: Small, precision: float, *, step: float = 0.01) -> tuple[np.ndarray, np.ndarray]:
    """Return what the principal branch plays, followed in tiny steps (pseudo-arclength: Keller 1977), each corrected to the last digits.

    Unknowns are all log-odds and then the precision; a step is at most `step` of what each of them is, or of one. It is halved where the tangent
    turns by more than 2.5 degrees. Raises SolveError where that does not get on.
    """
    rows, n = len(game[0]), sum(game[0].shape)

    def equations(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mixed = [np.exp(u - u.max()) / np.exp(u - u.max()).sum() for u in (z[:rows], z[rows:n])]
        one, two = (np.diag(sigma) - np.outer(sigma, sigma) for sigma in mixed)
        worth = [game[0] @ mixed[1], mixed[0] @ game[1]]
        rise, slope = np.concatenate([w - w[0] for w in worth]), np.zeros((n, n + 1))
        slope[:rows, rows:n] = -z[n] * ((game[0] - game[0][0]) @ two)
        slope[rows:, :rows] = -z[n] * ((game[1] - game[1][:, :1]).T @ one)
        slope[:, :n] += np.eye(n)
        slope[:, n] = -rise
        return z[:n] - z[n] * rise, slope

    def newton(z: np.ndarray, across: np.ndarray) -> np.ndarray | None:
        start = z
        for _ in range(8):
            residual, slope = equations(z)
            change = np.linalg.solve(np.vstack([slope, across]), np.append(residual, 0.0))
            z = z - change
            if np.abs(z - start).max() > np.abs(scale).max() * step:
                return None
            if np.abs(change / scale).max() < 1e-12:
                return z
        return None

    def unit(z: np.ndarray, onward: np.ndarray) -> np.ndarray:
        found = np.linalg.solve(np.vstack([equations(z)[1], onward]), np.append(np.zeros(n), 1.0))
        return np.asarray(found / np.linalg.norm(found / scale))

    z, scale, length = np.zeros(n + 1), np.ones(n + 1), step
    tangent = unit(z, np.append(np.zeros(n), 1.0))
    for _ in range(400_000):
        scale = np.maximum(np.abs(z), 1.0)
        tangent = tangent / np.linalg.norm(tangent / scale)
        ends = z[n] + length * tangent[n] >= precision
        guess = z + (min(length, (precision - z[n]) / tangent[n]) if ends else length) * tangent
        found = newton(guess, np.eye(n + 1)[n] if ends else tangent / scale**2)
        ahead = None if found is None else unit(found, tangent / scale**2)
        if ahead is not None and found is not None and (ahead / scale) @ (tangent / scale) > 0.999:
            if ends:
                return tuple(np.exp(u - u.max()) / np.exp(u - u.max()).sum() for u in (found[:rows], found[rows:n]))  # type: ignore[return-value]
            z, tangent, length = found, ahead, min(2.0 * length, step)
        elif length < 1e-9:
            break
        else:
            length *= 0.5
    raise SolveError(f"the reference was lost at precision {z[n]}")


def as_scenario(shape: tuple[int, int]) -> Callable[[Small, float], Game]:
    """Return what builds the game of histories of such a shape."""
    rows, columns = ([f"{what}{i}" for i in range(n)] for what, n in zip("rc", shape, strict=True))
    builder = Builder("small").clock(periods=1).state("did", values=["none", *rows], start="none").parameter("precision", 1)
    for who, tag in (("row", "a"), ("column", "b")):
        paid = {}
        for j, column in enumerate(columns):
            text = f"{tag}0_{j}"
            for i in range(len(rows)):
                builder.parameter(f"{tag}{i}_{j}", 0)
                text = f"({tag}{i}_{j} if did == r{i} else {text})" if i else text
            paid[f"column.{column}"] = text
        builder.player(who).payoff(who, "table", on=paid)
    builder.turn("row", options={one: {"set": {"did": one}} for one in rows}).turn("column", at_once=True, options={one: {} for one in columns})
    games = structures_of(resolve(builder.scenario()))

    def build(game: Small, precision: float) -> Game:
        paid = {f"{tag}{i}_{j}": float(table[i, j]) for tag, table in zip("ab", game, strict=True) for i, j in np.ndindex(*shape)}
        return games.build({"precision": precision, **paid})

    return build


def tell(game: Small, precision: float) -> str:
    """Return a game and its precision as text from which they can be had again."""
    return f"{game[0].tolist()} {game[1].tolist()} at precision {precision!r}"


@dataclass
class Tally:
    """What came out."""

    games: int = 0
    refused: list[str] = field(default_factory=list)
    apart: float = 0.0
    """Largest difference of a choice probability between a solution and that on the tree."""
    differ: list[str] = field(default_factory=list)
    worst: float = 0.0
    turned: int = 0
    crossed: int = 0
    at_critical: int = 0

    def add(self, game: Small, precision: float) -> Markov | None:
        """Solve a game and keep what came out."""
        self.games += 1
        try:
            solved = solve_markov(as_markov(game, precision))
        except SolveError as problem:
            self.refused.append(f"{tell(game, precision)}: {problem}")
            return None
        self.worst = max(self.worst, error(game, precision, *solved.policy(0)))
        self.turned += solved.certificate.folds > 0
        self.crossed += bool(solved.certificate.crossings)
        return solved

    def compare(self, game: Small, precision: float, solved: Markov, tree: Exact) -> None:
        """Keep how far a solution and that on the tree are apart, and which of them is off the branch."""
        found = solved.policy(0), [tree.at(h)[0] for h in range(2)]
        apart = _apart(*found)
        self.apart = max(self.apart, apart)
        if apart > SAME:
            try:
                right = reference(game, precision)
                off = ", ".join(f"{name} off by {_apart(right, one):.1e}" for name, one in zip(("states", "tree"), found, strict=True))
            except SolveError as problem:
                off = str(problem)
            self.differ.append(f"{tell(game, precision)}: {apart:.1e} apart ({off})")


def _apart(one: Sequence[np.ndarray], two: Sequence[np.ndarray]) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(one, two, strict=True))


def critical(game: Small, precision: float, tally: Tally) -> None:
    """Bisect to the neighbouring numbers, up to a precision, between which the branch first turns back or is crossed, solving at each on the way."""

    def passed(sharpness: float) -> bool:
        tally.at_critical += 1
        found = tally.add(game, sharpness)
        return found is not None and found.certificate.folds + len(found.certificate.crossings) > 0

    low, high = 0.0, precision
    while low < (middle := 0.5 * (low + high)) < high:
        low, high = (low, middle) if passed(middle) else (middle, high)


def check(games: int, seed: int, every: int = 20) -> Tally:
    """Solve so many games; where the branch has turned or been crossed, one in so many is solved ever nearer to where it first is as well."""
    random, tally = np.random.default_rng(seed), Tally()
    for _ in range(games):
        game, precision = draw(random), draw_precision(random)
        solved = tally.add(game, precision)
        if solved is not None and (solved.certificate.folds or solved.certificate.crossings) and random.integers(every) == 0:
            critical(game, precision, tally)
    return tally


def check_trees(games: int, seed: int) -> Tally:
    """Solve so many games, and each on its tree too."""
    random, tally = np.random.default_rng(seed), Tally()
    builds = {shape: as_scenario(shape) for shape in SHAPES}
    for _ in range(games):
        game, precision = draw(random), draw_precision(random)
        solved = tally.add(game, precision)
        try:
            tree = exact(builds[game[0].shape](game, precision), selection="principal", workers=1)
        except SolveError as problem:
            tally.refused.append(f"tree of {tell(game, precision)}: {problem}")
            continue
        if solved is not None:
            tally.compare(game, precision, solved, tree)
    return tally


def main() -> None:
    """Print what came out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=20_000)
    parser.add_argument("--trees", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    tally = check(args.games, args.seed)
    print(
        f"seed {args.seed}: {tally.games:,} games, {tally.at_critical:,} of them near critical precisions: {len(tally.refused):,} refused, "
        f"largest residual {tally.worst:.1e} (probability); {tally.turned:,} followed through turning points, {tally.crossed:,} through crossings"
    )
    trees = check_trees(args.trees, args.seed)
    print(
        f"{trees.games:,} on their trees: {len(trees.refused):,} refused, largest difference {trees.apart:.1e} (probability), "
        f"{len(trees.differ):,} above {SAME:.0e}"
    )
    for line in [*tally.refused, *trees.refused][:20]:
        print("refused:", line)
    for line in trees.differ:
        print("differs:", line)


if __name__ == "__main__":
    main()
