"""Simulated futures and what is read from them."""

from __future__ import annotations

import html
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from standoff.errors import SolveError
from standoff.game import DECISION, END
from standoff.game.structure import effects
from standoff.limits import LARGEST_SEED, MOST_RUNS, whole_number
from standoff.names import unknown
from standoff.scenario.models import Intervention
from standoff.scenario.titles import moment
from standoff.simulate._kernel import Known, draw_futures
from standoff.simulate.interventions import overrides
from standoff.solve import Exact
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.induction import Progress, make_workspace
from standoff.solve.solver import as_equilibrium
from standoff.text import brief

if TYPE_CHECKING:
    import pandas as pd

    from standoff.replay import Trail

BATCH = 20_000


@dataclass(frozen=True)
class Futures:
    """Futures of a solved game. `R` runs."""

    equilibrium: Equilibrium
    seed: int
    root: int
    x: np.ndarray
    acted: np.ndarray
    end: np.ndarray
    """Node at which each run ends, shape (R,)."""
    marks: tuple[str, ...]
    first_period: np.ndarray
    """Period in which each mark (option, signal or outcome) first happened, -1 for never, shape (R, marks)."""

    def __repr__(self) -> str:
        return brief(self, self.equilibrium.game.canonical.name, f"{len(self):,} futures", f"seed {self.seed}")

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.ends().to_html()}"

    def __len__(self) -> int:
        return len(self.end)

    def ends(self) -> pd.DataFrame:
        """Return the share of futures by end and period, with the total of each end."""
        import pandas as pd

        structure = self.equilibrium.game.structure
        names = np.array([place.removeprefix("end:") for place in structure.places], dtype=object)[structure.place[self.end]]
        table = pd.crosstab(names, structure.period[self.end]).reindex(columns=range(structure.canonical.calendar.n_periods), fill_value=0)
        table = table / len(self.end)
        table.index.name, table.columns.name = "end", "period"
        table["total"] = table.sum(axis=1)
        return table.sort_values("total", ascending=False)

    def happened(self, move: str) -> np.ndarray:
        """Return in which runs a move happened, shape (R,)."""
        if move not in self.marks:
            raise SolveError(unknown("move", move, self.marks))
        return np.asarray(self.first_period[:, self.marks.index(move)] >= 0)

    def moves(self) -> pd.DataFrame:
        """Return for each move the share of futures in which it happens, and the mean period of the first time."""
        import pandas as pd

        happened = self.first_period >= 0
        share = happened.mean(axis=0)
        mean = np.where(happened, self.first_period, 0).sum(axis=0) / np.maximum(happened.sum(axis=0), 1)
        table = pd.DataFrame({"share": share, "first_period": np.where(share > 0, mean, np.nan)}, index=pd.Index(self.marks, name="move"))
        return table.sort_values("share", ascending=False)

    def story(self, run: int) -> list[str]:
        """Tell one future as dated sentences."""
        run = whole_number("the number of a future", run, 0, len(self) - 1, SolveError)
        game = self.equilibrium.game
        steps = len(game.structure.layers)
        path = np.zeros(steps, dtype=np.int64), np.zeros(steps, dtype=np.int64), np.zeros(steps, dtype=np.int64)
        _, _, count = _Start(self.equilibrium, _signed(self.seed), self.root, self.x, self.acted, ()).draw(run, run + 1, path)
        return tell(self.equilibrium, path[0][:count], path[1][:count], path[2][:count], int(self.end[run]))


def tell(equilibrium: Equilibrium, nodes: np.ndarray, observations: np.ndarray, options: np.ndarray, end: int) -> list[str]:
    """Tell a path as dated sentences; what a silent record would mean is left out."""
    game = equilibrium.game
    structure, canonical = game.structure, game.canonical
    titles = canonical.titles
    quiet = {f"{turn.player}.{turn.silent}" for turn in canonical.turns if turn.silent}
    quiet |= {f"{address}/{effect.silent}" for address, effect in effects(canonical) if effect.silent}

    def when(node: int) -> str:
        return moment(canonical.calendar, int(structure.period[node]))

    lines = []
    for node, observation, option in zip(nodes, observations, options, strict=True):
        address = structure.address(int(observation))
        if not address or address in quiet or structure.observation_start[node + 1] - structure.observation_start[node] < 2:
            continue
        text = titles.get(address, address)
        if option >= 0 and structure.kind[node] == DECISION and game.option_address(int(option)) != address:
            truth = game.option_address(int(option))
            text += f" (in truth: {titles.get(truth, truth)})"
        lines.append(f"{when(node)}: {text}")
    end_name = structure.places[structure.place[end]]
    lines.append(f"{when(end)}: ends as {titles.get(end_name, end_name)}")
    return lines


