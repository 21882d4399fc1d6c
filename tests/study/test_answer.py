"""The report from records that no run made up: whatever they hold, no crash and no word that the
interval does not carry."""

import json
import math
from typing import Any

import pytest
from tests.study.small import made_up_costs, swaps

from partbench.report import markdown, page, terminal
from partbench.report.write import data
from partbench.study import answer
from partbench.study.plan import curve_jobs, pair_jobs

LOOKS = [4, 6]
NAMES = ("ffn=swiglu", "norm=layernorm")


def finished(score: float) -> dict[str, Any]:
    """What a report reads of a finished cell."""
    return {
        "status": "finished", "reason": "", "score": score, "unit": "bits per byte", "fold": 1,
        "parameters": {"read": 10}, "flops_per_token": 20, "tokens": 640, "steps": 10,
        "curve": [[0, 5.0], [9, score]], "evaluations": [[10, score]],
        "seconds": {"train": 1.0}, "liveness": [],
    }  # fmt: skip


DIVERGED = {key: value for key, value in finished(0).items() if key not in ("score", "liveness")}
DIVERGED |= {"status": "diverged", "reason": "the loss is nan", "curve": [[0, 5.0], [1, None]]}
FAILED = {"status": "failed", "reason": "Complaint at my.py:1: no"}


class Records:
    """A ledger that knows what it is told: (arm, seed) -> record; scores alone mean finished."""

    def __init__(self, study: Any, known: dict[tuple[str, int], Any]) -> None:
        jobs = pair_jobs(study, study.seeds(study.looks[-1]), list(study.arms)) + curve_jobs(study)
        self.known = {}
        for job in jobs:
            if (job.arm, job.seed) in known:
                made = known[job.arm, job.seed]
                self.known[job.cell.id] = made if isinstance(made, dict) else finished(made)

    def record(self, cell: Any) -> dict[str, Any] | None:
        """What is known of a cell."""
        return self.known.get(cell.id)


def table(pairs: int = 6, smaller: float = 2.2, **differences: Any) -> dict[tuple[str, int], Any]:
    """A base near 2.0, with less compute near 2.2; arms at the base plus their differences."""
    known: dict[tuple[str, int], Any] = {
        ("curve", seed): smaller + 0.001 * seed for seed in (1, 2, 3, 4)
    }
    for seed in range(1, pairs + 1):
        known["base", seed] = 2.0 + 0.001 * (seed % 3)
        for place, name in enumerate(NAMES):
            shifts = differences.get("ab"[place], [0.001, -0.001])
            known[name, seed] = known["base", seed] + shifts[seed % len(shifts)]
    return known


def ask(text: Any, known: dict, look: int = 1, bought: bool = True, **settings: Any) -> dict:
    """The report at a look in every form, checked for words that its numbers do not carry."""
    study = swaps(text, *NAMES, **{"looks": LOOKS, "margin": "0.05", **settings})
    declared = {"id": study.id, "declared_at": "then", "known": []}
    report = answer.report(
        study, declared, made_up_costs(study), Records(study, known), look, bought=bought
    )
    json.loads(data(report), parse_constant=pytest.fail)
    assert markdown.markdown(report).count("against the base") >= 2
    assert len(terminal.lines(report)) == 2
    for arm in report["arms"]:
        carried(arm["verdict"], report["margin"])
        if arm["verdict"].get("seconds"):
            carried(arm["verdict"]["seconds"], report["margin"])
    return report


def carried(verdict: dict[str, Any], margin: float | None) -> None:
    """A word stands only where the interval says it."""
    word = verdict["word"]
    if word is None:
        return
    low, high = verdict["low"], verdict["high"]
    assert low <= verdict["difference"] <= high or math.isinf(verdict["difference"])
    if word == "better":
        assert high < 0
    elif word == "worse":
        assert low > 0
    elif word == "equivalent":
        assert -margin < low <= high < margin
        assert verdict.get("method", "paired t") == "paired t"
    else:
        assert word == "inconclusive"
        assert low <= 0 <= high


