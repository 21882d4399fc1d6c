"""Conditional power, held against futures drawn pair by pair and against the exact last step."""

import math

import numpy as np
import pytest
from scipy import stats

from partbench.stats.futility import futility
from partbench.stats.monitor import look
from partbench.stats.sequential import Design, flat, unplanned

DESIGN = flat((4, 6, 8, 12))
SEEN = np.array([0.3, -0.2, 0.5, 0.1])


def futures(design, number, effect, margin, count=1200):
    """Whole futures drawn pair by pair and judged by the monitor itself."""
    random = np.random.default_rng(5)
    pairs = design.looks[number]
    mean, sd = SEEN[:pairs].mean(), SEEN[:pairs].std(ddof=1)
    rejects = settles = 0
    for _ in range(count):
        new = random.normal(mean if effect is None else effect, sd, design.looks[-1] - pairs)
        row = np.concatenate([SEEN[:pairs], new])
        verdict = look(design, len(design.looks) - 1, {"a": row}, margin)["a"].verdict
        rejects += verdict.excludes_zero
        settles += verdict.word != "inconclusive"
    return rejects / count, settles / count


@pytest.mark.slow
@pytest.mark.parametrize(("number", "margin"), [(0, 0.6), (0, 1e-6), (0, 0.35)])
def test_it_equals_futures_drawn_pair_by_pair(number, margin):
    answer = futility(DESIGN, number, SEEN, margin)
    for prospect, effect in ((answer.at_estimate, None), (answer.at_margin, margin)):
        rejects, settles = futures(DESIGN, number, effect, margin)
        assert prospect.rejects == pytest.approx(rejects, abs=0.045)
        assert prospect.settles == pytest.approx(settles, abs=0.045)


def test_with_one_pair_left_the_chance_is_exact():
    """|t| of five pairs is a function of the fifth alone: find its ends, and ask the normal."""
    design = Design((4, 5), (0.01, 0.04), "flat", 0.05)
    fifth = np.linspace(-3, 3, 200_001)
    total, squares = SEEN.sum() + fifth, (SEEN**2).sum() + fifth**2
    t = total / np.sqrt(5 * (squares - total**2 / 5) / 4)
    rejecting = np.abs(t) > stats.t.isf(0.02, 4)
    density = stats.norm.pdf(fifth, SEEN.mean(), SEEN.std(ddof=1))
    expected = (density * rejecting).sum() * (fifth[1] - fifth[0])
    answer = futility(design, 0, SEEN, 1e-9)
    assert answer.at_estimate.rejects == pytest.approx(expected, abs=0.012)
    assert answer.at_estimate.effect == SEEN.mean()


def test_hopeless_and_hopeful_pairs():
    noisy = np.array([1.0, -1.0] * 4)
    assert futility(DESIGN, 2, noisy, margin=0.05).futile
    assert not futility(DESIGN, 2, noisy + 0.8, margin=0.05).futile  # a trend
    assert not futility(DESIGN, 2, noisy, margin=1.5).futile  # equivalence is near
    assert not futility(DESIGN, 0, noisy[:4] * 0.05, margin=0.1).futile


def test_the_margin_is_on_the_estimates_side():
    answer = futility(DESIGN, 0, -SEEN, margin=0.2)
    assert answer.at_margin.effect == -0.2
    mirrored = futility(DESIGN, 0, SEEN, margin=0.2)
    assert answer.at_margin.rejects == pytest.approx(mirrored.at_margin.rejects, abs=0.015)


def test_a_smaller_share_of_alpha_gives_less_hope():
    whole, third = futility(DESIGN, 0, SEEN, 0.2), futility(DESIGN, 0, SEEN, 0.2, alpha=0.05 / 3)
    assert third.at_margin.rejects < whole.at_margin.rejects


def test_the_same_seed_gives_the_same_answer():
    assert futility(DESIGN, 1, np.tile(SEEN, 2), 0.2) == futility(DESIGN, 1, np.tile(SEEN, 2), 0.2)


def test_it_serves_unplanned_looks():
    row = np.tile(SEEN, 3)
    answer = futility(unplanned(30), 10, row, 0.5)
    assert 0 < answer.at_estimate.rejects <= answer.at_estimate.settles <= 1


def test_equal_pairs_have_no_doubt():
    assert futility(DESIGN, 0, [0.5] * 4, 0.1).at_estimate.rejects == 1.0


@pytest.mark.parametrize(
    ("number", "row", "says"),
    [
        (3, np.zeros(12), "no later one"),
        (1, SEEN, "at least 6"),
        (0, [math.inf, 0, 0, 0], "finite"),
    ],
)
def test_looks_without_a_prospect_are_refused(number, row, says):
    with pytest.raises(ValueError, match=says):
        futility(DESIGN, number, row, 0.1)


def test_stopping_for_futility_loses_few_answers():
    random = np.random.default_rng(8)
    for effect, most_lost in ((0.0, 0.0), (1.0, 0.05)):
        lost = 0
        for _ in range(100):
            row = random.normal(effect, 1, 12)
            stopped = futility(DESIGN, 2, row, 1.0, draws=1000).futile
            found = look(DESIGN, 3, {"a": row}, 1.0)["a"].verdict.word != "inconclusive"
            lost += stopped and found
        assert lost / 100 <= most_lost + 0.05