def simulate(
    equilibrium: Equilibrium | Exact,
    runs: int = 10_000,
    seed: int = 0,
    *,
    after: Trail | None = None,
    at: tuple[int, np.ndarray] | None = None,
    do: Iterable[Intervention] = (),
    workers: int = 2,
    progress: Progress | None = None,
    moves: bool = True,
) -> Futures:
    """Draw futures from the start, from where a record leaves the game or from a node and belief coordinates (`at`), under interventions.

    The same `seed` gives the same luck to the same run whatever `do` says. `moves=False` keeps the ends only, which saves memory.

    Raises InterventionError for interventions that cannot apply; SolveError when the record has ended the game, or a number is beyond its limits.

    >>> import standoff as so
    >>> futures = so.simulate(so.solve(so.build(so.load("one-shot-threat"))), runs=1000, seed=1)
    >>> len(futures)
    1000
    """
    whole_number("the number of futures", runs, 0, MOST_RUNS, SolveError)
    whole_number("the seed", seed, 0, LARGEST_SEED, SolveError)
    equilibrium = as_equilibrium("simulate", equilibrium)
    game = equilibrium.game
    game.must_end("drawing futures")
    root, x = int(game.structure.roots[0]), equilibrium.prior
    if after is not None:
        if game.structure.kind[after.node] == END:
            # A record that runs to the end leaves nothing to come.
            raise SolveError("the record ends the game; there is no future after it. Give a record that stops earlier")
        root, x = after.node, after.x
    if at is not None:
        root, x = at
    equilibrium = equilibrium.rooted(root, x)
    acted = overrides(game, do, now=int(game.structure.period[root]))
    marks = tuple(sorted({*game.option_addresses, *game.structure.addresses})) if moves else ()
    start = _Start(equilibrium, _signed(seed), root, x, acted, marks)
    start.tables, start.known  # noqa: B018 - computed once, before the threads share them
    cuts = [*range(0, runs, BATCH), runs]
    done = 0

    def batch(i: int) -> tuple[np.ndarray, np.ndarray]:
        nonlocal done
        none = np.zeros(0, dtype=np.int64)
        end, first, _ = start.draw(cuts[i], cuts[i + 1], (none, none, none))
        done += 1
        if progress is not None:
            progress("simulating", done / (len(cuts) - 1))
        return end, first

    with ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(batch, range(len(cuts) - 1)))
    ends = np.concatenate([end for end, _ in results]) if results else np.zeros(0, dtype=np.int64)
    firsts = np.concatenate([first for _, first in results]) if results else np.zeros((0, len(marks)), dtype=np.int16)
    return Futures(equilibrium, seed, root, x, acted, ends, marks, firsts)


def _signed(seed: int) -> int:
    """Return the number that has the same 64 bits with a sign, which is what the kernels are compiled for."""
    return seed if seed < 1 << 63 else seed - (1 << 64)


@dataclass(frozen=True)
class _Start:
    """What all draws of one simulation share."""

    equilibrium: Equilibrium
    seed: int
    root: int
    x: np.ndarray
    acted: np.ndarray
    marks: tuple[str, ...]

    @cached_property
    def tables(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The layer of each node, and the mark (-1 for none) of each option and observation."""
        game = self.equilibrium.game
        structure = game.structure
        number = {mark: i for i, mark in enumerate(self.marks)}
        option_mark = np.array([number.get(address, -1) for address in game.option_addresses], dtype=np.int64)
        of_label = np.array([*(number.get(address, -1) for address in structure.addresses), -1], dtype=np.int64)
        layer = np.searchsorted(structure.layers, np.arange(structure.n_nodes), side="right")
        return layer, option_mark, of_label[structure.label]

    @cached_property
    def known(self) -> tuple[int, Known]:
        """The history at which futures begin, -1 for none, and the exact solution from there on."""
        exact = self.equilibrium.exact
        history = exact.find(self.root, self.x) if exact is not None else None
        if exact is None or history is None:
            return -1, Known(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros((0, 1)))
        return history, Known(exact.tree.child, exact.tree.option, exact.log_odds)

    def draw(self, first: int, last: int, path: tuple[np.ndarray, np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray, int]:
        """Draw runs `first .. last-1`; return ends, first periods and the steps of the last run."""
        equilibrium = self.equilibrium
        game, grid = equilibrium.game, equilibrium.grid
        structure = game.structure
        work = make_workspace(game, grid, 1)
        layer, option_mark, observation_mark = self.tables
        end = np.zeros(last - first, dtype=np.int64)
        first_period = np.zeros((last - first, len(self.marks)), dtype=np.int16)
        cards, basis = grid.scratch()
        width = int(max(np.diff(structure.observation_start).max(), np.diff(structure.option_start).max(initial=1)))
        steps = draw_futures(
            first, last, self.seed, self.root, self.x, layer, equilibrium.lines, grid.combination, game.arrays, equilibrium.log_policy, *self.known,
            self.acted, option_mark, observation_mark, len(self.marks), cards, cards.copy(), basis, np.zeros(grid.n_nodes), work.stage,
            np.zeros(max(game.n_types)), np.zeros(max(game.n_types)), np.zeros(grid.n_axes), np.zeros(len(game.n_types), dtype=np.int64),
            np.zeros(width), end, first_period, structure.period, *path,
        )  # fmt: skip
        return end, first_period, int(steps)
