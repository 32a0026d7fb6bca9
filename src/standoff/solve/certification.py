"""The certificate: how far a solution is from the equilibrium that it claims to be.

Along public histories followed exactly from the prior, the policy in use (each stage solved anew at the exact belief, on the principal branch,
with continuation values read from the grid) is compared with the logit response to *exactly evaluated* continuation values:

- `policy_distance`: the largest difference of any choice probability;
- `regret`: the largest payoff that any type could gain by changing over to that response at one point;
- `stage_residual`: the largest residual of a stage equation on the grid, in log-odds, relative to the largest of them where that is above 1.

Of players who choose at the same moment each is compared; its values are means over what the others choose.

Where the game was solved exactly on its public histories, the policy that the grid gives there is compared with that solution. Else, when the
game has few histories all of them are followed and values are exact. Otherwise histories are drawn, and the error of the grid's
values is estimated by following further histories from each point (`standoff.solve._follow`); the standard error of that
estimate is reported beside the figures, in units of log-odds. More are followed where two standard errors leave open whether a
point is within the tolerance; where they could move a probability by more than the tolerance to the last, the point counts as missed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from standoff.game import DECISION, Game
from standoff.game.tree import count_histories
from standoff.scenario.titles import moment
from standoff.solve.certificate import SHOWN, Certificate, Miss, Unsolved
from standoff.solve.control import error_from, value_errors
from standoff.solve.equilibrium import Equilibrium, Probe
from standoff.solve.exact import Exact
from standoff.solve.grid import to_beliefs
from standoff.solve.induction import Progress, Workspace, make_workspace
from standoff.solve.together import joined_values

EXACT_POINTS = 4_000
"""Games with at most so many points in their tree of histories are certified on all of them."""

HISTORIES, POINTS = 48, 160
DRAWS = 8, 24, 96
"""Histories drawn from a point: the next number where the one before leaves open whether the point is within the tolerance."""
GLANCE = 12
"""Points at which a grid is looked at to see whether it is much too coarse."""
OPEN_ENDED_POINTS = 16
NEGLIGIBLE = 1e-3
"""Weight of the first period of an open-ended game that is no longer followed. What is left out are errors of interpolation, times this."""
STAGE_TOLERANCE = 1e-8
SAME_BRANCH = 1e-6
"""Two solutions of a stage whose probabilities differ by less are one."""


class Compared(NamedTuple):
    """What was found at one decision point."""

    node: int
    x: np.ndarray  # (D,)
    distance: float
    regret: float
    error: float  # standard error in log-odds
    uncertainty: float  # change of a probability that two standard errors could make
    switched: bool

    def misses(self, tolerance: float) -> bool:
        """Whether the point is not known to be within the tolerance."""
        return not (self.distance <= tolerance and self.uncertainty <= tolerance)


def certify(
    solved: Equilibrium,
    *,
    tolerance: float,
    workers: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
    draws: Sequence[int] = DRAWS,
    points: int = POINTS,
    oracle: Exact | None = None,
) -> Certificate:
    """Measure a solution on the grid, against the exact one (`oracle`) where there is one; see the module's text.

    `draws` are the numbers of histories drawn from a point, growing.
    """
    solved = solved.on_grid
    followed = _against(solved, oracle) if oracle is not None else None if solved.game.structure.open_ended else _every_history(solved)
    compared = _drawn_histories(solved, workers, seed, progress, draws, points, tolerance) if followed is None else followed
    distance = max((point.distance for point in compared), default=0.0)
    sweep = solved.sweep
    exactly = oracle.certificate if oracle is not None else None
    missed = sorted((point for point in compared if point.misses(tolerance)), key=lambda point: -point.distance)
    grid_met = bool(not missed and sweep["stage_residual"] <= STAGE_TOLERANCE and sweep["failed"] == 0)
    return Certificate(
        policy_distance=distance,
        regret=max((point.regret for point in compared), default=0.0),
        stage_residual=sweep["stage_residual"],
        tolerance=tolerance,
        met=exactly.met if exactly is not None else grid_met,
        grid_met=grid_met,
        every_history=followed is not None and (exactly is None or len(compared) == _choices(oracle)),
        points=len(compared),
        standard_error=max((point.error for point in compared), default=0.0),
        beliefs=solved.grid.n_nodes,
        levels=solved.grid.axis_levels,
        stages=int(sweep["stages"]),
        traced=int(sweep["traced"]),
        folded=int(sweep["folded"]),
        failed=int(sweep["failed"]),
        switched=sum(point.switched for point in compared),
        exact_histories=exactly.histories if exactly is not None else 0,
        exact_residual=exactly.residual if exactly is not None else 0.0,
        exact_met=exactly is None or exactly.met,
        exact_selection=exactly.selection if exactly is not None else "principal",
        missed=len(missed),
        misses=tuple(_miss(solved, point) for point in missed[:SHOWN]),
        unsolved=_unsolved(solved),
    )


def _miss(solved: Equilibrium, point: Compared) -> Miss:
    """Say where a point is that misses the tolerance, and why as far as can be told."""
    game, node = solved.game, point.node
    structure, canonical = game.structure, game.canonical
    period = int(structure.period[node])
    state = structure.labels(node)
    moved = [spec for i, spec in enumerate(canonical.variables) if structure.state[node, i] != spec.start]
    return Miss(
        period=period,
        when=moment(canonical.calendar, period),
        turn=structure.places[structure.place[node]].removeprefix("turn:"),
        player=canonical.players[int(game.arrays.owner[node])].name,
        state={name: getattr(value, "item", lambda value=value: value)() for name, value in state.items()},
        moved=tuple(f"{spec.name} {state[spec.name]}".replace("_", " ") for spec in moved),
        beliefs=solved.beliefs(point.x),
        distance=point.distance,
        regret=point.regret,
        cause=_cause(solved, point),
    )


def _cause(solved: Equilibrium, point: Compared) -> str:
    probe = solved.probe(point.node, point.x)
    if not (np.isfinite(probe.residual) and np.isfinite(point.distance)):
        return "unsolved stage"
    warm = solved.probe(point.node, point.x, retrace=False)
    if not np.abs(warm.policy - probe.policy).max() <= SAME_BRANCH:
        return "switched branch"
    if probe.folds:
        return "folded branch"
    return "few draws" if point.uncertainty >= point.distance else "interpolation"


def _unsolved(solved: Equilibrium) -> tuple[Unsolved, ...]:
    """Return where stages are unsolved, by period and turn."""
    structure, calendar = solved.game.structure, solved.game.canonical.calendar
    found: dict[tuple[int, str], int] = {}
    for node in np.flatnonzero(solved.unsolved).tolist():
        key = int(structure.period[node]), structure.places[structure.place[node]].removeprefix("turn:")
        found[key] = found.get(key, 0) + int(solved.unsolved[node])
    worst = sorted(found.items(), key=lambda item: -item[1])[:SHOWN]
    return tuple(Unsolved(period, moment(calendar, period), turn, stages) for (period, turn), stages in worst)


def _choices(oracle: Exact | None) -> int:
    """Return the number of histories at which somebody has a choice."""
    return len(oracle.choices) if oracle is not None else 0


def _against(solved: Equilibrium, oracle: Exact) -> list[Compared]:
    """Compare the grid's policy with the exact one at histories with a choice: all, or an even spread of `EXACT_POINTS`."""
    chosen, known = oracle.choices, oracle.known
    if len(chosen) > EXACT_POINTS:
        chosen = chosen[np.unique(np.linspace(0, len(chosen) - 1, EXACT_POINTS).astype(int))]
    compared = []
    for history in chosen.tolist():
        probe = solved.probe(int(oracle.tree.node[history]), known[history])
        compared.append(_gap(probe, oracle.at(history), oracle.action_values(history)))
    return compared


