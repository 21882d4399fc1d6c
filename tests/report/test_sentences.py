"""The words of a verdict follow from its numbers and claim nothing more."""

import pytest

from partbench.report import sentences

from .made_up_ladder import laddered
from .made_up_studies import identical, one_better, several_arms, under_way


def test_a_better_arm_is_told_with_size_interval_cost_and_grade():
    report = one_better()
    assert sentences.sentence(report["arms"][0], report) == (
        "ffn=swiglu against the base: **better** by 0.067 bits per byte [0.041, 0.093] "
        "(about 1.21x compute [1.12, 1.30]), 4 pairs, correlation .50; costs +4 % time and "
        "+0.2 % parameters; per second: better by 0.061 [0.032, 0.090]. Grade: screen."
    )


def test_inconclusive_says_what_would_settle_it_and_never_that_nothing_is_there():
    report = several_arms()
    told = sentences.sentence(report["arms"][3], report)
    assert "**inconclusive**: difference -0.012 bits per byte [-0.035, +0.010]" in told
    assert "5 to 9 more pairs would settle it" in told
    for lie in ("no effect", "no difference", "equal to", "the same"):
        assert lie not in told


def test_inconclusive_without_a_forecast_still_asks_for_more_pairs():
    report = several_arms()
    report["arms"][3]["verdict"]["settle"] = None
    assert "more pairs are needed" in sentences.sentence(report["arms"][3], report)


def test_a_diverged_run_is_told_in_the_sentence():
    report = several_arms()
    assert "1 run diverged (1 arm, 0 base)" in sentences.sentence(report["arms"][1], report)


def test_a_dead_part_is_told_in_place_of_a_verdict():
    report = several_arms()
    arm = report["arms"][3]
    reason = "dead part: residual did not take part in learning"
    arm["verdict"] = {"word": None, "reason": reason, "pairs": 4}
    told = sentences.sentence(arm, report)
    assert f"**no verdict**: {reason}. Grade" in told
    assert not any(word in told for word in sentences.VERDICTS)


def test_the_sentence_of_a_laddered_study_has_a_number_in_every_place():
    report = laddered()
    assert sentences.sentence(report["arms"][0], report) == (
        "ffn=swiglu against the base: **better** by 0.067 bits per byte [0.041, 0.093] "
        "(about 1.21x compute [1.12, 1.30]), 8 pairs, correlation .50, "
        "learning rate tuned 5 + 5; costs +4 % time and +0.2 % parameters; "
        "per second: better by 0.061 [0.032, 0.090]; "
        "over 3 sizes the gain fades: -0.03 of log multiplier a decade [-0.05, -0.01]. "
        "Grade: laddered."
    )


def test_before_the_first_look_there_is_no_verdict_word():
    report = under_way()
    told = sentences.sentence(report["arms"][0], report) + sentences.headline(report)
    assert "no verdict yet" in told
    assert "0 of 4 pairs" in told
    assert not any(word in told for word in sentences.VERDICTS)


def test_a_verdict_may_be_absent_altogether():
    report = under_way()
    report["arms"][0]["verdict"] = None
    assert "no verdict yet" in sentences.sentence(report["arms"][0], report)


def test_a_complete_study_without_a_verdict_does_not_promise_one():
    report = {**under_way(), "status": "complete"}
    told = sentences.headline(report)
    assert "no verdict" in told
    assert "yet" not in told


def test_identical_arms_are_told_to_be_exactly_zero_apart():
    report = identical()
    assert "every paired difference is exactly 0" in sentences.sentence(report["arms"][0], report)
    assert "every pair gave the same score" in sentences.headline(report)


def test_equivalent_tells_its_sign_when_the_interval_excludes_zero():
    report = several_arms()
    report["arms"][2]["verdict"].update(difference=-0.009, low=-0.015, high=-0.003)
    told = sentences.sentence(report["arms"][2], report)
    assert "**equivalent**, a little better: difference -0.009" in told


def test_missing_costs_seconds_multiplier_and_correlation_leave_no_holes():
    report = one_better()
    arm = report["arms"][0]
    arm["costs"] = {}
    arm["verdict"].update(seconds=None, multiplier=None, correlation=None)
    assert sentences.sentence(arm, report) == (
        "ffn=swiglu against the base: **better** by 0.067 bits per byte [0.041, 0.093], 4 pairs; "
        "per second: not measured. Grade: screen."
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["better", "worse"], "Of two swaps, one is **better** and one **worse**."),
        (["worse", "worse"], "Of two swaps, two are **worse**."),
        (
            ["better", "inconclusive", "no verdict yet"],
            "Of three swaps, one is **better**, one **inconclusive** "
            "and one has **no verdict yet**.",
        ),
    ],
)
def test_several_arms_are_counted(words, told):
    assert sentences.tally(words) == told
