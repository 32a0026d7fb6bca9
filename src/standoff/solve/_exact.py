"""Newton's method on all public histories of a game at once.

A *history* `h` is a path of observations from the start; histories form a tree, numbered so that children come after their parents and the
children of one history are consecutive (`child[h] + y` after observation `y`; `child[h]` is -1 at an end). Unknown are the log-odds `u` of
every decision, as in `standoff.solve._stage`; they decide the public belief `x[h]` of every history forwards, and the values `V[h]`
backwards. The equations are the stage equations `F_h(u_h, x_h, values of the children) = 0` of all histories, at precision `t` times the
declared one; `t = 0` has the solution `u = log w`.

Linearised at a guess, the system is solved by block elimination along the tree. Each history keeps its values as a linear function of its own
belief and of `t`, with everything below it already responding:

    V[h](x + dx, t + dt) = V[h] + J[h] (dx, dt),        du_h = U[h] (dx, dt, 1),

where the last column of `U` is Newton's own step. Going backwards, `eliminate` finds `U` from the stage's Jacobian and the children's `J`
(implicit function theorem) and then `J` by the chain rule; going forwards, `respond` propagates a change of `t` and of beliefs to every
history (linear); then `u` moves, and `believe` takes the new beliefs from Bayes' rule. One round costs a few microseconds per history, and
convergence is quadratic (Deuflhard 2004, ch. 5, for the continuation in `t`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._at_once import answer, gather, gather_values, leads, look
from standoff.solve._jit import kernel
from standoff.solve._stage import _action_values, _system, solve_linear
from standoff.solve._sweep import in_eyes_of, load_likelihood


class Tree(NamedTuple):
    """Public histories. `H` histories, `O` options in all."""

    node: np.ndarray  # (H,) node of the game
    child: np.ndarray  # (H,) first child, -1 at an end
    option: np.ndarray  # (H,) first option row


class Linear(NamedTuple):
    """The state of Newton's method. `D` belief axes, `C` columns, `K` types."""

    u: np.ndarray  # (O, K) log-odds
    x: np.ndarray  # (H, D) belief coordinates, as log-odds of "type k, given none of 0 .. k-1"
    value: np.ndarray  # (H, C)
    slope: np.ndarray  # (H, C, D+1) derivative of `value` by belief coordinates and t
    rise: np.ndarray  # (O, K, D+2) derivative of `u` by belief coordinates and t, and Newton's step
    dx: np.ndarray  # (H, D, 2) change of beliefs: per unit of t, by Newton's steps
    du: np.ndarray  # (O, K, 2) change of log-odds, likewise


class Axes(NamedTuple):
    """Which belief coordinates belong to whom."""

    first: np.ndarray  # (P,) first axis of each player
    n_types: np.ndarray  # (P,)


class Room(NamedTuple):
    """Scratch, beside the arrays of a stage."""

    own: np.ndarray  # (K-1,)
    prob: np.ndarray  # (K,)
    eyes: np.ndarray  # (P, K) the same in the eyes of each player
    dprob: np.ndarray  # (P, K) its derivative in one direction
    du: np.ndarray  # (K, A)
    dlog: np.ndarray  # (K,)
    mass: np.ndarray  # (K,)
    dmass: np.ndarray  # (K-1,)
    by_x: np.ndarray  # (Y, K-1, K-1) derivative of the posterior by the belief
    by_log: np.ndarray  # (Y, K-1, K) and by log-likelihoods
    matrix: np.ndarray  # (n, n)