def words(report: dict) -> list[str | None]:
    return [arm["verdict"]["word"] for arm in report["arms"]]


def test_clear_differences_get_their_words(text):
    report = ask(text, table(a=[-0.5, -0.51], b=[0.5, 0.49]))
    assert words(report) == ["better", "worse"]
    assert report["status"] == "complete"
    assert [arm["verdict"]["pairs"] for arm in report["arms"]] == [4, 4]


def test_small_differences_are_equivalent_and_wide_ones_inconclusive(text):
    assert words(ask(text, table(b=[0.3, -0.3]))) == ["equivalent", "inconclusive"]


def test_no_word_before_a_look_is_bought(text):
    known = table(a=[-0.5, -0.51], b=[0.5, 0.49])
    report = ask(text, known, look=0, bought=False)
    assert words(report) == [None, None]
    assert report["status"] == "under way"
    assert report["finished_at"] is None


def test_pairs_beyond_the_look_are_not_used(text):
    """A ledger that knows more from other studies must not be a peek."""
    turned = table(a=[0.001, -0.001])
    for seed in (5, 6):
        turned[NAMES[0], seed] = 9.0
    at_four = ask(text, turned, look=0)
    assert words(at_four) == ["equivalent", "equivalent"]
    assert at_four["arms"][0]["verdict"]["pairs"] == 4


def test_exactly_equal_arms_are_never_better_or_worse(text):
    report = ask(text, table(a=[0.0], b=[0.0]))
    assert set(words(report)) <= {"equivalent", "inconclusive"}
    assert report["arms"][0]["verdict"]["difference"] == 0.0


@pytest.mark.parametrize("how_many", [1, 3, 6])
@pytest.mark.parametrize("who", ["base", NAMES[0], "both"])
def test_diverged_runs_are_outcomes(who, how_many, text):
    known = table()
    for seed in range(1, how_many + 1):
        for name in ("base", NAMES[0]):
            if who in (name, "both"):
                known[name, seed] = DIVERGED
    report = ask(text, known)
    verdict = report["arms"][0]["verdict"]
    assert verdict["method"] == "sign test"
    assert verdict["word"] != "equivalent"
    arm, base = verdict["diverged"]["arm"], verdict["diverged"]["base"]
    assert (arm > 0) == (who != "base")
    assert (base > 0) == (who != NAMES[0])
    if who == NAMES[0] and how_many == 6:
        assert verdict["difference"] == math.inf
    if who == "both" and how_many == 6:
        assert verdict["word"] == "inconclusive"


@pytest.mark.parametrize("missing", [[1], [2, 3], [1, 2, 3, 4]])
@pytest.mark.parametrize("margin", ["0.05", "10 %"])
def test_smaller_budget_cells_may_be_missing_or_lost(missing, margin, text):
    for instead in (None, DIVERGED, FAILED):
        known = table()
        for seed in missing:
            known.pop(("curve", seed))
            if instead:
                known["curve", seed] = instead
        report = ask(text, known, margin=margin)
        if len(missing) > 2:
            assert report["slope"] is None
            assert all(arm["verdict"].get("seconds") is None for arm in report["arms"])
            assert (report["margin"] is None) == (margin == "10 %")
        assert report["status"] == "complete"


@pytest.mark.parametrize("smaller", [2.0, 1.9, 1.0])
@pytest.mark.parametrize("margin", ["0.05", "10 %"])
def test_a_curve_that_is_flat_or_rises_converts_nothing(smaller, margin, text):
    report = ask(text, table(smaller=smaller), margin=margin)
    assert report["status"] == "complete"
    for arm in report["arms"]:
        assert arm["verdict"].get("multiplier") is None
        if margin == "10 %" and report["slope"]["value"] <= 0:
            assert arm["verdict"]["word"] is None
    if margin == "10 %" and smaller < 2.0:
        assert "flat curve" in report["margin_text"]


