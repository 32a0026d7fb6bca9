"""Every number against brute force: random scenarios, questions of every kind, and whether the truth lies within the bound beside the number.

The truth is summed over all public histories and all types, in plain NumPy apart from the code that measures claims; behaviour is that of the exact
engine, which the tests hold against Gambit. Each scenario is asked twice: as it is answered (on its histories), and on belief grids alone, as games
are that have too many histories; there the bound is an estimate, and the ratio of error to bound is what this program is about.

    python benchmarks/bounds.py --seeds 500
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "tests")]

from one_shot import behaviour_of, judge, options_of  # noqa: E402
from random_scenarios import random_scenario  # noqa: E402
from standoff.game import DECISION, Game, build  # noqa: E402
from standoff.scenario import Scenario, resolve  # noqa: E402
from standoff.scenario.models import Claim  # noqa: E402
from standoff.simulate.interventions import overrides  # noqa: E402
from standoff.solve import exact  # noqa: E402
from standoff.solve.grid import simplex  # noqa: E402
from standoff.solve.solver import EXACT_HISTORIES, first_levels  # noqa: E402
from standoff.worlds import Task  # noqa: E402
from standoff.worlds.world import measured, structures_of  # noqa: E402

SLACK = 1e-9
"""What the truth itself may be off by: the exact engine's residual, and sums in another order."""


@dataclass(frozen=True)
class Compared:
    """One number, the truth, and the bound."""

    seed: int
    engine: str
    quantity: str
    number: float
    truth: float
    bound: float

    @property
    def error(self) -> float:
        """How far the number is off."""
        return abs(self.number - self.truth)

    @property
    def holds(self) -> bool:
        """Whether the truth lies within the bound."""
        return self.error <= self.bound + SLACK


# --- questions ---------------------------------------------------------------------------------------------------------------------------


def questions(scenario: Scenario, seed: int) -> dict[str, dict[str, Any]]:
    """Return quantities of every kind that brute force can answer, as a scenario file writes them."""
    random = np.random.default_rng([seed, 7])
    game = build(scenario)
    canonical = game.canonical
    moves = sorted({*game.option_addresses, *game.structure.addresses})
    ends = [place.removeprefix("end:") for place in game.structure.places if place.startswith("end:")]
    last = canonical.calendar.n_periods - 1

    def some(things: list[str]) -> str:
        return things[int(random.integers(len(things)))]

    secret = [player for player in canonical.players if len(player.types) > 1]
    believed = {}
    for player in secret:
        share = random.dirichlet(np.ones(len(player.types)))
        believed[player.name] = {kind: float(p) for kind, p in zip(player.types[:-1], share, strict=False)}
    found: dict[str, dict[str, Any]] = {}
    for number, (at, do) in enumerate(itertools.product((None, {"beliefs": believed}), (False, True))):
        rest: dict[str, Any] = {"at": at} if at else {}
        if do:
            rest["do"] = [{"force": some(list(game.option_addresses))}]
        found[f"end{number}"] = {"chance_of_end": some(ends), **rest}
        found[f"move{number}"] = {"chance_of_move": some(moves), "until": int(random.integers(last + 1)), **rest}
        found[f"count{number}"] = {"count_of_move": sorted({some(moves), some(moves)}), **rest}
        found[f"state{number}"] = {"chance_of_state": "heat == 2", **rest}
    for number, at in enumerate((None, {"beliefs": believed})):
        rest = {"at": at} if at else {}
        player = canonical.players[int(random.integers(len(canonical.players)))]
        kind = {"type": some(list(player.types))} if len(player.types) > 1 else {}
        found[f"value{number}"] = {"value": player.name, **kind, **rest}
        node = int(game.structure.roots[0])
        if game.structure.kind[node] == DECISION and not game.structure.together[node]:
            rows = range(*game.arrays.option_start[node : node + 2])
            found[f"choice{number}"] = {"choice": game.option_address(rows[int(random.integers(len(rows)))]), **rest}
            mover = canonical.players[int(game.arrays.owner[node])]
            if len(mover.types) > 1:
                found[f"bits{number}"] = {"bits": {"about": mover.name}, **({"at": (at or {}) | {"turn": _turn(game, node)}})}
    return found


