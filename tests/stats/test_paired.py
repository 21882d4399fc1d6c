"""The paired t-test, its moderated form, sign flips and the correlation of pairs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from partbench.stats.paired import correlation, moderated, paired, sign_flip


def some_differences(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.3, 1.0, count)


@pytest.mark.parametrize("count", [2, 3, 5, 12, 100])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.9832])
def test_the_test_and_interval_equal_scipys(count, level):
    base, arm = some_differences(count, 1), some_differences(count, 2)
    expected = stats.ttest_rel(arm, base)
    interval = expected.confidence_interval(level)
    answer = paired(arm - base, level)
    assert answer.t == pytest.approx(expected.statistic, rel=1e-12)
    assert answer.p == pytest.approx(expected.pvalue, rel=1e-10)
    assert (answer.low, answer.high) == pytest.approx((interval.low, interval.high), rel=1e-9)


def test_a_case_by_hand():
    answer = paired([1.0, 2.0, 3.0])  # mean 2, sd 1, t[.975, 2] = 4.302653
    assert (answer.mean, answer.sd, answer.count) == (2.0, 1.0, 3)
    assert answer.standard_error == pytest.approx(1 / math.sqrt(3))
    assert answer.high - answer.mean == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)


def test_identical_arms_give_a_point_at_zero_and_p_one():
    answer = paired(np.zeros(4))
    assert (answer.sd, answer.low, answer.high, answer.p, answer.t) == (0, 0, 0, 1, 0)


def test_a_constant_difference_is_a_point_with_p_zero():
    answer = paired([0.1] * 7)  # the mean of seven .1 is not .1 in floating point
    assert (answer.low, answer.high, answer.p, answer.sd) == (0.1, 0.1, 0.0, 0.0)


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20))
def test_the_interval_excludes_zero_exactly_when_p_is_below_one_minus_level(numbers):
    answer = paired(numbers, 0.9)
    if abs(answer.p - 0.1) > 1e-9:
        assert (answer.low > 0 or answer.high < 0) == (answer.p < 0.1)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ([1.0], "at least 2"),
        ([1.0, math.nan], r"differences\[1\] is nan"),
        ([[1.0, 2.0]], "2 dimensions"),
    ],
)
def test_bad_differences_are_refused_with_the_place(bad, said):
    with pytest.raises(ValueError, match=said):
        paired(bad)


@pytest.mark.parametrize("level", [0, 1, 95, math.nan])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match="level"):
        paired([1.0, 2.0], level)


@pytest.mark.parametrize("count", [4, 6, 9])
def test_sign_flips_equal_scipys_permutations(count):
    numbers = some_differences(count, 3)
    expected = stats.permutation_test((numbers,), np.mean, permutation_type="samples")
    assert sign_flip(numbers) == pytest.approx(expected.pvalue, abs=1e-12)


def test_five_pairs_cannot_reach_five_percent_and_six_can():
    assert sign_flip([0.1, 0.2, 0.3, 0.4, 0.5]) == 2 / 2**5
    assert sign_flip([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]) == 2 / 2**6


def test_equal_sums_in_another_order_count_as_equal():
    assert sign_flip([0.1, 0.2, 0.3, -0.3]) == np.mean(
        [abs(a + 2 * b + 3 * c + 3 * d) >= 3 for a in (1, -1) for b in (1, -1)
         for c in (1, -1) for d in (1, -1)]
    )  # fmt: skip


def test_many_pairs_are_sampled_near_the_exact_answer_and_the_seed_fixes_it():
    numbers = np.random.default_rng(5).normal(0.4, 1, 21)
    sums = np.zeros(1)
    for number in numbers:
        sums = np.concatenate([sums + number, sums - number])
    exact = (np.abs(sums) >= abs(numbers.sum())).mean()
    assert sign_flip(numbers) == pytest.approx(exact, abs=4 * np.sqrt(0.25 / 100_000))
    assert sign_flip(numbers, seed=4) == sign_flip(numbers, seed=4)
    assert sign_flip(numbers, seed=4) != sign_flip(numbers, seed=5)


def test_correlation_equals_numpys():
    base, arm = some_differences(8, 1), some_differences(8, 2)
    assert correlation(base, arm) == pytest.approx(np.corrcoef(base, arm)[0, 1])


def test_correlation_is_unknown_for_two_pairs_or_an_arm_that_does_not_vary():
    assert correlation([1, 2], [2, 3]) is None
    assert correlation([1, 1, 1], [1, 2, 3]) is None
    assert correlation([1, 2, 3], [1, 2, 3]) == 1.0


def test_moderation_moves_the_variance_towards_the_prior_by_its_freedom():
    numbers = [1.0, 2.0, 3.0]
    answer = moderated(numbers, prior_variance=4.0, prior_freedom=6.0)
    variance = (6 * 4 + 2 * 1) / 8
    assert answer.sd == pytest.approx(math.sqrt(variance))
    assert answer.freedom == 8
    assert answer.p == pytest.approx(2 * stats.t.sf(2 / math.sqrt(variance / 3), 8))
    assert moderated(numbers, 4.0, 0.0) == paired(numbers)


def test_a_prior_variance_of_zero_is_refused():
    with pytest.raises(ValueError, match="prior_variance is 0"):
        moderated([1.0, 2.0], 0, 3)
