"""Slopes, targets and back-tests hold the truth as often as they say, with few seeds a rung."""

import numpy as np
import pytest

from partbench.stats.ladder import back_test, trend

SLOPE = -0.05


def measured(seeds, growth: float, count: int, seed: int):
    """Log multipliers on a line, with errors estimated from each rung's own few seeds."""
    random = np.random.default_rng(seed)
    places = np.arange(len(seeds)) * np.log10(4)
    freedoms = np.array(seeds) - 1.0
    spread = 0.03 * growth ** np.arange(len(seeds)) / np.sqrt(seeds)
    logs = 0.2 + SLOPE * places + random.normal(0, spread, (count, len(seeds)))
    errors = spread * np.sqrt(random.chisquare(freedoms, (count, len(seeds))) / freedoms)
    return 1e13 * 10**places, logs, errors, freedoms


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seeds", "growth"), [((8, 8, 4), 1.0), ((8, 6, 4, 3), 1.3), ((12, 8, 6, 4, 3), 1.0)]
)
def test_intervals_of_the_trend_cover(seeds, growth):
    budgets, logs, errors, freedoms = measured(seeds, growth, 3000, len(seeds))
    slopes, targets, foretold = [], [], []
    for row, spread in zip(logs, errors, strict=True):
        answer = trend(budgets, row, spread, freedoms)
        truth = np.exp(0.2 + SLOPE * np.log10(answer.target / 1e13))
        slopes.append(answer.slope_low <= SLOPE <= answer.slope_high)
        targets.append(answer.low <= truth <= answer.high)
        foretold.append(back_test(budgets, row, spread, freedoms)[-1].hit)
    for hits in (slopes, targets, foretold):
        assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_known_errors_cover_with_the_normal():
    budgets, logs, _, _ = measured((8, 6, 4, 3), 1.0, 1000, 9)
    known = 0.03 / np.sqrt([8, 6, 4, 3])
    answers = [trend(budgets, row, known) for row in logs]
    hits = [answer.slope_low <= SLOPE <= answer.slope_high for answer in answers]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.025)


def test_a_gain_that_holds_is_seldom_said_to_fade_or_grow():
    random = np.random.default_rng(10)
    logs = random.normal(0.2, 0.01, (1000, 4))
    words = [trend(1e13 * 4.0 ** np.arange(4), row, [0.01] * 4).word for row in logs]
    assert words.count("fades") + words.count("grows") < 0.05 * 1000
    assert words.count("holds") > 0.9 * 1000
