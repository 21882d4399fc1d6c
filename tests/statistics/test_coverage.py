"""Simulated intervals hold the truth as often as they say; unplanned looks keep their promise."""

import numpy as np
import pytest
from scipy.special import stdtrit

from partbench.stats.divergence import sign_test
from partbench.stats.matching import converted
from partbench.stats.multiplier import over_seeds
from partbench.stats.paired import moderated, paired
from partbench.stats.sequential import confidence_sequence, e_value
from partbench.stats.verdict import multiplier, slope_of_curve, tangent_drops

TRUE_MEAN = 0.4


def share_that_hold(intervals, truth: float) -> float:
    return float(np.mean([low <= truth <= high for low, high in intervals]))


def noise(rate: float, count: int) -> float:
    return 3.5 * np.sqrt(rate * (1 - rate) / count)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize("pairs", [2, 4, 12])
def test_paired_intervals_cover_at_their_level(pairs, level):
    data = np.random.default_rng(pairs).normal(TRUE_MEAN, 2.0, (4000, pairs))
    answers = [paired(row, level) for row in data]
    covered = share_that_hold([(a.low, a.high) for a in answers], TRUE_MEAN)
    assert covered == pytest.approx(level, abs=noise(level, 4000))


def test_moderated_intervals_cover_and_are_shorter_when_the_prior_is_right():
    """Studies whose true variances scatter as the prior says: v0 f0 / chi2_f0."""
    random = np.random.default_rng(1)
    variances = 2.0 * 6 / random.chisquare(6, 4000)
    data = random.normal(TRUE_MEAN, np.sqrt(variances)[:, None], (4000, 4))
    shrunk = [moderated(row, 2.0, 6) for row in data]
    plain = [paired(row) for row in data]
    covered = share_that_hold([(a.low, a.high) for a in shrunk], TRUE_MEAN)
    assert covered == pytest.approx(0.95, abs=noise(0.95, 4000))
    assert np.mean([a.high - a.low for a in shrunk]) < 0.8 * np.mean(
        [a.high - a.low for a in plain]
    )


def test_rank_intervals_hold_the_median_at_least_at_their_level():
    """Skewed differences of which a fifth diverged: only the median is left to speak of."""
    random = np.random.default_rng(2)
    data = random.exponential(1.0, (2000, 12))
    data[random.random((2000, 12)) < 0.2] = np.inf
    median = -np.log(1 - 0.5 / 0.8)
    answers = [sign_test(row) for row in data]
    covered = share_that_hold([(a.low, a.high) for a in answers], median)
    assert covered > 0.95 - noise(0.95, 2000)
    assert covered < 0.99


def simulated_seeds(count: int, seed: int):
    """Base at half and full budget, and an arm; slope .2, difference -.05, both share the base.

    The base follows a power law, whose tangent at the full budget has that slope."""
    random = np.random.default_rng(seed)
    base = random.normal(3.0, 0.01, (count, 8))
    half = base * np.exp(0.2 * np.log(2) / base) + random.normal(0, 0.01, (count, 8))
    arm = base - 0.05 + random.normal(0, 0.02, (count, 8))
    return half, base, arm


def test_equal_cost_covers_the_converted_difference():
    half, base, arm = simulated_seeds(2000, 3)
    measured = np.random.default_rng(4).normal(np.log(1.1), 0.02, 2000)
    intervals = []
    for small, full, other, log_ratio in zip(half, base, arm, measured, strict=True):
        slope = slope_of_curve(small, full)
        answer = converted(
            paired(other - full), log_ratio, 0.02, slope.slope, slope.standard_error, 0.01
        )
        intervals.append((answer.low, answer.high))
    covered = share_that_hold(intervals, -0.05 + 0.2 * np.log(1.1))
    assert 0.94 < covered < 0.98  # t with n - 1 freedom is a little wide where a part is known


