"""Solve a game and read the solution.

`solve` runs backward induction on a belief grid, certifies the result along histories followed exactly, and refines the grid where the
certificate says so. `Equilibrium` answers for any public state and belief.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from standoff.errors import GameTooLargeError, SolveError
from standoff.game import Game
from standoff.solve._follow import stand
from standoff.solve._stage import Stage, make_stage
from standoff.solve._sweep import LineTable, Scratch, induct
from standoff.solve.grid import PRODUCT_AXES, BeliefGrid, box, count_nodes, simplex, to_beliefs, to_coordinates

if TYPE_CHECKING:
    from standoff.solve.certificate import Certificate

STAGE_SECONDS = 2.5e-6
"""Rough cost of one stage on one core; used for estimates only."""

MAX_BYTES = 6 * 2**30
MAX_SECONDS = 3600.0

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of it that is finished."""


@dataclass(frozen=True)
class Probe:
    """The solution at one public state and exact belief; `K` types of the mover, `A` options, `Y` observations, `C` columns."""

    node: int
    x: np.ndarray  # (D,)
    policy: np.ndarray  # (K, A)
    action_values: np.ndarray  # (K, A)
    likelihood: np.ndarray  # (Y, K)
    posteriors: np.ndarray  # (Y, D) belief coordinates after each observation
    values: np.ndarray  # (C,)
    residual: float
    folds: int


@dataclass(frozen=True)
class Workspace:
    """Scratch for one thread."""

    stage: Stage
    scratch: Scratch
    follow: tuple[np.ndarray, ...]


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
        sizes[i, :own] = line.sizes
        exponents[i, : leaf[i], :own] = line.exponents
        start[i] = touched + line.start
        matrix_start[i] = flat + line.start * leaf[i]
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
    scratch = Scratch(np.zeros(k), np.zeros(grid.n_nodes), np.zeros(columns), np.zeros(columns), np.zeros(max(k - 1, 1)), np.zeros(1, dtype=np.int64), np.ones(1))
    cards, basis = grid.scratch()
    follow = cards, basis, np.zeros(grid.n_nodes * n_leaf), np.zeros(grid.n_nodes), np.arange(grid.n_nodes), np.zeros(max(k - 1, 1))
    return Workspace(stage, scratch, follow)


def spread(pool: ThreadPoolExecutor | None, workers: int, first: int, last: int, task: Callable[[int, int, int], None]) -> None:
    """Run `task(worker, first, last)` over chunks of a layer; every node is computed alone, so chunks do not change results."""
    if pool is None or last - first < 2 * workers:
        task(0, first, last)
        return
    cuts = np.linspace(first, last, workers + 1).astype(int)
    list(pool.map(task, range(workers), cuts[:-1].tolist(), cuts[1:].tolist()))


