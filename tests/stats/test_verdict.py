"""The rule that turns an interval into a word, and its conversions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partbench.stats.paired import paired
from partbench.stats.verdict import (
    decide,
    judge,
    multiplier,
    slope_of_curve,
    word_of,
)

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("low", "high", "word", "sign"),
    [
        (-0.5, -0.2, "better", ""),
        (0.2, 0.5, "worse", ""),
        (-0.05, 0.05, "equivalent", ""),
        (-0.05, -0.01, "equivalent", "slightly better"),
        (0.01, 0.05, "equivalent", "slightly worse"),
        (0.0, 0.0, "equivalent", ""),
        (-0.05, 0.1, "inconclusive", ""),
        (-0.5, 0.0, "inconclusive", ""),
        (0.05, 0.1, "worse", ""),
        (-0.3, 0.3, "inconclusive", ""),
    ],
)
def test_the_word_for_each_place_of_the_interval(low, high, word, sign):
    assert word_of(low, high, margin=0.1) == (word, sign)


def test_a_lower_score_is_better():
    base = np.array([3.0, 3.1, 2.9, 3.05])
    verdict = decide(base, base - [0.5, 0.6, 0.55, 0.5], margin=0.02)
    assert (verdict.word, verdict.method) == ("better", "paired t")
    assert verdict.difference == pytest.approx(-0.5375)
    assert decide(base - 0.5, base, margin=0.02).word == "worse"


def test_identical_arms_are_equivalent():
    verdict = decide([3.0, 3.1], [3.0, 3.1], margin=1e-9)
    assert (verdict.word, verdict.sign, verdict.p) == ("equivalent", "", 1.0)


@given(st.lists(st.floats(-2, 2), min_size=2, max_size=12), st.floats(0.01, 3))
def test_swapping_the_arms_mirrors_the_verdict(numbers, margin):
    mirror = {"better": "worse", "worse": "better", "slightly better": "slightly worse",
              "slightly worse": "slightly better"}  # fmt: skip
    one, other = judge(numbers, margin), judge([-x for x in numbers], margin)
    assert other.word == mirror.get(one.word, one.word)
    assert other.sign == mirror.get(one.sign, one.sign)
    assert (other.low, other.high) == (-one.high, -one.low)


def test_the_verdict_carries_the_t_test_and_the_correlation():
    random = np.random.default_rng(1)
    base, arm = random.standard_normal((2, 6))
    verdict, test = decide(base, arm, 0.5, 0.9), paired(arm - base, 0.9)
    assert (verdict.low, verdict.high, verdict.p) == (test.low, test.high, test.p)
    assert (verdict.sd, verdict.count) == (test.sd, 6)
    assert verdict.correlation == pytest.approx(np.corrcoef(base, arm)[0, 1])


def test_one_diverged_run_turns_to_ranks_and_is_counted():
    verdict = decide([3.0] * 6, [2.0] * 5 + [NAN], margin=0.1)
    assert verdict.method == "sign test"
    assert (verdict.base_diverged, verdict.arm_diverged) == (0, 1)
    assert verdict.word == "inconclusive"  # 5 of 6 gives p = .22
    assert (verdict.sd, verdict.standard_error, verdict.correlation) == (None, None, None)


def test_an_arm_that_always_diverges_is_worse():
    verdict = decide([3.0] * 6, [NAN, INF, NAN, NAN, -INF, NAN], margin=0.1)
    assert (verdict.word, verdict.arm_diverged) == ("worse", 6)


def test_a_pair_of_diverged_runs_is_a_tie_counted_for_both():
    verdict = decide([3.0] * 6 + [NAN], [2.0] * 6 + [NAN], margin=0.1)
    assert (verdict.base_diverged, verdict.arm_diverged) == (1, 1)
    assert (verdict.word, verdict.p) == ("better", 2 / 2**6)


def test_nothing_is_called_equivalent_when_a_run_diverged():
    verdict = decide([3.0] * 12, [3.001, 2.999] * 5 + [3.001, NAN], margin=1.0)
    assert verdict.word == "inconclusive"
    assert -1.0 < verdict.low < verdict.high < 1.0  # which by margins alone were equivalent


@pytest.mark.parametrize("margin", [0, -0.1, NAN, INF])
def test_a_margin_that_is_not_above_zero_is_refused(margin):
    with pytest.raises(ValueError, match="margin"):
        decide([1.0, 2.0], [1.0, 2.0], margin)


def test_one_pair_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        decide([1.0], [2.0], 0.1)


DIFFERENCE = paired([-0.03, -0.05, -0.04, -0.06])


def test_the_slope_by_hand():
    """L = C^-1 falls from 2 to 1 over a doubling; there the tangent is -dL/d ln C = 1."""
    answer = slope_of_curve([2.0, 8.0], [1.0, 2.0], ratio=2.0)
    assert answer.slope == pytest.approx((1 + 2 * 2) / 2)
    assert answer.standard_error == pytest.approx((4 - 1) / 2)


def test_the_tangent_lies_between_the_chord_and_that_of_a_curve_with_a_floor():
    """On L = 1 + C^-1/2 from C = 3/5 to 1: slope 1/2 at the end, the chord's is .57."""
    small, ratio = 1 + 0.6**-0.5, 1 / 0.6
    found = slope_of_curve([small] * 2, [2.0] * 2, ratio).slope
    assert 0.5 < found < (small - 2.0) / math.log(ratio)


@pytest.mark.parametrize("bad", [0.0, -1.0])
def test_a_loss_that_no_power_law_goes_through_is_refused(bad):
    with pytest.raises(ValueError, match="not above 0"):
        slope_of_curve([3.0, 3.2], [2.8, bad])


def test_a_ratio_that_is_not_above_one_is_refused():
    with pytest.raises(ValueError, match=r"ratio is 0\.5"):
        slope_of_curve([3.0, 3.2], [2.8, 2.8], ratio=0.5)


def test_the_multiplier_is_the_compute_that_buys_the_same_loss():
    """On L = 3 - .2 ln C the base reaches 3 - .045 at C = exp(.045 / .2)."""
    answer = multiplier(DIFFERENCE, 0.2, 0.0)
    assert answer.value == pytest.approx(math.exp(0.045 / 0.2))
    assert answer.low == pytest.approx(math.exp(-DIFFERENCE.high / 0.2))
    assert answer.high == pytest.approx(math.exp(-DIFFERENCE.low / 0.2))


def test_an_uncertain_slope_widens_the_multiplier_and_a_flat_one_refuses_it():
    sure, unsure = multiplier(DIFFERENCE, 0.2, 0.0), multiplier(DIFFERENCE, 0.2, 0.09)
    assert unsure.low < sure.low
    assert unsure.high > sure.high
    assert multiplier(DIFFERENCE, 0.2, 0.11) is None
    assert multiplier(DIFFERENCE, 0.0, 0.0) is None
    assert multiplier(DIFFERENCE, -0.2, 0.01) is None


def test_a_huge_multiplier_is_infinite_and_not_an_error():
    assert multiplier(paired([-8.0, -9.0]), 0.001, 0.0).high == INF
