"""Newton's method on all public histories of a game at once.

A *history* `h` is a path of observations from the start; histories form a tree, numbered level by level, so that children come after their
parents and the children of one history are consecutive (`child[h] + y` after observation `y`; `child[h]` is -1 at an end). Unknown are the
log-odds `u` of every option but the first of every choice, as in `standoff.solve._stage`; they decide the public belief `x[h]` of every
history forwards, and the values `V[h]` backwards. The equations are the stage equations of all histories, at precision `t` times the declared
one `lambda`:

    F(u)[a, k] = u[a, k] - log(w[a] / w[0]) - t lambda (Q[a, k] - Q[0, k]) = 0;

`t = 0` has the solution `u = log w`.

Linearised at a guess, the system is solved by block elimination along the tree. Each history keeps its values as a linear function of its own
belief and of `t`, with everything below it already responding:

    V[h](x + dx, t + dt) = V[h] + J[h] (dx, dt),        du_h = U[h] (dx, dt, 1),

where the last column of `U` is Newton's own step. With `drag > 0` that step is held back: the system is `(drag + F') du = -F`, a step of length
`1 / drag` of play that adjusts (`standoff.solve.tree_flow`).

`believe` goes forwards and takes beliefs from Bayes' rule; `eliminate` goes backwards, finds
`U` from the stage's Jacobian and the children's `J` (implicit function theorem) and then `J` by the chain rule; `respond` goes forwards and
propagates a change of `t` and Newton's steps to every history (linear). Convergence is quadratic (Deuflhard 2004, ch. 5, for the continuation
in `t`).

Choices made at the same moment are solved together at the history before the first of them (`standoff.solve._at_once`).

All three walk over a *part* of the tree: for each level the first history and the one after the last, shape (levels, 2). Parts below one level
do not meet, so several threads may walk at once. Exponentials and logarithms are taken in `believe` alone, once per option and type; the others
use the likelihoods that it keeps, and the derivatives of log-odds, which Bayes' rule only adds up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._at_once import SOLVED, answer_together, gather, gather_values, leads, look
from standoff.solve._jit import inlined, kernel


class Linear(NamedTuple):
    """The state of Newton's method. `U` unknown rows, `D` belief axes, `C` columns, `K` types."""

    u: np.ndarray  # (U, K) log-odds against the first option
    x: np.ndarray  # (H, D) belief coordinates, as log-odds of "type k, given none of 0 .. k-1"
    chance: np.ndarray  # (H, K) likelihood of the observation that led here, by type of whoever moved
    value: np.ndarray  # (H, C)
    slope: np.ndarray  # (H, C, D+1) derivative of `value` by belief coordinates and t
    rise: np.ndarray  # (U, K, D+2) derivative of `u` by belief coordinates and t, and Newton's step
    dx: np.ndarray  # (H, D, 2) change of beliefs: per unit of t, by Newton's steps
    by_t: np.ndarray  # (U, K) change of log-odds per unit of t
    newton: np.ndarray  # (U, K) and by Newton's steps
    sign: np.ndarray  # (H,) of the determinant of what is chosen there, 0 where it is singular; 1 where nothing is


class Axes(NamedTuple):
    """Which belief coordinates belong to whom."""

    first: np.ndarray  # (P,) first axis of each player
    n_types: np.ndarray  # (P,)


class Room(NamedTuple):
    """Scratch of one thread; `A` options, `Y` observations, `n = K (A-1)` unknowns of a stage."""

    sigma: np.ndarray  # (K, A) choice probabilities
    log_like: np.ndarray  # (K,) of one observation
    before: np.ndarray  # (K,) belief coordinates as probabilities
    prob: np.ndarray  # (K,) belief
    dprob: np.ndarray  # (K, K) its derivative by log-odds coordinates, [axis, type]
    mean: np.ndarray  # (Y,) probability of an observation
    dmean: np.ndarray  # (Y, K) its derivative by log-odds coordinates
    by_x: np.ndarray  # (Y, K, K) derivative of the coordinates after an observation by those before
    by_log: np.ndarray  # (Y, K, K) and by log-likelihoods
    mass: np.ndarray  # (K,)
    dmass: np.ndarray  # (K,)
    gain: np.ndarray  # (Y, K, A) derivative of an observation's log-likelihood by log-odds
    onward: np.ndarray  # (Y, K) the mover's payoff from an observation on
    bend: np.ndarray  # (Y, K, K) its derivative by log-likelihoods
    q: np.ndarray  # (A, K) action values
    pull: np.ndarray  # (K,)
    effect: np.ndarray  # (C, n) derivative of values by the log-odds of this stage
    dlog: np.ndarray  # (K, 2)
    system: np.ndarray  # (n, n+D+2) Jacobian and right-hand sides


