"""The bench from Python: the same study and report as on the command line."""

import json
from pathlib import Path

import pytest
from tests.study.small import Here, here  # noqa: F401  `here` is a fixture
from tests.train.tiny import SIZES

from partbench.api import Study
from partbench.core.errors import ConfigError
from partbench.study.advice import advice

SMALL = {**SIZES, "train.steps": 4, "optimizer.rate": 1e-2, "task.corpus": "text.txt"}


@pytest.mark.slow
def test_a_study_runs_and_goes_on(work, here, monkeypatch):  # noqa: F811
    monkeypatch.setattr("partbench.study.costs.measure", lambda study, folder: {"base": {}})
    monkeypatch.setattr("partbench.cli.live.Live.costed", lambda *all: None)
    asked = Study(swap="ffn=swiglu", edits=SMALL, margin=0.5, looks=[2, 3])
    assert "cells        6 to the first look" in asked.plan()
    report = asked.run()
    assert report["arms"][0]["verdict"]["word"]
    assert report["arms"][0]["advice"]["action"] != "wait"
    folder = Path("runs") / asked.declared.name
    assert json.loads((folder / "report.json").read_text())["arms"][0]["name"] == "ffn=swiglu"
    ran = len(here.ran)
    again = Study(swap="ffn=swiglu", edits=SMALL, margin=0.5, looks=[2, 3]).run()
    assert len(Here.ran) == ran
    assert again["arms"][0]["verdict"] == report["arms"][0]["verdict"]


def test_named_arms_have_the_cells_of_swaps(work):
    named = Study(arms={"gated": {"ffn": "swiglu"}}, edits=SMALL, tune=True).declared
    swapped = Study(swap="ffn=swiglu", edits=SMALL).declared
    assert named.arms["gated"].fingerprint == swapped.arms["ffn=swiglu"].fingerprint
    assert named.tune is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "give one of file, swap and arms"),
        ({"swap": "ffn=swiglu", "arms": {"a": {}}}, "give one of file, swap and arms"),
        ({"swap": "ffn=swiglu", "tuned": True}, "no keyword called 'tuned'"),
        ({"swap": "ffn=swiglo"}, "did you mean 'swiglu'"),
    ],
)
def test_wrong_calls_are_one_line(work, given, said):
    with pytest.raises(ConfigError, match=said):
        Study(**given)


@pytest.mark.parametrize(
    ("verdict", "ratio", "action"),
    [
        ({"word": "better", "seconds": {"word": "better"}}, 1.1, "adopt"),
        ({"word": "better", "seconds": {"word": "worse"}}, 1.1, "weigh"),
        ({"word": "worse"}, 0.9, "drop"),
        ({"word": "equivalent"}, 1.1, "drop"),
        ({"word": "equivalent"}, 0.9, "choose"),
        ({"word": "inconclusive", "settle": [3, 8]}, 1.0, "buy"),
        ({"word": None, "reason": "dead part"}, 1.0, "mend"),
        ({"word": None, "reason": ""}, 1.0, "wait"),
    ],
)
def test_advice_follows_from_the_verdict(verdict, ratio, action):
    found = advice({"verdict": verdict, "costs": {"time_ratio_low": ratio}}, 20.0)
    assert found["action"] == action
    if action == "buy":
        assert found == {"action": "buy", "pairs": [3, 8], "core_seconds": [60.0, 160.0]}
