"""The best of eight: how far it flatters itself, and what shrinking and confirming leave."""

import numpy as np
import pytest

from partbench.stats.winners import confirm, shrunken


def screens(spread: float, correlation: float, count: int, seed: int, arms: int = 8):
    """True differences and estimates with error 1, which share the base's noise."""
    random = np.random.default_rng(seed)
    true = random.normal(0, spread, (count, arms))
    base, own = random.standard_normal((count, 1)), random.standard_normal((count, arms))
    return true, true + np.sqrt(correlation) * base + np.sqrt(1 - correlation) * own


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "raw", "left"), [(0.0, -1.42, -0.44), (1.0, -1.02, -0.05)])
def test_shrinking_removes_what_choosing_adds(spread, raw, left):
    true, seen = screens(spread, 0.0, 1000, seed=1)
    best = seen.argmin(axis=1)
    rows = np.arange(len(seen))
    shrunk = [
        shrunken(row, np.ones(8), correlation=0.0).estimates[b]
        for row, b in zip(seen, best, strict=True)
    ]
    assert (seen[rows, best] - true[rows, best]).mean() == pytest.approx(raw, abs=0.08)
    assert (np.array(shrunk) - true[rows, best]).mean() == pytest.approx(left, abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize(("spread", "correlation"), [(1.0, 0.5), (3.0, 0.0)])
def test_the_winners_interval_covers(correlation, spread):
    true, seen = screens(spread, correlation, 800, seed=2)
    hits = []
    for truth, row in zip(true, seen, strict=True):
        best = row.argmin()
        answer = shrunken(row, np.ones(8), correlation=correlation)
        hits.append(answer.low[best] <= truth[best] <= answer.high[best])
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_fresh_seeds_falsely_confirm_at_most_at_the_declared_rate():
    """Three winners of a screen of nothing, each on six fresh seeds."""
    random = np.random.default_rng(3)
    false = 0
    for _ in range(1000):
        arms = [dict(enumerate(random.standard_normal(6), 100)) for _ in range(3)]
        words = [confirm(-1.0, fresh, range(12), winners=3).word for fresh in arms]
        false += "confirmed" in words
    assert false / 1000 == pytest.approx(0.025, abs=0.015)  # the other half is contradicted