@kernel
def observed(n, owner, n_types, n_options, n_obs, row, u, g, s):
    """Fill `s.sigma` and `s.log_like` of a node from log-odds `u[row:]`."""
    sigma, log_like = s.sigma, s.log_like
    like, base, is_open = g.like, g.like_start[n], g.is_open[n]
    if g.kind[n] == 2 or owner < 0:
        # A node that belongs to nobody: chances do not depend on a type.
        for y in range(n_obs):
            p = like[base + y] if n_obs > 1 else 1.0
            log_like[y, 0] = np.log(p) if p > 0.0 else -np.inf
        return
    if n_options == 0:
        for y in range(n_obs):
            for k in range(n_types):
                p = like[base + y * n_types + k]
                log_like[y, k] = np.log(p) if p > 0.0 else -np.inf
        return
    for k in range(n_types):
        top = u[row, k]
        for a in range(1, n_options):
            top = max(top, u[row + a, k])
        total = 0.0
        for a in range(n_options):
            sigma[k, a] = np.exp(u[row + a, k] - top)
            total += sigma[k, a]
        for a in range(n_options):
            sigma[k, a] /= total
            if is_open:
                log_like[a, k] = u[row + a, k] - top - np.log(total)
        if not is_open:
            for y in range(n_obs):
                mass = 0.0
                for a in range(n_options):
                    mass += sigma[k, a] * like[base + (a * n_obs + y) * n_types + k]
                log_like[y, k] = np.log(mass) if mass > 0.0 else -np.inf


@kernel
def log_share(z):
    """Return the logarithm of `1 / (1 + exp(-z))`."""
    return -np.log1p(np.exp(-z)) if z > 0.0 else z - np.log1p(np.exp(z))


@kernel
def update(own, n_types, n_obs, log_like, post, r):
    """Fill `post[y]` with the log-odds coordinates after each observation, and `r.by_x`, `r.by_log` with their derivatives.

    With `M[k] = x[k] L[k] + (1 - x[k]) M[k+1]`, `M[K-1] = L[K-1]`, Bayes' rule adds `log L[k] - log M[k+1]` to the log-odds of `x[k]`. An
    observation that no type believed possible can produce leaves the belief as it is.
    """
    by_x, by_log, mass, dmass = r.by_x, r.by_log, r.mass, r.dmass
    n_axes = n_types - 1
    for y in range(n_obs):
        rest = log_like[y, n_axes]
        for j in range(n_types):
            mass[j] = 1.0 if j == n_axes else 0.0  # d log M[k+1] / d log L
        for d in range(n_axes):
            dmass[d] = 0.0  # d log M[k+1] / d own
        for back in range(n_axes):
            k = n_axes - 1 - back
            likelihood = log_like[y, k]
            one, two = log_share(own[k]) + likelihood, log_share(-own[k]) + rest
            possible = one > -np.inf or two > -np.inf
            post[y, k] = own[k] + (likelihood - rest) if possible else own[k]
            for j in range(n_types):
                by_log[y, k, j] = ((1.0 if j == k else 0.0) - mass[j]) if possible else 0.0
            for d in range(n_axes):
                by_x[y, k, d] = 1.0 if d == k else (-dmass[d] if possible else 0.0)
            if not possible:
                rest = -np.inf
                continue
            top = max(one, two)
            rest = top + np.log(np.exp(one - top) + np.exp(two - top))
            before, after = np.exp(log_share(own[k])), np.exp(log_share(post[y, k]))
            for j in range(n_types):
                mass[j] = after * (1.0 if j == k else 0.0) + (1.0 - after) * mass[j]
            for d in range(n_axes):
                dmass[d] = after - before if d == k else (1.0 - after) * dmass[d]


@kernel
def shares(own, n_types, prob):
    """Fill `prob` with the probabilities of the types from log-odds coordinates."""
    rest = 0.0
    for k in range(n_types - 1):
        prob[k] = np.exp(rest + log_share(own[k]))
        rest += log_share(-own[k])
    prob[n_types - 1] = np.exp(rest)


