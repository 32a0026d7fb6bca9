"""Choices made at the same moment on the belief grid: scratch for their kernels, one moment solved at an exact belief, means over the others.

Everything about a moment hangs on the belief at its *head*, the first of its nodes; the beliefs about all members move when the last of
them has chosen (`standoff.solve._held`). So at any node of a moment the belief that is asked for is the head's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from standoff.game import Game
from standoff.game.structure import Structure
from standoff.solve._at_once import make_moment
from standoff.solve._together import Histories, Joint
from standoff.solve.grid import BeliefGrid, to_beliefs


def make_joint(game: Game, grid: BeliefGrid, columns: int) -> Joint:
    """Return scratch that fits every moment of the game; without any it is empty."""
    structure, g = game.structure, game.arrays
    members, histories, unknowns = _largest(game)
    types = max(game.n_types) if members else 0
    options = int(np.diff(g.option_start).max(initial=1)) if members else 0
    own, size = max(types - 1, 0), unknowns + 1
    cards, basis = grid.scratch()
    axes = grid.n_axes
    around = cards.shape[1:]
    whole = [np.zeros(histories, dtype=np.int64) for _ in range(4)]
    came_from, came_by = structure.before if members else (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    return Joint(
        Histories(*whole), make_moment(members, types, options, columns, len(game.n_types), axes, unknowns), np.zeros(size),
        np.zeros((histories, columns)), np.zeros((histories, columns, axes + 1)), np.zeros((members, options, types)),
        np.zeros((members, options, own)), cards, cards.copy(), np.zeros((members, options, own, *around)),
        np.zeros((members, options, own, *around)), basis, np.zeros(grid.n_nodes), np.zeros(axes), np.zeros(types), np.zeros((types, types)),
        np.zeros(types),         np.zeros(unknowns), np.zeros(unknowns), np.zeros((unknowns, unknowns)), np.zeros((size, size)),
        np.zeros(size), np.zeros(size),
        np.zeros(size), came_from, came_by,
    )  # fmt: skip


def _largest(game: Game) -> tuple[int, int, int]:
    """Return the most members, histories and unknowns of any moment."""
    structure = game.structure
    found = [(0, 0, 0)]
    for head in structure.heads.tolist():
        nodes = structure.members(head)
        menus = [int(structure.option_start[n + 1] - structure.option_start[n]) for n in nodes]
        unknowns = sum(game.n_types[int(structure.owner[n])] * (menu - 1) for n, menu in zip(nodes, menus, strict=True))
        found.append((len(nodes), int(1 + np.cumprod(menus).sum()), unknowns))
    most = np.max(found, axis=0)
    return int(most[0]), int(most[1]), int(most[2])


@dataclass(frozen=True)
class Way:
    """How a choice may be come to while what others choose at the same moment is not known."""

    chance: float
    """In the eyes of the one who chooses."""
    options: tuple[int, ...]
    """Option rows of those before it in the order of turns."""
    observations: tuple[int, ...]
    """The observations that these are."""
    node: int


def ways(game: Game, node: int, x: np.ndarray, policy: Callable[[int], np.ndarray]) -> list[Way]:
    """Return all ways to a decision from the head of its moment, one where nobody chooses before it at the same moment.

    `x` are belief coordinates at the head; `policy` tells what is chosen at a node of the moment, shape (K, A).
    """
    structure, beliefs = game.structure, to_beliefs(x, game.n_types)
    found = [Way(1.0, (), (), int(structure.head[node]))]
    for _ in range(structure.position(node)):
        mover = int(structure.owner[found[0].node])
        chance = game.in_eyes_of(int(structure.owner[node]), mover, beliefs[mover]) @ policy(found[0].node)
        longer = []
        for one in found:
            option, seen = int(structure.option_start[one.node]), int(structure.observation_start[one.node])
            for a, p in enumerate(chance.tolist()):
                onward = int(structure.target[seen + a])
                longer.append(Way(one.chance * p, (*one.options, option + a), (*one.observations, seen + a), onward))
        found = longer
    return found


def way(structure: Structure, node: int) -> list[tuple[int, int]]:
    """Return the nodes, and the options taken there, that lead from the head of a moment to one of its nodes."""
    source, option = structure.before
    found: list[tuple[int, int]] = []
    while source[node] >= 0:
        found.append((int(source[node]), int(option[node])))
        node = int(source[node])
    return found[::-1]


def joined_values(
    game: Game, owner: int, head: int, x: np.ndarray, node: Callable[[int], int], policy: Callable[[int], np.ndarray],
    child: Callable[[int, int], int], values: Callable[[int], np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Return what each option of a member of a moment is worth to its types while it does not know what the others choose, shape (K, A).

    The mean is over their choices in the member's eyes. `owner` is the member, `head` the history at which the moment begins and `x` the belief
    coordinates there; the rest tells of a history its node, the mover's policy (K, A), the history after an option, and its values (C,).
    """
    g, pay = game.arrays, game.payoffs
    own = slice(int(g.columns[owner]), int(g.columns[owner]) + game.n_types[owner])
    beliefs = to_beliefs(x, game.n_types)
    found: np.ndarray = np.zeros(0)
    pending = [(head, 1.0, np.zeros(game.n_types[owner]))]
    while pending:
        here, weight, received = pending.pop()
        at = node(here)
        mover = int(g.owner[at])
        options = range(int(g.option_start[at + 1] - g.option_start[at]))
        paid = [received + pay.option[g.option_start[at] + a, own] + pay.observation[g.observation_start[at] + a, own] for a in options]
        if mover == owner:
            part = weight * np.stack([paid[a] + values(child(here, a))[own] for a in options], axis=1)
            found = found + part if found.size else part
            continue
        chance = game.in_eyes_of(owner, mover, beliefs[mover]) @ policy(here)
        pending += [(child(here, a), weight * float(chance[a]), paid[a]) for a in options if chance[a] > 0.0]
    return found
