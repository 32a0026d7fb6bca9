"""The hinge of a claim: the single condition on a parameter that best tells worlds where it is true from those where it is false.

A one-split decision tree (Breiman et al. 1984) on the sampled parameters. With many parameters and few worlds some split always looks good,
so a hinge is named only if its gain beats that of all but one in a hundred of the trees grown on shuffled truths. Where no threshold decides,
the parameter whose rank correlation with the claim's margin is strongest is named, if it is significant at that level among all of them.
Worlds count alike here: what a claim hinges on is a matter of the model, not of how well a world foresees the record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHUFFLES = 199
LEVEL = 0.01
"""Strict, because a table of a score of claims looks for a score of hinges."""


@dataclass(frozen=True)
class Hinge:
    """`claim` is true in `share_if` of the worlds where `parameter` is above (or not above) `threshold`, in `share_else` of the others."""

    parameter: str
    above: bool
    threshold: float
    share_if: float
    share_else: float
    coverage: float
    """Share of the worlds where the condition holds."""

    def text(self) -> str:
        """Say the rule."""
        sign = ">" if self.above else "<="
        return f"{self.parameter} {sign} {self.threshold:.3g}: true in {self.share_if:.0%}, else in {self.share_else:.0%}"


@dataclass(frozen=True)
class Slope:
    """The margin of a claim rises (or falls) with `parameter`."""

    parameter: str
    correlation: float
    """Spearman's."""

    def text(self) -> str:
        """Say it."""
        return f"no threshold; {'more' if self.correlation > 0 else 'less'} {self.parameter} favours it (rho {self.correlation:+.2f})"


def _gain(x: np.ndarray, truth: np.ndarray, leaf: int) -> tuple[float, int, float]:
    """Return (gain in Gini impurity, feature, threshold) of the best split."""
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=1, min_samples_leaf=leaf, random_state=0).fit(x, truth).tree_
    if tree.node_count == 1:
        return 0.0, -1, 0.0
    share = tree.n_node_samples / tree.n_node_samples[0]
    return float(tree.impurity[0] - share[1] * tree.impurity[1] - share[2] * tree.impurity[2]), int(tree.feature[0]), float(tree.threshold[0])


def find_hinge(names: list[str], x: np.ndarray, margins: np.ndarray, seed: int = 0) -> Hinge | Slope | None:
    """Return what a claim hinges on, or None when nothing tells more than chance would; shapes (n, parameters), (n,)."""
    truth = margins > 0
    leaf = max(4, len(truth) // 16)
    if x.shape[1] == 0 or len(truth) < 8:
        return None
    if min(truth.sum(), (~truth).sum()) >= leaf:
        gain, feature, threshold = _gain(x, truth, leaf)
        random = np.random.default_rng(seed)
        beaten = sum(_gain(x, random.permutation(truth), leaf)[0] >= gain for _ in range(SHUFFLES))
        if feature >= 0 and (beaten + 1) / (SHUFFLES + 1) <= LEVEL:
            high = x[:, feature] > threshold
            share_high, share_low = float(truth[high].mean()), float(truth[~high].mean())
            above = share_high >= share_low
            coverage = float((high if above else ~high).mean())
            return Hinge(names[feature], above, threshold, max(share_high, share_low), min(share_high, share_low), coverage)
    return _slope(names, x, margins)


def relevance(x: np.ndarray, margins: np.ndarray) -> np.ndarray:
    """Return the size of the rank correlation of each parameter with the margin, shape (parameters,)."""
    from scipy.stats import spearmanr

    if np.ptp(margins) == 0.0:
        return np.zeros(x.shape[1])
    return np.array([abs(spearmanr(x[:, j], margins).statistic) if np.ptp(x[:, j]) > 0 else 0.0 for j in range(x.shape[1])])


def _slope(names: list[str], x: np.ndarray, margins: np.ndarray) -> Slope | None:
    from scipy.stats import spearmanr

    if np.ptp(margins) == 0.0:
        return None
    tests = [spearmanr(x[:, j], margins) for j in range(x.shape[1])]
    best = min(range(len(tests)), key=lambda j: tests[j].pvalue)
    if tests[best].pvalue * len(tests) > LEVEL:  # Bonferroni: the best of many is looked at
        return None
    return Slope(names[best], float(tests[best].statistic))
