"""Dunnett's test, held against scipy's."""

import numpy as np
import pytest
from scipy import stats

from partbench.stats.dunnett import _Inside, dunnett


@pytest.mark.parametrize(("arms", "of_base", "of_arm"), [(3, 5, 4), (6, 6, 6), (2, 3, 2)])
def test_it_equals_scipy(arms, of_base, of_arm):
    random = np.random.default_rng(arms)
    base = random.normal(size=of_base)
    rows = [random.normal(0.8 * i / arms, 1, of_arm + i % 2) for i in range(arms)]
    answer = dunnett(base, rows)
    oracle = stats.dunnett(*rows, control=base, random_state=1)
    ends = oracle.confidence_interval(0.95)  # scipy's own error here is about .002
    assert answer.p == pytest.approx(oracle.pvalue, abs=5e-4)
    assert answer.low == pytest.approx(ends.low, abs=5e-3)
    assert answer.high == pytest.approx(ends.high, abs=5e-3)


def test_one_arm_is_the_t_test():
    random = np.random.default_rng(1)
    base, arm = random.normal(size=4), random.normal(1, 1, 6)
    oracle = stats.ttest_ind(arm, base)
    answer = dunnett(base, [arm])
    assert answer.p[0] == pytest.approx(oracle.pvalue, abs=1e-7)
    ends = oracle.confidence_interval(0.95)
    assert (answer.low[0], answer.high[0]) == pytest.approx((ends.low, ends.high), abs=1e-6)
    assert answer.freedom == 8


def test_the_interval_excludes_zero_exactly_when_p_is_small():
    random = np.random.default_rng(2)
    rows = [random.normal(shift, 1, 5) for shift in (0, 1.5, -2.5, 0.5)]
    answer = dunnett(random.normal(size=5), rows, level=0.9)
    for p, low, high in zip(answer.p, answer.low, answer.high, strict=True):
        assert (p < 0.1) == (low > 0 or high < 0)


def test_independent_scores_alarm_together_at_the_declared_rate():
    random = np.random.default_rng(3)
    inside = _Inside(np.full(4, np.sqrt(0.5)), 5 * 4)
    scores = random.standard_normal((20_000, 5, 5))
    sd = np.sqrt(scores.var(axis=2, ddof=1).mean(axis=1))
    means = scores.mean(axis=2)
    t = (means[:, 1:] - means[:, :1]) / (sd * np.sqrt(2 / 5))[:, None]
    alarms = np.abs(t).max(axis=1) > inside.bound(0.95)
    assert alarms.mean() == pytest.approx(0.05, abs=0.006)


def test_pooled_noise_is_wrong_for_paired_differences():
    """The reason for Holm: SDs of differences as measured (specs, statistics 2.1), 5 pairs each."""
    sds = np.array([0.0035, 0.0133, 0.015, 0.019, 0.021])
    rows = np.random.default_rng(4).standard_normal((5000, 5, 5)) * sds[:, None]
    pooled = np.sqrt(rows.var(axis=2, ddof=1).mean(axis=1))
    t = rows.mean(axis=2) / pooled[:, None] * np.sqrt(5)
    alarms = np.abs(t) > _Inside(np.full(5, np.sqrt(0.5)), 20).bound(0.95)
    assert alarms.any(axis=1).mean() == pytest.approx(0.11, abs=0.02)


@pytest.mark.parametrize(
    ("base", "arms", "says"),
    [
        ([1.0, 2.0], [], "at least one"),
        ([1.0, 2.0], [[1.0, np.nan]], r"arms\[0\]\[1\] is nan"),
        ([1.0, 1.0], [[2.0, 2.0]], "no noise"),
    ],
)
def test_scores_without_an_answer_are_refused(base, arms, says):
    with pytest.raises(ValueError, match=says):
        dunnett(base, arms)
