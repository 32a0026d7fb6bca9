"""Following public histories exactly: beliefs are carried by Bayes' rule, never rounded to the grid.

At each public state reached the stage is solved anew at the exact belief; only continuation values are read from the grid.
"""

from __future__ import annotations

import numpy as np

from standoff.solve._at_once import leads
from standoff.solve._jit import kernel
from standoff.solve._moments import stand_together
from standoff.solve._sweep import type_probabilities, visit
from standoff.solve.grid import axis_cardinals, combine, line_matrix, local_line, point_weights


@kernel
def stand(n, x, lines, combination, g, pay, values, policy, s, z, f, retrace):
    """Solve node `n` at belief coordinates `x`; results are in `s` and `z.value`. Returns (residual, folds, traced).

    `f` is the scratch tuple (cards, basis, flat matrix, weights, node numbers, owner coordinates, count). Afterwards the interpolation weights of
    `x` itself are the first `f[6][0]` of `f[3]`, and belong to the nodes `f[4]`.
    """
    cards, basis, flat, weights, numbers, own, count = f
    owner = g.owner[n]
    player = max(owner, 0)
    n_types = lines.n_types[owner] if owner >= 0 else 1
    n_axes = n_types - 1
    n_leaf = lines.n_leaf[player] if owner >= 0 else 1
    axis = lines.first[player] if owner >= 0 else 0
    if combination.local:
        for d in range(x.shape[0]):
            axis_cardinals(d, x[d], combination, cards, basis)
        count[0] = local_line(axis, n_axes, combination, cards, numbers, flat)
        levels, digit = combination.level, combination.digit
        for m in range(count[0]):
            weights[m] = flat[m]
            for d in range(axis, axis + n_axes):
                weights[m] *= cards[d, levels[0, d], digit[numbers[m], d]]
    else:
        matrix = flat[: numbers.shape[0] * n_leaf].reshape(numbers.shape[0], n_leaf)
        point_weights(x, combination, cards, basis, weights)
        if n_axes > 0:
            line_matrix(x, axis, lines.sizes[player, :n_axes], combination, cards, basis, matrix)
        else:
            for m in range(numbers.shape[0]):
                matrix[m, 0] = weights[m]
    n_points = count[0]
    for d in range(n_axes):
        own[d] = x[axis + d]
    o0 = g.option_start[n]
    n_options = g.option_start[n + 1] - o0
    for a in range(n_options):
        for k in range(n_types):
            total = 0.0
            for m in range(n_points):
                total += weights[m] * policy[o0 + a, numbers[m], k]
            s.u[k, a] = total
    for a in range(n_options - 1, -1, -1):
        for k in range(n_types):
            s.u[k, a] -= s.u[k, 0]
    zero = n_points - n_points
    return visit(
        n, own, n_types, player, lines.sizes, lines.exponents, n_leaf, numbers, zero, n_points, flat, zero, g, pay, values, s, z, retrace
    )  # fmt: skip


@kernel
def draw(random, n, k, g, s):
    """Draw the observation that type `k` of the owner of `n` brings about; needs `s.log_like` of the node."""
    n_obs = g.observation_start[n + 1] - g.observation_start[n]
    total = 0.0
    for y in range(n_obs):
        if s.log_like[y, k] > -np.inf:
            total += np.exp(s.log_like[y, k])
    pick = random * total
    last = 0
    for y in range(n_obs):
        if s.log_like[y, k] > -np.inf:
            last = y
            pick -= np.exp(s.log_like[y, k])
            if pick < 0.0:
                return y
    return last


@kernel
def move_belief(n, y, x, lines, g, s):
    """Replace the owner's coordinates in `x` by the posterior after observation `y`."""
    owner = g.owner[n]
    if owner >= 0:
        for d in range(lines.n_types[owner] - 1):
            x[lines.first[owner] + d] = s.post[y, d]


@kernel
def draw_types(uniform, r, x, lines, types, prob):
    """Draw one type per player from the public belief, with the first numbers of row `r` of `uniform`."""
    for i in range(types.shape[0]):
        first = lines.first[i]
        n_types = lines.n_types[i]
        type_probabilities(x, first, n_types, prob)
        pick = uniform[r, i]
        types[i] = n_types - 1
        for k in range(n_types):
            pick -= prob[k]
            if pick < 0.0:
                types[i] = k
                break


