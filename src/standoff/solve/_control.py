"""How far functionals read from the belief grid are from what exact play gives, along histories followed at exact beliefs.

Let `J(n, x)` be a functional as the grid gives it (interpolated) and `W(n, x)` the same a step backed up: the stage solved at the exact belief `x`,
and `J` read at the exact posteriors. With `delta = W - J`, which is nought at the nodes of the grid, the functional of following the solved policy
exactly is, a telescoping sum over the history (n_t, x_t) of what is played,

    J* (n, x) = J(n, x) + E[sum_t w_t delta(n_t, x_t)],

`w_t` the discount and 0 once the functional has stopped. Its terms are errors of interpolation only, so that few draws tell it precisely: the
residuals of Bellman's equation weighed by where play goes (the dual weighted residual of Becker & Rannacher 2001).

The policy itself answers values of the grid. With `e` the error of the mover's action values, to first order log-odds are off by `lambda e`, and

    dJ = E[sum_t w_t lambda sum_a s[a] e[a] (J_a - sum_b s[b] J_b)],

where `e[a]` is again the mean of the residuals, of the mover's own values, that follow option `a`. The history that was drawn has drawn `a` with
chance `s[a]`, and the residuals along the rest of it are a draw of `e[a]`: so the same histories tell both, without drawing more from each point.
What changed play does to beliefs, and they to play, is left to the factor by which callers multiply.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._follow import draw_types, move_belief, stand
from standoff.solve._jit import kernel
from standoff.solve._sweep import in_eyes_of, type_probabilities
from standoff.solve._tree_values import play
from standoff.solve.grid import point_weights


class Room(NamedTuple):
    """Scratch of a history of at most `T` steps; `F` functionals, `A` options, `Y` observations."""

    cards: np.ndarray
    basis: np.ndarray
    reading: np.ndarray  # (M,) interpolation weights at a posterior
    owner: np.ndarray  # (T,) who chooses, -1 for nobody
    beta: np.ndarray  # (T,)
    error: np.ndarray  # (T, players) residual of the values of each, as the types that were drawn
    effect: np.ndarray  # (T, F) of the mover's payoff on what was drawn
    branch: np.ndarray  # (Y, F)
    played: np.ndarray  # (K, A)
    worth: np.ndarray  # (max(A, Y),)


@kernel
def column_of(functional, ranges, pinned, types):
    """Return the column of a functional whose pinned types are those of `types`, -1 for none."""
    for c in range(ranges[functional, 0], ranges[functional, 1]):
        fits = True
        for i in range(types.shape[0]):
            if pinned[c, i] >= 0 and pinned[c, i] != types[i]:
                fits = False
        if fits:
            return c
    return -1


@kernel
def pick(weights, n, uniform):
    """Return a draw from unnormalised weights."""
    mass = 0.0
    for a in range(n):
        mass += weights[a]
    left = uniform * mass
    last = 0
    for a in range(n):
        if weights[a] > 0.0:
            last = a
            left -= weights[a]
            if left < 0.0:
                return a
    return last


@kernel
def control(
    n, x, fixed, eyed, uniform, ranges, lines, combination, g, pay, values, policy, tables, found, acted, s, z, f, room, types, x_now, x_next, result,
):  # fmt: skip
    """Draw histories from node `n` at belief `x`, one for each row of `uniform` (draws, players + 2 steps), and sum what each tells.

    `ranges[j]`: first column of functional `j` of the evaluation, and the one after its last; `tables`: its (pay, keep_option, keep_observation,
    discounted, pinned, viewer); `found` (n, M, C) its values on the grid; `acted` (1, o) what is forced or forbidden; `fixed` (players,) types that
    are given, -1 for those drawn from what player `eyed` believes (-1: from the public belief). `pay`, `values` and `policy` are the solution's.
    Fills `result[r, j, :2]`, (draws, functionals, 4), with the sum of the residuals and the effect of the error of play.
    """
    fpay, keep_option, keep_observation, discounted, pinned, viewer = tables
    cards, basis, reading = room.cards, room.basis, room.reading
    turn_owner, turn_beta, own_error, effect = room.owner, room.beta, room.error, room.effect
    branch, played, worth = room.branch, room.played, room.worth
    weights, numbers, touched = f[3], f[4], f[6]
    n_players, n_functionals, n_points = types.shape[0], ranges.shape[0], found.shape[1]
    retrace = n < 0
    for r in range(uniform.shape[0]):
        for d in range(x.shape[0]):
            x_now[d] = x[d]
        if eyed >= 0:
            for i in range(n_players):
                type_probabilities(x_now, lines.first[i], lines.n_types[i], z.prob)
                in_eyes_of(eyed, z.prob, g.columns[i], lines.n_types[i], g.tilt, z.eyes)
                types[i] = pick(z.eyes[eyed], lines.n_types[i], uniform[r, i])
        else:
            draw_types(uniform, r, x_now, lines, types, z.prob)
        for i in range(n_players):
            if fixed[i] >= 0:
                types[i] = fixed[i]
        for j in range(n_functionals):
            result[r, j, 0] = 0.0
            result[r, j, 1] = 0.0
            result[r, j, 2] = 1.0  # weight of what follows
        here = n
        step = 0
        while g.observation_start[here + 1] > g.observation_start[here]:
            stand(here, x_now, lines, combination, g, pay, values, policy, s, z, f, retrace)
            owner, o0, y0 = g.owner[here], g.option_start[here], g.observation_start[here]
            n_options, n_obs = g.option_start[here + 1] - o0, g.observation_start[here + 1] - y0
            n_types = lines.n_types[owner] if owner >= 0 else 1
            mine = types[owner] if owner >= 0 else 0
            is_open, base = g.is_open[here], g.like_start[here]
            turn_owner[step] = owner if n_options > 1 else -1
            turn_beta[step] = g.beta[here]
            for i in range(n_players):
                column = g.columns[i] + types[i]
                flat = 0.0
                for m in range(touched[0]):
                    flat += weights[m] * values[here, numbers[m], column]
                own_error[step, i] = z.value[column] - flat
            for j in range(n_functionals):
                effect[step, j] = 0.0
                c = column_of(j, ranges, pinned, types)
                flat = 0.0
                for m in range(touched[0]):
                    flat += weights[m] * found[here, numbers[m], c]
                result[r, j, 3] = fpay.node[here, c] - flat
            # What each observation leads to, read at the exact posterior.
            for y in range(n_obs):
                for d in range(x.shape[0]):
                    x_next[d] = x_now[d]
                move_belief(here, y, x_next, lines, g, s)
                point_weights(x_next, combination, cards, basis, reading)
                to = g.target[y0 + y]
                for j in range(n_functionals):
                    c = column_of(j, ranges, pinned, types)
                    total = 0.0
                    for m in range(n_points):
                        total += reading[m] * found[to, m, c]
                    beta = g.beta[here] if discounted[c] else 1.0
                    branch[y, j] = fpay.observation[y0 + y, c] + keep_observation[y0 + y, c] * beta * total
            # What is played, by type.
            touched_here = False
            for a in range(n_options):
                touched_here = touched_here or acted[0, o0 + a] != -1
            if n_options > 0:
                play(s.u.T, 0, n_types, n_options, acted, 0, o0, s.sigma, played)
            option = 0
            if n_options > 0:
                option = pick(played[mine], n_options, uniform[r, n_players + 2 * step])
            for j in range(n_functionals):
                c = column_of(j, ranges, pinned, types)
                pin = pinned[c, owner] if owner >= 0 else -1
                type_probabilities(x_now, lines.first[max(owner, 0)], n_types, z.prob)
                if owner >= 0 and g.tilted[owner] and viewer[c] >= 0:
                    in_eyes_of(viewer[c], z.prob, g.columns[owner], n_types, g.tilt, z.eyes)
                    for k in range(n_types):
                        z.prob[k] = z.eyes[viewer[c], k]
                total = 0.0
                for k in range(n_types):
                    p = z.prob[k] if owner >= 0 else 1.0
                    if pin >= 0:
                        p = 1.0 if k == pin else 0.0
                    if p == 0.0 and k != mine:
                        continue
                    backed = 0.0
                    if n_options == 0:
                        for y in range(n_obs):
                            backed += branch[y, j] * (g.like[base + y * n_types + k] if n_obs > 1 else 1.0)
                    for a in range(n_options):
                        gain = 0.0
                        if is_open:
                            gain = branch[a, j]
                        else:
                            for y in range(n_obs):
                                gain += g.like[base + (a * n_obs + y) * n_types + k] * branch[y, j]
                        worth[a] = fpay.option[o0 + a, c] + keep_option[o0 + a, c] * gain
                        backed += played[k, a] * worth[a]
                    total += p * backed
                    if k == mine and n_options > 1 and not touched_here:
                        effect[step, j] = result[r, j, 2] * g.precision[here] * (worth[option] - backed)
                result[r, j, 0] += result[r, j, 2] * (result[r, j, 3] + total)
            # On to the next.
            y = option
            if not is_open or n_options == 0:
                for one in range(n_obs):
                    row = base + ((option * n_obs if n_options > 0 else 0) + one) * n_types + mine
                    worth[one] = g.like[row] if n_obs > 1 else 1.0
                y = pick(worth, n_obs, uniform[r, n_players + 2 * step + 1])
            for j in range(n_functionals):
                c = column_of(j, ranges, pinned, types)
                keep = keep_observation[y0 + y, c] * (keep_option[o0 + option, c] if n_options > 0 else 1.0)
                result[r, j, 2] *= keep * (g.beta[here] if discounted[c] else 1.0)
            move_belief(here, y, x_now, lines, g, s)
            here = g.target[y0 + y]
            step += 1
        # Backwards: what follows each decision tells the error of the value of what was chosen there.
        for i in range(n_players):
            z.seen[i] = 0.0
        for back in range(step):
            t = step - 1 - back
            for i in range(n_players):
                z.seen[i] *= turn_beta[t]
            i = turn_owner[t]
            if i >= 0:
                for j in range(n_functionals):
                    result[r, j, 1] += effect[t, j] * z.seen[i]
            for i in range(n_players):
                z.seen[i] += own_error[t, i]
