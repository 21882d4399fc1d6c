"""The multiplier over seed blocks."""

import math

import numpy as np
import pytest

from partbench.stats.multiplier import over_seeds


def test_the_jackknife_by_hand():
    differences, drops = np.array([-0.1, -0.2, -0.15]), np.array([0.4, 0.5, 0.6])
    theta = 0.15 / 0.5
    without = np.array([0.175 / 0.55, 0.125 / 0.5, 0.15 / 0.45])
    pseudo = 3 * theta - 2 * without
    half = 4.302653 * pseudo.std(ddof=1) / math.sqrt(3)
    answer = over_seeds(differences, drops, ratio=math.e)
    assert math.log(answer.value) == pytest.approx(theta)
    assert math.log(answer.low) == pytest.approx(theta - half, rel=1e-6)
    assert math.log(answer.high) == pytest.approx(theta + half, rel=1e-6)


def test_equal_seeds_give_a_point():
    answer = over_seeds([-0.1] * 4, [0.2] * 4, ratio=4.0)
    assert (answer.value, answer.low, answer.high) == pytest.approx((2.0, 2.0, 2.0))


def test_no_multiplier_without_a_clear_slope():
    assert over_seeds([-0.1] * 3, [0.1, -0.1, 0.2]) is None
    assert over_seeds([-0.1] * 3, [-0.1, -0.1, -0.2]) is None


def test_two_seeds_are_refused():
    with pytest.raises(ValueError, match="at least 3"):
        over_seeds([-0.1, -0.2], [0.2, 0.3])


def test_rows_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="3 differences but 4 drops"):
        over_seeds([-0.1] * 3, [0.2] * 4)
