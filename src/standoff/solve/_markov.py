"""The linearised equations of a stochastic game with public states.

At a state `s` the members `m` (the players who move there, at once) choose options with log-odds `u[m, a]` against their first option, hence
probabilities `sigma`. A joint action `p`, a *profile*, pays every player `j` at once and leads on:

    G[p, j] = reward[p, j] + sum_k weight[p, k] V[j, state[p, k]]

The unknowns `u` (first options have 0) and `V` satisfy, at `t` times the declared precision,

    u[m, a] = log w[m, a] - log w[m, 0] + t lambda[m] (Q[m, a] - Q[m, 0]),    Q[m, a] = E(G[p, player of m] given that m plays a),
    V[j, s] = E(G[p, j])

with expectations over the mixed actions of all others (McKelvey & Palfrey 1995; for stochastic games Eibelshäuser & Poensgen 2019). Newton's
step `(du, dV)` and the change along a branch `(du/dt, dV/dt)` solve the same linear system with two right-hand sides. Given `dV`, the log-odds of
one state are a small dense system of its own, so `linearise` eliminates them state by state and leaves a system in the values alone, whose row
`(j, s)` has entries at the states that may follow `s`, for `j` itself and for those who move at `s`; `respond` then finds `du` from `dV`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._jit import kernel


class Flat(NamedTuple):
    """A game in flat arrays. `n` states, `P` players, `M` members, `O` options, `E` onward entries, `B` followers in all."""

    member_start: np.ndarray  # (n+1,)
    player: np.ndarray  # (M,)
    option_start: np.ndarray  # (M+1,)
    base: np.ndarray  # (O,) log w less that of the member's first option
    precision: np.ndarray  # (M,) log-odds per unit of payoff
    profile_start: np.ndarray  # (n+1,)
    reward: np.ndarray  # (profiles, P) units of payoff
    onward_start: np.ndarray  # (profiles+1,)
    onward_state: np.ndarray  # (E,)
    onward_weight: np.ndarray  # (E,)
    in_a_row: np.ndarray  # (profiles,) whether a profile's onward states are consecutive, which lets loops over them be vectorised
    slot: np.ndarray  # (E,) which of the state's followers
    follower_start: np.ndarray  # (n+1,)
    follower: np.ndarray  # (B,) states that may follow, and the state itself, ascending
    row_start: np.ndarray  # (P n + 1,) entries of the system in the values, row by row
    inverse_start: np.ndarray  # (n+1,)


class Linear(NamedTuple):
    """The linearised system, and scratch."""

    sigma: np.ndarray  # (O,)
    others: np.ndarray  # (profiles, most members) probability that all others play their part of a profile
    inverse: np.ndarray  # inverses of the small systems of the states
    right: np.ndarray  # (O, 2) right-hand sides of the small systems: by t, Newton's
    data: np.ndarray  # entries of the system in the values
    values_right: np.ndarray  # (2, P, n)
    change: np.ndarray  # (O, 2) du/dt, Newton's du
    onward: np.ndarray  # (most profiles, P) G
    given: np.ndarray  # (most options, P) E(G | option)
    pair: np.ndarray  # (most options, most options) E(G of the first's player | two options of different members)
    mean: np.ndarray  # (P,) E(G)
    gain: np.ndarray  # (P, most options) change of values by the right-hand sides of the small system
    part: np.ndarray  # (most of P and options,) shares of a profile; changes of expected payoffs
    digit: np.ndarray  # (most members,) option of each member
    matrix: np.ndarray  # (most options, most options)


@kernel
def find_followers(g, mark, write):
    """Fill `g.slot`, `g.follower_start` and, if `write`, `g.follower`; `mark` is scratch of shape (2, n), filled with -1.

    Returns the number of followers in all.
    """
    profile_start, onward_start, onward_state = g.profile_start, g.onward_start, g.onward_state
    slot, start, follower = g.slot, g.follower_start, g.follower
    n = profile_start.shape[0] - 1
    count = 0
    for s in range(n):
        start[s] = count
        first, last = onward_start[profile_start[s]], onward_start[profile_start[s + 1]]
        for k in range(first - 1, last):
            other = s if k < first else onward_state[k]
            if mark[0, other] == s:
                continue
            mark[0, other] = s
            if write:
                place = count
                while place > start[s] and follower[place - 1] > other:
                    follower[place] = follower[place - 1]
                    place -= 1
                follower[place] = other
            count += 1
        if write:
            for place in range(start[s], count):
                mark[1, follower[place]] = place - start[s]
            for k in range(first, last):
                slot[k] = mark[1, onward_state[k]]
    start[n] = count
    return count


@kernel
def rank(g, s, j, i):
    """Return the place of player `i` among those whose values enter the equation of player `j`'s value at a state: those who move, and `j`."""
    place = 1 if j < i else 0
    for m in range(g.member_start[s], g.member_start[s + 1]):
        if g.player[m] < i and g.player[m] != j:
            place += 1
    return place