@kernel
def at_once(h, t, tree, g, pay, axes, state, s, r, z):
    """Do for the choices that are made together from history `h` on what `eliminate` does for a single one; return the residual."""
    members, unknowns = gather(h, tree, g, axes, z)
    for m in range(members):
        n = z.node[m]
        owner = g.owner[n]
        n_types = axes.n_types[owner]
        n_options = g.option_start[n + 1] - g.option_start[n]
        for d in range(n_types - 1):
            r.own[d] = state.x[h, axes.first[owner] + d]
        observed(n, owner, n_types, n_options, n_options, z.row[m], state.u, g, s)
        update(r.own, n_types, n_options, s.log_like, s.post, r)
        shares(r.own, n_types, r.prob)
        for a in range(n_options):
            for k in range(n_types):
                z.sigma[m, k, a] = s.sigma[k, a]
            for e in range(n_types - 1):
                for d in range(n_types - 1):
                    z.by_x[m, a, e, d] = r.by_x[a, e, d]
                for k in range(n_types):
                    z.by_log[m, a, e, k] = r.by_log[a, e, k]
        for d in range(n_types - 1):
            odds = np.exp(log_share(r.own[d]))
            for k in range(n_types):
                z.dlog[k, d] = 0.0 if k < d else 1.0 - odds if k == d else -odds
        look(m, n_types, g.columns[owner], unknowns, r.prob, z.dlog, g, z)
    gather_values(h, members, unknowns, tree, g, pay, axes, state.value, state.slope, z)
    return answer(h, members, unknowns, t, g, axes, state.u, state.value, state.slope, state.rise, z)


