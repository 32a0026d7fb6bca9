"""The public histories of a game, as a tree: the exact engine solves it, and Gambit's file is written from it.

A *history* `h` is a path of observations from the start. Histories are numbered level by level, so that they come after their parents, and those
that follow one history are consecutive, in the order of its observations: `child[h] + y` is the history after observation `y`. What has no chance
of being observed is in the tree as well, so that its shape hangs on the structure alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.game.structure import Structure

MAX_HISTORIES = 2_000_000
"""Most histories that are listed. Solving them takes about 1 kB each for two players with two types each."""


class Tree(NamedTuple):
    """Public histories. `H` histories, `O` options in all."""

    node: np.ndarray  # (H,) node of the game
    child: np.ndarray  # (H,) first child, -1 at an end
    option: np.ndarray  # (H,) first option row, of O
    unknown: np.ndarray  # (H,) first unknown row, of U: the options but the first of every choice


def histories_from(structure: Structure) -> np.ndarray:
    """Return the number of public histories from each node on, ends and itself included, without listing them; shape (n,)."""
    count = np.zeros(structure.n_nodes)
    start, target = structure.observation_start, structure.target
    layers = structure.layers
    for first, last in zip(layers[-2::-1], layers[:0:-1], strict=True):
        rows = np.arange(start[first], start[last])
        owner = np.repeat(np.arange(first, last), np.diff(start[first : last + 1]))
        count[first:last] = 1.0 + np.bincount(owner - first, weights=count[target[rows]], minlength=last - first)
    return count


def count_histories(structure: Structure) -> int:
    """Return the number of public histories from the start, ends included; stops counting at 2**62."""
    return int(min(histories_from(structure)[structure.roots[0]], 2.0**62))


def unroll(structure: Structure, root: int | None = None) -> Tree:
    """Return the tree of public histories from a node (the start if none), parents before children."""
    start, target = structure.observation_start, structure.target
    nodes, children = [np.array([structure.roots[0] if root is None else root])], []
    total = 1
    while len(nodes[-1]):
        here = nodes[-1]
        n = start[here + 1] - start[here]
        before = np.cumsum(n) - n
        children.append(np.where(n > 0, total + before, -1))
        rows = np.repeat(start[here] - before, n) + np.arange(int(n.sum()))
        nodes.append(target[rows])
        total += len(rows)
    node, child = np.concatenate(nodes).astype(np.int64), np.concatenate(children).astype(np.int64)
    chooser = choosers(structure, node, child)
    options = np.where(chooser == np.arange(len(node)), np.diff(structure.option_start)[node], 0)
    others = np.maximum(options - 1, 0)
    option, unknown = (np.cumsum(options) - options).astype(np.int64), (np.cumsum(others) - others).astype(np.int64)
    return Tree(node, child, option[chooser], unknown[chooser])


def parents(tree: Tree) -> np.ndarray:
    """Return for each history the one that it follows, -1 for the first; shape (H,)."""
    inner = np.flatnonzero(tree.child >= 0)
    return np.concatenate([[-1], inner[np.searchsorted(tree.child[inner], np.arange(1, len(tree.node)), side="right") - 1]])


def way_to(history: int, structure: Structure, tree: Tree, parent: np.ndarray) -> list[int]:
    """Return the observations (rows of the game) that lead to a history, in order; `parent` as `parents` returns it."""
    rows = []
    while history > 0:
        before = int(parent[history])
        rows.append(int(structure.observation_start[tree.node[before]]) + history - int(tree.child[before]))
        history = before
    return rows[::-1]


def choosers(structure: Structure, node: np.ndarray, child: np.ndarray) -> np.ndarray:
    """Return for each history the first one that has the same choice, shape (H,): itself, unless others choose at the same moment before it."""
    if not structure.at_once:
        return np.arange(len(node))
    heads = head_histories(structure, node, child)
    _, first, same = np.unique(np.stack([heads, structure.place[node]]), axis=1, return_index=True, return_inverse=True)
    return np.asarray(first[same.reshape(-1)])


def menus(structure: Structure, tree: Tree) -> np.ndarray:
    """Return how many option rows belong to each history, shape (H,): none where a history before it has the same choice."""
    own = choosers(structure, tree.node, tree.child) == np.arange(len(tree.node))
    return np.where(own, np.diff(structure.option_start)[tree.node], 0)


def head_histories(structure: Structure, node: np.ndarray, child: np.ndarray) -> np.ndarray:
    """Return for each history the one at which the choice there is made: itself, but for turns taken at once; shape (H,)."""
    heads = np.arange(len(node))
    for h in np.flatnonzero((child >= 0) & structure.together[node]).tolist():
        below = slice(int(child[h]), int(child[h]) + int(structure.observation_start[node[h] + 1] - structure.observation_start[node[h]]))
        # Parents come first, so that a head is passed on from one member to the next.
        joins = structure.head[node[below]] == structure.head[node[h]]
        heads[below] = np.where(joins & (node[below] != structure.head[node[h]]), heads[h], heads[below])
    return heads