@kernel
def find_columns(g, columns):
    """Fill the column of each entry of the system in the values, ascending in each row."""
    n = g.profile_start.shape[0] - 1
    for s in range(n):
        first = g.follower_start[s]
        width = g.follower_start[s + 1] - first
        for j in range(g.reward.shape[1]):
            for m in range(g.member_start[s] - 1, g.member_start[s + 1]):
                i = j if m < g.member_start[s] else g.player[m]
                at = g.row_start[j * n + s] + rank(g, s, j, i) * width
                for b in range(width):
                    columns[at + b] = i * n + g.follower[first + b]


@kernel
def advance(digit, option_start, first, last):
    """Go on to the next profile of the members `first` to `last`, the last member's option running fastest."""
    for back in range(last - first):
        m = last - 1 - back
        digit[m - first] += 1
        if digit[m - first] < option_start[m + 1] - option_start[m]:
            return
        digit[m - first] = 0


@kernel
def mix(u, option_start, first, last, sigma):
    """Fill the choice probabilities of the members `first` to `last`."""
    for m in range(first, last):
        top = u[option_start[m]]
        for o in range(option_start[m], option_start[m + 1]):
            top = max(top, u[o])
        total = 0.0
        for o in range(option_start[m], option_start[m + 1]):
            sigma[o] = np.exp(u[o] - top)
            total += sigma[o]
        for o in range(option_start[m], option_start[m + 1]):
            sigma[o] /= total


@kernel
def invert(matrix, inverse, size):
    """Invert a matrix by Gauss-Jordan with row pivoting, into `inverse` row by row; return (sign, log |determinant|), sign 0 where singular."""
    for i in range(size):
        for j in range(size):
            inverse[i * size + j] = 1.0 if i == j else 0.0
    sign, log_size = 1.0, 0.0
    for c in range(size):
        pivot = c
        for i in range(c + 1, size):
            if abs(matrix[i, c]) > abs(matrix[pivot, c]):
                pivot = i
        scale = matrix[pivot, c]
        if not abs(scale) > 0.0:
            return 0.0, 0.0
        if pivot != c:
            sign = -sign
            for j in range(size):
                matrix[c, j], matrix[pivot, j] = matrix[pivot, j], matrix[c, j]
                inverse[c * size + j], inverse[pivot * size + j] = inverse[pivot * size + j], inverse[c * size + j]
        if scale < 0.0:
            sign = -sign
        log_size += np.log(abs(scale))
        for j in range(size):
            matrix[c, j] /= scale
            inverse[c * size + j] /= scale
        for i in range(size):
            factor = matrix[i, c]
            if i != c and factor != 0.0:
                for j in range(size):
                    matrix[i, j] -= factor * matrix[c, j]
                    inverse[i * size + j] -= factor * inverse[c * size + j]
    return sign, log_size


@kernel
def follow(g, p, value):
    """Return the expected value (n,) after a profile."""
    first, last = g.onward_start[p], g.onward_start[p + 1]
    state, weight = g.onward_state[first:last], g.onward_weight[first:last]
    total = 0.0
    if g.in_a_row[p]:
        here = value[state[0] : state[0] + last - first]
        for k in range(last - first):
            total += weight[k] * here[k]
    else:
        for k in range(last - first):
            total += weight[k] * value[state[k]]
    return total