@kernel
def eliminate(tree, g, pay, axes, state, t, s, r, z):
    """Solve the linearised equations from the ends to the start; fills `value`, `slope` and `rise`.

    Returns the largest stage residual |F|, relative to max(1, |u|); infinite when a stage's Jacobian is singular or a number overflows.
    """
    nodes, children, first_row = tree.node, tree.child, tree.option
    u, x, value, slope, rise = state.u, state.x, state.value, state.slope, state.rise
    sigma, log_like, post, gain, like = s.sigma, s.log_like, s.post, s.gain, s.like
    own, prob, eyes, dprob, du, dlog, by_x, by_log = r.own, r.prob, r.eyes, r.dprob, r.du, r.dlog, r.by_x, r.by_log
    reward, reward_y, log_w, q, follows, bend = s.reward, s.reward_y, s.log_w, s.q, s.value, s.slope
    guess, rhs, residual, jacobian, matrix = s.u, s.rhs, s.residual, s.jacobian, r.matrix
    pay_node, pay_option, pay_observation = pay.node, pay.option, pay.observation
    owners, kinds, opens, betas, precisions, columns = g.owner, g.kind, g.is_open, g.beta, g.precision, g.columns
    option_start, observation_start, weights = g.option_start, g.observation_start, g.log_w
    firsts, all_types = axes.first, axes.n_types
    n_axes_all = x.shape[1]
    n_columns = value.shape[1]
    n_players = columns.shape[0] - 1
    worst = 0.0
    for back in range(nodes.shape[0]):
        h = nodes.shape[0] - 1 - back
        n = nodes[h]
        c0 = children[h]
        for c in range(n_columns):
            value[h, c] = pay_node[n, c]
            for d in range(n_axes_all + 1):
                slope[h, c, d] = 0.0
        if c0 < 0:
            continue
        y0 = observation_start[n]
        n_obs = observation_start[n + 1] - y0
        o0 = option_start[n]
        n_options = option_start[n + 1] - o0
        row = first_row[h]
        owner = owners[n]
        decision = kinds[n] == 0
        is_open = opens[n]
        beta = betas[n]
        n_types = all_types[owner] if owner >= 0 else 1
        first = firsts[owner] if owner >= 0 else 0
        column = columns[owner] if owner >= 0 else 0
        n_axes = n_types - 1
        blind = g.head[n] != n
        if decision and leads(n, g):
            worst = max(worst, at_once(h, t, tree, g, pay, axes, state, s, r, z))
            if not worst < 1e12:
                return np.inf
            continue
        # A choice made together with an earlier one is solved with that; here its value is taken as things stand.
        weighs = decision and n_options > 1
        choice = weighs and not blind
        tilted = owner >= 0 and g.tilted[owner]
        for d in range(n_axes):
            own[d] = x[h, first + d]
        observed(n, owner, n_types, n_options, n_obs, row, u, g, s)
        update(own, n_types, n_obs, log_like, post, r)
        if decision and not is_open:
            load_likelihood(n, n_types, n_options, n_obs, g, s)
        precision = precisions[n] * t
        if choice:
            for a in range(n_options):
                log_w[a] = weights[o0 + a]
                for k in range(n_types):
                    reward[a, k] = pay_option[o0 + a, column + k]
                    guess[k, a] = u[row + a, k]
            for y in range(n_obs):
                below = c0 + y
                for k in range(n_types):
                    reward_y[y, k] = pay_observation[y0 + y, column + k]
                    follows[y, k] = value[below, column + k]
                    for two in range(n_types):
                        total = 0.0
                        for e in range(n_axes):
                            total += slope[below, column + k, first + e] * by_log[y, e, two]
                        bend[y, k, two] = total
                    for a in range(1, n_options):
                        if is_open:
                            share = 1.0 if a == y else 0.0
                        elif log_like[y, k] == -np.inf:
                            share = sigma[k, a]
                        else:
                            share = sigma[k, a] * like[a, y, k] / np.exp(log_like[y, k])
                        gain[y, k, a] = share - sigma[k, a]
            _action_values(s, n_types, n_options, n_obs, is_open, beta)
            gap = _system(s, n_types, n_options, n_obs, is_open, precision, beta)
            scale = 1.0
            for a in range(1, n_options):
                for k in range(n_types):
                    scale = max(scale, abs(u[row + a, k]))
            worst = max(worst, gap / scale)
            if not worst < 1e12:
                return np.inf
        shares(own, n_types, prob)
        for j in range(n_players if tilted else 1):
            if tilted:
                in_eyes_of(j, prob, column, n_types, g.tilt, eyes)
            else:
                for k in range(n_types):
                    eyes[0, k] = prob[k]
        for y in range(n_obs):
            below = c0 + y
            mean = 0.0
            for j in range(n_players):
                if j == 0 or tilted:
                    mean = 0.0
                    for k in range(n_types):
                        mean += eyes[j, k] * np.exp(log_like[y, k])
                for c in range(columns[j], columns[j + 1]):
                    p = np.exp(log_like[y, c - column]) if j == owner else mean
                    value[h, c] += p * (pay_observation[y0 + y, c] + beta * value[below, c])
        if decision:
            for a in range(n_options):
                mean = 0.0
                for j in range(n_players):
                    if j == 0 or tilted:
                        mean = 0.0
                        for k in range(n_types):
                            mean += eyes[j, k] * (sigma[k, a] if weighs else 1.0)
                    for c in range(columns[j], columns[j + 1]):
                        p = mean
                        if j == owner:
                            p = sigma[c - column, a] if weighs else 1.0
                        value[h, c] += p * pay_option[o0 + a, c]
        if blind:
            continue
        # Directions: belief axes, then t, then Newton's own step.
        size = n_types * (n_options - 1)
        width = n_options - 1
        for j in range(n_axes_all + 2):
            mine = owner >= 0 and first <= j < first + n_axes
            newton = j == n_axes_all + 1
            if choice:
                for k in range(n_types):
                    for a in range(1, n_options):
                        line = k * width + a - 1
                        if newton:
                            rhs[line] = -residual[line]
                            continue
                        change = 0.0
                        for y in range(n_obs):
                            share = like[a, y, k] - like[0, y, k] if not is_open else 1.0 if y == a else -1.0 if y == 0 else 0.0
                            if share == 0.0:
                                continue
                            if mine:
                                step = 0.0
                                for e in range(n_axes):
                                    step += slope[c0 + y, column + k, first + e] * by_x[y, e, j - first]
                            else:
                                step = slope[c0 + y, column + k, j]
                            change += share * step
                        rhs[line] = precision * beta * change
                        if j == n_axes_all:
                            rhs[line] += precisions[n] * (q[a, k] - q[0, k])
                for one in range(size):
                    for two in range(size):
                        matrix[one, two] = jacobian[one, two]
                if solve_linear(matrix, rhs, size) == 0.0:
                    return np.inf
                for k in range(n_types):
                    du[k, 0] = 0.0
                    rise[row, k, j] = 0.0
                    for a in range(1, n_options):
                        du[k, a] = rhs[k * width + a - 1]
                        rise[row + a, k, j] = du[k, a]
            if newton and not choice:
                continue
            for i in range(n_players if tilted else 1):
                level = 0.0
                for k in range(n_types):
                    dprob[i, k] = 0.0
                    if mine and k >= j - first:
                        odds = np.exp(log_share(own[j - first]))
                        dprob[i, k] = 1.0 - odds if k == j - first else -odds
                    level += eyes[i, k] * dprob[i, k]
                for k in range(n_types):
                    # So far of the logarithm; the common belief has a level of 0.
                    dprob[i, k] = eyes[i, k] * (dprob[i, k] - level)
            for y in range(n_obs):
                below = c0 + y
                for k in range(n_types):
                    dlog[k] = 0.0
                    if choice:
                        for a in range(1, n_options):
                            dlog[k] += gain[y, k, a] * du[k, a]
                mean = 0.0
                dmean = 0.0
                for i in range(n_players):
                    if i == 0 or tilted:
                        mean = 0.0
                        dmean = 0.0
                        for k in range(n_types):
                            likelihood = np.exp(log_like[y, k])
                            mean += eyes[i, k] * likelihood
                            dmean += (dprob[i, k] + eyes[i, k] * dlog[k]) * likelihood
                    for c in range(columns[i], columns[i + 1]):
                        p = mean
                        dp = dmean
                        if i == owner:
                            p = np.exp(log_like[y, c - column])
                            dp = p * dlog[c - column]
                        change = 0.0
                        for e in range(n_axes):
                            step = by_x[y, e, j - first] if mine else 0.0
                            for k in range(n_types):
                                step += by_log[y, e, k] * dlog[k]
                            change += slope[below, c, first + e] * step
                        if not mine and not newton:
                            change += slope[below, c, j]
                        total = dp * (pay_observation[y0 + y, c] + beta * value[below, c]) + p * beta * change
                        if newton:
                            value[h, c] += total
                        else:
                            slope[h, c, j] += total
            if decision:
                for a in range(n_options):
                    dmean = 0.0
                    for i in range(n_players):
                        if i == owner:
                            for k in range(n_types):
                                if not choice:
                                    continue
                                mean = 0.0
                                for b in range(1, n_options):
                                    mean += sigma[k, b] * du[k, b]
                                dsigma = sigma[k, a] * (du[k, a] - mean)
                                if newton:
                                    value[h, column + k] += dsigma * pay_option[o0 + a, column + k]
                                else:
                                    slope[h, column + k, j] += dsigma * pay_option[o0 + a, column + k]
                            continue
                        dmean = 0.0
                        e = i if tilted else 0
                        for k in range(n_types):
                            if choice:
                                mean = 0.0
                                for b in range(1, n_options):
                                    mean += sigma[k, b] * du[k, b]
                                dmean += dprob[e, k] * sigma[k, a] + eyes[e, k] * sigma[k, a] * (du[k, a] - mean)
                            else:
                                dmean += dprob[e, k]
                        for c in range(columns[i], columns[i + 1]):
                            if newton:
                                value[h, c] += dmean * pay_option[o0 + a, c]
                            else:
                                slope[h, c, j] += dmean * pay_option[o0 + a, c]
    return worst


