"""Beliefs that are held back while several players choose at the same moment.

Until the last of them has chosen nobody knows anything: policies, and whatever is tabulated at the nodes of the others, hang on the belief at the
first of these nodes (the head). Behind the last choice all beliefs move together.
"""

from __future__ import annotations

import numpy as np

from standoff.solve._jit import kernel
from standoff.solve._stage import bayes
from standoff.solve.grid import point_weights


@kernel
def holds_back(n, to, g):
    """Tell whether others choose at the same moment after the choice at `n` that leads to `to`."""
    return g.head[to] == g.head[n] and to != g.head[n]


@kernel
def after_all(n, y, m, points, combination, lines, g, policy, values, s, j, seen):
    """Fill `seen` with the values behind option `y` of node `n`, one of those of a moment, where the belief at its head is grid node `m`.

    `j` is scratch of a moment (`standoff.solve._together.Joint`), `s` of a stage.
    """
    to = g.target[g.observation_start[n] + y]
    n_columns = values.shape[2]
    if holds_back(n, to, g):
        for c in range(n_columns):
            seen[c] = values[to, m, c]
        return
    for d in range(points.shape[1]):
        j.x[d] = points[m, d]
    head, here, chosen = g.head[n], n, y
    while True:
        owner = g.owner[here]
        first, n_types = lines.first[owner], lines.n_types[owner]
        o0, o1 = g.option_start[here], g.option_start[here + 1]
        for k in range(n_types):
            top = -np.inf
            for row in range(o0, o1):
                top = max(top, policy[row, m, k])
            total = 0.0
            for row in range(o0, o1):
                total += np.exp(policy[row, m, k] - top)
            s.log_like[0, k] = policy[o0 + chosen, m, k] - top - np.log(total)
        bayes(j.x[first : first + n_types - 1], s.log_like, 0, n_types, s.post)
        for d in range(n_types - 1):
            j.x[first + d] = s.post[0, d]
        if here == head:
            break
        chosen = j.came_by[here]
        here = j.came_from[here]
    point_weights(j.x, combination, j.cards, j.basis, j.weights)
    for c in range(n_columns):
        total = 0.0
        for i in range(j.weights.shape[0]):
            total += j.weights[i] * values[to, i, c]
        seen[c] = total
