"""The multiplier from the base's law: its value, its range, and what it refuses to say."""

import math

import numpy as np
import pytest

from partbench.stats.multiplier import on_ladder, per_second

BUDGETS = 1e13 * 3.0 ** np.arange(4)


def on_a_law(compute):
    return 1.0 + 1.2 * (np.asarray(compute) / 1e13) ** -0.2


def ladder(noise=0.002, seeds=4, seed=0):
    random = np.random.default_rng(seed)
    return on_a_law(BUDGETS)[:, None] + random.normal(0, noise, (4, seeds))


def test_an_arm_on_the_bases_curve_has_the_compute_it_sits_at():
    base = np.repeat(on_a_law(BUDGETS)[:, None], 3, axis=1)
    answer = on_ladder(BUDGETS, base, np.full(3, on_a_law(1.3 * BUDGETS[1])), BUDGETS[1])
    assert answer.value == pytest.approx(1.3, abs=0.002)
    assert answer.log_error == pytest.approx(0, abs=1e-4)
    assert (answer.extrapolated, answer.reason) == (False, "")


def test_the_base_itself_has_exactly_one():
    base = ladder()
    for rung in range(4):
        answer = on_ladder(BUDGETS, base, base[rung], BUDGETS[rung])
        assert (answer.value, answer.low, answer.high) == (1.0, 1.0, 1.0)


def test_a_rung_off_the_law_biases_no_arm():
    base = ladder()
    base[1] += 0.02
    assert on_ladder(BUDGETS, base, base[1], BUDGETS[1]).value == 1.0


def test_equal_noise_in_arm_and_base_cancels():
    shared = np.array([0.02, -0.02, 0.01, -0.01])
    base = np.repeat(on_a_law(BUDGETS)[:, None], 4, axis=1) + shared
    answer = on_ladder(BUDGETS, base, base[1] - 0.05, BUDGETS[1])
    alone = on_ladder(BUDGETS, base, base[1] - 0.05 + 2 * shared[::-1], BUDGETS[1])
    assert answer.log_error < 0.3 * alone.log_error


@pytest.mark.parametrize(("shift", "says"), [(-0.5, "below all"), (0.5, "above all")])
def test_no_number_outside_the_bases_range(shift, says):
    base = ladder()
    answer = on_ladder(BUDGETS, base, base[1] + shift * 2, BUDGETS[1])
    assert answer.extrapolated
    assert (answer.value, answer.low, answer.high, answer.log_error) == (None,) * 4
    assert says in answer.reason


def test_an_interval_that_leaves_the_budgets_says_so():
    base = ladder(noise=0.02)
    arm = base[2] - 0.08 + np.random.default_rng(1).normal(0, 0.1, 4)
    answer = on_ladder(BUDGETS, base, arm, BUDGETS[2])
    assert answer.value is not None
    assert answer.ends_extrapolated


def test_a_base_that_does_not_fall_gives_no_number():
    flat = 2 + np.random.default_rng(2).normal(0, 0.05, (4, 4))
    answer = on_ladder(BUDGETS, flat, np.full(4, flat.mean()), BUDGETS[1])
    assert answer.value is None
    assert "does not clearly fall" in answer.reason


def test_the_top_rung_may_have_fewer_seeds():
    base = [*ladder(seeds=6)[:3], ladder(seeds=6)[3][:2]]
    answer = on_ladder(BUDGETS, base, base[3] + 0.01, BUDGETS[3])
    assert answer.freedom == 1
    assert answer.value < 1


@pytest.mark.parametrize(
    ("arm", "compute", "says"),
    [([1.9] * 4, 5e13, "one of the base's budgets"), ([1.9] * 3, 3e13, "arm has 3")],
)
def test_arms_that_do_not_fit_the_ladder_are_refused(arm, compute, says):
    with pytest.raises(ValueError, match=says):
        on_ladder(BUDGETS, ladder(), arm, compute)


def test_one_seed_at_a_budget_is_refused():
    with pytest.raises(ValueError, match="at least 2 seeds"):
        on_ladder(BUDGETS, ladder(seeds=1), [1.9], BUDGETS[1])


def test_the_wall_clock_form_divides_by_the_ratio_of_seconds():
    answer = per_second(math.log(1.3), 0.03, 5, math.log(1.04), 0.04)
    assert answer.value == pytest.approx(1.25)
    assert math.log(answer.high / answer.value) == pytest.approx(2.570582 * 0.05, rel=1e-6)
