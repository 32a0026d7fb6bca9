"""The hinge of a claim: the rule of at most three conditions that best tells the worlds where it is true from those where it is false.

Scenario discovery (Friedman & Fisher 1999, PRIM; Bryant & Lempert 2010) on the sampled parameters: beginning with all worlds, the best
split of a one-split decision tree (Breiman et al. 1984) keeps one side, and the next split looks in that side only. One rule is grown towards
the worlds where the claim is true and one towards those where it is false; that which separates better is told, by the Gini impurity that
it takes away from all worlds. `coverage` is how many of the worlds of its kind a rule captures, `density` how many of those that it
captures are of its kind.

With many parameters and few worlds some split always looks good. So a condition is kept only if it beats all but one in a hundred of the
splits found on truths shuffled among the worlds that the conditions before it leave, and no condition is looked for after one that fails.
Tested in this order, the rule's p-value is that of its weakest condition. Where no threshold decides, the parameter whose rank
correlation with the claim's margin is strongest is named, if it is significant at that level among all of them.
Worlds count alike here: what a claim hinges on is a matter of the model, not of how well a world foresees the record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHUFFLES = 199
LEVEL = 0.01
"""Strict, because a table of a score of claims looks for a score of hinges."""

MOST_CONDITIONS = 3


@dataclass(frozen=True)
class Condition:
    """`parameter` is above (or not above) `threshold`."""

    parameter: str
    above: bool
    threshold: float

    def text(self) -> str:
        """Say it."""
        return f"{self.parameter} {'>' if self.above else '<='} {self.threshold:.3g}"


@dataclass(frozen=True)
class Hinge:
    """Where all conditions hold, the claim comes out as `outcome` in `density` of the worlds, elsewhere in `elsewhere`."""

    conditions: tuple[Condition, ...]
    outcome: bool
    """Whether the rule speaks of the worlds where the claim is true or of those where it is false."""
    density: float
    elsewhere: float
    coverage: float
    """Share of all worlds of this outcome in which the conditions hold."""
    base: float
    """Share of this outcome among all worlds."""
    worlds: int
    """In which the conditions hold."""
    p_value: float
    """Of the condition that is least sure."""

    def rule(self) -> str:
        """Say the conditions."""
        return " and ".join(condition.text() for condition in self.conditions)

    def text(self) -> str:
        """Say the rule."""
        return f"{self.rule()}: {'true' if self.outcome else 'false'} in {self.density:.0%}, else in {self.elsewhere:.0%}"


@dataclass(frozen=True)
class Slope:
    """The margin of a claim rises (or falls) with `parameter`."""

    parameter: str
    correlation: float
    """Spearman's."""

    def text(self) -> str:
        """Say it."""
        return f"no threshold; {'more' if self.correlation > 0 else 'less'} {self.parameter} favours it (rho {self.correlation:+.2f})"


@dataclass(frozen=True)
class _Split:
    """The best split of some worlds: gain in Gini impurity, feature (-1 for none), threshold."""

    gain: float
    feature: int
    threshold: float


@dataclass(frozen=True)
class _Box:
    """Worlds that meet conditions, shape (n,), with the p-value of each condition."""

    inside: np.ndarray
    splits: tuple[tuple[int, bool, float], ...] = ()
    """Feature, whether above, threshold."""
    p_values: tuple[float, ...] = ()


def find_hinge(names: list[str], x: np.ndarray, margins: np.ndarray, seed: int = 0) -> Hinge | Slope | None:
    """Return what a claim hinges on, or None when nothing tells more than chance would; shapes (n, parameters), (n,)."""
    truth = margins > 0
    leaf = max(4, len(truth) // 16)
    if x.shape[1] == 0 or len(truth) < 8:
        return None
    if min(truth.sum(), (~truth).sum()) >= leaf:
        x32 = x.astype(np.float32)  # the precision of the trees, so that no world lies on the other side of a threshold than in them
        boxes = [(outcome, box) for outcome in (True, False) for box in _grow(x32, truth, outcome, leaf, np.random.default_rng(seed))]
        if boxes:
            # The first of equals: a rule of one condition separates the same either way, and is told for where the claim is true.
            outcome, box = max(boxes, key=lambda item: round(_separation(truth, item[1].inside), 12))
            return _hinge(names, truth, outcome, box)
    return _slope(names, x, margins)


def _best_split(x: np.ndarray, truth: np.ndarray, leaf: int) -> _Split:
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=1, min_samples_leaf=leaf, random_state=0).fit(x, truth).tree_
    if tree.node_count == 1:
        return _Split(0.0, -1, 0.0)
    share = tree.n_node_samples / tree.n_node_samples[0]
    gain = float(tree.impurity[0] - share[1] * tree.impurity[1] - share[2] * tree.impurity[2])
    return _Split(gain, int(tree.feature[0]), float(tree.threshold[0]))


