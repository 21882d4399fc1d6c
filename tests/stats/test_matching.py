"""The four matchings from one set of pairs."""

import math

import pytest

from partbench.stats.matching import Ratio, converted, four_matchings
from partbench.stats.paired import paired
from partbench.stats.verdict import Slope

DIFFERENCE = paired([-0.03, -0.05, -0.04, -0.06])
SLOPE, BY_SIZE = Slope(0.4, 0.1, 4), Slope(0.3, 0.05, 4)
RATIOS = {
    "parameters": Ratio(math.log(1.1)),
    "flops": Ratio(math.log(1.25)),
    "seconds": Ratio(0.2, 0.05),
}


def test_equal_speed_changes_nothing():
    same = converted(DIFFERENCE, 0.0, 0.0, 0.3, 0.1, margin=0.01)
    assert (same.difference, same.low, same.high) == pytest.approx(
        (DIFFERENCE.mean, DIFFERENCE.low, DIFFERENCE.high)
    )
    assert same.word == "better"


def test_a_slow_arm_pays_slope_times_the_log_of_its_seconds():
    slow = converted(DIFFERENCE, math.log(1.25), 0.0, 0.5, 0.0, margin=0.01)
    assert slow.difference == pytest.approx(-0.045 + 0.5 * math.log(1.25))
    assert slow.word == "worse"


def test_the_errors_of_all_three_numbers_add_up():
    answer = converted(DIFFERENCE, 0.2, 0.05, 0.4, 0.1, margin=0.01)
    expected = DIFFERENCE.standard_error**2 + (0.2 * 0.1) ** 2 + (0.4 * 0.05) ** 2
    assert answer.standard_error == pytest.approx(math.sqrt(expected))
    assert (answer.high - answer.low) / 2 == pytest.approx(3.182446 * math.sqrt(expected))


def test_a_base_that_gets_worse_with_compute_has_no_equal_seconds():
    with pytest.raises(ValueError, match=r"slope is -0\.1"):
        converted(DIFFERENCE, 0.1, 0.0, -0.1, 0.0, margin=0.01)


def test_each_matching_pays_for_what_the_arm_uses_more_of():
    answers = four_matchings(DIFFERENCE, RATIOS, SLOPE, BY_SIZE, margin=0.01)
    assert list(answers) == ["tokens", "parameters", "flops", "seconds"]
    shifts = {kind: answer.result.difference - DIFFERENCE.mean for kind, answer in answers.items()}
    expected = (0, 0.3 * math.log(1.1), 0.4 * math.log(1.25), 0.4 * 0.2)
    assert tuple(shifts.values()) == pytest.approx(expected)
    assert answers["seconds"].result == converted(DIFFERENCE, 0.2, 0.05, 0.4, 0.1, 0.01)
    assert answers["tokens"].result.low == pytest.approx(DIFFERENCE.low)


def test_a_cheaper_arm_gains():
    cheap = {kind: Ratio(-0.1) for kind in RATIOS}
    answers = four_matchings(DIFFERENCE, cheap, SLOPE, BY_SIZE, margin=0.01)
    for kind in RATIOS:
        assert answers[kind].result.difference < DIFFERENCE.mean


def test_what_is_not_known_has_a_reason_and_no_number():
    answers = four_matchings(DIFFERENCE, RATIOS | {"seconds": None}, None, None, margin=0.01)
    assert [answer.result is None for answer in answers.values()] == [False, True, True, True]
    assert "two sizes and equal tokens" in answers["parameters"].reason
    assert "two budgets" in answers["flops"].reason
    assert answers["seconds"].reason == "the ratio of seconds is not known"


def test_equal_counts_need_no_slope():
    answers = four_matchings(DIFFERENCE, {"parameters": Ratio(0.0)}, None, None, margin=0.01)
    assert answers["parameters"].result == answers["tokens"].result
    assert answers["parameters"].reason == ""


def test_a_base_that_does_not_learn_converts_nothing():
    answers = four_matchings(DIFFERENCE, RATIOS, Slope(-0.1, 0.1, 4), BY_SIZE, margin=0.01)
    assert answers["flops"].result is None
    assert "does not improve" in answers["flops"].reason
    assert answers["parameters"].result is not None