@kernel
def scatter(g, p, share, row):
    """Subtract the onward weights of a profile, times `share`, from the entries `row` at the state's followers."""
    first, last = g.onward_start[p], g.onward_start[p + 1]
    slot, weight = g.slot[first:last], g.onward_weight[first:last]
    if g.in_a_row[p]:
        here = row[slot[0] : slot[0] + last - first]
        for k in range(last - first):
            here[k] -= share * weight[k]
    else:
        for k in range(last - first):
            row[slot[k]] -= share * weight[k]


@kernel
def expect(g, s, u, value, x):
    """Fill `x.sigma`, `x.others`, `x.onward`, `x.given`, `x.pair` and `x.mean` of a state."""
    sigma, others, onward, given, pair, mean, digit = x.sigma, x.others, x.onward, x.given, x.pair, x.mean, x.digit
    player, option_start, reward = g.player, g.option_start, g.reward
    n_players = reward.shape[1]
    first, last = g.member_start[s], g.member_start[s + 1]
    o0 = option_start[first]
    size = option_start[last] - o0
    mix(u, option_start, first, last, sigma)
    for j in range(n_players):
        mean[j] = 0.0
        for o in range(size):
            given[o, j] = 0.0
    for o in range(size):
        for other in range(size):
            pair[o, other] = 0.0
    for m in range(last - first):
        digit[m] = 0
    p0 = g.profile_start[s]
    for p in range(p0, g.profile_start[s + 1]):
        for j in range(n_players):
            onward[p - p0, j] = reward[p, j] + follow(g, p, value[j])
        joint = 1.0
        for m in range(first, last):
            joint *= sigma[option_start[m] + digit[m - first]]
        for j in range(n_players):
            mean[j] += joint * onward[p - p0, j]
        for m in range(first, last):
            o = option_start[m] - o0 + digit[m - first]
            product = 1.0
            for two in range(first, last):
                if two == m:
                    continue
                product *= sigma[option_start[two] + digit[two - first]]
                rest = 1.0
                for three in range(first, last):
                    if three != m and three != two:
                        rest *= sigma[option_start[three] + digit[three - first]]
                pair[o, option_start[two] - o0 + digit[two - first]] += rest * onward[p - p0, player[m]]
            others[p, m - first] = product
            for j in range(n_players):
                given[o, j] += product * onward[p - p0, j]
        advance(digit, option_start, first, last)


