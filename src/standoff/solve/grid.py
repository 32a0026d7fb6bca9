"""The belief grid: where values live, and how they are read between its nodes.

*Coordinates.* The public belief about player `i` with `K` types is written in `K - 1` stick-breaking coordinates in [0, 1]:
`x[k]` is the probability of type `k` given that it is none of the types before it. Bayes' rule stays finite in them even where a type is
ruled out, and the whole belief space becomes a cube of `D = sum (K_i - 1)` axes.

*Nodes.* Axis level 0 is {1/2}; level `l` has the `2**l + 1` Clenshaw-Curtis (Chebyshev extremal) points, so levels nest. A grid is a
downward closed set `I` of level vectors; its interpolant is the Smolyak combination `sum_{l in I} c_l U_{l_1} x .. x U_{l_D}` with
`c_l = sum_{e in {0,1}^D, l+e in I} (-1)^|e|` (Gerstner & Griebel 2003). A full box of levels is the tensor product; small sums of levels
are sparse grids; unequal axes are anisotropic ones. All are the same object here.

*Local grids.* Where values jump or turn sharply, no polynomial over the whole axis will do: it swings everywhere. A local grid is a full box of
evenly spread nodes, with some more near the ends where there are many, and reads from the six nearest nodes of each axis only
(`standoff.solve._axis`), so that a jump disturbs its neighbourhood alone. Its nodes are numbered with the last axis running fastest.

*Lines.* When player `i` moves, only its own coordinates move. Along them the interpolant is a polynomial; `line(m, i)` gives the matrix that
turns node values into its Chebyshev coefficients. This is what the stage solver reads.

Shapes: `D` axes, `M` nodes, `J_i` leaf coefficients of player `i`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from standoff.solve._axis import chebyshev, local_basis, local_place
from standoff.solve._jit import kernel

MAX_LEVEL = 7

LOCAL_LEVEL = 2
"""The lowest level of a local axis: its functions need five nodes."""

PRODUCT_AXES = 2
"""Up to so many belief axes grids are tensor products: there they need fewer nodes than sparse grids for the same digits."""


class Combination(NamedTuple):
    """The Smolyak combination in flat arrays, as the kernels want it."""

    coef: np.ndarray  # (c,) the nonzero c_l
    level: np.ndarray  # (c, D)
    start: np.ndarray  # (c+1,) into `node`
    node: np.ndarray  # nodes of the tensor grid l, the last axis running fastest
    digit: np.ndarray  # (nodes, D) position of each of them on each axis of its level
    transform: np.ndarray  # (L+1, n, n) values at the nodes of a level -> Chebyshev coefficients: [level, coefficient, node]
    local: bool


class Lines(NamedTuple):
    """For one player: at every grid node, the coefficients along the player's own axes as linear maps of node values."""

    first: int  # first axis of the player
    sizes: np.ndarray  # (K-1,) coefficients per axis
    exponents: np.ndarray  # (J, K-1) degree per axis of each leaf coefficient
    start: np.ndarray  # (M+1,) into `node` and `matrix`
    node: np.ndarray  # (touched,)
    matrix: np.ndarray  # (touched, J); on a local grid (touched, 1), row t of a line belonging to coefficient t


def level_size(level: int) -> int:
    """Number of nodes of an axis level."""
    return 1 if level == 0 else 2**level + 1


def level_nodes(level: int) -> np.ndarray:
    """Return the nodes of an axis level in [0, 1], increasing."""
    if level == 0:
        return np.array([0.5])
    n = 2**level
    upper = 0.5 + 0.5 * np.sin(np.pi * np.arange(0, n + 1, 2) / (2 * n))
    # One minus a number above 1/2 is exact, so the nodes are symmetric to the last bit and relabelling two types changes nothing.
    return np.concatenate([1.0 - upper[:0:-1], upper])


