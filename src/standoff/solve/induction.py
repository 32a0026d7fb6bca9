"""Backward induction over the layers of a game on a belief grid, with its scratch and its threads.

An open-ended game is swept again and again, each sweep taking what follows a period from the one before it: after `n` sweeps the values are those
of the game that ends, with nothing more to come, after `n` periods. What is looked for is where they settle.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from standoff.errors import SolveError
from standoff.game import CLOSE, Game
from standoff.game.estimate import SETTLED, sweeps_to_settle
from standoff.solve._moments import induct_together
from standoff.solve._stage import Stage, make_stage
from standoff.solve._sweep import LineTable, Scratch, induct
from standoff.solve._together import Joint
from standoff.solve.grid import BeliefGrid
from standoff.solve.together import make_joint

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is finished."""


PATIENCE = 3.0
"""An open-ended game may take so many times the sweeps that fixed behaviour would need to settle."""


@dataclass(frozen=True)
class Workspace:
    """Scratch for one thread."""

    stage: Stage
    scratch: Scratch
    follow: tuple[np.ndarray, ...]
    joint: Joint


def line_table(grid: BeliefGrid) -> LineTable:
    """Return the lines of all players in flat arrays."""
    n_players = len(grid.n_types)
    axes = max(max(k - 1 for k in grid.n_types), 1)
    leaf = [len(line.exponents) for line in grid.lines]
    sizes = np.ones((n_players, axes), dtype=np.int64)
    exponents = np.zeros((n_players, max(leaf), axes), dtype=np.int64)
    start = np.zeros((n_players, grid.n_nodes + 1), dtype=np.int64)
    matrix_start = np.zeros((n_players, grid.n_nodes + 1), dtype=np.int64)
    nodes, matrices = [], []
    touched = flat = 0
    for i, line in enumerate(grid.lines):
        own = grid.n_types[i] - 1
        sizes[i, :own] = -line.sizes if grid.local else line.sizes
        exponents[i, : leaf[i], :own] = line.exponents
        start[i] = touched + line.start
        matrix_start[i] = flat + line.start * line.matrix.shape[1]
        nodes.append(line.node)
        matrices.append(line.matrix.reshape(-1))
        touched += len(line.node)
        flat += line.matrix.size
    return LineTable(
        np.array(grid.first_axis, dtype=np.int64), np.array(grid.n_types, dtype=np.int64), sizes, exponents, np.array(leaf, dtype=np.int64),
        start, np.concatenate(nodes).astype(np.int64), matrix_start, np.concatenate(matrices),
    )  # fmt: skip


def make_workspace(game: Game, grid: BeliefGrid, columns: int) -> Workspace:
    """Return scratch that fits every node of the game."""
    g = game.arrays
    k = max(game.n_types)
    options = int(np.diff(g.option_start).max(initial=1))
    observations = int(np.diff(g.observation_start).max(initial=1))
    n_leaf = max(len(line.exponents) for line in grid.lines)
    stage = make_stage(k, max(options, 1), max(observations, options, 1), grid.max_size, n_leaf)
    scratch = Scratch(
        np.zeros(k),
        np.zeros((len(game.n_types), k)),
        np.zeros(grid.n_nodes),
        np.zeros(columns),
        np.zeros(columns),
        np.zeros(max(k - 1, 1)),
        np.zeros(1, dtype=np.int64),
        np.ones(1),
    )
    cards, basis = grid.scratch()
    follow = cards, basis, np.zeros(grid.n_nodes * n_leaf), np.zeros(grid.n_nodes), np.arange(grid.n_nodes), np.zeros(max(k - 1, 1))
    count = np.array([grid.n_nodes])
    return Workspace(stage, scratch, (*follow, count), make_joint(game, grid, columns))


def spread(
    pool: ThreadPoolExecutor | None, workers: int, first: int, last: int, cuts: Sequence[int], task: Callable[[int, int, int, int, int], None]
) -> None:
    """Run `task(worker, first, last, first_point, last_point)` over chunks of a layer, or of the grid (`cuts`) where the layer has few nodes.

    What is computed does not hang on how it is cut.
    """
    if pool is None or (last - first < 2 * workers and len(cuts) == 2):
        for low, high in itertools.pairwise(cuts):
            task(0, first, last, low, high)
    elif last - first < 2 * workers:
        blocks = list(itertools.pairwise(cuts))

        def run(worker: int) -> None:
            for low, high in blocks[worker::workers]:
                task(worker, first, last, low, high)

        list(pool.map(run, range(workers)))
    else:
        chunks = np.linspace(first, last, workers + 1).astype(int).tolist()
        list(pool.map(lambda worker: task(worker, chunks[worker], chunks[worker + 1], cuts[0], cuts[-1]), range(workers)))