@kernel
def draw_together(uniform, r, step, types, x, lines, g, joint):
    """Draw what all members of a solved moment choose and move their coordinates in `x`; return where it leads, and the next step."""
    h = 0
    m = 0
    while joint.tree.child[h] >= 0:
        n = joint.tree.node[h]
        owner = g.owner[n]
        n_options = g.option_start[n + 1] - g.option_start[n]
        # Where numbers run out, those of a history are reused from its start: nothing further down is read.
        pick = uniform[r, step % uniform.shape[1]]
        a = 0
        while a < n_options - 1:
            pick -= joint.moment.sigma[m, types[owner], a]
            if pick < 0.0:
                break
            a += 1
        for d in range(lines.n_types[owner] - 1):
            x[lines.first[owner] + d] = joint.post[m, a, d]
        h = joint.tree.child[h] + a
        m += 1
        step += 1
    return joint.tree.node[h], step


@kernel
def follow(n, x, column, fixed, kind, uniform, lines, combination, g, pay, values, policy, s, z, f, joint, types, x_now, nodes, beliefs):
    """Draw histories from node `n` at belief coordinates `x`, one per row of `uniform` (draws, players + steps).

    Returns the mean and the mean square, over the draws, of the error of the grid's value of `column`: with `V` the grid's values and `W` the
    value that one exact step backs up from them, the value of following the solved policy exactly is
    `V(x) + E[sum_t beta^t (W(x_t) - V(x_t))]`, a telescoping sum whose terms are interpolation errors only, so that few draws tell it
    precisely. An open-ended game is followed as far as there are numbers in `uniform`. Types are drawn from the belief, except that player
    `fixed` (if not negative) has type `kind`. Where `nodes` has room, the
    decision points of the last history are recorded there and in `beliefs`; their number is the third result. `joint` is scratch for choices made
    at once, None in a game without any.
    """
    weights, numbers, touched = f[3], f[4], f[6]
    n_players = lines.first.shape[0]
    observation_start, option_start, target, owners, betas = g.observation_start, g.option_start, g.target, g.owner, g.beta
    mean = 0.0
    square = 0.0
    count = 0
    retrace = n < 0
    for r in range(uniform.shape[0]):
        for d in range(x.shape[0]):
            x_now[d] = x[d]
        draw_types(uniform, r, x_now, lines, types, z.prob)
        if fixed >= 0:
            types[fixed] = kind
        here = n
        total = 0.0
        beta = 1.0
        step = n_players
        count = 0
        while observation_start[here + 1] > observation_start[here] and step < uniform.shape[1]:
            # The compiler leaves this out where `joint` is None, which halves what there is to compile.
            if joint is not None and leads(here, g):
                stand_together(here, x_now, combination, lines, g, pay, values, policy, joint, retrace)
                combine(combination, joint.cards, weights)
                flat = 0.0
                for m in range(weights.shape[0]):
                    flat += weights[m] * values[here, m, column]
                total += beta * (joint.value[0, column] - flat)
                if nodes.shape[0] > 0:
                    nodes[count] = here
                    for d in range(x.shape[0]):
                        beliefs[count, d] = x_now[d]
                    count += 1
                here, step = draw_together(uniform, r, step, types, x_now, lines, g, joint)
                continue
            stand(here, x_now, lines, combination, g, pay, values, policy, s, z, f, retrace)
            flat = 0.0
            for m in range(touched[0]):
                flat += weights[m] * values[here, numbers[m], column]
            total += beta * (z.value[column] - flat)
            if nodes.shape[0] > 0 and option_start[here + 1] - option_start[here] > 1:
                nodes[count] = here
                for d in range(x.shape[0]):
                    beliefs[count, d] = x_now[d]
                count += 1
            k = types[owners[here]] if owners[here] >= 0 else 0
            y = draw(uniform[r, step], here, k, g, s)
            step += 1
            beta *= betas[here]
            move_belief(here, y, x_now, lines, g, s)
            here = target[observation_start[here] + y]
        mean += total
        square += total * total
    return mean / uniform.shape[0], square / uniform.shape[0], count