@kernel
def linearise(g, u, value, t, x):
    """Linearise at log-odds `u` (O,) and values `value` (P, n); fills all of `x` but `x.change`.

    Returns (largest residual of a log-odds, largest residual of a value, sign, log |determinant|) of the small systems, sign 0 where one is singular.
    """
    sigma, others, given, pair, mean, gain, part, digit = x.sigma, x.others, x.given, x.pair, x.mean, x.gain, x.part, x.digit
    matrix, inverse, right, data, values_right = x.matrix, x.inverse, x.right, x.data, x.values_right
    player, option_start, base, precision = g.player, g.option_start, g.base, g.precision
    n, n_players = g.profile_start.shape[0] - 1, g.reward.shape[1]
    worst, worst_value, sign, log_size = 0.0, 0.0, 1.0, 0.0
    data[:] = 0.0
    for s in range(n):
        expect(g, s, u, value, x)
        first, last = g.member_start[s], g.member_start[s + 1]
        o0 = option_start[first]
        size = option_start[last] - o0
        for o in range(size):
            for other in range(size):
                matrix[o, other] = 1.0 if o == other else 0.0
        for m in range(first, last):
            i, start = player[m], option_start[m] - o0
            sharpness = t * precision[m]
            right[o0 + start, 0] = right[o0 + start, 1] = 0.0
            for o in range(start + 1, option_start[m + 1] - o0):
                better = given[o, i] - given[start, i]
                gap = u[o0 + o] - base[o0 + o] - sharpness * better
                worst = max(worst, abs(gap))
                right[o0 + o, 0] = precision[m] * better
                right[o0 + o, 1] = -gap
                for two in range(first, last):
                    if two != m:
                        for other in range(option_start[two] - o0 + 1, option_start[two + 1] - o0):
                            bend = pair[o, other] - pair[start, other] - better
                            matrix[o, other] = -sharpness * sigma[o0 + other] * bend
        here = inverse[g.inverse_start[s] : g.inverse_start[s + 1]]
        local_sign, local_log = invert(matrix, here, size)
        sign *= local_sign
        log_size += local_log
        for j in range(n_players):
            gap = value[j, s] - mean[j]
            worst_value = max(worst_value, abs(gap))
            for o in range(size):
                gain[j, o] = 0.0
            for m in range(first, last):
                for other in range(option_start[m] - o0 + 1, option_start[m + 1] - o0):
                    slope = sigma[o0 + other] * (given[other, j] - mean[j])
                    for o in range(size):
                        gain[j, o] += slope * here[other * size + o]
            values_right[0, j, s], values_right[1, j, s] = 0.0, -gap
            for m in range(first, last):
                start = option_start[m] - o0
                gain[j, start] = 0.0
                for o in range(start + 1, option_start[m + 1] - o0):
                    values_right[0, j, s] += gain[j, o] * right[o0 + o, 0]
                    values_right[1, j, s] += gain[j, o] * right[o0 + o, 1]
                    # From here on by the expected payoff of each option, which enters beside that of the first.
                    gain[j, o] *= t * precision[m]
                    gain[j, start] -= gain[j, o]
            start, width = g.row_start[j * n + s], g.follower_start[s + 1] - g.follower_start[s]
            own = rank(g, s, j, j)
            for b in range(width):
                if g.follower[g.follower_start[s] + b] == s:
                    data[start + own * width + b] = 1.0
            for m in range(last - first):
                digit[m] = 0
            for p in range(g.profile_start[s], g.profile_start[s + 1]):
                for i in range(n_players):
                    part[i] = 0.0
                part[j] = others[p, 0] * sigma[o0 + digit[0]] if last > first else 1.0
                for m in range(first, last):
                    part[player[m]] += others[p, m - first] * gain[j, option_start[m] - o0 + digit[m - first]]
                for m in range(first - 1, last):
                    i = j if m < first else player[m]
                    if m < first or i != j:
                        place = start + rank(g, s, j, i) * width
                        scatter(g, p, part[i], data[place : place + width])
                advance(digit, option_start, first, last)
    return worst, worst_value, sign, log_size


@kernel
def respond(g, t, dvalue, x):
    """Fill `x.change` (O, 2) from the changes of the values, shape (2, P, n), after `linearise` at the same `t`."""
    others, right, change, inverse, digit, better = x.others, x.right, x.change, x.inverse, x.digit, x.part
    player, option_start, precision = g.player, g.option_start, g.precision
    for s in range(g.profile_start.shape[0] - 1):
        first, last = g.member_start[s], g.member_start[s + 1]
        o0 = option_start[first]
        size = option_start[last] - o0
        here = inverse[g.inverse_start[s] : g.inverse_start[s + 1]]
        for c in range(2):
            for o in range(size):
                better[o] = 0.0
            for m in range(last - first):
                digit[m] = 0
            for p in range(g.profile_start[s], g.profile_start[s + 1]):
                for m in range(first, last):
                    better[option_start[m] - o0 + digit[m - first]] += others[p, m - first] * follow(g, p, dvalue[c, player[m]])
                advance(digit, option_start, first, last)
            for m in range(first, last):
                start = option_start[m] - o0
                for o in range(start + 1, option_start[m + 1] - o0):
                    better[o] = right[o0 + o, c] + t * precision[m] * (better[o] - better[start])
                better[start] = 0.0
            for o in range(size):
                total = 0.0
                for other in range(size):
                    total += here[o * size + other] * better[other]
                change[o0 + o, c] = total


@kernel
def is_odd(permutation, seen):
    """Return whether a permutation is odd; `seen` is scratch of the same length, filled with zeros."""
    odd = False
    for i in range(permutation.shape[0]):
        j = i
        while not seen[j]:
            seen[j] = 1
            j = permutation[j]
            if not seen[j]:
                odd = not odd
    return odd