def _p_value(x: np.ndarray, truth: np.ndarray, leaf: int, split: _Split, level: float, random: np.random.Generator) -> float:
    """Return the share of shuffled truths whose best split is as good, or 1 as soon as it must exceed `level`."""
    beaten = 0
    for _ in range(SHUFFLES):
        beaten += _best_split(x, random.permutation(truth), leaf).gain >= split.gain
        if (beaten + 1) / (SHUFFLES + 1) > level:
            return 1.0
    return (beaten + 1) / (SHUFFLES + 1)


def _grow(x: np.ndarray, truth: np.ndarray, outcome: bool, leaf: int, random: np.random.Generator) -> list[_Box]:
    """Return the rules of one, two and three conditions for an outcome, as far as every condition tells more than chance would."""
    found: list[_Box] = []
    box = _Box(np.ones(len(truth), dtype=bool))
    while len(box.splits) < MOST_CONDITIONS:
        here = box.inside
        if truth[here].all() or not truth[here].any():
            break
        split = _best_split(x[here], truth[here], leaf)
        if split.feature < 0:
            break
        # Later conditions are looked for on both sides of the first one, so each has half of the level.
        tests = 2 if box.splits else 1
        p_value = tests * _p_value(x[here], truth[here], leaf, split, LEVEL / tests, random)
        if p_value > LEVEL:
            break
        high = x[:, split.feature] > split.threshold
        above = bool((truth[here & high].mean() >= truth[here & ~high].mean()) == outcome)
        box = _Box(here & (high if above else ~high), (*box.splits, (split.feature, above, split.threshold)), (*box.p_values, p_value))
        found.append(box)
    return found


def _separation(truth: np.ndarray, inside: np.ndarray) -> float:
    """Return how much Gini impurity goes when worlds are told apart by whether they are inside."""

    def impurity(part: np.ndarray) -> float:
        return float(len(part) * 2 * part.mean() * (1 - part.mean())) if len(part) else 0.0

    return (impurity(truth) - impurity(truth[inside]) - impurity(truth[~inside])) / len(truth)


def _hinge(names: list[str], truth: np.ndarray, outcome: bool, box: _Box) -> Hinge:
    kind, inside = truth == outcome, box.inside
    tightest: dict[tuple[int, bool], float] = {}
    for feature, above, threshold in box.splits:
        tightest[feature, above] = threshold  # a later condition on the same side of a parameter is the tighter one
    conditions = tuple(Condition(names[feature], above, threshold) for (feature, above), threshold in tightest.items())
    return Hinge(
        conditions, outcome, float(kind[inside].mean()), float(kind[~inside].mean()), float(kind[inside].sum() / kind.sum()), float(kind.mean()),
        int(inside.sum()), max(box.p_values),
    )  # fmt: skip


def _rank_correlations(x: np.ndarray, margins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Spearman's correlation of every parameter with the margin and its p-value; 0 and 1 where one of them never varies."""
    from scipy.stats import pearsonr, rankdata

    rho, p = np.zeros(x.shape[1]), np.ones(x.shape[1])
    varies = np.ptp(x, axis=0) > 0
    if np.ptp(margins) > 0 and varies.any() and len(margins) > 2:
        ranks = rankdata(x[:, varies], axis=0)
        found = pearsonr(ranks, np.broadcast_to(rankdata(margins)[:, None], ranks.shape), axis=0)
        rho[varies], p[varies] = found.statistic, found.pvalue
    return rho, p


def relevance(x: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """Return the size of the rank correlation of each parameter with the margin, shape (parameters,)."""
    return np.asarray(np.abs(_rank_correlations(x, margins)[0]))


def _slope(names: list[str], x: np.ndarray, margins: np.ndarray) -> Slope | None:
    rho, p = _rank_correlations(x, margins)
    best = int(np.argmin(p))
    if p[best] * len(p) > LEVEL:  # Bonferroni: the best of many is looked at
        return None
    return Slope(names[best], float(rho[best]))
