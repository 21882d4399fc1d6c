"""Intervals of tuned rates and of sensitivities hold the truth as often as they say."""

import numpy as np
import pytest

from partbench.stats.tuning import expected_best, optimum, sensitivity

GRID = 0.001 * 2.0 ** np.arange(-2, 3)


def simulated(place: float, noise: float, seeds: int, count: int, seed: int) -> np.ndarray:
    """A valley .02 deep an octave squared; each seed has an offset that all its rates share."""
    random = np.random.default_rng(seed)
    curve = 3 + 0.02 * (np.arange(-2, 3) - place) ** 2
    shared = random.normal(0, 0.02, (count, 1, seeds))
    return curve[None, :, None] + shared + random.normal(0, noise, (count, 5, seeds))


@pytest.mark.slow
@pytest.mark.parametrize("place", [0.0, 0.3, 0.5])
@pytest.mark.parametrize("seeds", [3, 5])
def test_the_interval_of_the_best_rate_covers(place, seeds):
    answers = [optimum(GRID, table) for table in simulated(place, 0.004, seeds, 3000, seeds)]
    assert all(answer.edge == "" for answer in answers)
    covered = np.mean([answer.low <= 0.001 * 2**place <= answer.high for answer in answers])
    assert covered == pytest.approx(0.95, abs=0.02)
    scatter = np.std([np.log2(answer.rate) for answer in answers])
    typical = np.sqrt(np.mean([answer.standard_error**2 for answer in answers]))
    assert typical == pytest.approx(scatter, rel=0.25)


@pytest.mark.slow
def test_the_interval_of_one_seed_is_cautious():
    answers = [optimum(GRID, table) for table in simulated(0.3, 0.004, 1, 3000, 7)]
    covered = np.mean([answer.low <= 0.001 * 2**0.3 <= answer.high for answer in answers])
    assert covered > 0.95


@pytest.mark.slow
def test_the_interval_of_the_sensitivity_covers():
    truth = np.mean(0.02 * (np.arange(-2, 3) - 0.2) ** 2 - 0.02 * 0.2**2)
    answers = [sensitivity(table, 9.0) for table in simulated(0.2, 0.004, 4, 3000, 8)]
    covered = np.mean([answer.low <= truth <= answer.high for answer in answers])
    assert covered == pytest.approx(0.95, abs=0.02)


def test_the_best_of_k_is_unbiased():
    """Eight normal trials: the mean best of four is -1.0294, of all eight -1.4236."""
    trials = np.random.default_rng(9).standard_normal((4000, 8))
    curves = np.array([expected_best(row) for row in trials]).mean(axis=0)
    assert curves[3] == pytest.approx(-1.0294, abs=0.03)
    assert curves[7] == pytest.approx(-1.4236, abs=0.04)
