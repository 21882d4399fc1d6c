"""The best rate on a grid, how sure it is, and what missing it costs."""

import math
from itertools import combinations

import numpy as np
import pytest

from partbench.stats.tuning import expected_best, optimum, sensitivity

GRID = 0.001 * 2.0 ** np.arange(-2, 3)


def valley(place: float, rates=GRID, floor: float = 3.0, bend: float = 0.05):
    """Losses of one seed on an exact parabola with its bottom `place` octaves from .001."""
    return floor + bend * (np.log2(rates / 0.001) - place) ** 2


@pytest.mark.parametrize("place", [-0.49, -0.2, 0.0, 0.3, 0.49])
def test_the_bottom_of_an_exact_parabola_is_found(place):
    answer = optimum(GRID, valley(place)[:, None])
    assert np.log2(answer.rate / 0.001) == pytest.approx(place, abs=1e-9)
    assert answer.loss == pytest.approx(3.0)
    assert (answer.edge, answer.grid_rate) == ("", 0.001)


def test_the_delta_method_by_hand():
    places = np.array([0.1, 0.2, 0.3])
    answer = optimum(GRID, np.stack([valley(place) for place in places], axis=1))
    # Equal bends: the derivative at the bottom varies as 2c times the bottoms themselves.
    assert answer.standard_error == pytest.approx(places.std(ddof=1) / math.sqrt(3))
    half = 4.302653 * answer.standard_error
    assert np.log2(answer.low / 0.001) == pytest.approx(0.2 - half, rel=1e-6)
    assert np.log2(answer.high / 0.001) == pytest.approx(0.2 + half, rel=1e-6)


@pytest.mark.parametrize(("place", "edge"), [(-4.0, "low"), (4.0, "high"), (0.0, "")])
def test_the_best_rate_on_the_grids_end_is_an_edge(place, edge):
    answer = optimum(GRID, valley(place)[:, None])
    assert answer.edge == edge
    if edge:
        assert answer.rate == GRID[0 if edge == "low" else -1]
        assert answer.standard_error is None


@pytest.mark.parametrize("lost", [np.inf, np.nan])
def test_a_diverged_upper_end_closes_the_grid(lost):
    losses = np.stack([valley(0.8), valley(0.9)], axis=1)
    losses[4, 1] = lost
    answer = optimum(GRID, losses)
    assert (answer.edge, answer.grid_rate, answer.diverged) == ("", 0.002, (0, 0, 0, 0, 1))
    assert np.log2(answer.rate / 0.001) == pytest.approx(0.85)


def test_the_rate_never_moves_towards_a_divergence():
    losses = valley(1.3)[:, None].copy()
    losses[4] = np.inf
    assert optimum(GRID, losses).rate == 0.002


def test_a_diverged_run_is_worse_than_any_finite_one():
    losses = np.stack([valley(0.0), valley(0.0)], axis=1)
    losses[2, 0] = np.nan
    assert optimum(GRID, losses).grid_rate == 0.0005


def test_an_arm_that_diverges_everywhere_asks_for_lower_rates():
    answer = optimum(GRID, np.full((5, 2), np.nan))
    assert (answer.edge, answer.rate, answer.loss) == ("low", GRID[0], math.inf)
    assert answer.diverged == (2,) * 5


def test_an_uneven_grid_moves_the_rate_at_most_half_a_step():
    rates = [0.001, 0.002, 0.032]
    losses = np.array([[3.001], [3.0], [3.002]])
    bottom = optimum(rates, losses)
    free = np.polyfit(np.log2(rates), losses[:, 0], 2)
    assert -free[1] / (2 * free[0]) > np.log2(0.002 * 4) - 2  # it wants to go further up
    assert bottom.rate <= 0.002 * 2**2


def test_one_seed_on_three_rates_has_no_error():
    answer = optimum(GRID[1:4], valley(0.2)[1:4, None])
    assert (answer.standard_error, answer.low, answer.loss_error) == (None, None, None)


def test_a_flat_curve_stays_at_the_grid():
    answer = optimum(GRID, np.full((5, 2), 3.0))
    assert (answer.rate, answer.edge, answer.standard_error) == (0.001, "", None)


def test_a_curve_drowned_in_noise_has_an_endless_interval():
    noise = np.random.default_rng(3).normal(3, 1, (5, 3))
    noise[2] -= 0.5
    answer = optimum(GRID, noise)
    assert (answer.low, answer.high) == (0.0, math.inf)


@pytest.mark.parametrize(
    ("rates", "losses", "says"),
    [
        ([0.002, 0.001], [[1.0], [1.0]], "rise"),
        ([0.001, 0.002], [[1.0]], "shape"),
        ([0.001, 0.002], [[1.0, 2.0], [1.0]], "unequal"),
        ([0.0, 0.002], [[1.0], [1.0]], "above 0"),
    ],
)
def test_grids_that_make_no_sense_are_refused(rates, losses, says):
    with pytest.raises(ValueError, match=says):
        optimum(rates, losses)


def test_sensitivity_by_hand():
    answer = sensitivity([3.0, 2.5, 9.0, np.nan], start_loss=5.0)
    assert answer.value == pytest.approx((0.5 + 0 + 2.5 + 2.5) / 4)
    assert answer.standard_error is None
    rows = np.array([[3.0, 3.2], [2.5, 2.5], [np.inf, 4.0]])
    seeds = sensitivity(rows, start_loss=5.0)
    each = np.array([(0.5 + 0 + 2.5) / 3, (0.7 + 0 + 1.5) / 3])
    assert seeds.value == pytest.approx(each.mean())
    assert seeds.standard_error == pytest.approx(each.std(ddof=1) / math.sqrt(2))


def test_sensitivity_needs_a_start_loss():
    with pytest.raises(ValueError, match="start_loss is nan"):
        sensitivity([1.0, 2.0], math.nan)


def test_the_best_of_k_is_the_mean_over_all_subsets():
    trials = [3.0, 1.0, 2.5, 2.5, 7.0]
    expected = [np.mean([min(s) for s in combinations(trials, k)]) for k in range(1, 6)]
    assert expected_best(trials) == pytest.approx(tuple(expected))


def test_a_diverged_trial_is_charged_the_start_loss():
    assert expected_best([np.nan, 2.0], start_loss=5.0) == pytest.approx((3.5, 2.0))
    with pytest.raises(ValueError, match="finite"):
        expected_best([np.nan, 2.0])
