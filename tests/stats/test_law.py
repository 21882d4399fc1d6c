"""The base's law, held against scipy and against losses that lie on one."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from partbench.stats.law import fit

BUDGETS = 1e13 * 3.0 ** np.arange(5)


def on_a_law(compute, irreducible=1.0, exponent=0.2):
    return irreducible + 1.2 * (np.asarray(compute) / 1e13) ** -exponent


@pytest.mark.parametrize("irreducible", [0.0, 0.6, 1.6])
@pytest.mark.parametrize("count", [3, 5])
def test_losses_on_a_law_give_it_back(irreducible, count):
    losses = on_a_law(BUDGETS[:count], irreducible)
    law = fit(BUDGETS[:count], losses[:, None])
    assert law.irreducible == pytest.approx(irreducible, abs=0.01)
    assert law.exponent == pytest.approx(0.2, abs=0.004)
    assert law.at(2e13) == pytest.approx(on_a_law(2e13, irreducible), abs=2e-5)
    tangent = (law.at(2e13 / 1.001) - law.at(2e13 * 1.001)) / (2 * np.log(1.001))
    assert law.slope(2e13) == pytest.approx(tangent, rel=1e-4)


def noisy_with_one_bad_run():
    losses = on_a_law(BUDGETS)[:, None] + np.random.default_rng(4).normal(0, 0.01, (5, 6))
    losses[0, 0] += 0.3
    return losses


def test_scipy_finds_no_better_law():
    losses = noisy_with_one_bad_run()
    law = fit(BUDGETS, losses)
    logs = np.log(losses)
    away = np.abs(logs - logs.mean(1, keepdims=True)) * np.sqrt(6 / 5)
    corner = 1.345 * 1.4826 * np.median(away)

    def residual(values):
        irreducible, log_scale, exponent = values
        expected = irreducible + np.exp(log_scale - exponent * np.log(BUDGETS / 1e14))
        return (logs - np.log(expected)[:, None]).ravel()

    bounds = [0, -20, -5], [losses.mean(1).min(), 20, 5]
    oracle = min(
        (
            least_squares(residual, [start, 0, 0.2], loss="huber", f_scale=corner, bounds=bounds)
            for start in (0.1, 0.8, 1.2)
        ),
        key=lambda answer: answer.cost,
    )
    assert law.irreducible == pytest.approx(oracle.x[0], rel=1e-2)
    assert law.exponent == pytest.approx(oracle.x[2], rel=1e-2)
    for compute in (1e13, 1e14, 8e14):
        expected = oracle.x[0] + np.exp(oracle.x[1] - oracle.x[2] * np.log(compute / 1e14))
        assert law.at(compute) == pytest.approx(expected, rel=1e-5)


def test_one_bad_run_hardly_moves_the_law():
    losses = noisy_with_one_bad_run()
    clean = losses.copy()
    clean[0, 0] -= 0.3
    assert abs(fit(BUDGETS, losses).at(1e13) - fit(BUDGETS, clean).at(1e13)) < 0.3 / 6 / 4


def test_rungs_may_have_unequal_numbers_of_seeds():
    law = fit(BUDGETS[:3], [[2.2, 2.21, 2.19], [1.96, 1.97], [1.77]])
    assert law.losses == pytest.approx((2.2, 1.965, 1.77))
    assert law.holds(1.8)
    assert not law.holds(1.7)


@pytest.mark.parametrize(
    ("budgets", "losses", "says"),
    [
        ([1e13, 2e13], [[2.0], [1.9]], "at least 3"),
        ([1e13, 3e13, 2e13], [[2.0], [1.9], [1.8]], "rise"),
        ([1e13, 2e13, 3e13], [[2.0], [1.9]], "3 budgets but 2 rows"),
        ([1e13, 2e13, 3e13], [[2.0], [np.nan], [1.8]], r"losses\[1\]\[0\] is nan"),
        ([1e13, 2e13, 3e13], [[2.0], [-1.0], [1.8]], "above 0"),
    ],
)
def test_ladders_that_give_no_law_are_refused(budgets, losses, says):
    with pytest.raises(ValueError, match=says):
        fit(budgets, losses)
