"""An arm keeps the shared rate unless its own is better for it by more than luck."""

import numpy as np
import pytest

from partbench.stats.own_rate import leaves, scatter

RATES = np.array([-1.0, 0.0, 1.0])


def losses(random, best: float, seeds: int, noise: float = 0.02) -> np.ndarray:
    """A parabola in octaves with seed effects and noise."""
    luck = random.normal(0, 0.05, seeds)
    curve = 0.05 * (RATES - best)[:, None] ** 2
    return 2.0 + curve + luck + random.normal(0, noise, (3, seeds))


def share(arm_best: float, seeds: int, studies: int = 1500) -> float:
    """How often an arm leaves the base's best rate."""
    random = np.random.default_rng(5)
    left = 0
    for _ in range(studies):
        tables = {"base": losses(random, 0.0, seeds), "arm": losses(random, arm_best, seeds)}
        shared, own = (int(tables[who].mean(axis=1).argmin()) for who in ("base", "arm"))
        left += leaves(tables, "arm", own, shared)
    return left / studies


@pytest.mark.parametrize("seeds", [2, 4])
def test_arms_alike_rarely_part(seeds):
    assert share(0.0, seeds) < 0.05


def test_arms_that_differ_part_when_the_trials_can_tell():
    assert share(1.0, 2) < share(1.0, 4)
    assert share(1.0, 4) > 0.85


def test_one_seed_tells_nothing():
    assert share(1.0, 1, 50) == 0.0


def test_divergence_at_the_shared_rate_parts():
    tables = {"arm": [[1.0, 1.1], [2.0, np.inf]], "base": [[2.0, 2.0], [1.0, 1.0]]}
    assert leaves(tables, "arm", own=0, shared=1)
    assert not leaves(tables, "arm", own=1, shared=0)
    assert not leaves(tables, "arm", own=0, shared=0)


def test_without_noise_the_smallest_gain_counts():
    tables = {"arm": [[1.0, 1.5], [1.1, 1.6]], "base": [[1.0, 1.5], [1.1, 1.6]]}
    assert scatter(tables)[0] == pytest.approx(0)
    assert leaves({"arm": [[1.0, 1.5], [1.5, 2.0]]}, "arm", own=0, shared=1)


def test_the_scatter_is_that_of_an_analysis_of_variance():
    random = np.random.default_rng(3)
    table = losses(random, 0.3, 5)
    squares, freedom = scatter({"one": table, "two": table})
    rates, seeds = table.mean(axis=1, keepdims=True), table.mean(axis=0)
    rest = table - rates - seeds + table.mean()
    assert freedom == 16
    assert squares == pytest.approx(2 * float((rest**2).sum()))
    whole = ((table - table.mean()) ** 2).sum()
    explained = 5 * ((rates - table.mean()) ** 2).sum() + 3 * ((seeds - table.mean()) ** 2).sum()
    assert squares / 2 == pytest.approx(float(whole - explained))
