"""The certificate: how far a solution is from the equilibrium that it claims to be.

Along public histories followed exactly from the prior, the policy in use (each stage solved anew at the exact belief, on the principal branch,
with continuation values read from the grid) is compared with the logit response to *exactly evaluated* continuation values:

- `policy_distance`: the largest difference of any choice probability;
- `regret`: the largest payoff that any type could gain by changing over to that response at one point;
- `stage_residual`: the largest residual of a stage equation on the grid, in log-odds, relative to the largest of them where that is above 1.

Of players who choose at the same moment each is compared; its values are means over what the others choose.

Where the game was solved exactly on its public histories, the policy that the grid gives there is compared with that solution. Else, when the
game has few histories all of them are followed and values are exact. Otherwise histories are drawn, and the error of the grid's
values is estimated by following further histories from each point (`follow` in `standoff.solve._follow`); the standard error of that
estimate is reported beside the figures, in units of log-odds.
"""

from __future__ import annotations

import itertools
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from standoff.game import DECISION, Game
from standoff.solve._follow import follow
from standoff.solve.certificate import Certificate
from standoff.solve.equilibrium import Equilibrium, Probe
from standoff.solve.exact import Exact
from standoff.solve.grid import to_beliefs
from standoff.solve.induction import Progress, Workspace, make_workspace
from standoff.solve.together import joined_values

EXACT_POINTS = 4_000
"""Games with at most so many points in their tree of histories are certified on all of them."""

HISTORIES, POINTS, DRAWS = 48, 160, 24
OPEN_ENDED_POINTS = 16
NEGLIGIBLE = 1e-3
"""Weight of the first period of an open-ended game that is no longer followed. What is left out are errors of interpolation, times this."""
STAGE_TOLERANCE = 1e-8


def certify(
    solved: Equilibrium,
    *,
    tolerance: float,
    workers: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
    draws: int = DRAWS,
    points: int = POINTS,
    oracle: Exact | None = None,
) -> Certificate:
    """Measure a solution on the grid, against the exact one (`oracle`) where there is one; see the module's text."""
    solved = solved.on_grid
    followed = _against(solved, oracle) if oracle is not None else None if solved.game.structure.open_ended else _every_history(solved)
    if followed is None:
        distance, regret, count, error, switched = _drawn_histories(solved, workers, seed, progress, draws, points)
    else:
        (distance, regret, count), error, switched = followed, 0.0, 0
    sweep = solved.sweep
    exactly = oracle.certificate if oracle is not None else None
    return Certificate(
        policy_distance=distance,
        regret=regret,
        stage_residual=sweep["stage_residual"],
        tolerance=tolerance,
        met=bool(distance <= tolerance and sweep["stage_residual"] <= STAGE_TOLERANCE and sweep["failed"] == 0),
        every_history=followed is not None and (exactly is None or count == _choices(oracle)),
        points=count,
        standard_error=error,
        beliefs=solved.grid.n_nodes,
        levels=solved.grid.axis_levels,
        stages=int(sweep["stages"]),
        traced=int(sweep["traced"]),
        folded=int(sweep["folded"]),
        failed=int(sweep["failed"]),
        switched=switched,
        exact_histories=exactly.histories if exactly is not None else 0,
        exact_residual=exactly.residual if exactly is not None else 0.0,
    )


def _choices(oracle: Exact | None) -> int:
    """Return the number of histories at which somebody has a choice."""
    return len(oracle.choices) if oracle is not None else 0


def _against(solved: Equilibrium, oracle: Exact) -> tuple[float, float, int]:
    """Compare the grid's policy with the exact one at histories with a choice: all, or an even spread of `EXACT_POINTS`."""
    chosen, known = oracle.choices, oracle.known
    if len(chosen) > EXACT_POINTS:
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, EXACT_POINTS).astype(int))]
    distance = regret = 0.0
    for history in chosen.tolist():
        probe = solved.probe(int(oracle.tree.node[history]), known[history])
        gap = oracle.at(history) - probe.policy
        distance = max(distance, float(np.abs(gap).max()))
        regret = max(regret, float(np.abs((gap * oracle.action_values(history)).sum(axis=1)).max()))
    return distance, regret, len(chosen)