def make_room(n_types: int, n_options: int, n_observations: int, n_axes: int, n_columns: int) -> Room:
    """Return scratch for stages of at most these sizes."""
    k, a, y, n = n_types, n_options, n_observations, n_types * max(n_options - 1, 1)
    shapes = {
        "sigma": (k, a), "log_like": (k,), "before": (k,), "prob": (k,), "dprob": (k, k), "mean": (y,), "dmean": (y, k),
        "by_x": (y, k, k), "by_log": (y, k, k), "mass": (k,), "dmass": (k,), "gain": (y, k, a), "onward": (y, k), "bend": (y, k, k),
        "q": (a, k), "pull": (k,), "effect": (n_columns, n), "dlog": (k, 2), "system": (n, n + n_axes + 2),
    }  # fmt: skip
    return Room(**{name: np.zeros(shape) for name, shape in shapes.items()})


@inlined
def unpack(n, g, axes):
    """Return of a node: options, observations, its owner's types (1 for nobody), first axis and first column (-1 for nobody), kind of move."""
    owner = g.owner[n]
    n_options = g.option_start[n + 1] - g.option_start[n]
    n_obs = g.observation_start[n + 1] - g.observation_start[n]
    decision = g.kind[n] == 0
    choice = decision and n_options > 1
    if owner < 0:
        return n_options, n_obs, 1, 0, -1, decision, choice
    return n_options, n_obs, axes.n_types[owner], axes.first[owner], g.columns[owner], decision, choice


@inlined
def logistic(z):
    """Return `1 / (1 + exp(-z))`."""
    return 1.0 / (1.0 + np.exp(-z))


@inlined
def log_share(z):
    """Return the logarithm of `1 / (1 + exp(-z))`."""
    return -np.log1p(np.exp(-z)) if z > 0.0 else z - np.log1p(np.exp(z))


@inlined
def choose(row, n_types, n_options, u, sigma):
    """Fill `sigma` with the choice probabilities of log-odds `u[row:]`."""
    for k in range(n_types):
        top = 0.0
        for a in range(1, n_options):
            top = max(top, u[row + a - 1, k])
        sigma[k, 0] = np.exp(-top)
        total = sigma[k, 0]
        for a in range(1, n_options):
            sigma[k, a] = np.exp(u[row + a - 1, k] - top)
            total += sigma[k, a]
        for a in range(n_options):
            sigma[k, a] /= total


@inlined
def know(below, n_types, n_options, is_open, row, u, chance, sigma):
    """Fill `sigma` as `choose` does, from the likelihoods that `believe` has kept where they are the same."""
    if is_open:
        for a in range(n_options):
            for k in range(n_types):
                sigma[k, a] = chance[below + a, k]
    else:
        choose(row, n_types, n_options, u, sigma)


@inlined
def update(h, below, n_types, first, log_like, x):
    """Fill the owner's coordinates `x[below]` after an observation of log-likelihoods `log_like`.

    With `M[k] = x[k] L[k] + (1 - x[k]) M[k+1]`, `M[K-1] = L[K-1]`, Bayes' rule adds `log L[k] - log M[k+1]` to the log-odds of `x[k]`. What is
    certain stays certain, and an observation that no type can produce leaves the belief as it is.
    """
    rest = log_like[n_types - 1]
    for back in range(n_types - 1):
        k = n_types - 2 - back
        own, likelihood = x[h, first + k], log_like[k]
        possible = likelihood > -np.inf or rest > -np.inf
        x[below, first + k] = own + (likelihood - rest) if possible and np.isfinite(own) else own
        if k > 0 and possible:
            one, two = log_share(own) + likelihood, log_share(-own) + rest
            top = max(one, two)
            rest = top + np.log(np.exp(one - top) + np.exp(two - top)) if top > -np.inf else top


