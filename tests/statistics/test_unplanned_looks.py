"""Stopping whenever one likes: false words stay at or below the declared rate."""

import numpy as np
import pytest
from tests.statistics.test_planned_looks import (
    BETTER,
    EQUIVALENT,
    NO_MARGIN,
    WORSE,
    assert_at_most,
    many_looks,
    studies_of,
)

from partbench.stats.monitor import look
from partbench.stats.sequential import unplanned

MOST = 40
DESIGN = unplanned(MOST)


def test_the_twin_equals_the_real_code():
    differences = studies_of([0.0, 0.5, -1.5], 12, seed=1, count=100)
    words, _, used = many_looks(unplanned(12), differences, 0.9)
    names = ["inconclusive", "better", "worse", "equivalent"]
    for study, rows in enumerate(differences):
        standings = look(unplanned(12), 10, dict(zip("abc", rows, strict=True)), 0.9)
        assert [s.verdict.word for s in standings.values()] == [names[w] for w in words[study]]
        assert [s.look + 2 for s in standings.values()] == used[study].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("arms", "margin"), [(1, NO_MARGIN), (1, 0.8), (3, NO_MARGIN)])
def test_stopping_at_the_first_word_alarms_at_most_at_the_declared_rate(arms, margin):
    differences = studies_of([0.0] * arms, MOST, seed=2, count=10_000)
    _, clear, _ = many_looks(DESIGN, differences, margin)
    assert_at_most(clear.any(1), 0.05)
    assert clear.any(1).mean() > 0.003  # it is not asleep


@pytest.mark.slow
def test_arms_beyond_the_margin_are_rarely_called_equivalent():
    words, _, _ = many_looks(DESIGN, studies_of([0.8] * 3, MOST, seed=3, count=10_000), 0.8)
    assert_at_most((words == EQUIVALENT).any(1), 0.05)


@pytest.mark.slow
def test_an_effect_is_found_and_words_are_right():
    words, _, used = many_looks(DESIGN, studies_of([1.0], MOST, seed=4, count=5000), NO_MARGIN)
    assert (words == WORSE).mean() > 0.99
    assert (words == BETTER).mean() < 0.001
    assert 9 < used.mean() < 15


@pytest.mark.parametrize("rate", [0.05, 0.4])
def test_diverged_runs_alarm_at_most_at_the_declared_rate(rate):
    """Both arms diverge alike; pairs are ranked then, at the levels of the e-process."""
    random = np.random.default_rng(5)
    differences = random.standard_normal((200, 24))
    base, arm = random.random((2, 200, 24)) < rate
    differences[arm & ~base], differences[base & ~arm] = np.inf, -np.inf
    differences[arm & base] = np.nan
    design = unplanned(24)
    words = [look(design, 22, {"a": row}, NO_MARGIN)["a"].verdict.word for row in differences]
    assert_at_most(np.array(words) != "inconclusive", 0.05)
