"""Welch's test equals scipy's; the two confidence sequences hold whenever somebody stops."""

import math

import numpy as np
import pytest
from scipy import stats

from partbench.stats.sequential import confidence_sequence
from partbench.stats.unpaired import confidence_sequence_of_two, welch


@pytest.mark.parametrize(("first", "second"), [(2, 2), (3, 9), (12, 5), (40, 40)])
def test_welch_equals_scipy(first, second):
    random = np.random.default_rng(first * 100 + second)
    base, arm = random.normal(2, 0.1, first), random.normal(2.1, 0.5, second)
    ours, theirs = welch(base, arm, 0.98), stats.ttest_ind(arm, base, equal_var=False)
    ends = theirs.confidence_interval(0.98)
    assert ours.t == pytest.approx(theirs.statistic, rel=1e-12)
    assert ours.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert ours.freedom == pytest.approx(theirs.df, rel=1e-12)
    assert (ours.low, ours.high) == pytest.approx((ends.low, ends.high), rel=1e-9)
    assert ours.count == min(first, second)


def test_groups_without_spread_are_their_difference():
    found = welch([2.0, 2.0], [3.0, 3.0, 3.0])
    assert (found.low, found.mean, found.high, found.p) == (1.0, 1.0, 1.0, 0.0)


def test_too_few_or_infinite_runs_are_refused():
    with pytest.raises(ValueError, match="at least 2"):
        welch([1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        welch([1.0, math.nan], [1.0, 2.0])


def test_two_sequences_are_the_difference_of_each_groups_own():
    random = np.random.default_rng(5)
    base, arm = random.normal(2, 0.1, 8), random.normal(3, 0.1, 6)
    low, high = confidence_sequence_of_two(base, arm, 0.05)
    one, two = confidence_sequence(base, 0.025), confidence_sequence(arm, 0.025)
    assert low == pytest.approx(two[0] - one[1])
    assert high == pytest.approx(two[1] - one[0])
    assert confidence_sequence_of_two(base, arm[:2])[1] == math.inf


def test_whoever_stops_at_the_first_apparent_difference_is_seldom_wrong():
    """400 studies without a difference, looked at after every run from 4 to 20 in either arm."""
    random = np.random.default_rng(11)
    fooled = 0
    for _ in range(400):
        base, arm = random.normal(size=20), random.normal(size=20)
        fooled += any(
            low > 0 or high < 0
            for n in range(4, 21, 2)
            for low, high in [confidence_sequence_of_two(base[:n], arm[:n])]
        )
    assert fooled <= 0.05 * 400