@inlined
def differentiate(y, below, n_types, first, certain, x, chance, r):
    """Fill `r.by_x[y]` and `r.by_log[y]`, the derivatives of `update`; needs `r.before`. `certain`: no likelihood is nought but by rounding."""
    before, mass, dmass, by_x, by_log = r.before, r.mass, r.dmass, r.by_x, r.by_log
    n_axes = n_types - 1
    possible = certain or chance[below, n_axes] > 0.0
    for j in range(n_types):
        mass[j] = 1.0 if j == n_axes else 0.0  # d log M[k+1] / d log L
    for d in range(n_axes):
        dmass[d] = 0.0  # d log M[k+1] / d x
    for back in range(n_axes):
        k = n_axes - 1 - back
        possible = possible or chance[below, k] > 0.0
        for j in range(n_types):
            by_log[y, k, j] = ((1.0 if j == k else 0.0) - mass[j]) if possible else 0.0
        for d in range(n_axes):
            by_x[y, k, d] = 1.0 if d == k else (-dmass[d] if possible else 0.0)
        if k > 0 and possible:
            after = logistic(x[below, first + k])
            for j in range(n_types):
                mass[j] = after * (1.0 if j == k else 0.0) + (1.0 - after) * mass[j]
            for d in range(n_axes):
                dmass[d] = after - before[k] if d == k else (1.0 - after) * dmass[d]


@kernel
def believe(part, tree, g, axes, state, r):
    """Take beliefs, and likelihoods of observations, from the present log-odds; fills `x` and `chance` of the children of a part."""
    nodes, children, unknown = tree.node, tree.child, tree.unknown
    u, x, chance, sigma, log_like = state.u, state.x, state.chance, r.sigma, r.log_like
    like = g.like
    for level in range(part.shape[0]):
        for h in range(part[level, 0], part[level, 1]):
            c0 = children[h]
            if c0 < 0:
                continue
            n = nodes[h]
            n_options, n_obs, n_types, first, _, decision, choice = unpack(n, g, axes)
            for y in range(n_obs):
                for d in range(x.shape[1]):
                    x[c0 + y, d] = x[h, d]
            if n_obs == 1 and not choice:
                continue
            is_open, base, row = g.is_open[n], g.like_start[n], unknown[h]
            if decision:
                choose(row, n_types, n_options, u, sigma)
            for y in range(n_obs):
                for k in range(n_types):
                    mass = 0.0
                    if is_open:
                        mass = sigma[k, y]
                    elif decision:
                        for a in range(n_options):
                            mass += sigma[k, a] * like[base + (a * n_obs + y) * n_types + k]
                    else:
                        mass = like[base + y * n_types + k]
                    chance[c0 + y, k] = mass
            if n_types == 1:
                continue
            if is_open:
                # Logarithms of the chances to a common constant of the type, `pull`; this is finite where the chance itself is not above nought.
                for k in range(n_types):
                    top = 0.0
                    place = 0
                    for a in range(1, n_options):
                        if u[row + a - 1, k] > top:
                            top = u[row + a - 1, k]
                            place = a
                    r.pull[k] = np.log(sigma[k, place]) - top
            for y in range(n_obs):
                for k in range(n_types):
                    if is_open:
                        log_like[k] = r.pull[k] + (u[row + y - 1, k] if y > 0 else 0.0)
                    else:
                        mass = chance[c0 + y, k]
                        log_like[k] = np.log(mass) if mass > 0.0 else -np.inf
                update(h, c0 + y, n_types, first, log_like, x)


@inlined
def believed(h, n_types, first, x, r):
    """Fill `r.before`, `r.prob` and `r.dprob` from the owner's coordinates."""
    before, prob, dprob = r.before, r.prob, r.dprob
    rest = 1.0
    for k in range(n_types - 1):
        # The share of the others is computed on its own, because `1 - before` has no digits left where `before` is near 1.
        odds = np.exp(-np.abs(x[h, first + k]))
        large, small = 1.0 / (1.0 + odds), odds / (1.0 + odds)
        up, down = (large, small) if x[h, first + k] > 0.0 else (small, large)
        before[k] = up
        for j in range(k):
            dprob[k, j] = 0.0
        prob[k] = rest * up
        dprob[k, k] = prob[k] * down
        rest *= down
    prob[n_types - 1] = rest
    for d in range(n_types - 1):
        for k in range(d + 1, n_types):
            dprob[d, k] = -prob[k] * before[d]


