"""Functionals of play evaluated backwards on the public histories of a game that was solved on them.

With `b` the belief at history `h` about the type `k` of whoever moves there, `s` what is played and `h'` the history after observation `y`,

    V[h] = r_node + sum_k b_k sum_a s[k, a] (r_option[a] + keep[a] sum_y L[a, y, k] (r_observation[y] + keep[y] beta V[h'])):

the law of total expectation, exact but for rounding, because beliefs at histories are those of Bayes' rule (`standoff.solve.exact`). It is what
`evaluate` in `standoff.solve._sweep` does on a belief grid, with the same arguments.
"""

from __future__ import annotations

import numpy as np

from standoff.solve._jit import inlined, kernel
from standoff.solve._sweep import in_eyes_of, type_probabilities


@inlined
def play(u, row, n_types, n_options, acted, b, o0, sigma, played):
    """Fill `sigma[k, a]` with the choice probabilities of log-odds `u[row + a, k]`, and `played` with what intervention `b` makes of them.

    What is allowed is weighed from its own largest log-odds: the rest of a menu may be too unlikely for plain numbers.
    """
    forced = -1
    for a in range(n_options):
        if acted[b, o0 + a] == 1:
            forced = a
    for k in range(n_types):
        top, best = -np.inf, -np.inf
        for a in range(n_options):
            top = max(top, u[row + a, k])
            if acted[b, o0 + a] != 0:
                best = max(best, u[row + a, k])
        mass, left = 0.0, 0.0
        for a in range(n_options):
            sigma[k, a] = np.exp(u[row + a, k] - top)
            mass += sigma[k, a]
            played[k, a] = np.exp(u[row + a, k] - best) if acted[b, o0 + a] != 0 else 0.0
            left += played[k, a]
        for a in range(n_options):
            sigma[k, a] /= mass
            played[k, a] = (1.0 if a == forced else 0.0) if forced >= 0 else played[k, a] / left


@kernel
def evaluate_histories(
    tree, beliefs, log_odds, g, axes, pay, keep_option, keep_observation, discounted, pinned, viewer, group, acted, sigma, played, prob, eyes, values
):  # fmt: skip
    """Fill `values[h, c]` of all histories `h` and functional columns `c`; all but `tree` and what was found on it is as in `evaluate`.

    `tree`: `standoff.game.tree.Tree`; `beliefs` (H, D); `log_odds` (O, K); `axes`: (first axis, types) by player. `sigma`, `played` (K, A), `prob`
    (K,) and `eyes` (players, K) are scratch.
    """
    first_axis, all_types = axes
    n_columns = values.shape[1]
    for back in range(tree.node.shape[0]):
        h = tree.node.shape[0] - 1 - back
        n, c0 = tree.node[h], tree.child[h]
        for c in range(n_columns):
            values[h, c] = pay.node[n, c]
        if c0 < 0:
            continue
        owner, o0, y0 = g.owner[n], g.option_start[n], g.observation_start[n]
        n_options, n_obs = g.option_start[n + 1] - o0, g.observation_start[n + 1] - y0
        n_types = all_types[owner] if owner >= 0 else 1
        base, is_open = g.like_start[n], g.is_open[n]
        prob[0] = 1.0
        if owner >= 0:
            type_probabilities(beliefs[h], first_axis[owner], n_types, prob)
        tilted = owner >= 0 and g.tilted[owner]
        before = -1
        for c in range(n_columns):
            if n_options > 0 and group[c] != before:
                play(log_odds, tree.option[h], n_types, n_options, acted, group[c], o0, sigma, played)
                before = group[c]
            beta = g.beta[n] if discounted[c] else 1.0
            pin = pinned[c, owner] if owner >= 0 else -1
            seen_by_viewer = tilted and viewer[c] >= 0
            if seen_by_viewer:
                in_eyes_of(viewer[c], prob, g.columns[owner], n_types, g.tilt, eyes)
            total = 0.0
            for k in range(n_types):
                if pin >= 0 and k != pin:
                    continue
                p = 1.0 if pin >= 0 else eyes[viewer[c], k] if seen_by_viewer else prob[k]
                if p == 0.0:
                    continue
                worth = 0.0
                for y in range(n_obs):
                    gain = pay.observation[y0 + y, c] + keep_observation[y0 + y, c] * beta * values[c0 + y, c]
                    if n_options == 0:
                        worth += gain * (g.like[base + y * n_types + k] if n_obs > 1 else 1.0)
                    elif is_open:
                        worth += played[k, y] * (pay.option[o0 + y, c] + keep_option[o0 + y, c] * gain)
                    else:
                        for a in range(n_options):
                            worth += played[k, a] * g.like[base + (a * n_obs + y) * n_types + k] * keep_option[o0 + a, c] * gain
                if n_options > 0 and not is_open:
                    for a in range(n_options):
                        worth += played[k, a] * pay.option[o0 + a, c]
                total += p * worth
            values[h, c] += total
