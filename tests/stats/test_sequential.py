"""Designs of planned looks, and the e-process for unplanned ones."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from partbench.stats.sequential import (
    Design,
    always_valid_p,
    confidence_sequence,
    e_value,
    flat,
    obrien_fleming,
    running_intersection,
    spending,
)

DEFAULT = (4, 6, 8, 12)
MAKERS = [flat, obrien_fleming, spending, lambda looks, a: spending(looks, a, "pocock")]


def test_the_default_design_has_the_published_level():
    design = flat(DEFAULT)
    assert design.levels == pytest.approx((0.0171,) * 4, abs=0.00005)
    assert Design(DEFAULT, (0.0168,) * 4, "flat", 0.05).false_alarms() == pytest.approx(
        0.0492, abs=0.0002
    )


def test_the_level_of_normal_theory_would_be_too_liberal_for_t_tests():
    normal = flat((4000, 6000, 8000, 12000)).levels[0]  # so many pairs make t normal
    assert normal == pytest.approx(0.0192, abs=0.0001)
    assert Design(DEFAULT, (normal,) * 4, "flat", 0.05).false_alarms() > 0.055


def test_with_many_pairs_the_published_normal_tables_come_out():
    """Pocock 1977: .0294, .0221, .0182 for 2, 3, 4 looks; O'Brien-Fleming: z = 2.004 at the 3rd."""
    for looks, level in [(2, 0.0294), (3, 0.0221), (4, 0.0182)]:
        design = flat(tuple(5000 * k for k in range(1, looks + 1)))
        assert design.levels[0] == pytest.approx(level, abs=0.0001)
    design = obrien_fleming((5000, 10000, 15000))
    assert design.levels == pytest.approx((0.0005, 0.0141, 0.0451), abs=0.0001)


def test_obrien_fleming_keeps_alpha_for_the_last_look():
    levels = obrien_fleming((4, 8, 12)).levels
    assert levels == pytest.approx((0.0005, 0.0133, 0.0432), abs=0.0001)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 3, 0.001, 0.2])
@pytest.mark.parametrize("looks", [(3,), DEFAULT, (2, 3, 5), (4, 8, 12), (10, 200)])
def test_every_design_has_exactly_the_declared_false_alarms(make, alpha, looks):
    assert make(looks, alpha).false_alarms() == pytest.approx(alpha, rel=1e-3)


@pytest.mark.parametrize("make", MAKERS)
def test_every_level_rises_with_alpha(make):
    """What Holm's procedure needs of a design (see monitor)."""
    levels = np.array([make(DEFAULT, alpha).levels for alpha in np.geomspace(0.001, 0.2, 30)])
    assert (np.diff(levels, axis=0) > 0).all()


def test_pocock_spending_has_spent_the_stated_part_at_each_look():
    design = spending((5, 10), 0.05, "pocock")
    assert design.levels[0] == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 2), abs=1e-9)


def test_a_design_moves_to_another_alpha_and_stays_itself():
    for make in MAKERS:
        design = make(DEFAULT, 0.05)
        assert design.at(0.05) == design
        assert design.at(0.01) == make(DEFAULT, 0.01)
    with pytest.raises(ValueError, match="choose flat"):
        Design((4,), (0.05,), "own", 0.05).at(0.01)


@pytest.mark.parametrize("looks", [(), (1, 4), (4, 4), (8, 4), (4, 6.5)])
def test_looks_that_do_not_rise_from_two_are_refused(looks):
    with pytest.raises(ValueError, match="rising whole numbers"):
        flat(looks)


def test_an_unknown_spending_kind_is_refused():
    with pytest.raises(ValueError, match="choose obrien_fleming or pocock"):
        spending(DEFAULT, 0.05, "linear")


def test_the_e_value_is_the_bayes_factor_it_says_it_is():
    """Against the integral over effects N(0, kappa^2) and scale 1/sigma, for one sample."""
    numbers = np.array([0.4, 1.1, 0.3, 0.9])
    t = float(stats.ttest_1samp(numbers, 0).statistic)
    alternative, _ = integrate.quad(
        lambda effect: stats.nct.pdf(t, 3, effect * 2) * stats.norm.pdf(effect, 0, 2), -15, 15
    )
    assert e_value(numbers) == pytest.approx(alternative / stats.t.pdf(t, 3), rel=1e-6)


def test_e_values_at_the_edges():
    assert e_value([]) == e_value([3.0]) == 1.0
    assert e_value([0.0] * 4) == pytest.approx(17**-0.5)
    assert e_value([1.0] * 4) == pytest.approx(17**1.5)
    assert math.isfinite(e_value([1.0] * 4000))


@pytest.mark.parametrize(("pairs", "half"), [(4, 3.61), (6, 1.93), (8, 1.49), (12, 1.11)])
def test_the_confidence_sequence_has_the_published_half_width(pairs, half):
    numbers = np.random.default_rng(2).standard_normal(pairs)
    low, high = confidence_sequence(numbers, 0.05)
    assert (high - low) / 2 / numbers.std(ddof=1) == pytest.approx(half, abs=0.006)


def test_the_confidence_sequence_holds_the_means_that_the_e_value_does_not_reject():
    numbers = np.random.default_rng(3).standard_normal(9)
    for end, outward in zip(confidence_sequence(numbers, 0.05), (-1, 1), strict=True):
        assert e_value(numbers - end) == pytest.approx(20, rel=1e-9)
        assert e_value(numbers - end - 0.01 * outward) > 20


def test_too_few_pairs_bound_nothing():
    assert confidence_sequence([1.0], 0.05) == (-math.inf, math.inf)
    assert confidence_sequence([1.0, 1.1], 0.05) == (-math.inf, math.inf)


def test_the_running_interval_never_widens_and_the_running_p_never_rises():
    numbers = np.random.default_rng(4).normal(0.5, 1, 25)
    ends = [running_intersection(numbers[:count]) for count in range(2, 26)]
    p_values = [always_valid_p(numbers[:count]) for count in range(2, 26)]
    assert all(b[0] >= a[0] and b[1] <= a[1] for a, b in pairwise(ends))
    assert p_values == sorted(p_values, reverse=True)
    assert p_values[-1] == min(1 / e_value(numbers[:count]) for count in range(2, 26))
    assert ends[-1] != confidence_sequence(numbers)