@inlined
def solve_all(system, n, width):
    """Solve in place for all right-hand sides `system[:n, n:width]` by Gaussian elimination with partial pivoting; return the determinant's sign."""
    sign = 1.0
    for column in range(n):
        pivot = column
        for row in range(column + 1, n):
            if abs(system[row, column]) > abs(system[pivot, column]):
                pivot = row
        head = system[pivot, column]
        if head == 0.0 or not np.isfinite(head):
            return 0.0
        if (pivot != column) != (head < 0.0):
            sign = -sign
        if pivot != column:
            for j in range(column, width):
                system[pivot, j], system[column, j] = system[column, j], system[pivot, j]
        for row in range(column + 1, n):
            factor = system[row, column] / head
            for j in range(column + 1, width):
                system[row, j] -= factor * system[column, j]
    for column in range(n - 1, -1, -1):
        head = system[column, column]
        for j in range(n, width):
            system[column, j] /= head
        for row in range(column):
            factor = system[row, column]
            for j in range(n, width):
                system[row, j] -= factor * system[column, j]
    return sign


@kernel
def eliminate(part, tree, g, pay, axes, state, t, drag, r, z):
    """Solve the linearised equations of a part from the ends to the start; fills `value`, `slope` and `rise`.

    Values of ends are there already. `z` is scratch for choices made at once; None, in a game without any, spares compiling what they need. Returns
    the largest |F| of a stage, relative to max(1, |u|); infinite when a number overflows, or a stage that is not solved is singular.
    """
    nodes, children = tree.node, tree.child
    value, slope = state.value, state.slope
    n_columns, n_directions = slope.shape[1], slope.shape[2]
    worst = 0.0
    for back in range(part.shape[0]):
        level = part.shape[0] - 1 - back
        for h in range(part[level, 0], part[level, 1]):
            c0 = children[h]
            if c0 < 0:
                continue
            n = nodes[h]
            n_options, n_obs, n_types, first, column, decision, choice = unpack(n, g, axes)
            if z is not None and leads(n, g):
                worst = max(worst, choose_together(h, tree, g, pay, axes, state, t, drag, r, z))
                if not worst < 1e12:
                    return np.inf
                continue
            if n_obs == 1 and not choice:
                o0, y0, beta = g.option_start[n], g.observation_start[n], g.beta[n]
                for c in range(n_columns):
                    reward = pay.node[n, c] + pay.observation[y0, c] + (pay.option[o0, c] if decision else 0.0)
                    value[h, c] = reward + beta * value[c0, c]
                    here, below = slope[h, c], slope[c0, c]
                    for j in range(n_directions):
                        here[j] = beta * below[j]
                continue
            expect(h, n, c0, n_options, n_obs, n_types, first, column, decision, choice, tree, g, pay, state, r)
            # What is chosen together with an earlier choice is solved with that; here its value is taken as things stand.
            if choice and g.head[n] == n:
                gap = answer(h, n, n_options, n_obs, n_types, first, column, c0, tree, g, pay, state, t, drag, r)
                worst = max(worst, gap)
                if not worst < 1e12:
                    return np.inf
    return worst


@kernel
def choose_together(h, tree, g, pay, axes, state, t, drag, r, z):
    """Do for the choices that are made at once from history `h` on what `expect` and `answer` do for a single one; return |F|."""
    members, unknowns = gather(h, tree, g, axes, z)
    for m in range(members):
        here, n = z.history[m], z.node[m]
        n_options, _, n_types, first, column, _, _ = unpack(n, g, axes)
        below = tree.child[here]
        choose(z.row[m], n_types, n_options, state.u, r.sigma)
        believed(here, n_types, first, state.x, r)
        for a in range(n_options):
            differentiate(a, below + a, n_types, first, True, state.x, state.chance, r)
            for k in range(n_types):
                z.sigma[m, k, a] = r.sigma[k, a]
            for e in range(n_types - 1):
                for d in range(n_types - 1):
                    z.by_x[m, a, e, d] = r.by_x[a, e, d]
                for k in range(n_types):
                    z.by_log[m, a, e, k] = r.by_log[a, e, k]
        look(m, n_types, column, unknowns, r.prob, r.dprob, g, z)
    gather_values(h, members, unknowns, tree, g, pay, axes, state.value, state.slope, z)
    return answer_together(h, members, unknowns, t, drag, g, axes, state.u, state.value, state.slope, state.rise, state.sign, z)


