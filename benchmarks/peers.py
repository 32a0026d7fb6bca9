"""The same games by standoff and by its peers, in one run: `python benchmarks/peers.py`. Prints tables and writes docs/performance.md.

- Gambit: agent quantal response on the principal branch, on repeated signalling (`repeated-signalling`, and `long-signalling.yaml` here).
- OpenSpiel's CFR+: how long until the average policy is as good as ours at precision 1,000, by NashConv and by the largest one-shot regret
  given Bayes beliefs (`one_shot.py`). It is no part of the development tools (70 MB, five further packages): `pip install open_spiel`, here or in
  another environment whose Python is named by `--openspiel`.
- sgamesolver: stationary games (`markov.py` here), where its environment is named by `--sgamesolver`.

Peers run in processes of their own and are stopped after `--limit` seconds; larger games of the same kind are then not tried. Each row is kept in
`.benchmarks/peers.jsonl` when it is done, and an interrupted run goes on from there; `--fresh` starts anew.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

import standoff as so
from one_shot import behaviour_in, behaviour_of, judge, largest_regret, logit_gap, nash_conv
from standoff.errors import StandoffError

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
LONG = HERE / "long-signalling.yaml"
KEPT = HERE.parent / ".benchmarks" / "peers.jsonl"
SHARP = 1_000.0
"""Precision at which our solution is held against CFR+, which looks for an equilibrium without noise."""

Row = dict[str, str]


class Rows:
    """The rows of a table that are done, kept in a file."""

    def __init__(self, path: Path, fresh: bool) -> None:
        self.path = path
        path.parent.mkdir(exist_ok=True)
        if fresh:
            path.unlink(missing_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.done: dict[str, Row] = {entry["key"]: entry["row"] for entry in map(json.loads, lines)}

    def row(self, key: str, measure: Callable[[], Row]) -> Row:
        """Return a row, measured only if it is not kept."""
        if key not in self.done:
            self.done[key] = measure()
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"key": key, "row": self.done[key]}) + "\n")
        print(f"{key}: " + ", ".join(f"{name} {value}" for name, value in self.done[key].items() if value), flush=True)
        return self.done[key]


def signalling(file: str, rounds: int, precision: float) -> so.Game:
    """Return a game of so many rounds."""
    return so.build(so.load(file, {"clock.periods": rounds, "precision": precision}))


def ours(game: so.Game) -> tuple[float, so.Exact]:
    """Return the exact solution and its seconds, the least of three where they are few."""
    runs = [so.exact(game)]
    while len(runs) < 3 and runs[0].seconds < 5.0:
        runs.append(so.exact(game))
    return min(run.seconds for run in runs), runs[0]


def profile_of(found: dict[str, Any]) -> dict[tuple[int, int], dict[str, float]]:
    """Return the policy that a peer printed by player and number of the information set."""
    return {(int(player), int(number)): mixed for key, mixed in found["profile"].items() for player, number in [key.split(" ")]}


# --- Gambit ----------------------------------------------------------------------------------------------------------------------------------


def gambit(solved: so.Exact, limit: float) -> Row:
    """Return Gambit's seconds and its largest difference from ours at any information set; what its answer lacks where they disagree."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = so.export(solved.game, Path(folder) / "game.efg", scaled=True)
        except StandoffError as problem:
            return {"Gambit, s": f"not run: {problem}"}
        try:
            run = subprocess.run([sys.executable, HERE / "gambit_qre.py", path], capture_output=True, text=True, timeout=limit, check=False)
        except subprocess.TimeoutExpired:
            return {"Gambit, s": f"more than {limit:g}"}
    if run.returncode:
        return {"Gambit, s": f"failed: {run.stderr.strip().splitlines()[-1]}"}
    found = json.loads(run.stdout)
    theirs = behaviour_in(solved, profile_of(found))
    gap = float(np.abs(theirs - behaviour_of(solved)).max())
    row = {"Gambit, s": f"{found['seconds']:.4f}", "largest difference": f"{gap:.0e}"}
    if gap > 1e-6:
        lacks = [f"{logit_gap(solved.game, solved.tree, one):.0e}" for one in (theirs, behaviour_of(solved))]
        row["largest difference"] += f" (distance from the logit response: Gambit {lacks[0]}, ours {lacks[1]})"
    return row


