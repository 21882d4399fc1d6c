"""Slopes, targets and back-tests hold the truth as often as they say, with few seeds a rung."""

import numpy as np
import pytest

from partbench.stats.ladder import back_test, trend
from partbench.stats.multiplier import on_ladder

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


@pytest.mark.slow
def test_losses_to_multipliers_to_trend_hold_the_truth():
    """The whole way: all rungs read one law, so their errors are not quite independent."""
    random = np.random.default_rng(3)
    budgets = 1e13 * 4.0 ** np.arange(5)

    def curve(compute):
        return 1.0 + 1.2 * (compute / 1e13) ** -0.2

    slopes, targets = [], []
    for _ in range(80):
        luck = random.normal(0, 0.007, (5, 6))
        base = curve(budgets)[:, None] + luck + random.normal(0, 0.004, (5, 6))
        rungs = []
        for place, compute in enumerate(budgets[:4]):
            gain = np.exp(0.25 + SLOPE * np.log10(compute / 1e13))
            arm = curve(compute * gain) + luck[place] + random.normal(0, 0.004, 6)
            rungs.append(on_ladder(budgets, base, arm, compute))
        answer = trend(
            budgets[:4],
            [rung.log for rung in rungs],
            [rung.log_error for rung in rungs],
            [rung.freedom for rung in rungs],
        )
        truth = np.exp(0.25 + SLOPE * np.log10(answer.target / 1e13))
        slopes.append(answer.slope_low <= SLOPE <= answer.slope_high)
        targets.append(answer.low <= truth <= answer.high)
    assert np.mean(slopes) > 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / 80)
    assert np.mean(targets) > 0.95 - 3.5 * np.sqrt(0.95 * 0.05 / 80)
