"""Gambit's agent quantal response at lambda 1 on the principal branch: `python gambit_qre.py GAME.efg`. `peers.py` runs it, and stops it.

Prints one line of JSON: the seconds (least of three where they are few; reading the file not counted), and the policy by
`PLAYER INFORMATION-SET` (counted as in the file) and action.
"""

from __future__ import annotations

import json
import sys
import time

import pygambit


def main() -> None:
    """Solve and print."""
    game = pygambit.read_efg(sys.argv[1])
    seconds = []
    while not seconds or (len(seconds) < 3 and seconds[0] < 1.0):
        begun = time.perf_counter()
        (answer,) = pygambit.qre.logit_solve_lambda(game, lam=[1.0])
        seconds.append(time.perf_counter() - begun)
    playing = [(i, name) for i, name in enumerate(game.players) if len(game.get_infosets(name))]
    profile = {f"{i} {number}": dict(mixed) for i, name in playing for number, (_, mixed) in enumerate(answer.profile[name], start=1)}
    print(json.dumps({"seconds": min(seconds), "profile": profile}))


if __name__ == "__main__":
    main()