def _gap(probe: Probe, better: np.ndarray, q: np.ndarray, error: float = 0.0, switched: bool = False) -> Compared:
    """Compare the policy in use with a better one, given action values; a figure that is not a number counts as infinite."""
    gap = better - probe.policy
    distance, regret = float(np.abs(gap).max()), float(np.abs((gap * q).sum(axis=1)).max())
    if not np.isfinite([distance, regret, error]).all():
        return Compared(probe.node, probe.x, np.inf, np.inf, np.inf, np.inf, switched)
    # Two standard errors, of the difference of two values.
    shift = np.expm1(min(2.0 * math.sqrt(2.0) * error, 500.0))
    uncertainty = float((better * (1.0 - better) * shift / (1.0 + (1.0 - better) * shift)).max())
    return Compared(probe.node, probe.x, distance, regret, error, uncertainty, switched)


def logit(log_w: np.ndarray, precision: float, q: np.ndarray) -> np.ndarray:
    """Return the logit response to action values; shapes (A,), (), (K, A)."""
    u = log_w + precision * q
    u = np.exp(u - u.max(axis=1, keepdims=True))
    return np.asarray(u / u.sum(axis=1, keepdims=True))


def _every_history(solved: Equilibrium) -> list[Compared] | None:
    """Follow every history and evaluate them backwards; None when there are too many."""
    game = solved.game
    if count_histories(game.structure) > 10 * EXACT_POINTS:
        return None  # even where some cannot happen
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
    compared: list[Compared] = []
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
                compared += _members(solved, tree, values, number)
            elif n_options > 1:
                like = game.likelihoods(node)
                q = reward[:, column : column + k].T + np.einsum("ayk,yk->ka", like, onward[:, column : column + k])
                exact = logit(g.log_w[o0 : o0 + n_options], float(g.precision[node]), q)
                compared.append(_gap(probe, exact, q))
        values[number] += total
    return compared