def _turn(game: Game, node: int) -> str:
    return game.structure.places[game.structure.place[node]].removeprefix("turn:")


# --- brute force -------------------------------------------------------------------------------------------------------------------------


def truth(game: Game, asked: dict[str, Any]) -> float:
    """Answer a question by going through all histories and all types."""
    priors = list(game.priors)
    for name, given in (asked.get("at") or {}).get("beliefs", {}).items():
        i = game.player_index[name]
        belief = np.array([given.get(kind, 0.0) for kind in game.canonical.players[i].types])
        belief[-1] += 1.0 - belief.sum()
        priors[i] = belief
    game = replace(game, priors=tuple(priors))
    solved = exact(game, workers=1)
    tree, g, behaviour = solved.tree, game.arrays, behaviour_of(solved)
    if "value" in asked:
        i = game.player_index[asked["value"]]
        kind = game.canonical.players[i].types.index(asked["type"]) if "type" in asked else 0
        return float(judge(game, tree, behaviour).values[0, g.columns[i] + kind])
    if "choice" in asked or "bits" in asked:
        owner = int(g.owner[tree.node[0]])
        policy, belief = solved.at(0), priors[owner]
        if "choice" in asked:
            menu = [game.option_address(row) for row in range(*g.option_start[tree.node[0] : tree.node[0] + 2])]
            return float(belief @ policy[:, menu.index(asked["choice"])])
        like = solved.likelihood(0)
        joint = like * belief
        mean = joint.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.where(joint > 0, joint * np.log2(joint / mean / belief), 0.0).sum())
    return _along(game, tree, behaviour, asked)


def _along(game: Game, tree: Any, behaviour: np.ndarray, asked: dict[str, Any]) -> float:
    """Sum over histories, types, and whether the event has happened."""
    g, s = game.arrays, game.structure
    claim = Claim.model_validate({"text": "x", "test": {"nil": asked, "within": 1.0}})
    assert claim.test.nil is not None
    acted = overrides(game, claim.test.nil.do, now=0, must_apply=False)
    profiles = list(itertools.product(*(range(n) for n in game.n_types)))
    weight = np.array([np.prod([belief[k] for belief, k in zip(game.priors, profile, strict=True)]) for profile in profiles])
    types = np.array(profiles)
    listed = asked.get("chance_of_move") or asked.get("count_of_move") or []
    wanted = [listed] if isinstance(listed, str) else listed
    until = asked.get("until", game.canonical.calendar.n_periods - 1)
    ends = [asked["chance_of_end"]] if "chance_of_end" in asked else []
    heat = next(i for i, spec in enumerate(game.canonical.variables) if spec.name == "heat")
    open_, done = np.zeros((2, len(tree.node), len(profiles)))
    open_[0] = weight
    counted = 0.0
    for h, node in enumerate(tree.node.tolist()):
        place, child = s.places[s.place[node]], int(tree.child[h])
        soon = s.period[node] <= until
        closing = s.kind[node] == 2 or child < 0
        if (place.removeprefix("end:") in ends and place.startswith("end:")) or (
            "chance_of_state" in asked and closing and s.state[node, heat] == 2 and soon
        ):
            done[h] += open_[h]
            open_[h] = 0.0
        if child < 0:
            continue
        owner, y0, o0 = int(g.owner[node]), int(g.observation_start[node]), int(g.option_start[node])
        n_obs, n_options = int(g.observation_start[node + 1]) - y0, int(g.option_start[node + 1]) - o0
        mine = types[:, owner] if owner >= 0 else np.zeros(len(types), dtype=int)
        if n_options:
            policy = behaviour[options_of(game, tree, h), : game.n_types[owner]].copy()
            if (acted[o0 : o0 + n_options] == 1).any():
                policy[:] = (acted[o0 : o0 + n_options] == 1)[:, None]
            like = game.likelihoods(node)
            ways = [(a, y, policy[a, mine] * like[a, y, mine]) for a in range(n_options) for y in range(n_obs)]
        else:
            start, k = int(g.like_start[node]), game.n_types[owner] if owner >= 0 else 1
            chances = g.like[start : start + n_obs * k].reshape(n_obs, k) if n_obs > 1 else np.ones((1, k))
            ways = [(-1, y, chances[y, mine]) for y in range(n_obs)]
        for a, y, chance in ways:
            names = ([game.option_address(o0 + a)] if a >= 0 else []) + [s.address(y0 + y)]
            hits = sum(name in wanted for name in dict.fromkeys(names)) if soon else 0
            counted += hits * float((chance * (open_[h] + done[h])).sum())
            done[child + y] += chance * (done[h] + (open_[h] if hits else 0.0))
            open_[child + y] += 0.0 if hits else chance * open_[h]
    if "count_of_move" in asked:
        return counted
    over = tree.child < 0
    return float(done[over].sum())


