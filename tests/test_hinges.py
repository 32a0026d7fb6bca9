"""What a claim hinges on, where the answer is known: rules, slopes, and total effects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import qmc, spearmanr

from standoff.verdicts import Condition, Hinge, Slope
from standoff.verdicts.effects import LEAST_R2, find_effects
from standoff.verdicts.hinge import LEVEL, find_hinge, relevance


def draws(n, k, seed=0):
    """Numbers between 0 and 1, as worlds are drawn, shape (n, k)."""
    return qmc.Sobol(k, rng=np.random.default_rng(seed)).random(n)


def called(k):
    return [f"p{j}" for j in range(k)]


def margins_of(truth):
    return np.where(truth, 1.0, -1.0)


def inside(hinge, names, x):
    """Where all conditions of a rule hold."""
    return np.all([(x[:, names.index(c.parameter)] > c.threshold) == c.above for c in hinge.conditions], axis=0)


# --- rules -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize("feature", [0, 3])
def test_the_deciding_column_is_found_among_many(feature):
    x = np.random.default_rng(1).random((64, 20))
    hinge = find_hinge(called(20), x, x[:, feature] - 0.4)
    (condition,) = hinge.conditions
    assert (condition.parameter, condition.above) == (f"p{feature}", True)
    below, beyond = x[x[:, feature] <= 0.4, feature].max(), x[x[:, feature] > 0.4, feature].min()
    assert below <= condition.threshold <= beyond
    assert (hinge.outcome, hinge.density, hinge.elsewhere, hinge.coverage) == (True, 1.0, 0.0, 1.0)
    assert hinge.p_value <= LEVEL


@pytest.mark.paper
def test_two_conditions_are_found_where_it_takes_two():
    """True where p0 is above 0.4 and p1 at most 0.5, among twelve parameters."""
    x = draws(128, 12)
    hinge = find_hinge(called(12), x, margins_of((x[:, 0] > 0.4) & (x[:, 1] <= 0.5)))
    assert hinge.outcome
    assert {(c.parameter, c.above) for c in hinge.conditions} == {("p0", True), ("p1", False)}
    assert {c.parameter: c.threshold for c in hinge.conditions} == pytest.approx({"p0": 0.4, "p1": 0.5}, abs=0.03)
    assert (hinge.density, hinge.coverage, hinge.elsewhere) == (1.0, 1.0, 0.0)
    assert hinge.text().count(" and ") == 1
    assert hinge.text().endswith(": true in 100%, else in 0%")


@pytest.mark.paper
def test_where_a_claim_mostly_holds_the_rule_is_for_the_worlds_where_it_fails():
    x = draws(128, 12)
    hinge = find_hinge(called(12), x, margins_of((x[:, 0] > 0.4) | (x[:, 1] <= 0.5)))
    assert not hinge.outcome
    assert {(c.parameter, c.above) for c in hinge.conditions} == {("p0", False), ("p1", True)}
    assert (hinge.density, hinge.coverage) == (1.0, 1.0)
    assert hinge.base == pytest.approx(0.2, abs=0.02)
    assert hinge.text().endswith(": false in 100%, else in 0%")


@pytest.mark.paper
def test_three_conditions_are_found_where_it_takes_three():
    x = draws(256, 6)
    hinge = find_hinge(called(6), x, margins_of((x[:, :3] > 0.4).all(axis=1)))
    assert {(c.parameter, c.above) for c in hinge.conditions} == {("p0", True), ("p1", True), ("p2", True)}
    assert hinge.density > 0.95
    assert hinge.coverage > 0.95


@pytest.mark.property
def test_a_rule_never_has_more_than_three_conditions():
    x = draws(512, 6)
    hinge = find_hinge(called(6), x, margins_of((x[:, :5] > 0.25).all(axis=1)))
    assert len(hinge.conditions) == 3


@pytest.mark.paper
def test_an_interval_of_one_parameter_is_a_rule_of_two_conditions():
    x = draws(128, 8)
    hinge = find_hinge(called(8), x, margins_of((x[:, 2] > 0.2) & (x[:, 2] <= 0.6)))
    assert {c.parameter for c in hinge.conditions} == {"p2"}
    assert {c.above: c.threshold for c in hinge.conditions} == pytest.approx({True: 0.2, False: 0.6}, abs=0.02)


@pytest.mark.property
@pytest.mark.parametrize("seed", range(4))
def test_coverage_and_density_are_counts_of_worlds(seed):
    """A rule over truths that no rule tells apart fully."""
    random = np.random.default_rng(seed)
    x, names = random.random((96, 10)), called(10)
    truth = (x[:, 0] > 0.5) & (x[:, 1] > 0.3) ^ (random.random(96) < 0.08)
    hinge = find_hinge(names, x, margins_of(truth))
    assert isinstance(hinge, Hinge)
    met, kind = inside(hinge, names, x), truth == hinge.outcome
    assert hinge.worlds == met.sum()
    assert hinge.density == pytest.approx((met & kind).sum() / met.sum())
    assert hinge.coverage == pytest.approx((met & kind).sum() / kind.sum())
    assert hinge.elsewhere == pytest.approx((~met & kind).sum() / (~met).sum())
    assert hinge.base == pytest.approx(kind.mean())


@pytest.mark.property
def test_chance_rarely_passes_for_a_hinge():
    """Truths drawn by lot: a hinge or slope would be named in one of fifty such cases (two tests at one in a hundred)."""
    named = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        named += find_hinge(called(10), random.random((48, 10)), random.normal(size=48)) is not None
    assert named <= 3  # more has a chance of one in ten thousand at that rate


@pytest.mark.property
def test_chance_rarely_adds_a_condition():
    """One parameter decides but for a fifth of the worlds drawn by lot: conditions beyond the first would be noise, one time in fifty."""
    longer = 0
    for seed in range(12):
        random = np.random.default_rng(seed)
        x = random.random((64, 30))
        hinge = find_hinge(called(30), x, margins_of((x[:, 0] > 0.5) ^ (random.random(64) < 0.2)))
        longer += isinstance(hinge, Hinge) and len(hinge.conditions) > 1
    assert longer <= 3


@pytest.mark.property
def test_a_hinge_is_the_same_for_the_same_worlds():
    x = draws(64, 10)
    margins = margins_of((x[:, 0] > 0.5) & (x[:, 1] > 0.3))
    assert find_hinge(called(10), x, margins) == find_hinge(called(10), x, margins)


@pytest.mark.paper
def test_where_no_threshold_decides_the_slope_is_named():
    x = np.random.default_rng(0).random((64, 3))
    slope = find_hinge(["a", "b", "c"], x, 2.0 - x[:, 1])  # true everywhere, less so where b is large
    assert slope == Slope("b", pytest.approx(-1.0))
    assert slope.text() == "no threshold; less b favours it (rho -1.00)"


@pytest.mark.property
def test_too_little_gives_no_hinge():
    x = np.random.default_rng(0).random((64, 3))
    assert find_hinge(["a", "b", "c"], x, np.ones(64)) is None
    assert find_hinge(["a", "b", "c"], x[:7], x[:7, 0] - 0.5) is None
    assert find_hinge([], x[:, :0], x[:, 0] - 0.5) is None


@pytest.mark.solver
def test_relevance_is_the_rank_correlation():
    x = np.random.default_rng(3).random((40, 4))
    x[:, 2] = 1.0  # never varies
    margins = x[:, 0] - 0.3 * x[:, 1] ** 2
    assert relevance(x, margins)[[0, 1, 3]] == pytest.approx([abs(spearmanr(x[:, j], margins).statistic) for j in (0, 1, 3)])
    assert relevance(x, margins)[2] == 0.0


# --- total effects -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.published
def test_total_effects_of_the_ishigami_function():
    """Ishigami & Homma (1990) with a = 7, b = 0.1: total effects 0.5576, 0.4424, 0.2437, first-order 0.3139, 0.4424, 0."""
    u = draws(256, 3)
    a, b, c = (np.pi * (2 * u - 1)).T
    found = find_effects(["a", "b", "c"], u, np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a))
    assert found.r2 > 0.95
    assert [effect.parameter for effect in found.told] == ["a", "b", "c"]
    assert [effect.total for effect in found.told] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.03)
    assert [effect.first for effect in found.told] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.03)


@pytest.mark.paper
def test_total_effects_of_a_sum_are_the_shares_of_its_variance():
    """4 a + 2 b + c on [0, 1], beside thirty parameters without effect: 16, 4 and 1 parts of 21."""
    u = draws(64, 33)
    found = find_effects(["a", "b", "c", *called(30)], u, 4 * u[:, 0] + 2 * u[:, 1] + u[:, 2])
    assert found.r2 > 0.95
    assert not found.of_rank
    assert [effect.parameter for effect in found.told[:3]] == ["a", "b", "c"]
    for effect, share in zip(found.told, (16 / 21, 4 / 21, 1 / 21), strict=False):
        assert effect.total == pytest.approx(share, abs=0.03)
        assert effect.first == pytest.approx(effect.total, abs=0.03)  # nothing acts together with another


@pytest.mark.paper
def test_a_product_acts_together():
    """(2a - 1)(2b - 1): neither matters by itself, each fully together with the other."""
    u = draws(128, 2)
    found = find_effects(["a", "b"], u, (2 * u[:, 0] - 1) * (2 * u[:, 1] - 1))
    assert [effect.total for effect in found.told] == pytest.approx([1, 1], abs=0.03)
    assert [effect.first for effect in found.told] == pytest.approx([0, 0], abs=0.03)


@pytest.mark.paper
def test_a_single_parameter_has_the_whole_effect():
    u = draws(32, 1)
    (effect,) = find_effects(["a"], u, u[:, 0] ** 2).told
    assert (effect.total, effect.first) == (pytest.approx(1, abs=0.02), pytest.approx(1, abs=0.02))


@pytest.mark.property
def test_what_the_surrogate_cannot_explain_is_refused():
    random = np.random.default_rng(0)
    found = find_effects(called(40), random.random((64, 40)), random.normal(size=64))
    assert found.told == ()
    assert found.r2 < LEAST_R2
    assert "of the variation; take more --worlds" in found.problem


@pytest.mark.property
def test_where_outliers_hide_the_margin_its_rank_is_explained():
    """exp(15 a) spans six powers of ten; its rank is that of a."""
    u = draws(64, 20)
    found = find_effects(called(20), u, np.exp(15 * u[:, 0] + 4 * u[:, 1]))
    assert found.of_rank
    assert found.told[0].parameter == "p0"


@pytest.mark.paper
@pytest.mark.parametrize(
    ("n", "k", "problem"), [(8, 3, "fewer than 16 worlds"), (32, 0, "no parameter is in doubt"), (32, 3, "the same in every world")]
)
def test_without_anything_to_explain_the_reason_is_given(n, k, problem):
    found = find_effects(called(k), draws(n, k) if k else np.zeros((n, 0)), np.ones(n))
    assert found.told == ()
    assert problem in found.problem


@pytest.mark.paper
def test_a_condition_is_said_as_an_inequality():
    assert Condition("cost", False, 0.12345).text() == "cost <= 0.123"
