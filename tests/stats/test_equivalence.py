"""Two one-sided tests."""

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from partbench.stats.equivalence import two_one_sided


@pytest.mark.parametrize("count", [3, 8, 30])
def test_p_equals_statsmodels(count):
    random = np.random.default_rng(count)
    base, arm = random.standard_normal((2, count))
    p, below, above = ttost_paired(arm, base, -0.7, 0.7)
    answer = two_one_sided(arm - base, 0.7)
    assert answer.p == pytest.approx(p, rel=1e-10)
    assert answer.p_not_below == pytest.approx(below[1], rel=1e-10)
    assert answer.p_not_above == pytest.approx(above[1], rel=1e-10)


@pytest.mark.parametrize("seed", range(20))
def test_the_interval_lies_inside_the_margin_exactly_when_equivalence_is_claimed(seed):
    differences = np.random.default_rng(seed).normal(0.1, 0.4, 6)
    answer = two_one_sided(differences, 0.45)
    assert answer.equivalent == (-0.45 < answer.low and answer.high < 0.45)


def test_both_answers_occur_among_those_seeds():
    answers = {
        two_one_sided(np.random.default_rng(seed).normal(0.1, 0.4, 6), 0.45).equivalent
        for seed in range(20)
    }
    assert answers == {True, False}


@pytest.mark.parametrize(("constant", "p"), [(0.0, 0.0), (0.2, 0.0), (0.5, 0.5), (0.6, 1.0)])
def test_differences_without_scatter_are_judged_by_where_they_lie(constant, p):
    answer = two_one_sided([constant] * 3, 0.5)
    assert answer.p == p
    assert answer.equivalent == (constant < 0.5)


@pytest.mark.parametrize("margin", [0, -0.1, float("inf"), float("nan")])
def test_a_margin_that_is_not_above_zero_is_refused(margin):
    with pytest.raises(ValueError, match="margin"):
        two_one_sided([0.1, 0.2], margin)