# --- comparing ---------------------------------------------------------------------------------------------------------------------------


def compared(seed: int, *, axes: int = 4) -> Iterator[Compared]:
    """Yield every number of a random scenario, by both engines."""
    # Grids on which players with secrets choose at once have no bounds yet: half of the scenarios are without.
    together = 0.3 if seed % 2 else 0.0
    scenario = random_scenario(seed, axes=axes, sharpness=(0.5, 3.0), propensities=True, together=together, players=4)
    asked = questions(scenario, seed)
    claims = {name: Claim.model_validate({"text": name, "test": {"nil": quantity, "within": 1.0}}) for name, quantity in asked.items()}
    canonical = resolve(scenario.model_copy(update={"claims": claims}))
    game = build(scenario)
    truths = {name: truth(game, quantity) for name, quantity in asked.items()}
    n_axes = sum(k - 1 for k in game.n_types)
    levels = first_levels(n_axes) if n_axes <= 2 else simplex(n_axes, 2)
    for engine, most in (("histories", EXACT_HISTORIES), ("grid", 0)):
        task = Task(canonical, None, (levels,), 1e-2, most=most)
        for name, found in measured(task, structures_of(canonical), 0, {}, 0).findings.items():
            if found.numbers:
                yield Compared(seed, engine, f"{name} {asked[name]}", found.numbers[0], truths[name], found.bounds[0])


def main() -> None:
    """Print what lies outside its bound, and how wide bounds are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=500)
    parser.add_argument("--first", type=int, default=0)
    given = parser.parse_args()
    rows: list[Compared] = []
    for seed in range(given.first, given.first + given.seeds):
        for row in compared(seed):
            rows.append(row)
            if not row.holds:
                print(
                    f"OUTSIDE seed {row.seed} {row.engine}: {row.quantity}: {row.number:.9g} is off by {row.error:.2e}, bound {row.bound:.2e}",
                    flush=True,
                )
    for engine in ("histories", "grid"):
        mine = [row for row in rows if row.engine == engine]
        told = [row for row in mine if np.isfinite(row.bound)]
        ratios = np.array([row.error / row.bound for row in told if row.error > 1e-7])
        print(
            f"{engine}: {len(mine):,} numbers, {len(mine) - len(told)} without a bound, {sum(not row.holds for row in mine)} outside; largest error "
            f"{max(row.error for row in mine):.2e}"
            + (
                f"; of errors above 1e-7 largest ratio to the bound {ratios.max():.2f}, median of bound to error {1 / np.median(ratios):.1f}"
                if len(ratios)
                else ""
            )
        )


if __name__ == "__main__":
    main()