@pytest.mark.parametrize("form", ["delta", "seeds"])
def test_multipliers_cover_the_compute_that_buys_the_same_loss(form):
    half, base, arm = simulated_seeds(2000, 5)
    intervals = []
    for small, full, other in zip(half, base, arm, strict=True):
        if form == "delta":
            slope = slope_of_curve(small, full)
            answer = multiplier(paired(other - full), slope.slope, slope.standard_error)
        else:
            answer = over_seeds(other - full, tangent_drops(small, full))
        intervals.append((answer.low, answer.high))
    covered = share_that_hold(intervals, np.exp(0.05 / 0.2))
    assert covered == pytest.approx(0.95, abs=0.015)


def test_the_seed_blocks_keep_their_level_where_the_delta_method_does_not():
    """The base's own noise at full budget raises the difference and the slope together."""
    random = np.random.default_rng(6)
    shared = random.normal(0, 0.03, (2000, 8))
    differences = -0.2 - shared + random.normal(0, 0.005, (2000, 8))
    drops = 0.2 * np.log(2) - shared + random.normal(0, 0.005, (2000, 8))
    blocks, delta = [], []
    for difference, drop in zip(differences, drops, strict=True):
        answer = over_seeds(difference, drop)
        blocks.append((answer.low, answer.high))
        slope = paired(drop / np.log(2))
        answer = multiplier(paired(difference), slope.mean, slope.standard_error)
        delta.append((answer.low, answer.high))
    assert share_that_hold(blocks, np.exp(1.0)) == pytest.approx(0.95, abs=0.02)
    assert abs(share_that_hold(delta, np.exp(1.0)) - 0.95) > 0.02


def e_values_at_all_pairs(data: np.ndarray, kappa: float = 2.0) -> np.ndarray:
    """The twin of `e_value` for rows of data, at 2, 3, ... pairs."""
    n = np.arange(2, data.shape[1] + 1)
    mean = np.cumsum(data, 1)[:, 1:] / n
    squares = np.cumsum(data**2, 1)[:, 1:] - n * mean**2
    ratio, g = n * mean**2 / squares, 1 + n * kappa**2
    return np.exp(-np.log(g) / 2 + n / 2 * (np.log1p(ratio) - np.log1p(ratio / g)))


def test_the_twin_of_the_e_value_equals_it():
    data = np.random.default_rng(7).normal(0.5, 1, (20, 15))
    expected = [[e_value(row[:count]) for count in range(2, 16)] for row in data]
    assert e_values_at_all_pairs(data) == pytest.approx(np.array(expected), rel=1e-9)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_looking_at_every_pair_up_to_a_hundred_keeps_the_e_process_below_alpha(alpha):
    data = np.random.default_rng(8).standard_normal((20_000, 100))
    alarms = (e_values_at_all_pairs(data) >= 1 / alpha).any(1)
    assert alarms.mean() < alpha
    t = np.abs(data[:, :12].mean(1) / data[:, :12].std(1, ddof=1)) * np.sqrt(12)
    assert (t > -stdtrit(11, alpha / 2)).mean() > 0.9 * alpha  # the data do alarm a plain test


@pytest.mark.parametrize(("effect", "power"), [(0.0, 0.017), (1.0, 0.509), (2.0, 0.995)])
def test_the_e_process_finds_effects_as_often_as_published(effect, power):
    data = np.random.default_rng(9).normal(effect, 1, (20_000, 12))
    found = (e_values_at_all_pairs(data)[:, 1:] >= 20).any(1)
    assert found.mean() == pytest.approx(power, abs=0.012)


def test_confidence_sequences_hold_the_truth_at_all_pairs_together():
    data = np.random.default_rng(10).normal(TRUE_MEAN, 1, (600, 20))
    missed = 0
    for row in data:
        ends = [confidence_sequence(row[:count], 0.2) for count in range(2, 21)]
        missed += any(not low <= TRUE_MEAN <= high for low, high in ends)
    assert 0 < missed / 600 < 0.2
