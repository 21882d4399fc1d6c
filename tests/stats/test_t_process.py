"""The exact law of t-tests at several looks, against what is known of it."""

import numpy as np
import pytest
from scipy import stats

from partbench.stats.t_process import first_rejections, levels_that_spend


def simulated_first_rejections(looks, levels, studies=100_000, seed=11):
    data = np.random.default_rng(seed).standard_normal((studies, looks[-1]))
    going, rates = np.ones(studies, bool), []
    for pairs, level in zip(looks, levels, strict=True):
        seen = data[:, :pairs]
        t = seen.mean(1) / seen.std(1, ddof=1) * np.sqrt(pairs)
        rejected = (np.abs(t) >= stats.t.isf(level / 2, pairs - 1)) & going
        rates.append(rejected.mean())
        going &= ~rejected
    return np.array(rates)


@pytest.mark.parametrize(
    ("looks", "levels"),
    [
        ((4, 6, 8, 12), (0.0168, 0.0168, 0.0168, 0.0168)),
        ((4, 8, 12), (0.0005, 0.0142, 0.0451)),
        ((2, 3, 4, 5), (0.05, 0.01, 0.03, 0.02)),
        ((3, 10), (0.02, 0.04)),
    ],
)
def test_the_recursion_agrees_with_simulated_t_tests(looks, levels):
    exact = np.array(first_rejections(looks, levels))
    found = simulated_first_rejections(looks, levels)
    noise = np.sqrt(exact * (1 - exact) / 100_000)
    assert (np.abs(found - exact) < 4 * noise + 0.0002).all()


def test_one_look_rejects_at_its_level():
    assert first_rejections((7,), (0.03,)) == pytest.approx((0.03,), abs=1e-12)


def test_spending_inverts_the_recursion():
    levels = (0.01, 0.004, 0.03)
    rates = first_rejections((4, 6, 9), levels)
    assert levels_that_spend((4, 6, 9), rates) == pytest.approx(levels, rel=1e-9)