def local_nodes(level: int) -> np.ndarray:
    """Return the nodes of an axis level of a local grid in [0, 1], increasing: where `local_place` is a whole number."""
    n = level_size(level)
    lower = np.zeros(n // 2)
    for j in range(1, n // 2):
        lower[j] = brentq(lambda x, j=j: local_place(x, n) - j, 0.0, 0.5, xtol=1e-18, rtol=1e-15)
    return np.concatenate([lower, [0.5], 1.0 - lower[::-1]])


def level_transform(level: int) -> np.ndarray:
    """Return the matrix from node values to Chebyshev coefficients, shape (coefficient, node)."""
    n = level_size(level)
    basis = np.empty((n, n))
    for row, x in enumerate(level_nodes(level)):
        chebyshev(x, n, row, basis)
    return np.linalg.inv(basis)


@kernel
def _cardinals(x, level, local, transform, basis, cards, d):
    """Fill `cards[d, level, :n]` with the cardinal functions of an axis level at `x`; exact zeros and ones at its nodes."""
    n = 1 if level == 0 else 2**level + 1
    if local:
        local_basis(x, n, 0, basis)
    else:
        chebyshev(x, n, 0, basis)
    for k in range(n):
        total = basis[0, k]
        if not local:
            total = 0.0
            for j in range(n):
                total += basis[0, j] * transform[level, j, k]
        if abs(total) < 1e-14:
            total = 0.0
        elif abs(total - 1.0) < 1e-14:
            total = 1.0
        cards[d, level, k] = total


@kernel
def axis_cardinals(d, x, c, cards, basis):
    """Fill `cards[d]` with the cardinal functions of every level of axis `d` at `x`."""
    transform = c.transform
    if c.local:
        _cardinals(x, c.level[0, d], c.local, transform, basis, cards, d)
        return
    for level in range(transform.shape[0]):
        _cardinals(x, level, c.local, transform, basis, cards, d)


@kernel
def combine(c, cards, out):
    """Fill `out[:M]` with interpolation weights, given the cardinal functions of all axes."""
    coef, levels, start, node, digit = c.coef, c.level, c.start, c.node, c.digit
    n_axes = levels.shape[1]
    out[:] = 0.0
    for i in range(coef.shape[0]):
        for flat in range(start[i], start[i + 1]):
            product = coef[i]
            for d in range(n_axes):
                product *= cards[d, levels[i, d], digit[flat, d]]
            out[node[flat]] += product


@kernel
def point_weights(x, c, cards, basis, out):
    """Fill `out[:M]` so that `out @ f` is the interpolant of node values `f` at belief coordinates `x`.

    `cards` is scratch (D, levels, n), `basis` scratch (1, n).
    """
    for d in range(x.shape[0]):
        axis_cardinals(d, x[d], c, cards, basis)
    combine(c, cards, out)


@kernel
def line_matrix(x, first, sizes, c, cards, basis, out):
    """Fill `out[:M, :J]` so that `f @ out` are the coefficients along the axes `first ..` through `x`, from node values `f`."""
    coef, levels, start, nodes, digit, transform = c.coef, c.level, c.start, c.node, c.digit, c.transform
    n_axes = x.shape[0]
    n_own = sizes.shape[0]
    n_leaf = 1
    for d in range(n_own):
        n_leaf *= sizes[d]
    for d in range(n_axes):
        if d < first or d >= first + n_own:
            axis_cardinals(d, x[d], c, cards, basis)
    out[:] = 0.0
    for i in range(coef.shape[0]):
        for flat in range(start[i], start[i + 1]):
            product = coef[i]
            for d in range(n_axes):
                if d < first or d >= first + n_own:
                    product *= cards[d, levels[i, d], digit[flat, d]]
            if product == 0.0:
                continue
            node = nodes[flat]
            if n_own == 1:
                level = levels[i, first]
                k = digit[flat, first]
                for j in range(1 if level == 0 else 2**level + 1):
                    out[node, j] += product * transform[level, j, k]
                continue
            for leaf in range(n_leaf):
                value = product
                rest = leaf
                for d in range(n_own - 1, -1, -1):
                    level = levels[i, first + d]
                    j = rest % sizes[d]
                    rest //= sizes[d]
                    # Beyond a level's own size its transform is zero.
                    value *= transform[level, j, digit[flat, first + d]]
                out[node, leaf] += value


@kernel
def local_line(first, n_own, c, cards, numbers, weights):
    """Rows of the line along the axes `first ..` of a local grid through a belief whose cardinal functions are `cards`; return how many.

    They come in runs of one node for each coefficient along the line, as `visit` in `standoff.solve._sweep` wants them.
    """
    levels, digit = c.level, c.digit
    n_axes = levels.shape[1]
    stride, n_leaf = 1, 1
    for d in range(first, n_axes):
        n = 2 ** levels[0, d] + 1
        if d < first + n_own:
            n_leaf *= n
        else:
            stride *= n
    if n_own == 0:
        stride = 1
    found = 0
    for m in range(digit.shape[0]):
        product = 1.0
        for d in range(n_axes):
            if d < first or d >= first + n_own:
                product *= cards[d, levels[0, d], digit[m, d]]
            elif digit[m, d] > 0:
                product = 0.0
            if product == 0.0:
                break
        if product != 0.0:
            for leaf in range(n_leaf):
                numbers[found] = m + leaf * stride
                weights[found] = product
                found += 1
    return found


@kernel
def _grid_line(x, first, sizes, c, cards, basis, work, stamp, mark, touched, nonzero, counts, at):
    """Line matrix of a grid node in `work[touched[:n], :J]`; return `n`.

    On axes where the node lies on a level's own nodes a single cardinal function is not zero, so that few tensor nodes take part.
    `stamp[node] == mark` tells which rows of `work` are in use.
    """
    n_axes = x.shape[0]
    n_own = sizes.shape[0]
    n_leaf = 1
    for d in range(n_own):
        n_leaf *= sizes[d]
    for d in range(n_axes):
        if d < first or d >= first + n_own:
            axis_cardinals(d, x[d], c, cards, basis)
    found = 0
    for i in range(c.coef.shape[0]):
        for d in range(n_axes):
            level = c.level[i, d]
            n = 1 if level == 0 else 2**level + 1
            own = first <= d < first + n_own
            counts[d] = 0
            for k in range(n):
                if own or cards[d, level, k] != 0.0:
                    nonzero[d, counts[d]] = k
                    counts[d] += 1
            at[d] = 0
        while True:
            flat = 0
            product = c.coef[i]
            for d in range(n_axes):
                level = c.level[i, d]
                k = nonzero[d, at[d]]
                flat = flat * (1 if level == 0 else 2**level + 1) + k
                if d < first or d >= first + n_own:
                    product *= cards[d, level, k]
            node = c.node[c.start[i] + flat]
            if stamp[node] != mark:
                stamp[node] = mark
                touched[found] = node
                found += 1
                for leaf in range(n_leaf):
                    work[node, leaf] = 0.0
            for leaf in range(n_leaf):
                value = product
                rest = leaf
                for d in range(n_own - 1, -1, -1):
                    j = rest % sizes[d]
                    rest //= sizes[d]
                    value *= c.transform[c.level[i, first + d], j, nonzero[first + d, at[first + d]]]
                work[node, leaf] += value
            d = n_axes - 1
            while d >= 0:
                at[d] += 1
                if at[d] < counts[d]:
                    break
                at[d] = 0
                d -= 1
            if d < 0:
                break
    return found


@kernel
def _compress(points, first, sizes, c, n_leaf, cards, basis, work, stamp, touched, nonzero, counts, at, offset, start, node, matrix):
    """Line matrices of all grid nodes, keeping only rows that are not zero; return how many, or fill when `node` has room."""
    count = 0
    fill = node.shape[0] > 0
    for m in range(points.shape[0]):
        found = _grid_line(points[m], first, sizes, c, cards, basis, work, stamp, offset + m, touched, nonzero, counts, at)
        start[m] = count
        for row in range(found):
            largest = 0.0
            for j in range(n_leaf):
                largest = max(largest, abs(work[touched[row], j]))
            if largest > 1e-14:
                if fill:
                    node[count] = touched[row]
                    for j in range(n_leaf):
                        matrix[count, j] = work[touched[row], j]
                count += 1
    start[points.shape[0]] = count
    return count


def box(levels: Sequence[int]) -> frozenset[tuple[int, ...]]:
    """Return the level set of a tensor product grid."""
    return frozenset(itertools.product(*[range(level + 1) for level in levels]))


def simplex(n_axes: int, total: int) -> frozenset[tuple[int, ...]]:
    """Return the level set of the isotropic sparse grid: level vectors of sum at most `total`."""
    return frozenset(level for level in itertools.product(range(total + 1), repeat=n_axes) if sum(level) <= total)


def local(levels: Sequence[int]) -> frozenset[tuple[int, ...]]:
    """Return the level set that stands for a local grid: that one level vector, which by itself is not downward closed."""
    if not levels or min(levels) < LOCAL_LEVEL:
        raise ValueError(f"axes of a local grid have level {LOCAL_LEVEL} at least, not {tuple(levels)}")
    return frozenset([tuple(levels)])


def is_local(levels: frozenset[tuple[int, ...]]) -> bool:
    """Tell whether a level set stands for a local grid."""
    return len(levels) == 1 and min(next(iter(levels)), default=0) >= LOCAL_LEVEL


def close_downward(levels: Iterable[tuple[int, ...]]) -> frozenset[tuple[int, ...]]:
    """Return the smallest downward closed set that contains these level vectors."""
    closed: set[tuple[int, ...]] = set()
    for level in levels:
        closed |= box(level)
    return frozenset(closed)


def count_nodes(levels: frozenset[tuple[int, ...]]) -> int:
    """Return the number of grid nodes of a level set."""
    if is_local(levels):
        return int(np.prod([level_size(level) for level in next(iter(levels))]))

    def new(level: int) -> int:
        return 1 if level == 0 else 2 if level == 1 else 2 ** (level - 1)

    return sum(int(np.prod([new(k) for k in level])) if level else 1 for level in levels)


def line_bytes(levels: frozenset[tuple[int, ...]], n_types: Sequence[int]) -> float:
    """Return about how much memory the lines of a grid take: at each node as many rows as a player's own axes have coefficients, as wide."""
    total, first = 0.0, 0
    for k in n_types:
        own = range(first, first + k - 1)
        leaves = float(np.prod([level_size(max(level[d] for level in levels)) for d in own]))
        total += 8.0 * count_nodes(levels) * leaves * (1.0 if is_local(levels) else leaves) if k > 1 else 0.0
        first += k - 1
    return total


class BeliefGrid:
    """Nodes on the belief cube and the linear maps that read between them.

    `n_types[i]` is the number of types of player `i`; `levels` a downward closed set of level vectors over the axes in player order, or the one
    level vector of a local grid.
    """

    def __init__(self, n_types: Sequence[int], levels: frozenset[tuple[int, ...]]) -> None:
        self.n_types = tuple(n_types)
        self.first_axis = tuple(int(sum(k - 1 for k in self.n_types[:i])) for i in range(len(self.n_types)))
        self.n_axes = sum(k - 1 for k in self.n_types)
        self.levels = levels
        self.local = is_local(levels)
        if any(len(level) != self.n_axes for level in levels) or not levels:
            raise ValueError(f"level vectors must have {self.n_axes} entries")
        if max((max(level, default=0) for level in levels), default=0) > MAX_LEVEL:
            raise ValueError(f"axis levels above {MAX_LEVEL} are not supported")
        self._build_nodes()

    def _build_nodes(self) -> None:
        axis_levels = [max(level[d] for level in self.levels) for d in range(self.n_axes)]
        self.axis_levels = tuple(axis_levels)
        top = max(axis_levels, default=0)
        finest = 2 ** max(top, 1)

        def positions(level: int) -> np.ndarray:
            return np.array([finest // 2]) if level == 0 else np.arange(level_size(level)) * (finest // 2**level)

        coordinate = level_nodes(max(top, 1))
        index: dict[tuple[int, ...], int] = {}
        coefs: list[int] = []
        combo_levels: list[tuple[int, ...]] = []
        starts = [0]
        flat: list[int] = []
        digits: list[tuple[int, ...]] = []
        ordered = [self.axis_levels] if self.local else sorted(self.levels)
        for level in ordered:
            for place in itertools.product(*[positions(k) for k in level]):
                index.setdefault(tuple(int(p) for p in place), len(index))
        for level in ordered:
            coef = (
                1
                if self.local
                else sum(
                    (-1) ** sum(step) for step in itertools.product((0, 1), repeat=self.n_axes) if tuple(np.add(level, step).tolist()) in self.levels
                )
            )
            if coef == 0:
                continue
            coefs.append(coef)
            combo_levels.append(level)
            flat.extend(index[tuple(int(p) for p in place)] for place in itertools.product(*[positions(k) for k in level]))
            digits.extend(itertools.product(*[range(level_size(k)) for k in level]))
            starts.append(len(flat))
        self.points = np.array([[coordinate[p] for p in place] for place in index], dtype=float).reshape(len(index), self.n_axes)
        if self.local:
            self.points = np.array(list(itertools.product(*[local_nodes(level) for level in axis_levels])))
        self.n_nodes = len(index)
        self.max_size = level_size(top)
        transform = np.zeros((top + 1, self.max_size, self.max_size))
        for own in range(0 if self.local else top + 1):
            n = level_size(own)
            transform[own, :n, :n] = level_transform(own)
        self.combination = Combination(
            np.array(coefs, dtype=float),
            np.array(combo_levels, dtype=np.int64).reshape(len(coefs), self.n_axes),
            np.array(starts, dtype=np.int64),
            np.array(flat, dtype=np.int64),
            np.array(digits, dtype=np.int64).reshape(len(flat), self.n_axes),
            transform,
            self.local,
        )

    @cached_property
    def lines(self) -> list[Lines]:
        """The lines of every player."""
        return [self._build_lines(player) for player in range(len(self.n_types))]

    def scratch(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the scratch arrays (`cards`, `basis`) that the interpolation kernels want."""
        levels = self.combination.transform.shape[0]
        return np.zeros((max(self.n_axes, 1), levels, self.max_size)), np.zeros((1, self.max_size))

    def _build_lines(self, player: int) -> Lines:
        first = self.first_axis[player]
        own = self.n_types[player] - 1
        sizes = np.array([level_size(self.axis_levels[first + d]) for d in range(own)], dtype=np.int64)
        n_leaf = int(np.prod(sizes)) if own else 1
        exponents = np.array(list(itertools.product(*[range(n) for n in sizes])), dtype=np.int64).reshape(n_leaf, own)
        start = np.zeros(self.n_nodes + 1, dtype=np.int64)
        if own == 0:
            # A player without a secret moves nobody's belief: the line is the point itself.
            start[:] = np.arange(self.n_nodes + 1)
            return Lines(first, sizes, exponents, start, np.arange(self.n_nodes), np.ones((self.n_nodes, 1)))
        if self.local:
            stride = int(np.prod([level_size(level) for level in self.axis_levels[first + own :]]))
            numbers = np.arange(self.n_nodes)
            base = numbers - (numbers // stride) % n_leaf * stride
            node = (base[:, None] + stride * np.arange(n_leaf)).reshape(-1)
            return Lines(first, sizes, exponents, n_leaf * np.arange(self.n_nodes + 1), node, np.ones((len(node), 1)))
        cards, basis = self.scratch()
        counts = np.zeros((3, self.n_nodes), dtype=np.int64)
        counts[0] = -1
        odometer = np.zeros((self.n_axes, self.max_size), dtype=np.int64), *np.zeros((2, self.n_axes), dtype=np.int64)
        fixed = self.points, first, sizes, self.combination, n_leaf, cards, basis, np.zeros((self.n_nodes, n_leaf)), counts[0], counts[1], *odometer
        count = _compress(*fixed, 0, start, np.zeros(0, dtype=np.int64), np.zeros((0, n_leaf)))
        node, matrix = np.zeros(count, dtype=np.int64), np.zeros((count, n_leaf))
        _compress(*fixed, self.n_nodes, start, node, matrix)
        return Lines(first, sizes, exponents, start, node, matrix)

    def weights(self, x: np.ndarray) -> np.ndarray:
        """Return the interpolation weights, shape (M,), at belief coordinates `x`, shape (D,)."""
        cards, basis = self.scratch()
        out = np.zeros(self.n_nodes)
        point_weights(np.ascontiguousarray(x, dtype=float), self.combination, cards, basis, out)
        return out


def to_coordinates(beliefs: Sequence[np.ndarray]) -> np.ndarray:
    """Return the stick-breaking coordinates, shape (D,), of one distribution over types per player."""
    coordinates: list[float] = []
    for belief in beliefs:
        rest = 1.0
        for p in belief[:-1]:
            # Where nothing is left the coordinate is free; 1/2 keeps it inside the cube.
            coordinates.append(float(np.clip(p / rest, 0.0, 1.0)) if rest > 0.0 else 0.5)
            rest -= float(p)
    return np.array(coordinates)


def to_beliefs(x: np.ndarray, n_types: Sequence[int]) -> list[np.ndarray]:
    """Return one distribution over types per player from coordinates of shape (D,)."""
    beliefs: list[np.ndarray] = []
    axis = 0
    for k in n_types:
        belief = np.empty(k)
        rest = 1.0
        for j in range(k - 1):
            belief[j] = rest * x[axis]
            rest *= 1.0 - x[axis]
            axis += 1
        belief[k - 1] = rest
        beliefs.append(belief)
    return beliefs