@kernel
def respond(tree, g, axes, state, s, r, z):
    """Propagate, linearly, a unit of `t` and Newton's steps through the tree; fills `dx` and `du`."""
    nodes, children, first_row = tree.node, tree.child, tree.option
    u, x, rise, dx, change = state.u, state.x, state.rise, state.dx, state.du
    log_like, post, sigma = s.log_like, s.post, s.sigma
    own, dlog, by_x, by_log = r.own, r.dlog, r.by_x, r.by_log
    owners, opens, option_start, observation_start = g.owner, g.is_open, g.option_start, g.observation_start
    like, like_start = g.like, g.like_start
    firsts, all_types = axes.first, axes.n_types
    n_axes_all = x.shape[1]
    for d in range(n_axes_all):
        dx[0, d, 0] = 0.0
        dx[0, d, 1] = 0.0
    for h in range(nodes.shape[0]):
        n = nodes[h]
        c0 = children[h]
        if c0 < 0:
            continue
        y0 = observation_start[n]
        n_obs = observation_start[n + 1] - y0
        n_options = option_start[n + 1] - option_start[n]
        row = first_row[h]
        owner = owners[n]
        n_types = all_types[owner] if owner >= 0 else 1
        first = firsts[owner] if owner >= 0 else 0
        n_axes = n_types - 1
        # What is chosen together answers to the belief before the first of the choices.
        together = g.kind[n] == 0 and leads(n, g)
        members = gather(h, tree, g, axes, z)[0] if together else 1
        for m in range(members if g.head[n] == n else 0):
            first_option = z.row[m] if together else row
            menu = option_start[z.node[m] + 1] - option_start[z.node[m]] if together else n_options
            kinds = all_types[owners[z.node[m]]] if together else n_types
            for a in range(menu):
                for k in range(kinds):
                    for w in range(2):
                        total = rise[first_option + a, k, n_axes_all + w] if menu > 1 else 0.0
                        if menu > 1:
                            for d in range(n_axes_all):
                                total += rise[first_option + a, k, d] * dx[h, d, w]
                        change[first_option + a, k, w] = total
        if n_axes > 0:
            for d in range(n_axes):
                own[d] = x[h, first + d]
            observed(n, owner, n_types, n_options, n_obs, row, u, g, s)
            update(own, n_types, n_obs, log_like, post, r)
        for y in range(n_obs):
            for w in range(2):
                for d in range(n_axes_all):
                    dx[c0 + y, d, w] = dx[h, d, w]
                if n_axes == 0:
                    continue
                for k in range(n_types):
                    dlog[k] = 0.0
                    if n_options > 1:
                        mean = 0.0
                        for a in range(n_options):
                            mean += sigma[k, a] * change[row + a, k, w]
                        if opens[n]:
                            dlog[k] = change[row + y, k, w] - mean
                        elif log_like[y, k] > -np.inf:
                            base = like_start[n]
                            for a in range(n_options):
                                share = sigma[k, a] * like[base + (a * n_obs + y) * n_types + k] / np.exp(log_like[y, k])
                                dlog[k] += (share - sigma[k, a]) * change[row + a, k, w]
                for e in range(n_axes):
                    total = 0.0
                    for d in range(n_axes):
                        total += by_x[y, e, d] * dx[h, first + d, w]
                    for k in range(n_types):
                        total += by_log[y, e, k] * dlog[k]
                    dx[c0 + y, first + e, w] = total