BLOCKS = 4
"""A local grid is cut into so many blocks along its first axis, which can be solved side by side."""


def blocks(grid: BeliefGrid) -> list[int]:
    """Return the first node of each block of a grid, and the number of nodes; no stage starts from another block's policy."""
    if not grid.local:
        return [0, grid.n_nodes]
    size = 2 ** grid.axis_levels[0] + 1
    return [size * block // BLOCKS * (grid.n_nodes // size) for block in range(BLOCKS + 1)]


def neighbours(grid: BeliefGrid) -> np.ndarray:
    """Return for each grid node the earlier one from which its stages start: the nearest, on a local grid one a step away in its block.

    The first node of a block is its own.
    """
    if grid.local:
        sizes = [2**level + 1 for level in grid.axis_levels]
        steps = np.array([int(np.prod(sizes[d + 1 :])) for d in range(grid.n_axes)])
        numbers = np.arange(grid.n_nodes)
        moved = numbers[:, None] // steps % sizes > 0
        back = np.where(moved.any(axis=1), steps[grid.n_axes - 1 - np.argmax(moved[:, ::-1], axis=1)], 0)
        back[blocks(grid)[:-1]] = 0
        return np.asarray(numbers - back)
    parent = np.zeros(grid.n_nodes, dtype=np.int64)
    for m in range(1, grid.n_nodes):
        parent[m] = int(np.argmin(((grid.points[:m] - grid.points[m]) ** 2).sum(axis=1)))
    return parent


def sweep(
    game: Game, grid: BeliefGrid, *, workers: int = 1, progress: Progress | None = None
) -> tuple[LineTable, np.ndarray, np.ndarray, dict[str, float], np.ndarray]:
    """Run backward induction; return lines, values, log-odds policy and, of the last sweep, the report of the stages and the unsolved ones by node.

    Raises SolveError when the values of an open-ended game do not settle.
    """
    structure, g = game.structure, game.arrays
    lines = line_table(grid)
    columns = int(g.columns[-1])
    values = np.zeros((structure.n_nodes, grid.n_nodes, columns))
    policy = np.zeros((len(structure.option), grid.n_nodes, max(game.n_types)))
    parent, cuts = neighbours(grid), blocks(grid)
    works = [make_workspace(game, grid, columns) for _ in range(workers)]
    reports = np.zeros((workers, 5))
    unsolved = np.zeros(structure.n_nodes, dtype=np.int64)

    def task(worker: int, first: int, last: int, first_point: int, last_point: int) -> None:
        work = works[worker]
        induct(
            first, last, first_point, last_point, grid.points, parent, lines, g, game.payoffs, values, policy,
            work.stage, work.scratch, False, reports[worker], unsolved,
        )  # fmt: skip
        if structure.at_once:
            induct_together(
                first, last, first_point, last_point, grid.points, parent, grid.combination, lines, g, game.payoffs, values, policy, work.joint,
                False, reports[worker],
            )  # fmt: skip

    layers = structure.layers
    # What begins a period, and with it everything that the sweep before hands on.
    begins = np.unique(structure.target[structure.observation_start[:-1][structure.kind == CLOSE]]) if structure.open_ended else np.zeros(0, int)
    most = math.ceil(PATIENCE * sweeps_to_settle(game.discount)) if structure.open_ended else 1
    with ThreadPoolExecutor(workers) as pool:
        for count in range(most):
            before = values[begins]
            reports[:] = 0.0
            unsolved[:] = 0
            for layer in range(len(layers) - 2, -1, -1):
                spread(pool if workers > 1 else None, workers, int(layers[layer]), int(layers[layer + 1]), cuts, task)
                if progress is not None and not structure.open_ended:
                    progress(f"solving on {grid.n_nodes} beliefs", 1.0 - layer / (len(layers) - 1))
            change = float(np.abs(values[begins] - before).max(initial=0.0)) / max(1.0, float(np.abs(before).max(initial=0.0)))
            if progress is not None and structure.open_ended:
                progress(f"sweeping {grid.n_nodes} beliefs until values settle", (count + 1) / most)
            if not change > SETTLED:
                break
        else:
            raise SolveError(
                f"the values of this open-ended game have not settled after {most} sweeps: the last one moved them by {change:.1e}, and "
                f"{SETTLED:.0e} is wanted. Behaviour may go round in a circle; lower the precision or the discount"
            )
    report = {
        "stages": float(reports[:, 0].sum()),
        "stage_residual": float(reports[:, 1].max()),
        "traced": float(reports[:, 2].sum()),
        "folded": float(reports[:, 3].sum()),
        "failed": float(reports[:, 4].sum()),
        "sweeps": float(count + 1),
    }
    return lines, values, policy, report, unsolved