def _members(solved: Equilibrium, tree: list[tuple[int, Probe, list[int]]], values: np.ndarray, number: int) -> list[Compared]:
    """Compare what each chooses in the moment that begins at a history; nothing elsewhere."""
    game, g = solved.game, solved.game.arrays
    node, probe, _ = tree[number]
    if g.head[node] != node:
        return []
    found = []
    here = number
    for one in game.structure.members(node):
        chosen = tree[here][1]
        q = joined_values(
            game, int(g.owner[one]), number, probe.x, lambda h: tree[h][0], lambda h: tree[h][1].policy, lambda h, a: tree[h][2][a],
            lambda h: values[h] if h >= 0 else np.zeros(values.shape[1]),
        )  # fmt: skip
        if chosen.policy.shape[1] > 1:
            found.append(_gap(chosen, _response(game, one, q), q))
        here = max(tree[here][2])
    return found


def _response(game: Game, node: int, q: np.ndarray) -> np.ndarray:
    """Return the logit response at a decision to these action values, both (K, A)."""
    g = game.arrays
    return logit(g.log_w[g.option_start[node] : g.option_start[node + 1]], float(g.precision[node]), q)


def _drawn_histories(
    solved: Equilibrium, workers: int, seed: int, progress: Progress | None, draws: Sequence[int], points: int, tolerance: float
) -> list[Compared]:
    """Draw histories and compare at some of their decision points."""
    random = np.random.Generator(np.random.Philox(seed))
    chosen = _points(solved, random, min(points, OPEN_ENDED_POINTS) if solved.game.structure.open_ended else points)
    steps = _longest(solved.game) + len(solved.game.n_types)
    compared: list[Compared | None] = [None] * len(chosen)
    works = [make_workspace(solved.game, solved.grid, solved.values.shape[2]) for _ in range(workers)]

    def task(worker: int) -> None:
        for i in range(worker, len(chosen), workers):
            compared[i] = _compare(solved, *chosen[i], _luck(seed, i, draws[-1], steps), works[worker], draws, tolerance)
            if progress is not None and worker == 0:
                progress("certifying", (i + 1) / len(chosen))

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(task, range(workers)))
    return [point for point in compared if point is not None]


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
        *_, count = error_from(solved, root, solved.prior, 0, -1, 0, uniform, work, nodes, beliefs)
        for i in range(count):
            found.setdefault((int(nodes[i]), beliefs[i].tobytes()), (int(nodes[i]), beliefs[i].copy()))
    chosen = list(found.values())
    keep = np.unique(np.linspace(0, len(chosen) - 1, min(points, len(chosen))).astype(int))
    return [chosen[i] for i in keep]