def logit(log_w: np.ndarray, precision: float, q: np.ndarray) -> np.ndarray:
    """Return the logit response to action values; shapes (A,), (), (K, A)."""
    u = log_w + precision * q
    u = np.exp(u - u.max(axis=1, keepdims=True))
    return np.asarray(u / u.sum(axis=1, keepdims=True))


def _every_history(solved: Equilibrium) -> tuple[float, float, int] | None:
    """Follow every history and evaluate them backwards; None when there are too many."""
    game = solved.game
    g, pay = game.arrays, game.payoffs
    tree: list[tuple[int, Probe, list[int]]] = []
    pending = [(int(game.structure.roots[0]), solved.prior, -1, -1)]
    while pending:
        node, x, parent, slot = pending.pop()
        if len(tree) >= EXACT_POINTS:
            return None
        probe = solved.probe(node, x)
        number = len(tree)
        tree.append((node, probe, [-1] * len(probe.likelihood)))
        if parent >= 0:
            tree[parent][2][slot] = number
        possible = np.flatnonzero(probe.likelihood.max(axis=1) > 0.0).tolist()
        pending += [(int(g.target[g.observation_start[node] + y]), probe.posteriors[y], number, y) for y in possible]
    values = np.zeros((len(tree), int(g.columns[-1])))
    distance = regret = 0.0
    count = 0
    for number in range(len(tree) - 1, -1, -1):
        node, probe, children = tree[number]
        y0, o0 = int(g.observation_start[node]), int(g.option_start[node])
        n_obs, n_options = len(children), int(g.option_start[node + 1]) - o0
        onward = np.zeros((n_obs, values.shape[1]))
        for y, child in enumerate(children):
            if child >= 0:
                onward[y] = pay.observation[y0 + y] + g.beta[node] * values[child]
        values[number] = pay.node[node]
        owner = int(g.owner[node])
        if owner < 0:
            values[number] += probe.likelihood[:, 0] @ onward
            continue
        k = game.n_types[owner]
        column = int(g.columns[owner])
        belief = to_beliefs(probe.x, game.n_types)[owner]
        # By column: the belief about the owner of the player whose column it is.
        views = np.repeat([game.in_eyes_of(j, owner, belief) for j in range(len(game.n_types))], game.n_types, axis=0)
        total = np.einsum("ck,yk,yc->c", views, probe.likelihood, onward)
        total[column : column + k] = np.einsum("yk,yk->k", probe.likelihood, onward[:, column : column + k])
        if game.structure.kind[node] == DECISION:
            sigma = probe.policy
            reward = pay.option[o0 : o0 + n_options]
            extra = np.einsum("ck,ka,ac->c", views, sigma, reward)
            extra[column : column + k] = np.einsum("ka,ak->k", sigma, reward[:, column : column + k])
            total = total + extra
            if game.structure.together[node]:
                for found in _members(solved, tree, values, number):
                    distance, regret, count = max(distance, found[0]), max(regret, found[1]), count + 1
            elif n_options > 1:
                like = game.likelihoods(node)
                q = reward[:, column : column + k].T + np.einsum("ayk,yk->ka", like, onward[:, column : column + k])
                found = _gap(solved, node, sigma, q)
                distance, regret, count = max(distance, found[0]), max(regret, found[1]), count + 1
        values[number] += total
    return distance, regret, count


def _members(solved: Equilibrium, tree: list[tuple[int, Probe, list[int]]], values: np.ndarray, number: int) -> list[tuple[float, float]]:
    """Return (policy distance, regret) of each who has a choice in the moment that begins at a history; none elsewhere."""
    game, g = solved.game, solved.game.arrays
    node, probe, _ = tree[number]
    if g.head[node] != node:
        return []
    found = []
    here = number
    for one in game.structure.members(node):
        sigma = tree[here][1].policy
        q = joined_values(
            game, int(g.owner[one]), number, probe.x, lambda h: tree[h][0], lambda h: tree[h][1].policy, lambda h, a: tree[h][2][a],
            lambda h: values[h] if h >= 0 else np.zeros(values.shape[1]),
        )  # fmt: skip
        if sigma.shape[1] > 1:
            found.append(_gap(solved, one, sigma, q))
        here = max(tree[here][2])
    return found


