"""Diverged runs: their rates, and the sign test that ranks them."""

import numpy as np
import pytest
from scipy import stats

from partbench.stats.divergence import compare_rates, sign_test, signed_differences

NAN, INF = float("nan"), float("inf")


def test_differences_say_who_diverged():
    found = signed_differences([1.0, 1.0, NAN, INF], [2.0, NAN, 2.0, NAN])
    assert found[:3].tolist() == [1.0, INF, -INF]
    assert np.isnan(found[3])


def test_rows_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="base has 2 scores and arm 1"):
        signed_differences([1.0, 2.0], [1.0])


def test_rates_equal_barnards_test():
    base, arm = [1.0] * 12, [1.0] * 7 + [NAN] * 5
    answer = compare_rates(base, arm)
    assert (answer.base, answer.arm, answer.base_runs, answer.arm_runs) == (0, 5, 12, 12)
    assert answer.p == pytest.approx(stats.barnard_exact([[0, 5], [12, 7]]).pvalue)
    assert answer.p < 0.05


@pytest.mark.parametrize("score", [1.0, NAN])
def test_equal_extremes_give_p_one(score):
    assert compare_rates([score] * 4, [score] * 4).p == 1.0


@pytest.mark.parametrize("seed", range(12))
def test_p_equals_the_binomial_test_of_the_untied_pairs(seed):
    random = np.random.default_rng(seed)
    numbers = random.normal(0.5, 1, 11)
    numbers[random.random(11) < 0.3] = INF
    numbers[random.random(11) < 0.2] = NAN
    answer = sign_test(numbers)
    assert answer.better + answer.worse + answer.ties == 11
    untied = answer.better + answer.worse
    assert answer.p == pytest.approx(stats.binomtest(answer.worse, untied).pvalue)


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95, 0.9829])
@pytest.mark.parametrize("count", [1, 2, 5, 6, 12, 13])
def test_the_interval_excludes_zero_exactly_when_p_allows_it(count, level):
    for worse in range(count + 1):
        numbers = np.arange(1.0, count + 1) * np.where(np.arange(count) < worse, 1, -1)
        answer = sign_test(numbers, level)
        assert (answer.low > 0 or answer.high < 0) == (answer.p <= 1 - level)


def test_six_pairs_that_all_diverged_in_one_arm_are_worse_than_any_number():
    answer = sign_test([INF] * 6)
    assert (answer.low, answer.high, answer.median) == (INF, INF, INF)
    assert answer.p == 2 / 2**6


def test_the_interval_by_hand():
    """n = 8 at .95: 2 P(Binomial(8, 1/2) < 1) = .0078, < 2 gives .070, so k = 1."""
    answer = sign_test([3.0, 1.0, 2.0, -1.0, 5.0, INF, 7.0, 8.0])
    assert (answer.low, answer.high) == (-1.0, INF)
    assert answer.median == 4.0


def test_ties_alone_say_nothing():
    answer = sign_test([NAN, 0.0, NAN])
    assert (answer.p, answer.low, answer.high, answer.ties) == (1.0, -INF, INF, 3)
