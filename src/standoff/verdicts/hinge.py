"""The hinge of a claim: the single condition on a parameter that best tells worlds where it is true from those where it is false.

A one-split decision tree (Breiman et al. 1984) on the sampled parameters. With many parameters and few worlds some split always looks good,
so a hinge is named only if its gain beats that of all but one in twenty of the trees grown on shuffled truths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SHUFFLES = 99
LEVEL = 0.05


@dataclass(frozen=True)
class Hinge:
    """`claim` is true in `share_if` of the worlds where `parameter` is above (or not above) `threshold`, in `share_else` of the others."""

    parameter: str
    above: bool
    threshold: float
    share_if: float
    share_else: float
    coverage: float
    """Weight of the worlds where the condition holds."""

    def text(self) -> str:
        """Say the rule."""
        sign = ">" if self.above else "<="
        return f"{self.parameter} {sign} {self.threshold:.3g}: true in {self.share_if:.0%}, else in {self.share_else:.0%}"


def _gain(x: np.ndarray, truth: np.ndarray, weights: np.ndarray, leaf: int) -> tuple[float, int, float]:
    """Return (gain in Gini impurity, feature, threshold) of the best split."""
    from sklearn.tree import DecisionTreeClassifier

    tree = DecisionTreeClassifier(max_depth=1, min_samples_leaf=leaf, random_state=0).fit(x, truth, sample_weight=weights).tree_
    if tree.node_count == 1:
        return 0.0, -1, 0.0
    share = tree.weighted_n_node_samples / tree.weighted_n_node_samples[0]
    return float(tree.impurity[0] - share[1] * tree.impurity[1] - share[2] * tree.impurity[2]), int(tree.feature[0]), float(tree.threshold[0])


def find_hinge(names: list[str], x: np.ndarray, truth: np.ndarray, weights: np.ndarray, seed: int = 0) -> Hinge | None:
    """Return the hinge, or None when no single parameter decides more than chance would; shapes (n, parameters), (n,), (n,)."""
    leaf = max(4, len(truth) // 16)
    if x.shape[1] == 0 or truth.sum() < leaf or (~truth).sum() < leaf:
        return None
    gain, feature, threshold = _gain(x, truth, weights, leaf)
    if feature < 0:
        return None
    random = np.random.default_rng(seed)
    beaten = 0
    for _ in range(SHUFFLES):
        order = random.permutation(len(truth))
        beaten += _gain(x, truth[order], weights[order], leaf)[0] >= gain
    if (beaten + 1) / (SHUFFLES + 1) > LEVEL:
        return None
    high = x[:, feature] > threshold
    share_high = float(weights[high] @ truth[high] / weights[high].sum())
    share_low = float(weights[~high] @ truth[~high] / weights[~high].sum())
    above = share_high >= share_low
    return Hinge(
        names[feature], above, threshold, max(share_high, share_low), min(share_high, share_low), float(weights[high if above else ~high].sum())
    )