def neighbours(points: np.ndarray) -> np.ndarray:
    """Return for each grid node the nearest earlier one, from which its stages start."""
    parent = np.zeros(len(points), dtype=np.int64)
    for m in range(1, len(points)):
        parent[m] = int(np.argmin(((points[:m] - points[m]) ** 2).sum(axis=1)))
    return parent


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A solved game: values and behaviour on the belief grid, and how far they can be trusted."""

    game: Game
    grid: BeliefGrid
    lines: LineTable
    values: np.ndarray  # (n, M, C)
    log_policy: np.ndarray  # (o, M, K) log-odds against the first option of the node
    sweep: Mapping[str, float]
    certificate: Certificate | None
    seconds: float

    @cached_property
    def _work(self) -> Workspace:
        return make_workspace(self.game, self.grid, self.values.shape[2])

    @property
    def prior(self) -> np.ndarray:
        """Belief coordinates of the prior, shape (D,)."""
        return to_coordinates(self.game.priors)

    def probe(self, node: int, x: np.ndarray | None = None, *, retrace: bool = True, work: Workspace | None = None) -> Probe:
        """Solve the stage at a node and exact belief coordinates (the prior if none).

        It is traced along the principal branch from precision 0; `retrace=False` starts from the policy on the grid instead. `work` is scratch
        of the calling thread.
        """
        x = self.prior if x is None else np.ascontiguousarray(x, dtype=float)
        game, work = self.game, work or self._work
        residual, folds, _ = stand(
            node, x, self.lines, self.grid.combination, game.arrays, game.payoffs, self.values, self.log_policy,
            work.stage, work.scratch, work.follow, retrace,
        )  # fmt: skip
        g = game.arrays
        n_options = int(g.option_start[node + 1] - g.option_start[node])
        n_obs = int(g.observation_start[node + 1] - g.observation_start[node])
        owner = int(g.owner[node])
        k = game.n_types[owner] if owner >= 0 else 1
        s = work.stage
        posteriors = np.tile(x, (n_obs, 1))
        if owner >= 0 and k > 1:
            axis = self.grid.first_axis[owner]
            posteriors[:, axis : axis + k - 1] = s.post[:n_obs, : k - 1]
        return Probe(
            node, x.copy(), s.sigma[:k, :n_options].copy(), s.q[:n_options, :k].T.copy(), np.exp(s.log_like[:n_obs, :k]), posteriors,
            work.scratch.value.copy(), float(residual), int(folds),
        )  # fmt: skip

    def beliefs(self, x: np.ndarray) -> dict[str, dict[str, float]]:
        """Return the belief about every player with a secret, by player and type."""
        found = {}
        for player, belief in zip(self.game.canonical.players, to_beliefs(x, self.game.n_types), strict=True):
            if len(player.types) > 1:
                found[player.name] = {name: float(p) for name, p in zip(player.types, belief, strict=True)}
        return found

    def policy_at(self, node: int, x: np.ndarray | None = None) -> dict[str, dict[str, float]]:
        """Return the mover's choice probabilities by type and option at a decision point."""
        game = self.game
        owner = int(game.arrays.owner[node])
        probe = self.probe(node, x)
        rows = range(game.arrays.option_start[node], game.arrays.option_start[node + 1])
        names = [game.option_address(row).split(".", 1)[1] for row in rows]
        types = game.canonical.players[owner].types
        return {kind: {name: float(p) for name, p in zip(names, probe.policy[k], strict=True)} for k, kind in enumerate(types)}

    def first_decision(self) -> tuple[int, np.ndarray]:
        """Return the first decision point with a choice on the likeliest way from the start, and the belief there."""
        game, node, x = self.game, int(self.game.structure.roots[0]), self.prior
        g = game.arrays
        while g.option_start[node + 1] - g.option_start[node] < 2:
            if g.observation_start[node + 1] == g.observation_start[node]:
                raise SolveError("nobody has a choice in this game")
            probe = self.probe(node, x)
            owner = int(g.owner[node])
            belief = to_beliefs(x, game.n_types)[owner] if owner >= 0 else np.ones(1)
            y = int(np.argmax(probe.likelihood @ belief))
            x = probe.posteriors[y]
            node = int(g.target[g.observation_start[node] + y])
        return node, x

    def policy(self, *, turn: str | None = None, period: int = 0, state: Mapping[str, Any] | None = None, beliefs: Mapping[str, Mapping[str, float]] | None = None) -> Any:
        """Return choice probabilities at a turn as an xarray DataArray with dimensions `type` and `option`.

        What is not said is as at the start: the first turn with a choice, the start values of the state, the prior beliefs.

        Raises SolveError when the game does not contain that public state at that turn.

        >>> import standoff as so
        >>> eq = so.solve(so.build(so.load("repeated-signalling"), {}))
        >>> round(float(eq.policy().sel(type="weak", option="press")), 3)
        0.422
        """
        import xarray as xr

        if turn is None and state is None and beliefs is None and period == 0:
            node, x = self.first_decision()
        else:
            node, x = self.locate(turn=turn, period=period, state=state or {}), self.coordinates(beliefs or {})
        table = self.policy_at(node, x)
        types = list(table)
        options = list(table[types[0]])
        player = self.game.canonical.players[int(self.game.arrays.owner[node])].name
        data = np.array([[table[kind][option] for option in options] for kind in types])
        return xr.DataArray(data, coords={"type": types, "option": options}, dims=("type", "option"), name=player)

    def value(self, player: str, *, beliefs: Mapping[str, Mapping[str, float]] | None = None) -> Any:
        """Return a player's expected payoff at the start by own type, as an xarray DataArray with dimension `type`.

        >>> import standoff as so
        >>> eq = so.solve(so.build(so.load("one-shot-threat")))
        >>> eq.value("challenger").dims
        ('type',)
        """
        import xarray as xr

        i = self.game.player_index[player]
        columns = self.game.arrays.columns
        probe = self.probe(int(self.game.structure.roots[0]), self.coordinates(beliefs or {}))
        spec = self.game.canonical.players[i]
        return xr.DataArray(probe.values[columns[i] : columns[i + 1]], coords={"type": list(spec.types)}, dims=("type",), name=player)

    def coordinates(self, beliefs: Mapping[str, Mapping[str, float]], base: np.ndarray | None = None) -> np.ndarray:
        """Return belief coordinates with the given players' distributions replaced; what a distribution leaves is shared as in `base`."""
        parts = to_beliefs(self.prior if base is None else base, self.game.n_types)
        for name, given in beliefs.items():
            i = self.game.player_index[name]
            types = self.game.canonical.players[i].types
            new = np.array([given.get(kind, np.nan) for kind in types])
            missing = np.isnan(new)
            rest = 1.0 - np.nansum(new)
            share = parts[i][missing]
            new[missing] = rest * (share / share.sum() if share.sum() > 0 else np.full(len(share), 1 / max(len(share), 1)))
            if (new < -1e-12).any() or abs(new.sum() - 1) > 1e-9:
                raise SolveError(f"the belief about {name} must be probabilities that sum to 1, not {dict(given)}")
            parts[i] = new
        return to_coordinates(parts)

    def locate(self, *, turn: str | None = None, period: int = 0, state: Mapping[str, Any] | None = None) -> int:
        """Return the node of a turn in a declared state (other variables at their start values)."""
        structure, canonical = self.game.structure, self.game.canonical
        names = [turn] if turn is not None else [spec.name for spec in canonical.turns]
        codes = [spec.start for spec in canonical.variables]
        for name, value in (state or {}).items():
            i = structure.variables.index(name)
            codes[i] = canonical.variables[i].values.index(value)
        for name in names:
            nodes = structure.nodes_at(f"turn:{name}")
            nodes = nodes[(structure.period[nodes] == period) & (structure.state[nodes, : len(codes)] == codes).all(axis=1)]
            if len(nodes):
                return int(nodes[0])
        raise SolveError(f"the game has no turn {turn or ''} in period {period} with state {dict(state or {})}; declare it as a point to include it")


