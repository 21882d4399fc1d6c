"""Looks that nobody planned, as a design: the e-process by another name."""

import numpy as np
import pytest

from partbench.stats.monitor import look
from partbench.stats.sequential import confidence_sequence, e_value, unplanned
from partbench.stats.verdict import judge


@pytest.mark.parametrize("alpha", [0.05, 0.01, 0.2])
def test_its_intervals_are_the_confidence_sequence(alpha):
    design = unplanned(30, alpha)
    row = np.random.default_rng(1).normal(0.3, 1, 30)
    for place, pairs in enumerate(design.looks):
        low, high = confidence_sequence(row[:pairs], alpha)
        verdict = judge(row[:pairs], 0.1, design.confidence(place))
        if np.isfinite(low):
            assert (verdict.low, verdict.high) == pytest.approx((low, high), rel=1e-9)
        else:
            assert verdict.high - verdict.low > 1e4 * row[:pairs].std()


def test_it_decides_exactly_when_the_e_value_reaches_one_over_alpha():
    design, random = unplanned(12), np.random.default_rng(2)
    decided = 0
    for effect in random.uniform(-3, 3, 60):
        row = random.normal(effect, 1, 12)
        first = next((n for n in design.looks if e_value(row[:n]) >= 20), None)
        standing = look(design, 10, {"arm": row}, 1e-9)["arm"]
        assert (standing.verdict.word != "inconclusive") == (first is not None)
        assert first is None or design.looks[standing.look] == first
        decided += first is not None
    assert 20 < decided < 60


def test_a_larger_share_of_alpha_raises_every_level():
    design = unplanned(20)
    few, many = design.at(0.01).levels, design.at(0.04).levels
    assert all(a <= b for a, b in zip(few, many, strict=True))
    assert few[-1] < many[-1]
    assert design.at(0.05) == design


def test_equivalence_is_read_off_the_same_interval():
    row = np.tile([0.01, -0.01], 6)
    standing = look(unplanned(12), 10, {"arm": row}, 0.1)["arm"]
    assert (standing.verdict.word, standing.finished) == ("equivalent", True)
    assert standing.verdict.count == 4  # the first look with a finite interval


def test_the_exact_false_alarms_stay_below_alpha():
    assert unplanned(12).false_alarms() == pytest.approx(0.019, abs=0.0005)
    assert unplanned(12, 0.2).false_alarms() < 0.2


def test_one_pair_is_no_design():
    with pytest.raises(ValueError, match="from 2 on"):
        unplanned(1)
