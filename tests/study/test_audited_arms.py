"""What the audit before the first cell says of an arm reaches the verdict and the live line."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.study.small import made_up_costs, swaps
from tests.study.test_answer import LOOKS, NAMES, Records, table, words
from tests.testing import planted

from partbench.cli.live import Live
from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.report import terminal
from partbench.study import answer, costs
from partbench.study.spec import Study, from_swaps

LEAK = {"check": "future leak", "verdict": "fail", "found": "earlier losses move", "number": 0.1}


def judged(study: Study, prices: dict[str, Any]) -> dict[str, Any]:
    known = table(a=[-0.5, -0.51], b=[0.5, 0.49])
    declared = {"id": study.id, "declared_at": "then", "known": []}
    return answer.report(study, declared, prices, Records(study, known), 1, bought=True)


def test_an_arm_that_leaks_gets_no_verdict_however_good_it_is(text: Path) -> None:
    study = swaps(text, *NAMES, looks=LOOKS, margin="0.005")
    prices = made_up_costs(study)
    assert words(judged(study, prices)) == ["better", "worse"]
    prices[NAMES[0]]["audit"] = [LEAK]
    report = judged(study, prices)
    assert words(report) == [None, "worse"]
    leaky = report["arms"][0]
    assert leaky["verdict"]["reason"] == "audit failed: future leak: earlier losses move"
    assert leaky["finished"]
    assert "audit failed" in terminal.lines(report)[0]


def test_what_the_audit_found_is_said_before_the_first_cell(
    text: Path, capsys: pytest.CaptureFixture
) -> None:
    study = swaps(text, *NAMES, looks=LOOKS)
    prices = made_up_costs(study)
    prices[NAMES[0]]["audit"] = [LEAK]
    Live(study, 1).costed(study, prices)
    assert f"{NAMES[0]}: AUDIT fail: future leak: earlier losses move" in capsys.readouterr().err


@pytest.mark.slow
def test_the_process_that_measures_memory_audits_an_outside_part(text: Path, tmp_path) -> None:
    (tmp_path / "frozen.py").write_text(planted.FROZEN)
    sizes = {"dims.depth": 1, "dims.width": 16, "dims.context": 8, "train.steps": 2}
    corpus = {"task.corpus": str(text), "task.folds": 4, "task.evaluation_tokens": 64}
    base = Config({}).edit({**sizes, **corpus, "train.batch": 2})
    study = from_swaps(
        base, [f"residual={tmp_path / 'frozen.py'}:Mine"], lambda study: Numerics(), margin="0.1"
    )
    (name,) = study.arms
    spec = tmp_path / "spec.json"
    for config, expected in ((study.base, []), (study.arms[name], ["dead gradient"])):
        spec.write_text(study.cell(config, 1).to_json())
        found = costs._finish(costs._start(study, "memory", [spec]))
        assert [row["check"] for row in found["audit"]] == expected
        json.dumps(found, allow_nan=False)