def sweep(game: Game, grid: BeliefGrid, *, workers: int = 1, progress: Progress | None = None) -> tuple[LineTable, np.ndarray, np.ndarray, dict[str, float]]:
    """Run backward induction once; return lines, values, log-odds policy and the report of the stages."""
    structure, g = game.structure, game.arrays
    lines = line_table(grid)
    columns = int(g.columns[-1])
    values = np.zeros((structure.n_nodes, grid.n_nodes, columns))
    policy = np.zeros((len(structure.option), grid.n_nodes, max(game.n_types)))
    parent = neighbours(grid.points)
    works = [make_workspace(game, grid, columns) for _ in range(workers)]
    reports = np.zeros((workers, 5))

    def task(worker: int, first: int, last: int) -> None:
        work = works[worker]
        induct(
            first, last, grid.points, parent, lines, g, game.payoffs, values, policy, work.stage, work.scratch, False, reports[worker]
        )  # fmt: skip

    layers = structure.layers
    with ThreadPoolExecutor(workers) as pool:
        for layer in range(len(layers) - 2, -1, -1):
            spread(pool if workers > 1 else None, workers, int(layers[layer]), int(layers[layer + 1]), task)
            if progress is not None:
                progress(f"solving on {grid.n_nodes} beliefs", 1.0 - layer / (len(layers) - 1))
    report = {
        "stages": float(reports[:, 0].sum()),
        "stage_residual": float(reports[:, 1].max()),
        "traced": float(reports[:, 2].sum()),
        "folded": float(reports[:, 3].sum()),
        "failed": float(reports[:, 4].sum()),
    }
    return lines, values, policy, report


