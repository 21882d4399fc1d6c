"""The ladder: the same swap at several sizes, and whether its gain holds."""

import math
from typing import Any

import pytest
from tests.study.small import drive, swaps
from tests.study.test_answer import DIVERGED, finished

from partbench.core.cell import Cell
from partbench.core.errors import ConfigError
from partbench.study import ladder, tuning

RUNGS = [{"train.steps": 8}, {"train.steps": 16}, {"train.steps": 32}]


class Law:
    """A ledger whose scores fall as a power of the steps; the arm saves compute by `worth`."""

    def __init__(self, worth) -> None:
        self.worth = worth

    def record(self, cell: Cell) -> dict[str, Any]:
        """A finished record on the law, with the seed's own luck."""
        steps, luck = cell.config["train"]["steps"], 0.002 * math.sin(cell.seed * 1.7)
        gated = cell.config["model"]["ffn"]["part"] == "swiglu"
        mine = 0.001 * math.sin(cell.seed * 2.3 + steps) * gated
        compute = steps * (self.worth(steps) if gated else 1.0)
        made = finished(1.0 + 3.0 * compute**-0.3 + luck + mine)
        return made | {"tokens": steps * 64, "flops_per_token": 1000}


@pytest.fixture
def study(text):
    """One arm, its own size at 64 steps, three rungs below."""
    changes = {"edits": {"train.steps": 64}, "looks": [4, 6], "margin": "0.001"}
    return swaps(text, "ffn=swiglu", ladder={"rungs": RUNGS, "pairs": 4}, **changes)


def read(study, ledger) -> dict[str, Any]:
    """The ladder with the study's own size decided on four pairs."""
    arm = {"name": "ffn=swiglu", "finished": True, "pairs": [{}] * 4}
    return ladder.read(study, ledger, study, [arm])


def test_rungs_come_by_compute_with_the_studys_own_among_them(study):
    found = read(study, Law(lambda steps: 1.2))
    assert found["complete"]
    assert [row["tokens"] for row in found["rungs"]] == [512, 1024, 2048, 4096]
    assert [row["home"] for row in found["rungs"]] == [False, False, False, True]
    assert [row["compute"] for row in found["rungs"]] == [
        3000 * tokens for tokens in (512, 1024, 2048, 4096)
    ]


def test_a_gain_that_holds_is_seen_to_hold(study):
    found = read(study, Law(lambda steps: 1.2))
    trend = found["trends"]["ffn=swiglu"]
    assert trend["word"] == "holds"
    assert trend["low"] < 0 < trend["high"]
    assert trend["rungs"] == 4
    for row in found["rungs"]:
        worth = row["arms"]["ffn=swiglu"]["multiplier"]
        assert worth["low"] < worth["value"] < worth["high"]
    assert {test["rung"] for test in trend["foretold"]} == {2, 3}


def test_a_gain_that_fades_is_seen_to_fade(study):
    found = read(study, Law(lambda steps: 1.6 - 0.3 * math.log10(steps)))
    assert found["trends"]["ffn=swiglu"]["word"] == "fades"
    assert found["trends"]["ffn=swiglu"]["high"] < 0


def test_the_law_gives_a_number_inside_its_range_and_a_reason_outside(study):
    found = read(study, Law(lambda steps: 1.2))
    inside, top = (found["rungs"][place]["arms"]["ffn=swiglu"]["by_law"] for place in (1, 3))
    assert inside["value"] == pytest.approx(1.2, abs=0.03)
    assert inside["low"] < 1.2 < inside["high"]
    assert top["value"] is None
    assert "train the base with more compute" in top["reason"]


def test_a_rung_that_is_not_whole_is_not_read(study):
    class Some(Law):
        def record(self, cell: Cell) -> dict[str, Any] | None:
            gated = cell.config["model"]["ffn"]["part"] == "swiglu"
            missing = gated and cell.config["train"]["steps"] == 16 and cell.seed == 2
            return None if missing else super().record(cell)

    found = read(study, Some(lambda steps: 1.2))
    assert not found["complete"]
    assert len(found["rungs"]) == 3


def test_a_rung_where_a_run_diverged_has_no_number(study):
    class Wild(Law):
        def record(self, cell: Cell) -> dict[str, Any]:
            gated = cell.config["model"]["ffn"]["part"] == "swiglu"
            wild = gated and cell.config["train"]["steps"] == 8 and cell.seed == 1
            return DIVERGED if wild else super().record(cell)

    found = read(study, Wild(lambda steps: 1.2))
    assert found["rungs"][0]["arms"]["ffn=swiglu"] == {"reason": "a run diverged"}
    assert found["trends"]["ffn=swiglu"]["rungs"] == 3


def test_a_tuned_ladder_tunes_at_every_rung(text):
    study = swaps(text, "ffn=swiglu", tune=True, ladder={"rungs": RUNGS})
    first = ladder.rungs(study)[0]
    assert first.base.resolved["train"]["steps"] == 8
    known = Law(lambda steps: 1.2)
    jobs = ladder.jobs(first, known)
    factors = tuning.read(first, known).factors
    assert len(jobs) == len(factors) * 2 * 2 + 4 * 2 + 4
    assert len({job.cell.id for job in jobs}) == len(jobs)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rungs": RUNGS, "pair": 3}, "ladder.pair: .*did you mean 'pairs'"),
        ({"rungs": "all"}, "ladder.rungs: 'all' is not a list of tables"),
        ({"rungs": RUNGS, "pairs": 2}, "ladder.pairs: 2 is below 3"),
        ({"rungs": [{"dims.widht": 3}, {}]}, "did you mean 'width'"),
    ],
)
def test_wrong_ladders_are_refused_in_one_line(text, given, said):
    with pytest.raises(ConfigError, match=said):
        swaps(text, "ffn=swiglu", ladder=given)


@pytest.mark.slow
def test_a_laddered_study_runs_whole(text, here, tmp_path):
    rungs = [{"train.steps": 2}, {"train.steps": 3}]
    study = swaps(text, "ffn=swiglu", ladder={"rungs": rungs, "pairs": 3}, looks=[3])
    report = drive(study, tmp_path / "study")
    assert report["status"] == "complete"
    assert len(report["ladder"]["rungs"]) == 3
    assert report["grade"] == "screen"  # one rate for all
    assert len(here.ran) == len(set(here.ran)) == report["totals"]["cells"]
    purposes = {cell["arm"] for cell in report["provenance"]["cells"]}
    assert {"ffn=swiglu, rung 1", "ffn=swiglu, rung 2", "base, rung 2"} <= purposes
