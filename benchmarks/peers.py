"""Repeated crisis signalling solved by the exact engine and by Gambit in one run: `python benchmarks/peers.py [ROUNDS]`.

The same game, the same answer (agent quantal response on the principal branch), two programs. Gambit is given games of up to `ROUNDS` rounds
(4 by default; each further round takes it five to seven times as long). Prints a table and writes docs/performance.md.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pygambit

import standoff as so
from standoff.export import information_sets
from standoff.game import Game

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
LARGEST = 12


def game_of(rounds: int, precision: float) -> Game:
    """Repeated signalling of so many rounds."""
    return so.build(so.load("repeated-signalling", {"clock.periods": rounds, "precision": precision}))


def ours(game: Game) -> tuple[float, np.ndarray]:
    """Seconds (the best of three) and the chance that each type presses at the start."""
    runs = [so.exact(game) for _ in range(3)]
    return min(run.seconds for run in runs), runs[0].policy().sel(option="press").values


def theirs(game: Game) -> tuple[float, np.ndarray]:
    """The same by Gambit, reading the file not counted."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pygambit.read_efg(str(so.export(game, Path(folder) / "game.efg", scaled=True)))
    begun = time.perf_counter()
    (answer,) = pygambit.qre.logit_solve_lambda(tree, lam=[1.0])
    seconds = time.perf_counter() - begun
    sets = [dict(mixed) for _, mixed in answer.profile["challenger"]]
    first = sorted((place.kind, place.number) for place in information_sets(game) if place.player == 0 and not place.observations)
    return seconds, np.array([sets[number - 1]["press"] for _, number in first])


def main() -> None:
    """Measure and write."""
    most = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    so.exact(game_of(2, 1.0))  # compiles
    lines = [
        "| rounds | precision | public histories | exact engine, s | Gambit, s | ratio | largest difference at the start |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for rounds in range(1, LARGEST + 1):
        for precision in (1.0, 5.0):
            game = game_of(rounds, precision)
            seconds, first = ours(game)
            row = [rounds, f"{precision:g}", f"{len(so.exact(game)):,}", f"{seconds:.4f}"]
            if rounds <= most:
                other, known = theirs(game)
                row += [f"{other:.3f}", f"{other / seconds:,.1f}", f"{np.abs(first - known).max():.0e}"]
            else:
                row += ["", "", ""]
            lines.append("| " + " | ".join(map(str, row)) + " |")
            print(lines[-1], flush=True)
    PAGE.write_text(
        "# Performance\n\nWritten by `python benchmarks/peers.py`; figures of one run on one machine "
        f"({platform.machine()}, Python {platform.python_version()}, pygambit {pygambit.__version__}).\n\n"
        "Repeated crisis signalling (`repeated-signalling`), agent quantal response along the principal branch. Both programs follow the same branch "
        "on the same tree; where a cell is empty Gambit was not run, because each further round takes it five to seven times as long. "
        "Compiling our kernels (once, about ten seconds) and reading Gambit's file are not counted.\n\n" + "\n".join(lines) + "\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