def first_levels(n_axes: int) -> frozenset[tuple[int, ...]]:
    """Return the level set to begin with: a product of nine nodes per axis, or the smallest sparse grid where products grow too large."""
    return box((3,) * n_axes) if n_axes <= PRODUCT_AXES else simplex(n_axes, 1)


def check_size(game: Game, n_beliefs: int, workers: int) -> dict[str, float]:
    """Return the estimated points, bytes and seconds of a solve; raise GameTooLargeError beyond the limits."""
    size = game.size()
    points = size["decision_points"] * n_beliefs
    columns = int(game.arrays.columns[-1])
    bytes_ = 8.0 * n_beliefs * (size["nodes"] * columns + size["options"] * max(game.n_types))
    seconds = points * STAGE_SECONDS / workers
    if bytes_ > MAX_BYTES or seconds > MAX_SECONDS:
        raise GameTooLargeError(
            f"solving {size['decision_points']:,} decision points on {n_beliefs:,} beliefs needs about {points:,} stages, {bytes_ / 2**30:.1f} GB and "
            f"{seconds:,.0f} s; the limits are {MAX_BYTES / 2**30:.0f} GB and {MAX_SECONDS:.0f} s. Use fewer states, types or periods."
        )
    return {"points": float(points), "bytes": bytes_, "seconds": seconds}


def solve(
    game: Game,
    *,
    tolerance: float = 1e-2,
    max_beliefs: int = 20_000,
    max_seconds: float = 600.0,
    levels: frozenset[tuple[int, ...]] | None = None,
    certify: bool = True,
    workers: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
) -> Equilibrium:
    """Solve a game; the grid is refined until the certificate's policy distance is at most `tolerance`.

    Refinement stops at `max_beliefs` grid nodes or when the next grid would pass `max_seconds`; the certificate then says that the tolerance is
    not met. With `levels` the grid is given and stays. `certify=False` skips the certificate (and so any refinement).

    Raises GameTooLargeError before any work, SolveError when values are not finite.

    >>> import standoff as so
    >>> eq = so.solve(so.build(so.load("repeated-signalling")), tolerance=1e-3)
    >>> eq.certificate.met
    True
    """
    from standoff.solve.certificate import certify as run_certificate
    from standoff.solve.refine import refine

    begun = time.perf_counter()
    n_axes = sum(k - 1 for k in game.n_types)
    current = levels if levels is not None else first_levels(n_axes)
    check_size(game, count_nodes(current), workers)
    while True:
        started = time.perf_counter()
        grid = BeliefGrid(game.n_types, current)
        lines, values, policy, report = sweep(game, grid, workers=workers, progress=progress)
        if not np.isfinite(values).all():
            node = int(np.argmax(~np.isfinite(values).all(axis=(1, 2))))
            raise SolveError(f"values are not finite at {game.structure.places[game.structure.place[node]]}, period {game.structure.period[node]}")
        solved = Equilibrium(game, grid, lines, values, policy, report, None, time.perf_counter() - begun)
        if not certify:
            return solved
        certificate = run_certificate(solved, tolerance=tolerance, workers=workers, seed=seed, progress=progress)
        now = time.perf_counter()
        solved = Equilibrium(game, grid, lines, values, policy, report, certificate, now - begun)
        if certificate.met or levels is not None or n_axes == 0:
            return solved
        finer = refine(solved)
        growth = count_nodes(finer) / grid.n_nodes
        too_many = count_nodes(finer) > max_beliefs or 8.0 * count_nodes(finer) * game.structure.n_nodes * values.shape[2] > MAX_BYTES
        if finer == current or too_many or now - begun + growth * (now - started) > max_seconds:
            return solved
        current = finer