@kernel
def believe(tree, g, axes, state, s, r):
    """Take all beliefs from Bayes' rule at the present log-odds."""
    nodes, children, first_row = tree.node, tree.child, tree.option
    u, x = state.u, state.x
    log_like, post, own = s.log_like, s.post, r.own
    owners, option_start, observation_start = g.owner, g.option_start, g.observation_start
    firsts, all_types = axes.first, axes.n_types
    n_axes_all = x.shape[1]
    for h in range(nodes.shape[0]):
        n = nodes[h]
        c0 = children[h]
        if c0 < 0:
            continue
        y0 = observation_start[n]
        n_obs = observation_start[n + 1] - y0
        owner = owners[n]
        n_types = all_types[owner] if owner >= 0 else 1
        first = firsts[owner] if owner >= 0 else 0
        n_axes = n_types - 1
        for y in range(n_obs):
            for d in range(n_axes_all):
                x[c0 + y, d] = x[h, d]
        if n_axes > 0:
            for d in range(n_axes):
                own[d] = x[h, first + d]
            observed(n, owner, n_types, option_start[n + 1] - option_start[n], n_obs, first_row[h], u, g, s)
            update(own, n_types, n_obs, log_like, post, r)
            for y in range(n_obs):
                for d in range(n_axes):
                    x[c0 + y, first + d] = post[y, d]