@inlined
def weigh(h, j, n, c0, n_obs, n_types, first, column, g, x, chance, r):
    """Fill `r.prob`, `r.mean` and their derivatives as player `j` sees them, its prior about the owner being `tilt` times the common one."""
    prob, dprob, mean, dmean = r.prob, r.dprob, r.mean, r.dmean
    believed(h, n_types, first, x, r)
    if column >= 0 and g.tilted[g.owner[n]]:
        total = 0.0
        for k in range(n_types):
            prob[k] *= g.tilt[j, column + k]
            total += prob[k]
        for k in range(n_types):
            prob[k] /= total
        for d in range(n_types - 1):
            level = 0.0
            for k in range(n_types):
                dprob[d, k] *= g.tilt[j, column + k] / total
                level += dprob[d, k]
            for k in range(n_types):
                dprob[d, k] -= level * prob[k]
    for y in range(n_obs):
        mean[y] = 0.0
        for k in range(n_types):
            mean[y] += prob[k] * chance[c0 + y, k]
        for d in range(n_types - 1):
            dmean[y, d] = 0.0
            for k in range(n_types):
                dmean[y, d] += dprob[d, k] * chance[c0 + y, k]


@inlined
def expect(h, n, c0, n_options, n_obs, n_types, first, column, decision, choice, tree, g, pay, state, r):
    """Fill `value` and `slope` of a history as they are while its own behaviour stays, and in `r` what depends on that.

    Of each column `c`, with `p` the probability of an observation to whom the column belongs (the mover knows its type, others go by the belief)
    and `W` the value of going on after it: `V = sum p W`, `dV = sum dp W + p dW`.
    """
    x, chance, value, slope = state.x, state.chance, state.value, state.slope
    sigma, prob, dprob, mean, dmean, gain, effect = r.sigma, r.prob, r.dprob, r.mean, r.dmean, r.gain, r.effect
    by_x, by_log, onward, bend, pull = r.by_x, r.by_log, r.onward, r.bend, r.pull
    like, base, is_open, beta = g.like, g.like_start[n], g.is_open[n], g.beta[n]
    o0, y0 = g.option_start[n], g.observation_start[n]
    n_axes, width, n_directions = n_types - 1, n_options - 1, slope.shape[2]
    tilted = column >= 0 and g.tilted[g.owner[n]]
    viewer = -1
    # The likelihoods' derivatives do not depend on who looks.
    believed(h, n_types, first, x, r)
    if decision:
        know(c0, n_types, n_options, is_open, tree.unknown[h], state.u, chance, sigma)
    for y in range(n_obs):
        below = c0 + y
        differentiate(y, below, n_types, first, is_open, x, chance, r)
        if choice and not is_open:
            for k in range(n_types):
                for a in range(1, n_options):
                    seen = chance[below, k]
                    share = like[base + (a * n_obs + y) * n_types + k] / seen if seen > 0.0 else 1.0
                    gain[y, k, a] = sigma[k, a] * (share - 1.0)
    for c in range(slope.shape[1]):
        if viewer < 0 or c == g.columns[viewer + 1]:
            viewer += 1
            if viewer == 0 or tilted:
                weigh(h, viewer, n, c0, n_obs, n_types, first, column, g, x, chance, r)
        own = c - column if column >= 0 and column <= c < column + n_types else -1
        here, moves = slope[h, c], effect[c]
        for j in range(n_directions):
            here[j] = 0.0
        for k in range(n_types):
            pull[k] = 0.0
        for line in range(n_types * width):
            moves[line] = 0.0
        total = pay.node[n, c]
        for y in range(n_obs):
            likely, below = chance[c0 + y], slope[c0 + y, c]
            p = likely[own] if own >= 0 else mean[y]
            after = pay.observation[y0 + y, c] + beta * value[c0 + y, c] + (pay.option[o0 + y, c] if is_open else 0.0)
            total += p * after
            weight = p * beta
            for j in range(n_directions):
                here[j] += weight * below[j]
            if n_axes > 1:
                for d in range(n_axes):
                    change = -below[first + d]
                    for e in range(n_axes):
                        change += below[first + e] * by_x[y, e, d]
                    here[first + d] += weight * change
            if own >= 0:
                onward[y, own] = after
            else:
                for d in range(n_axes):
                    here[first + d] += dmean[y, d] * after
            if choice:
                for k in range(n_types):
                    turn = 0.0
                    for e in range(n_axes):
                        turn += below[first + e] * by_log[y, e, k]
                    turn *= beta
                    if own >= 0:
                        bend[y, own, k] = turn
                        moved = p * (turn + (after if k == own else 0.0))
                    else:
                        moved = p * turn + prob[k] * likely[k] * after
                    if not is_open:
                        for a in range(1, n_options):
                            moves[k * width + a - 1] += moved * gain[y, k, a]
                    else:
                        pull[k] += moved
                        if y > 0:
                            moves[k * width + y - 1] = moved
        if choice and is_open:
            for k in range(n_types):
                for a in range(1, n_options):
                    moves[k * width + a - 1] -= sigma[k, a] * pull[k]
        if decision and not is_open:
            # Payoffs of options that are not seen: they hang on the choice, not on what is observed of it.
            for k in range(n_types):
                reward = 0.0
                for a in range(n_options):
                    reward += sigma[k, a] * pay.option[o0 + a, c]
                share = prob[k] if own < 0 else 1.0 if own == k else 0.0
                total += share * reward
                if own < 0:
                    for d in range(n_axes):
                        here[first + d] += dprob[d, k] * reward
                for a in range(1, n_options):
                    moves[k * width + a - 1] += share * sigma[k, a] * (pay.option[o0 + a, c] - reward)
        value[h, c] = total


