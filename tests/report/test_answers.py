"""The six questions at the head of a report are answered from its numbers, and never too soon."""

import copy
import json

import pytest
from tests.structure.tree import ROOT

from partbench.report import answers, page, quantities

from .made_up import ALL
from .made_up_studies import one_better, under_way


def said(report: dict) -> dict[str, str]:
    return {answer.question: answer.text for answer in answers.answers(report)}


@pytest.fixture(scope="module")
def thirteen() -> dict:
    path = ROOT / "results" / "gpt2_to_transformerpp" / "report.json"
    return json.loads(path.read_text(encoding="utf-8"))


def test_of_many_arms_the_best_is_named_with_all_that_was_asked(thirteen):
    told = said(thirteen)
    best = min(thirteen["arms"], key=lambda arm: arm["verdict"]["difference"])
    verdict = best["verdict"]
    assert told["Which won?"].startswith(f"{best['name']}: **better** by ")
    assert f"{-verdict['difference']:.3f} bits per byte" in told["Which won?"]
    assert "Of the four that are better" in told["Which won?"]
    assert quantities.level(verdict["level"]) in told["How sure?"]
    assert "6 pairs" in told["How sure?"]
    assert quantities.change(best["costs"]["time_ratio"]) in told["At what cost?"]
    assert "at equal seconds better" in told["At what cost?"]
    assert "one size of 360,096 parameters" in told["At other sizes?"]
    assert f"and {len(best['diff']) - 3} more" in told["What was different?"]
    assert told["How to run it again?"] == thirteen["reproduce"][-1]


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_answer_leads_to_a_place_on_the_page(name):
    report = ALL[name]()
    text = page.html(report)
    for answer in answers.answers(report):
        assert f'id="{answer.anchor}"' in text
        assert f'href="#{answer.anchor}"' in text


def test_nobody_wins_before_there_is_a_verdict():
    told = said(under_way())
    assert told["Which won?"] == "Not known yet: the study is under way."
    assert "How sure?" not in told


@pytest.mark.parametrize(
    ("word", "begins"),
    [("worse", "The base. "), ("equivalent", "Neither. "), ("inconclusive", "Neither. ")],
)
def test_an_arm_that_is_not_better_has_not_won(word, begins):
    report = copy.deepcopy(one_better())
    report["arms"][0]["verdict"]["word"] = word
    assert said(report)["Which won?"].startswith(begins)


def test_of_arms_that_are_all_left_out_the_one_missed_most_is_named():
    path = ROOT / "results" / "transformerpp_to_gpt2" / "report.json"
    told = said(json.loads(path.read_text(encoding="utf-8")))
    assert told["Which won?"].startswith(
        "The base. Six arms are worse, most of all post_norm: **worse** by 0.399 bits per byte"
    )
    assert told["At what cost?"].startswith("post_norm: ")
    assert told["What was different?"] == "post_norm: model.residual.part: pre_norm to post_norm."
