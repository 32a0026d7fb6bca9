"""CFR+ of OpenSpiel on a game written for Gambit: `python openspiel_cfr.py GAME.efg SECONDS`. Needs OpenSpiel only; `peers.py` runs it.

Prints one line of JSON at a time: after 1, 2, 3, 4, 6, 8, 12, ... iterations, the seconds that they took, and the average policy by
`PLAYER INFORMATION-SET` (counted as in the file) and action. Ends once the iterations took as long as allowed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

import pyspiel


def action_names(game: pyspiel.Game) -> dict[int, str]:
    """Return the names of the players' actions."""
    found, pending = {}, [game.new_initial_state()]
    while pending:
        state = pending.pop()
        for action in state.legal_actions():
            if not state.is_chance_node():
                found[action] = state.action_to_string(action)
            pending.append(state.child(action))
    return found


def stops() -> Iterator[int]:
    """Yield numbers of iterations that grow by a half or a third."""
    yield 1
    power = 2
    while True:
        yield power
        yield power + power // 2
        power *= 2


def main() -> None:
    """Iterate and print."""
    game = pyspiel.load_game("efg_game", {"filename": sys.argv[1]})
    names = action_names(game)
    solver = pyspiel.CFRPlusSolver(game)
    done, seconds = 0, 0.0
    for stop in stops():
        begun = time.perf_counter()
        while done < stop:
            solver.evaluate_and_update_policy()
            done += 1
        seconds += time.perf_counter() - begun
        profile = {}
        for key, choices in solver.tabular_average_policy().policy_table().items():
            player, _, number, _ = key.split("-", 3)
            profile[f"{player} {number}"] = {names[action]: chance for action, chance in choices}
        print(json.dumps({"iterations": done, "seconds": seconds, "profile": profile}), flush=True)
        if seconds >= float(sys.argv[2]):
            return


if __name__ == "__main__":
    main()