def test_a_failed_cell_withdraws_its_arm_alone(text):
    known = table(b=[0.5, 0.49])
    known[NAMES[0], 2] = FAILED
    report = ask(text, known)
    assert words(report) == [None, "worse"]
    assert report["status"] == "complete"
    assert [p["reason"] for p in report["arms"][0]["pairs"] if p["status"] == "failed"] == [
        FAILED["reason"]
    ]


def test_a_failed_base_withdraws_every_arm(text):
    known = table()
    known["base", 1] = FAILED
    report = ask(text, known)
    assert words(report) == [None, None]
    assert report["status"] == "complete"


def test_a_failure_beyond_the_look_withdraws_nothing_yet(text):
    known = table(a=[-0.5, -0.51])
    known[NAMES[0], 6] = FAILED
    assert words(ask(text, known, look=0))[0] == "better"


@pytest.mark.parametrize("size", [1e-300, 1e-12, 1e12])
def test_extreme_scores_do_not_break_a_report(size, text):
    for shifts in ([size, -size], [size, 2 * size], [-size]):
        ask(text, table(a=shifts, b=shifts), margin="1e-9")
        ask(text, table(a=shifts, b=shifts), margin="10 %")


def test_a_question_that_thousands_of_pairs_would_not_settle(text):
    """Once this crashed: there is no number of pairs to print."""
    report = ask(text, table(a=[0.3, -0.3]), margin="1e-9")
    verdict = report["arms"][0]["verdict"]
    assert verdict["word"] == "inconclusive"
    assert verdict["settle"] is None
    assert "given up: the planned pairs would settle it with a chance of 0 %" in (
        markdown.markdown(report)
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "known",
    [
        {},
        table(a=[0.3, -0.3], b=[0.0]),
        table(a=[1e12, -1e12], b=[1e-300]),
        table(smaller=1.0),
        table() | {(NAMES[0], seed): DIVERGED for seed in range(1, 7)},
        table() | {("base", seed): DIVERGED for seed in range(1, 7)},
        table() | {("base", 1): FAILED, (NAMES[1], 2): DIVERGED, ("curve", 1): FAILED},
    ],
    ids=["nothing", "wide", "extreme", "rising", "diverged", "base diverged", "all sorts"],
)
@pytest.mark.parametrize("margin", ["1e-9", "10 %"])
def test_a_page_can_be_drawn_of_anything(known, margin, text):
    drawn = page.html(ask(text, known, margin=margin, bought=bool(known)))
    assert all(name in drawn for name in NAMES)
    assert "nan" not in drawn.lower().replace("the loss is nan", "").split()


def test_nothing_known_is_a_report_too(text):
    report = ask(text, {}, look=0, bought=False)
    assert report["totals"]["cells"] == 0
    assert report["totals"]["tokens"] == 0
    assert words(report) == [None, None]


def test_costs_that_could_not_be_measured_are_left_out(text):
    study = swaps(text, *NAMES, looks=LOOKS, margin="0.05")
    declared = {"id": study.id, "declared_at": "then", "known": []}
    costs = {name: {"reason": "exit code 1"} for name in study.everyone}
    report = answer.report(study, declared, costs, Records(study, table()), 1, bought=True)
    assert report["arms"][0]["costs"]["time_ratio"] is None
    assert report["arms"][0]["verdict"]["seconds"] is None
    assert "not measured" in markdown.markdown(report)


def test_reused_cells_are_those_known_at_the_declaration(text):
    study = swaps(text, *NAMES, looks=LOOKS, margin="0.05")
    known = [study.cell(study.base, 1).id, study.cell(study.base, 2).id]
    declared = {"id": study.id, "declared_at": "then", "known": known}
    report = answer.report(
        study, declared, made_up_costs(study), Records(study, table()), 1, bought=True
    )
    assert report["totals"]["cells_reused"] == 2
    assert report["totals"]["cells"] == 3 * 6 + 4
    assert report["totals"]["tokens"] == (3 * 6 - 2) * 4 * 4 * 8 + 4 * 2 * 4 * 8
    assert [c["id"] for c in report["provenance"]["cells"] if c["reused"]] == known
