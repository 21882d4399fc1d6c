"""Multipliers from the base's law cover the compute that buys the same loss."""

import numpy as np
import pytest

from partbench.stats.multiplier import on_ladder


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rungs", "seeds", "shared", "truth"),
    [(3, 6, 0.5, 1.25), (4, 4, 0.0, 1.0), (4, 4, 0.8, 1.25)],
)
def test_the_interval_covers_the_true_multiplier(rungs, seeds, shared, truth):
    """Losses with SD .01, of which `shared` is the seed's own at every rung and in the arm."""
    random = np.random.default_rng(rungs + seeds)
    budgets, count = 1e13 * 3.0 ** np.arange(rungs), 500
    curve = 1.0 + 1.2 * (budgets / 1e13) ** -0.2
    goal = 1.0 + 1.2 * (truth * budgets[1] / 1e13) ** -0.2
    hits = []
    for _ in range(count):
        luck = random.normal(0, 0.01 * np.sqrt(shared), seeds)
        own = random.normal(0, 0.01 * np.sqrt(1 - shared), (rungs + 1, seeds))
        answer = on_ladder(
            budgets, curve[:, None] + luck + own[:-1], goal + luck + own[-1], budgets[1]
        )
        assert answer.value is not None
        hits.append(answer.low <= truth <= answer.high)
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)
