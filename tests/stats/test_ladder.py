"""The trend of a gain over a ladder, its words, and how well smaller rungs foretell larger ones."""

import math

import numpy as np
import pytest
from scipy.stats import binomtest, linregress

from partbench.stats.ladder import back_test, decision_accuracy, trend

BUDGETS = 1e13 * 4.0 ** np.arange(4)
DECADES = np.log10(BUDGETS / 1e13)
ERRORS = np.full(4, 0.01)
MARIN = [2.19e17, 1.70e18, 9.0e18], np.log([1.170, 1.142, 1.051])


def test_marins_fading_gain_is_undetermined_without_errors():
    """specs, statistics 2.9: -.065 a decade, 1 is crossed near 10^19.9 FLOPs."""
    answer = trend(*MARIN)
    assert answer.slope == pytest.approx(-0.065, abs=0.0005)
    assert math.log10(answer.crossing) == pytest.approx(19.9, abs=0.05)
    assert (answer.word, answer.direction) == ("undetermined", "better")
    assert answer.reference == "t with 1 degrees of freedom"


def test_marins_gain_fades_if_one_percent_is_its_error():
    answer = trend(*MARIN, errors=[0.012] * 3)
    assert answer.word == "fades"


def test_without_errors_it_is_ordinary_least_squares():
    logs = [0.2, 0.17, 0.19, 0.1]
    expected = linregress(np.log10(BUDGETS), logs)
    answer = trend(BUDGETS, logs)
    assert answer.slope == pytest.approx(expected.slope)
    assert answer.slope_error == pytest.approx(expected.stderr)
    assert answer.slope_high - answer.slope == pytest.approx(4.302653 * expected.stderr, rel=1e-6)


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("height", "slope", "word"),
    [
        (0.3, 0.0, "holds"),
        (0.3, -0.06, "holds"),
        (0.3, -0.2, "fades"),
        (0.3, 0.1, "grows"),
        (0.02, 0.0, "undetermined"),
    ],
)
def test_the_words_and_their_mirror(height, slope, word, side):
    answer = trend(BUDGETS, side * (height + slope * DECADES), errors=ERRORS)
    assert (answer.word, answer.direction) == (word, "better" if side > 0 else "worse")
    assert math.log(answer.multiplier) == pytest.approx(
        side * (height + slope * (DECADES[-1] + 1)), abs=1e-9
    )


def test_an_arm_that_overtakes_the_base_grows():
    assert trend(BUDGETS, -0.05 + 0.2 * DECADES, errors=ERRORS).word == "grows"


def test_scatter_beyond_the_errors_widens_them():
    logs = np.array([0.2, 0.1, 0.2, 0.1])
    tight = trend(BUDGETS, logs, errors=ERRORS)
    assert tight.slope_error > 3 * trend(BUDGETS, 0.2 - 0 * logs, errors=ERRORS).slope_error


def test_a_precise_rung_weighs_more():
    logs = np.array([0.3, 0.1, 0.1, 0.1])
    errors = np.array([0.5, 0.05, 0.05, 0.05])
    assert abs(trend(BUDGETS, logs, errors=errors).slope) < 0.01


def test_the_reference_is_said():
    logs = [0.2, 0.2, 0.21, 0.2]
    assert trend(BUDGETS, logs, errors=ERRORS).reference == "normal"
    assert trend(BUDGETS, logs, ERRORS, [7, 7, 3, 2]).reference.startswith("t with")


def test_ten_times_the_top_rung_is_the_furthest_unasked():
    logs, furthest = 0.2 - 0 * DECADES, 10 * BUDGETS[-1]
    assert trend(BUDGETS, logs, ERRORS).target == furthest
    with pytest.raises(ValueError, match="more than 10 times"):
        trend(BUDGETS, logs, ERRORS, target=1.1 * furthest)
    assert trend(BUDGETS, logs, ERRORS, target=1.1 * furthest, extrapolated=True).extrapolated
    assert not trend(BUDGETS, logs, ERRORS, target=furthest, extrapolated=True).extrapolated


def test_rungs_on_a_line_are_foretold():
    answers = back_test(BUDGETS, 0.3 - 0.05 * DECADES, ERRORS)
    assert [answer.rung for answer in answers] == [2, 3]
    for answer in answers:
        assert answer.hit
        assert answer.same_sign
        assert answer.expected == pytest.approx(answer.found)


def test_a_gain_that_turns_is_not_foretold():
    (answer,) = back_test(BUDGETS[:3], [0.3, 0.3, -0.2], ERRORS[:3])
    assert (answer.hit, answer.same_sign, answer.one_rung_same_sign) == (False, False, False)
    (answer,) = back_test(BUDGETS[:3], [0.3, 0.1, -0.1], ERRORS[:3])
    assert (answer.hit, answer.same_sign, answer.one_rung_same_sign) == (True, True, False)


@pytest.mark.parametrize(("agreed", "count"), [(0, 5), (8, 10), (7, 7)])
def test_decision_accuracy_has_the_exact_interval_of_scipy(agreed, count):
    pairs = [(0.1, 0.2)] * agreed + [(0.1, -0.2)] * (count - agreed) + [(0.0, 0.3)]
    answer = decision_accuracy(pairs)
    expected = binomtest(agreed, count).proportion_ci(0.95, method="exact")
    assert (answer.agreed, answer.count, answer.undecided) == (agreed, count, 1)
    assert answer.share == agreed / count
    assert (answer.low, answer.high) == pytest.approx((expected.low, expected.high))


def test_no_decided_pair_has_no_accuracy():
    with pytest.raises(ValueError, match="no share"):
        decision_accuracy([(0.0, 1.0)])
    with pytest.raises(ValueError, match="nan"):
        decision_accuracy([(math.nan, 1.0)])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([1e13, 2e13], [0.1, 0.2]), "at least 3"),
        (([1e13, 3e13, 2e13], [0.1] * 3), "rise"),
        (([1e13, 2e13, 3e13], [0.1] * 4), "3 budgets but 4 logs"),
        (([1e13, 2e13, 3e13], [0.1] * 3, [0.1, 0.0, 0.1]), "outweigh"),
        (([1e13, 2e13, 3e13], [0.1] * 3, None, [3, 3, 3]), "come with errors"),
    ],
)
def test_ladders_that_make_no_sense_are_refused(arguments, says):
    with pytest.raises(ValueError, match=says):
        trend(*arguments)