@inlined
def answer(h, n, n_options, n_obs, n_types, first, column, c0, tree, g, pay, state, t, drag, r):
    """Solve the linearised stage of a choice for all directions; fills `rise` and `sign`, completes `value` and `slope`, returns the stage's |F|.

    Directions are the belief axes, `t`, and Newton's own step; there are none, `rise` is 0, where the stage is singular. Needs `expect`.
    """
    u, value, slope, rise = state.u, state.value, state.slope, state.rise
    onward, bend, gain, sigma, by_x, q, effect, system = r.onward, r.bend, r.gain, r.sigma, r.by_x, r.q, r.effect, r.system
    like, base, is_open, beta = g.like, g.like_start[n], g.is_open[n], g.beta[n]
    o0, row, precision = g.option_start[n], tree.unknown[h], g.precision[n]
    n_axes, width, n_directions = n_types - 1, n_options - 1, slope.shape[2]
    size = n_types * width
    sharp = precision * t
    for k in range(n_types):
        for a in range(n_options):
            if is_open:
                q[a, k] = onward[a, k]
            else:
                total = pay.option[o0 + a, column + k]
                for y in range(n_obs):
                    total += like[base + (a * n_obs + y) * n_types + k] * onward[y, k]
                q[a, k] = total
    gap = 0.0
    scale = 1.0
    for k in range(n_types):
        for a in range(1, n_options):
            line = system[k * width + a - 1]
            for j in range(size + n_directions + 1):
                line[j] = 0.0
            for y in range(n_obs):
                # Observations count by how much likelier they are after this option than after the first.
                if is_open:
                    share = 1.0 if y == a else -1.0 if y == 0 else 0.0
                else:
                    share = like[base + (a * n_obs + y) * n_types + k] - like[base + y * n_types + k]
                if share == 0.0:
                    continue
                weight = sharp * share
                for two in range(n_types):
                    turn = weight * bend[y, k, two]
                    for b in range(1, n_options):
                        rate = ((1.0 if b == y else 0.0) - sigma[two, b]) if is_open else gain[y, two, b]
                        line[two * width + b - 1] -= turn * rate
                weight *= beta
                below = slope[c0 + y, column + k]
                for j in range(n_directions):
                    line[size + j] += weight * below[j]
                if n_axes > 1:
                    for d in range(n_axes):
                        change = -below[first + d]
                        for e in range(n_axes):
                            change += below[first + e] * by_x[y, e, d]
                        line[size + first + d] += weight * change
            ahead = q[a, k] - q[0, k]
            residual = u[row + a - 1, k] - (g.log_w[o0 + a] - g.log_w[o0]) - sharp * ahead
            if not np.isfinite(residual):
                return np.inf
            gap = max(gap, abs(residual))
            scale = max(scale, abs(u[row + a - 1, k]))
            line[k * width + a - 1] += 1.0 + drag
            line[size + n_directions - 1] += precision * ahead
            line[size + n_directions] = -residual
    state.sign[h] = solve_all(system, size, size + n_directions + 1)
    if state.sign[h] == 0.0:
        if gap > SOLVED * scale:
            return np.inf
        for one in range(size):
            system[one, size : size + n_directions + 1] = 0.0
    for k in range(n_types):
        for a in range(1, n_options):
            into, line = rise[row + a - 1, k], system[k * width + a - 1]
            for j in range(n_directions + 1):
                into[j] = line[size + j]
    for c in range(slope.shape[1]):
        here = slope[h, c]
        for one in range(size):
            moved, line = effect[c, one], system[one]
            for j in range(n_directions):
                here[j] += moved * line[size + j]
            value[h, c] += moved * line[size + n_directions]
    return gap / scale