def _gap(solved: Equilibrium, node: int, sigma: np.ndarray, q: np.ndarray) -> tuple[float, float]:
    """Return (policy distance, regret) of a policy beside the logit response to these action values, both (K, A)."""
    g = solved.game.arrays
    gap = logit(g.log_w[g.option_start[node] : g.option_start[node + 1]], float(g.precision[node]), q) - sigma
    return float(np.abs(gap).max()), float(np.abs((gap * q).sum(axis=1)).max())


def _drawn_histories(
    solved: Equilibrium, workers: int, seed: int, progress: Progress | None, draws: int, points: int
) -> tuple[float, float, int, float, int]:
    """Draw histories and compare at some of their decision points."""
    random = np.random.Generator(np.random.Philox(seed))
    chosen = _points(solved, random, min(points, OPEN_ENDED_POINTS) if solved.game.structure.open_ended else points)
    steps = _longest(solved.game) + len(solved.game.n_types)
    uniform = random.random((len(chosen), draws, steps))
    results = np.zeros((len(chosen), 4))
    works = [make_workspace(solved.game, solved.grid, solved.values.shape[2]) for _ in range(workers)]

    def task(worker: int) -> None:
        for i in range(worker, len(chosen), workers):
            results[i] = _compare(solved, *chosen[i], uniform[i], works[worker])
            if progress is not None and worker == 0:
                progress("certifying", (i + 1) / len(chosen))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(task, range(workers)))
    if not np.isfinite(results).all():
        return np.inf, np.inf, len(chosen), np.inf, int(np.nansum(results[:, 3]))
    top = results[:, :3].max(axis=0)
    return float(top[0]), float(top[1]), len(chosen), float(top[2]), int(results[:, 3].sum())


def _follow(
    solved: Equilibrium, node: int, x: np.ndarray, column: int, fixed: int, kind: int, uniform: np.ndarray, work: Workspace,
    nodes: np.ndarray, beliefs: np.ndarray,
) -> tuple[float, float, int]:  # fmt: skip
    game = solved.game
    return follow(  # type: ignore[no-any-return]
        node, x, column, fixed, kind, uniform, solved.lines, solved.grid.combination, game.arrays, game.payoffs, solved.values, solved.log_policy,
        work.stage, work.scratch, work.follow, work.joint, np.zeros(len(game.n_types), dtype=np.int64), np.zeros(solved.grid.n_axes), nodes, beliefs,
    )  # fmt: skip


def _longest(game: Game) -> int:
    """Return how many steps of a history are followed: all, or in an open-ended game those of the periods that weigh."""
    layers = len(game.structure.layers)
    return layers * math.ceil(math.log(NEGLIGIBLE) / math.log(game.discount)) if game.structure.open_ended else layers


def _points(solved: Equilibrium, random: np.random.Generator, points: int) -> list[tuple[int, np.ndarray]]:
    """Return distinct decision points on drawn histories: the first of all, then an even spread over the rest."""
    steps = _longest(solved.game)
    work = make_workspace(solved.game, solved.grid, solved.values.shape[2])
    nodes, beliefs = np.zeros(steps, dtype=np.int64), np.zeros((steps, solved.grid.n_axes))
    found: dict[tuple[int, bytes], tuple[int, np.ndarray]] = {}
    root = int(solved.game.structure.roots[0])
    for _ in range(HISTORIES):
        uniform = random.random((1, steps + len(solved.game.n_types)))
        *_, count = _follow(solved, root, solved.prior, 0, -1, 0, uniform, work, nodes, beliefs)
        for i in range(count):
            found.setdefault((int(nodes[i]), beliefs[i].tobytes()), (int(nodes[i]), beliefs[i].copy()))
    chosen = list(found.values())
    keep = np.unique(np.linspace(0, len(chosen) - 1, min(points, len(chosen))).astype(int))
    return [chosen[i] for i in keep]


