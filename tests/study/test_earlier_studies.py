"""What earlier studies add beside a verdict: their noise, and how small sizes decided."""

import pytest
from tests.study.small import swaps
from tests.study.test_answer import Records, made_up_costs, table

from partbench.report import sentences, stages
from partbench.stats.paired import moderated
from partbench.stats.prior import prior_from
from partbench.study import answer, history, memory

LOOKS = [4, 6]


@pytest.fixture
def report(text):
    study = swaps(text, "ffn=swiglu", "norm=layernorm", looks=LOOKS, margin="0.05")
    declared = {"id": study.id, "declared_at": "then", "known": []}
    known = table(a=[-0.2, -0.21, -0.19], b=[0.001, -0.001])
    return answer.report(
        study, declared, made_up_costs(study), Records(study, known), 1, bought=True
    )


def past(report, count: int, sd: float = 0.05, **changes) -> list[dict]:
    """Earlier studies on the same base, of four pairs each."""
    studies = []
    for place in range(count):
        found = history.summary(report) | {"id": str(place), **changes}
        verdict = {"sd_difference": sd * (1 + 0.1 * place), "pairs": 4}
        studies.append(found | {"arms": [{"name": "x", "verdict": verdict}]})
    return studies


def test_an_arms_interval_with_the_noise_of_earlier_studies(report):
    memory.add(report, past(report, 6))
    arm = report["arms"][0]
    prior = prior_from([(0.05 * (1 + 0.1 * place), 4) for place in range(6)])
    differences = [pair["arm"] - pair["base"] for pair in arm["pairs"]][: arm["verdict"]["pairs"]]
    test = moderated(differences, prior.variance, prior.freedom)
    assert (arm["moderated"]["low"], arm["moderated"]["high"]) == (test.low, test.high)
    assert arm["moderated"]["low"] < arm["verdict"]["low"]  # they were noisier than this one
    assert "with the noise of 6 earlier comparisons" in str(stages.following(arm, report))


@pytest.mark.parametrize(
    "others",
    [
        lambda report: past(report, 4),
        lambda report: past(report, 6, unit="bits per image"),
        lambda report: past(report, 6, base={}),
        lambda report: past(report, 6, numerics={}),
        lambda report: past(report, 6, id=report["study_id"]),
    ],
    ids=["too few", "another unit", "another base", "other numerics", "itself"],
)
def test_studies_of_another_kind_say_nothing(report, others):
    memory.add(report, others(report))
    assert [arm["moderated"] for arm in report["arms"]] == [None, None]


def rung(difference: float, half: float = 0.1) -> dict:
    """One rung with one arm."""
    ends = {"low": difference - half, "high": difference + half}
    return {"arms": {"x": {"reason": "", "difference": difference, **ends}}}


def test_how_often_the_smallest_size_decided_as_the_largest(report):
    ladders = [(-1.0, -0.5), (-1.0, 0.5), (0.7, 0.9), (0.05, 0.9)]
    studies = [
        {**history.summary(report), "id": str(place), "ladder": {"rungs": [rung(a), rung(b)]}}
        for place, (a, b) in enumerate(ladders)
    ]
    report["ladder"] = {"rungs": [rung(0.3), rung(0.4)]}
    memory.add(report, studies)
    found = report["decisions"]
    assert (found["agreed"], found["decided"], found["undecided"]) == (3, 4, 1)
    assert found["low"] < 0.75 < found["high"]
    assert "3 of 4 decided comparisons" in sentences.decisions(report)


def test_a_study_without_a_ladder_says_nothing_of_decisions(report):
    memory.add(report, past(report, 2))
    assert report["decisions"] is None
    assert sentences.decisions(report) == ""
