"""Detectable effects, pairs needed, and pairs that would settle a question."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from partbench.stats.paired import paired
from partbench.stats.power import detectable, pairs_needed, pairs_to_settle, power_of


@pytest.mark.parametrize("pairs", [3, 4, 5, 12, 100])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_detectable_effect_equals_statsmodels(pairs, power):
    expected = TTestPower().solve_power(nobs=pairs, alpha=0.05, power=power)
    assert detectable(2.0, pairs, 0.95, power) == pytest.approx(2 * expected, rel=1e-5)


@pytest.mark.parametrize("level", [0.95, 0.983, 0.999])
@pytest.mark.parametrize("pairs", [2, 3, 12])
def test_power_equals_simulation_where_scipys_noncentral_t_breaks_down_too(level, pairs):
    effect = detectable(1.0, pairs, level, 0.8)
    data = np.random.default_rng(1).normal(effect, 1, (40_000, pairs))
    t = data.mean(1) / data.std(1, ddof=1) * np.sqrt(pairs)
    found = (np.abs(t) > stats.t.isf((1 - level) / 2, pairs - 1)).mean()
    assert found == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / 40_000))


def test_power_without_effect_is_the_false_alarm_rate():
    assert power_of(0.0, 1.0, 7, 0.9) == pytest.approx(0.1, abs=1e-9)
    assert power_of(-1.0, 1.0, 7) == power_of(1.0, 1.0, 7)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (0.5, (65, 34, 15, 12, 6)),
        (1.0, (18, 10, 6, 5, 4)),
        (1.5, (10, 6, 4, 4, 3)),
        (2.0, (7, 5, 4, 3, 3)),
    ],
)
def test_pairs_needed_reproduce_the_published_table(effect, expected):
    """Effects in one arm's SD; correlations 0, .5, .8, .85, .95 (specs, statistics 2.3)."""
    found = tuple(pairs_needed(effect, np.sqrt(2 * (1 - r))) for r in (0, 0.5, 0.8, 0.85, 0.95))
    assert found == expected


def test_an_effect_too_small_for_the_most_pairs_has_no_number():
    assert pairs_needed(0.01, 1.0, most=500) is None
    assert pairs_needed(-0.5, 1.0) == pairs_needed(0.5, 1.0)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: detectable(0, 5), "sd_difference"),
        (lambda: detectable(1, 1), "at least 2"),
        (lambda: detectable(1, 5, 0.95, 0.05), "false-alarm rate"),
        (lambda: pairs_needed(0, 1), "effect"),
        (lambda: pairs_to_settle([0.1, 0.2], 0), "margin"),
    ],
)
def test_questions_without_an_answer_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def alternating(mean: float, sd: float, count: int) -> np.ndarray:
    """`count` (even) numbers with exactly this mean and sample SD."""
    return mean + np.tile([1.0, -1.0], count // 2) * sd * np.sqrt((count - 1) / count)


def test_a_settled_comparison_needs_no_more_pairs():
    assert pairs_to_settle(alternating(1.0, 0.1, 8), 0.5) == (0, 0)
    assert pairs_to_settle(alternating(0.0, 0.1, 8), 0.5) == (0, 0)


def test_the_range_holds_the_pairs_that_the_observed_mean_and_sd_would_need():
    mean, sd, margin = 0.2, 1.0, 1.0
    needed = next(
        n for n in range(2, 200, 2)
        if abs(paired(alternating(mean, sd, n)).high) < margin
    )  # fmt: skip
    low, high = pairs_to_settle(alternating(mean, sd, 4), margin)
    assert 1 <= low <= needed - 4 <= high


def test_more_scatter_needs_more_pairs_and_a_wider_margin_needs_fewer():
    quiet = pairs_to_settle(alternating(0.2, 1.0, 8), 0.5)
    loud = pairs_to_settle(alternating(0.4, 2.0, 8), 0.5)
    wide = pairs_to_settle(alternating(0.4, 2.0, 8), 1.5)
    assert quiet[0] < loud[0]
    assert quiet[1] < loud[1]
    assert wide[1] < loud[1]


def test_what_the_cap_cannot_settle_is_none():
    low, high = pairs_to_settle(alternating(0.0, 1.0, 8), 0.3, most=60)
    assert low is not None
    assert high is None
    assert pairs_to_settle(alternating(0.0, 1.0, 8), 0.001, most=60) == (None, None)


def test_the_range_is_right_about_as_often_as_its_docstring_says():
    random = np.random.default_rng(8)
    quantiles = stats.t.ppf(0.975, np.arange(1, 400))
    inside = asked = 0
    while asked < 300:
        data = random.normal(0.3, 1, 400)
        low, high = pairs_to_settle(data[:12], 0.5)
        if (low, high) == (0, 0):
            continue
        asked += 1
        n = np.arange(2, 401)
        mean = np.cumsum(data)[1:] / n
        sd = np.sqrt((np.cumsum(data**2)[1:] - n * mean**2) / (n - 1))
        half = quantiles * sd / np.sqrt(n)
        settled = ((np.abs(mean) > half) | (np.abs(mean) + half < 0.5)) & (n > 12)
        inside += low <= n[np.argmax(settled)] - 12 <= high
    assert 0.65 < inside / asked < 0.95