def _compare(
    solved: Equilibrium, node: int, x: np.ndarray, uniform: np.ndarray, work: Workspace, draws: Sequence[int], tolerance: float
) -> Compared:  # fmt: skip
    """Compare at one decision point, by as many draws as it takes to see on which side of the tolerance it is."""
    game, g = solved.game, solved.game.arrays
    if game.structure.together[node]:
        return _compare_members(solved, node, x, uniform[: draws[0]], work)
    warm = solved.probe(node, x, retrace=False, work=work)
    probe = solved.probe(node, x, work=work)
    o0, like = int(g.option_start[node]), game.likelihoods(node)
    switched = bool(np.abs(warm.policy - probe.policy).max() > SAME_BRANCH)
    total, square = np.zeros((2, *like.shape[1:]))
    done = 0
    for count in draws:
        mean, mean_square = value_errors(solved, node, probe, uniform[done:count], work)
        total += (count - done) * mean
        square += (count - done) * mean_square
        done = count
        error = total / done
        spread = float(np.sqrt(np.maximum(square / done - error * error, 0.0).max() / max(done - 1, 1)))
        q = probe.action_values + g.beta[node] * np.einsum("ayk,yk->ka", like, error)
        better = logit(g.log_w[o0 : o0 + len(like)], float(g.precision[node]), q)
        found = _gap(probe, better, q, spread * float(g.precision[node]), switched)
        if abs(found.distance - tolerance) > found.uncertainty:
            break
    return found


def _luck(seed: int, point: int, draws: int, steps: int) -> np.ndarray:
    return np.random.Generator(np.random.Philox(key=[seed, point])).random((draws, steps))


def clearly_too_coarse(solved: Equilibrium, *, tolerance: float, workers: int = 1, seed: int = 0) -> Certificate | None:
    """Return the certificate at a few points if it already says that one is beyond the tolerance; None where only the whole one can tell."""
    if not solved.game.structure.open_ended and count_histories(solved.game.structure) <= EXACT_POINTS:
        return None
    found = certify(solved, tolerance=tolerance, workers=workers, seed=seed, points=GLANCE, draws=DRAWS[:1])
    return found if any(miss.cause != "few draws" for miss in found.misses) else None


def _compare_members(solved: Equilibrium, head: int, x: np.ndarray, uniform: np.ndarray, work: Workspace) -> Compared:
    """Compare what all choose at the same moment, the worst of them: errors of what follows are averaged over what the others choose."""
    game, g = solved.game, solved.game.arrays
    nodes = game.structure.members(head)
    owners = [int(g.owner[node]) for node in nodes]
    probes = [solved.probe(node, x, work=work) for node in nodes]
    warm = [solved.probe(node, x, retrace=False, work=work) for node in nodes]
    beliefs = to_beliefs(x, game.n_types)
    chances = [[game.in_eyes_of(i, j, beliefs[j]) @ probe.policy for j, probe in zip(owners, probes, strict=True)] for i in owners]
    q = [probe.action_values.copy() for probe in probes]
    spread = 0.0
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
                mean, square, _ = error_from(solved, leaf, onward, column, owner, kind, uniform, work)
                q[m][kind, chosen[m]] += weight * mean
                error = float(np.sqrt(max(square - mean * mean, 0.0) / max(len(uniform) - 1, 1)))
                spread = max(spread, error * float(g.precision[nodes[m]]))
    compared = [
        _gap(probe, _response(game, node, worth), worth, spread, bool(np.abs(one.policy - probe.policy).max() > SAME_BRANCH))
        for node, probe, worth, one in zip(nodes, probes, q, warm, strict=True)
    ]
    return max(compared, key=lambda point: point.distance)