@inlined
def move(h, row, n_others, n_types, rise, dx, by_t, newton):
    """Fill `by_t` and `newton` of a choice from the change of beliefs at history `h`."""
    n_axes = dx.shape[1]
    for a in range(n_others):
        for k in range(n_types):
            one, two = rise[row + a, k, n_axes], rise[row + a, k, n_axes + 1]
            for d in range(n_axes):
                one += rise[row + a, k, d] * dx[h, d, 0]
                two += rise[row + a, k, d] * dx[h, d, 1]
            by_t[row + a, k] = one
            newton[row + a, k] = two


@kernel
def respond(part, tree, g, axes, state, r, z):
    """Propagate, linearly, a unit of `t` and Newton's steps through a part; fills `by_t`, `newton`, and `dx` of its histories' children."""
    nodes, children, unknown = tree.node, tree.child, tree.unknown
    u, x, chance, rise, dx, by_t, newton = state.u, state.x, state.chance, state.rise, state.dx, state.by_t, state.newton
    sigma, dlog, by_x, by_log = r.sigma, r.dlog, r.by_x, r.by_log
    like = g.like
    n_axes_all = x.shape[1]
    for level in range(part.shape[0]):
        for h in range(part[level, 0], part[level, 1]):
            c0 = children[h]
            if c0 < 0:
                continue
            n = nodes[h]
            n_options, n_obs, n_types, first, _, _, choice = unpack(n, g, axes)
            row, n_axes = unknown[h], n_types - 1
            for y in range(n_obs):
                for d in range(n_axes_all):
                    dx[c0 + y, d, 0] = dx[h, d, 0]
                    dx[c0 + y, d, 1] = dx[h, d, 1]
            if z is not None and leads(n, g):
                members, _ = gather(h, tree, g, axes, z)
                for m in range(members):
                    others, _, kinds, _, _, _, _ = unpack(z.node[m], g, axes)
                    move(h, z.row[m], others - 1, kinds, rise, dx, by_t, newton)
            elif choice and g.head[n] == n:
                move(h, row, n_options - 1, n_types, rise, dx, by_t, newton)
            if n_axes == 0 or (n_obs == 1 and not choice):
                continue
            is_open, base = g.is_open[n], g.like_start[n]
            if choice:
                know(c0, n_types, n_options, is_open, row, u, chance, sigma)
            if n_axes > 1:
                believed(h, n_types, first, x, r)
            for y in range(n_obs):
                differentiate(y, c0 + y, n_types, first, is_open, x, chance, r)
                for k in range(n_types):
                    one, two = 0.0, 0.0
                    if choice:
                        for a in range(1, n_options):
                            if is_open:
                                rate = (1.0 if a == y else 0.0) - sigma[k, a]
                            else:
                                seen = chance[c0 + y, k]
                                share = like[base + (a * n_obs + y) * n_types + k] / seen if seen > 0.0 else 1.0
                                rate = sigma[k, a] * (share - 1.0)
                            one += rate * by_t[row + a - 1, k]
                            two += rate * newton[row + a - 1, k]
                    dlog[k, 0] = one
                    dlog[k, 1] = two
                for e in range(n_axes):
                    for w in range(2):
                        total = 0.0
                        for d in range(n_axes):
                            total += by_x[y, e, d] * dx[h, first + d, w]
                        for k in range(n_types):
                            total += by_log[y, e, k] * dlog[k, w]
                        dx[c0 + y, first + e, w] = total
