"""What stands beside the verdict of the looks: giving up, dead parts, matchings, shrinking."""

import math

import pytest
from tests.study.small import made_up_costs, swaps
from tests.study.test_answer import LOOKS, NAMES, Records, ask, finished, table, words

from partbench.report import markdown, terminal
from partbench.study import answer


def test_an_arm_that_more_pairs_will_not_settle_is_given_up(text):
    """Differences as wide as a margin is narrow: neither better nor equivalent is in reach."""
    known = table(12, a=[0.3, -0.3, 0.02], b=[0.001, -0.001])
    report = ask(text, known, look=0, looks=[4, 6, 8, 12], margin="0.01")
    lost, alike = report["arms"]
    assert lost["verdict"]["word"] == "inconclusive"
    assert lost["finished"]
    assert max(lost["verdict"]["futile"][key] for key in ("at_estimate", "at_margin")) < 0.1
    assert "given up" in terminal.lines(report)[0]
    assert alike["verdict"]["word"] == "equivalent"
    assert alike["verdict"]["futile"] is None
    assert report["status"] == "complete"
    later = ask(text, known, look=2, looks=[4, 6, 8, 12], margin="0.01")
    assert later["arms"][0]["verdict"] == lost["verdict"]


def test_a_dead_part_gets_no_verdict(text):
    known = table(a=[-0.5, -0.51], b=[0.5, 0.49])
    row = {"slot": "ffn", "part": "swiglu", "parameters": 10, "moved": 0.0, "gradient_share": 0.0,
           "reset_cost": 0.0, "alive": False, "note": "its parameters never moved"}  # fmt: skip
    for seed in range(1, 7):
        known[NAMES[0], seed] = {**finished(1.0), "liveness": [row]}
    report = ask(text, known)
    assert words(report) == [None, "worse"]
    assert report["arms"][0]["verdict"]["reason"] == (
        "dead part: ffn did not take part in learning"
    )
    assert report["arms"][0]["finished"]
    assert "dead part" in terminal.lines(report)[0]


def test_unplanned_looks_follow_every_pair(text):
    known = table(6, a=[-0.5, -0.51], b=[0.3, -0.3])
    settings = {"looks": [6], "design": "unplanned", "margin": "0.05"}
    report = ask(text, known, look=4, **settings)
    assert report["design"]["looks"] == [2, 3, 4, 5, 6]
    assert report["arms"][0]["verdict"]["word"] == "better"
    assert 4 <= report["arms"][0]["verdict"]["pairs"] <= 5
    assert report["arms"][1]["verdict"]["word"] == "inconclusive"


def test_four_matchings_come_from_one_set_of_pairs(text):
    known = table(a=[-0.1, -0.11], b=[0.001, -0.001])
    for seed in range(1, 7):
        made = finished(known[NAMES[0], seed])
        known[NAMES[0], seed] = made | {"flops_per_token": 30, "parameters": {"read": 20}}
    verdict = ask(text, known)["arms"][0]["verdict"]
    flops, parameters = verdict["matchings"]["flops"], verdict["matchings"]["parameters"]
    slope = 0.2 / math.log(2)
    assert flops["difference"] == pytest.approx(
        verdict["difference"] + slope * math.log(1.5), abs=0.01
    )
    assert parameters["word"] is None
    assert "at two sizes and equal tokens" in parameters["reason"]
    alike = ask(text, known)["arms"][1]["verdict"]["matchings"]
    assert alike["parameters"]["word"] == alike["flops"]["word"] == "equivalent"


def test_the_best_of_many_is_shrunk_towards_zero(text):
    known = table(a=[-0.05, -0.01, -0.03], b=[0.02, -0.02, 0.01])
    for seed in range(1, 7):
        known["position=none", seed] = known["base", seed] + [0.01, -0.02, 0.02][seed % 3]
    study = swaps(text, *NAMES, "position=none", looks=LOOKS, margin="0.005")
    declared = {"id": study.id, "declared_at": "then", "known": []}
    costs = made_up_costs(study)
    report = answer.report(study, declared, costs, Records(study, known), 1, bought=True)
    best = report["arms"][0]
    assert abs(best["shrunken"]["difference"]) < abs(best["verdict"]["difference"])
    assert "less the luck of the best of many" in markdown.markdown(report)