def against_gambit(rows: Rows, file: str, name: str, most: int, limit: float) -> Iterator[Row]:
    """Yield the rows of a table: rounds by precision."""
    given_up: set[float] = set()
    for rounds in range(1, most + 1):
        for precision in (1.0, 5.0):

            def measure(rounds: int = rounds, precision: float = precision) -> Row:
                seconds, solved = ours(signalling(file, rounds, precision))
                row = {
                    "rounds": str(rounds),
                    "precision": f"{precision:g}",
                    "public histories": f"{len(solved):,}",
                    "selection": "play that adjusts" if solved.certificate.selection == "adjusted" else "principal branch",
                    "turning points": str(solved.certificate.folds) if solved.certificate.selection == "principal" else "",
                    "residual": f"{solved.certificate.residual:.0e}",
                    "exact engine, s": f"{seconds:.4f}",
                }
                other = {} if precision in given_up else gambit(solved, limit)
                ratio = {"ratio": f"{float(other['Gambit, s']) / seconds:,.1f}"} if "largest difference" in other else {}
                return row | other | ratio

            row = rows.row(f"{name} T={rounds} precision={precision:g} limit={limit:g}", measure)
            if "largest difference" not in row:
                given_up.add(precision)
            yield row


# --- OpenSpiel -------------------------------------------------------------------------------------------------------------------------------


def cfr(solved: so.Exact, goals: dict[str, Callable[[float, float], bool]], python: str, limit: float, seconds: float) -> Row:
    """Return when CFR+ came to each goal, told by (largest regret, NashConv) of its average policy, and how far it came."""
    game, tree = solved.game, solved.tree
    row: Row = {}
    end = "failed; its message stands above"
    with tempfile.TemporaryDirectory() as folder:
        path = so.export(game, Path(folder) / "game.efg")
        with subprocess.Popen([python, HERE / "openspiel_cfr.py", path, str(limit)], stdout=subprocess.PIPE, text=True) as child:
            # The child stops itself between two lines; this is for one that hangs.
            guard = threading.Timer(3 * limit + 60, child.kill)
            guard.start()
            assert child.stdout is not None
            for line in child.stdout:
                found = json.loads(line)
                behaviour = behaviour_in(solved, profile_of(found))
                judged = judge(game, tree, behaviour)
                reached = largest_regret(game, tree, behaviour, judged), nash_conv(game, tree, behaviour, judged)
                for name, met in goals.items():
                    if name not in row and met(*reached):
                        row[name] = f"{found['seconds']:.4f} ({found['seconds'] / seconds:.3g} times ours)"
                end = f"regret {reached[0]:.1e}, NashConv {reached[1]:.1e} after {found['seconds']:.1f} s and {found['iterations']:,} iterations"
                if len(row) == len(goals):
                    child.kill()
                    break
            guard.cancel()
    return {name: row.get(name, "not reached") for name in goals} | {"CFR+ in the end": end}


def against_openspiel(rows: Rows, most: int, python: str, limit: float) -> Iterator[Row]:
    """Yield the rows of the table."""
    for rounds in range(1, most + 1):

        def measure(rounds: int = rounds) -> Row:
            seconds, solved = ours(signalling("repeated-signalling", rounds, SHARP))
            behaviour = behaviour_of(solved)
            regret, conv = (judge_it(solved.game, solved.tree, behaviour) for judge_it in (largest_regret, nash_conv))
            goals = {
                "CFR+ to that NashConv, s": lambda _, theirs: theirs <= conv,
                "to 10 times that regret, s": lambda theirs, _: theirs <= 10 * regret,
                "to that regret, s": lambda theirs, _: theirs <= regret,
            }
            row = {"rounds": str(rounds), "exact engine, s": f"{seconds:.4f}", "its NashConv": f"{conv:.1e}", "its largest regret": f"{regret:.1e}"}
            return row | cfr(solved, goals, python, limit, seconds)

        yield rows.row(f"CFR+ T={rounds} limit={limit:g}", measure)


def has_openspiel(python: str) -> bool:
    """Tell whether a Python can import OpenSpiel."""
    return subprocess.run([python, "-c", "import pyspiel"], capture_output=True, check=False).returncode == 0


# --- the page --------------------------------------------------------------------------------------------------------------------------------