def _compare(solved: Equilibrium, node: int, x: np.ndarray, uniform: np.ndarray, work: Workspace) -> tuple[float, float, float, float]:
    """Return (policy distance, regret, standard error in log-odds, branch switched) at one decision point, of all who choose there."""
    game, g = solved.game, solved.game.arrays
    if game.structure.together[node]:
        return _compare_members(solved, node, x, uniform, work)
    warm = solved.probe(node, x, retrace=False, work=work)
    probe = solved.probe(node, x, work=work)
    owner = int(g.owner[node])
    k = game.n_types[owner]
    y0, n_obs = int(g.observation_start[node]), len(probe.likelihood)
    like = game.likelihoods(node)
    error = np.zeros((n_obs, k))
    spread = 0.0
    none = np.zeros(0, dtype=np.int64), np.zeros((0, solved.grid.n_axes))
    for y in range(n_obs):
        for kind in range(k):
            if like[:, y, kind].max() > 0.0:
                column = int(g.columns[owner]) + kind
                mean, square, _ = _follow(solved, int(g.target[y0 + y]), probe.posteriors[y], column, owner, kind, uniform, work, *none)
                error[y, kind] = mean
                spread = max(spread, float(np.sqrt(max(square - mean * mean, 0.0) / max(len(uniform) - 1, 1))))
    q = probe.action_values + g.beta[node] * np.einsum("ayk,yk->ka", like, error)
    switched = float(np.abs(warm.policy - probe.policy).max() > 1e-6)
    return *_gap(solved, node, probe.policy, q), spread * float(g.precision[node]), switched


def _compare_members(solved: Equilibrium, head: int, x: np.ndarray, uniform: np.ndarray, work: Workspace) -> tuple[float, float, float, float]:
    """Return the same of all who choose at the same moment: errors of what follows are averaged over what the others choose."""
    game, g = solved.game, solved.game.arrays
    nodes = game.structure.members(head)
    owners = [int(g.owner[node]) for node in nodes]
    probes = [solved.probe(node, x, work=work) for node in nodes]
    warm = [solved.probe(node, x, retrace=False, work=work) for node in nodes]
    beliefs = to_beliefs(x, game.n_types)
    chances = [[game.in_eyes_of(i, j, beliefs[j]) @ probe.policy for j, probe in zip(owners, probes, strict=True)] for i in owners]
    q = [probe.action_values.copy() for probe in probes]
    spread = 0.0
    none = np.zeros(0, dtype=np.int64), np.zeros((0, solved.grid.n_axes))
    for chosen in itertools.product(*(range(probe.policy.shape[1]) for probe in probes)):
        last = head
        for a in chosen[:-1]:
            last = int(g.target[g.observation_start[last] + a])
        leaf = int(g.target[g.observation_start[last] + chosen[-1]])
        onward = solved.probe(last, x, work=work).posteriors[chosen[-1]]
        for m, owner in enumerate(owners):
            weight = math.prod(float(chances[m][j][a]) for j, a in enumerate(chosen) if j != m)
            for kind in range(game.n_types[owner]):
                column = int(g.columns[owner]) + kind
                mean, square, _ = _follow(solved, leaf, onward, column, owner, kind, uniform, work, *none)
                q[m][kind, chosen[m]] += weight * mean
                error = float(np.sqrt(max(square - mean * mean, 0.0) / max(len(uniform) - 1, 1)))
                spread = max(spread, error * float(g.precision[nodes[m]]))
    gaps = np.array([_gap(solved, node, probe.policy, worth) for node, probe, worth in zip(nodes, probes, q, strict=True)]).max(axis=0)
    switched = max(float(np.abs(one.policy - other.policy).max() > 1e-6) for one, other in zip(warm, probes, strict=True))
    return float(gaps[0]), float(gaps[1]), spread, switched