def table(rows: Iterable[Row]) -> str:
    """Return rows as a Markdown table; a row need not have every column."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, ["---"] * len(names), *([row.get(name, "") for name in names] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def section_of_gambit(rows: Rows, asked: argparse.Namespace) -> list[str]:
    """Return the part of the page about Gambit."""
    parts = [
        "## Beside Gambit",
        "Repeated crisis signalling (`repeated-signalling`): agent quantal response along the principal branch. Both programs follow the same branch "
        "on the same tree. Where Gambit took longer than its limit, larger games were not given to it. The difference is the largest of any choice "
        "probability at any information set. Compiling our kernels (once, about ten seconds) and reading Gambit's file are not counted.",
        table(against_gambit(rows, "repeated-signalling", "signalling", asked.largest, asked.limit)),
    ]
    if not LONG.exists():
        print(f"no {LONG.name}: left out")
        return parts
    parts.append(
        "A concession does not end this one (`benchmarks/long-signalling.yaml`), so that its tree grows faster with the rounds; ten have 177,144 "
        "information sets. Their branches turn back ever more often. Where following one would take more than some seconds, play that adjusts is "
        "taken instead (`so.exact`): it is as exact, and the same equilibrium wherever both are known, but not shown to lie on the principal branch."
    )
    return [*parts, table(against_gambit(rows, str(LONG), "long signalling", asked.long, asked.limit))]


def section_of_openspiel(rows: Rows, asked: argparse.Namespace) -> list[str]:
    """Return the part of the page about OpenSpiel."""
    if not has_openspiel(asked.openspiel):
        message = "OpenSpiel was left out, for want of it: `pip install open_spiel`, here or elsewhere (`--openspiel PYTHON`)."
        print(message)
        return ["## Beside OpenSpiel", message]
    return [
        "## Beside OpenSpiel",
        "CFR+ (Tammelin 2014), OpenSpiel's own implementation in C++, on repeated signalling. It looks for an equilibrium without noise, "
        f"so it is held against our solution at precision {SHARP:,.0f}. NashConv is what the players gain, summed, by answering the others as "
        "well as they can from the start on; it forgives whatever is done where play seldom comes. The largest regret does not: it is what any type "
        "gains at any of its choices, given Bayes beliefs, by another option. CFR+ aims at the first, and is promised to converge in two-player "
        "zero-sum games, which this is not. Its average policy is looked at after 1, 2, 3, 4, 6, 8, 12, ... iterations; that is not counted.",
        table(against_openspiel(rows, asked.rounds, asked.openspiel, asked.limit)),
    ]


def section_of_markov(rows: Rows, asked: argparse.Namespace) -> list[str]:
    """Return the part of the page about stationary games."""
    import markov

    measured = json.loads(rows.row("stationary games", lambda: {"table": json.dumps(markov.table(asked.sgamesolver))})["table"])
    return [
        "## Stationary games",
        "Random stochastic games of two to four actions and discount 0.95, followed to precision 5 along the principal branch of logit Markov "
        "equilibrium: by the stationary engine, and by sgamesolver's homotopy of the same name where the onward states are dense. Where its cells "
        "are empty it was not run. The linear systems are those of Newton's method, in the values alone.",
        table([dict(zip(measured[0], row, strict=True)) for row in measured[1:]]),
    ]


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description="The same games by standoff and by its peers.")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of repeated signalling that CFR+ is given, at most")
    parser.add_argument("--largest", type=int, default=12, help="rounds of repeated signalling beside Gambit, at most")
    parser.add_argument("--long", type=int, default=10, help="rounds of long signalling, at most")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a peer may take for one game")
    parser.add_argument("--openspiel", default=sys.executable, metavar="PYTHON", help="a Python that has OpenSpiel")
    parser.add_argument("--sgamesolver", metavar="PYTHON", help="a Python that has sgamesolver (it needs NumPy below 2)")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--kept", type=Path, default=KEPT, help="where rows are kept")
    parser.add_argument("--fresh", action="store_true", help="measure everything anew")
    asked = parser.parse_args()
    rows = Rows(asked.kept, asked.fresh)
    so.exact(signalling("repeated-signalling", 2, 1.0))  # compiles
    machine = f"{platform.machine()}, Python {platform.python_version()}, pygambit {version('pygambit')}"
    parts = [
        "# Performance",
        f"Written by `python benchmarks/peers.py --limit {asked.limit:g}`; figures of one run on one machine ({machine}).",
        *section_of_gambit(rows, asked),
        *section_of_openspiel(rows, asked),
        *section_of_markov(rows, asked),
    ]
    asked.page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"wrote {asked.page}")


if __name__ == "__main__":
    main()
