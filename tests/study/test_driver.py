"""A study from declaration to answer, with tiny cells in this process."""

import json
import math
import os
from pathlib import Path

import pytest
from tests.study.small import Here, Quiet, drive, no_page, records, swaps, use_costs
from tests.train.tiny import text_file

import partbench
from partbench.core.cell import RECORD
from partbench.core.errors import BusyError, ConfigError
from partbench.core.files import held
from partbench.report import markdown
from partbench.report.write import data
from partbench.study.ledger import Ledger
from partbench.study.plan import curve_budget, jobs_until
from partbench.study.run import Driver, Interrupted

OUTSIDE = Path(__file__).parent.parent / "train" / "outside_parts.py"
PARTS = Path(partbench.__file__).parent / "parts"

pytestmark = pytest.mark.slow


def test_jobs_run_pair_by_pair_with_the_curve_after_the_first_look(text):
    study = swaps(text, "ffn=swiglu", "norm=layernorm", looks=[2, 3], first_seed=7)
    jobs = jobs_until(study, 1, list(study.arms))
    ffn, norm = study.arms
    assert [(job.arm, job.seed) for job in jobs] == [
        ("base", 7), (ffn, 7), (norm, 7), ("base", 8), (ffn, 8), (norm, 8),
        ("curve", 7), ("curve", 8),
        ("base", 9), (ffn, 9), (norm, 9),
    ]  # fmt: skip
    assert len({job.cell.id for job in jobs}) == len(jobs)
    assert curve_budget(study.base).resolved["train"]["steps"] == 2
    assert [job.cell.config["train"]["steps"] for job in jobs[6:8]] == [2, 2]


def test_a_study_buys_what_its_looks_need_and_nothing_twice(text, here, patient, tmp_path):
    study = swaps(text, "ffn=swiglu", margin="1e-6", looks=[2, 3])
    listener = Quiet()
    report = drive(study, tmp_path / "study", listener)
    assert [said for said in listener.heard if said[0] == "planned"] == [
        ("planned", "look 1 of 2 at 2 pairs", 6, 0),
        ("planned", "look 2 of 2 at 3 pairs", 8, 6),
    ]
    assert len(here.ran) == len(set(here.ran)) == 8
    assert report["status"] == "complete"
    assert report["totals"]["cells"] == 8
    assert report["totals"]["cells_reused"] == 0
    assert [pair["seed"] for pair in report["arms"][0]["pairs"]] == [1, 2, 3]
    before = records()
    again = drive(study, tmp_path / "study")
    assert len(here.ran) == 8
    assert records() == before
    same = [{**r, "finished_at": None} for r in (report, again)]
    assert same[0] == same[1]


def test_cells_that_two_studies_share_are_trained_once(text, here, tmp_path):
    first = drive(swaps(text, "ffn=swiglu"), tmp_path / "first")
    before = records()
    second = drive(swaps(text, "norm=layernorm", margin="0.4"), tmp_path / "second")
    shared = [cell for cell in second["provenance"]["cells"] if cell["reused"]]
    # Base and its curve come from the first study; only the new arm is trained.
    assert {cell["arm"] for cell in shared} == {"base", "base, smaller budget"}
    assert second["totals"]["cells_reused"] == len(shared) >= 4
    assert {id: stamp for id, stamp in records().items() if id in before} == before
    assert len(records()) == len(before) + len(second["provenance"]["cells"]) - len(shared)
    assert first["base"]["curves"][:2] == second["base"]["curves"][:2]


def test_a_copy_of_the_base_differs_by_exactly_nothing(text, here, tmp_path):
    mine = tmp_path / "work" / "my_copy.py"
    mine.write_text((PARTS / "ffn" / "mlp.py").read_text())
    report = drive(swaps(text, "ffn=my_copy.py:MLP"), tmp_path / "study")
    arm = report["arms"][0]
    assert [pair["difference"] for pair in arm["pairs"]] == [0.0, 0.0]
    assert arm["verdict"]["word"] in ("equivalent", "inconclusive")
    assert arm["verdict"]["difference"] == 0.0
    assert {row["path"] for row in arm["diff"]} == {"model.ffn.part"}
    assert len(here.ran) == 6  # another name is another cell


def test_an_arm_that_fails_is_withdrawn_and_the_rest_goes_on(text, here, tmp_path):
    study = swaps(text, f"ffn={OUTSIDE}:Raises", "norm=layernorm", "residual=post_norm")
    report = drive(study, tmp_path / "study")
    bad, *good = report["arms"]
    assert report["status"] == "complete"
    assert bad["verdict"]["word"] is None
    assert {pair["status"] for pair in bad["pairs"]} == {"failed"}
    assert all("not a prime today" in pair["reason"] for pair in bad["pairs"])
    assert all(arm["verdict"]["word"] is not None for arm in good)
    assert "not a prime today" in markdown.markdown(report)


def test_a_failed_cell_is_tried_again_by_the_next_run(text, here, patient, tmp_path):
    """Also where it failed after the first look: the look before it must not hide it."""
    study = swaps(text, "ffn=swiglu", margin="1e-6", looks=[2, 3])
    ledger = Ledger()
    last = study.cell(study.arms["ffn=swiglu"], 3)

    def lose(folder: Path) -> None:
        if folder == ledger.folder(last):
            ledger.give_up(last, "killed by a test")

    here.before = staticmethod(lose)
    report = drive(study, tmp_path / "study")
    assert report["arms"][0]["verdict"]["word"] is None
    assert report["arms"][0]["pairs"][-1]["reason"] == "killed by a test"
    here.before = staticmethod(lambda folder: None)
    report = drive(study, tmp_path / "study")
    assert report["arms"][0]["verdict"]["word"] is not None
    assert ledger.finished(last)["status"] == "finished"


def test_a_base_that_learns_nothing_from_compute_ends_without_a_verdict(
    text, here, tmp_path, monkeypatch
):
    flat = {"value": -0.1, "standard_error": 0.1, "budgets": [3, 6], "drops": {}, "pairs": 2}
    monkeypatch.setattr("partbench.study.reading.slope_of", lambda *all: flat)
    report = drive(swaps(text, "ffn=swiglu", margin="10 %"), tmp_path / "study")
    assert report["arms"][0]["verdict"]["word"] is None
    assert "flat curve" in report["margin_text"]
    assert report["status"] == "complete"
    assert "no verdict" in markdown.markdown(report)


def test_a_damaged_record_is_put_aside_said_and_run_again(text, here, tmp_path):
    study = swaps(text, "ffn=swiglu")
    report = drive(study, tmp_path / "study")
    folder, other = (Ledger().folder(study.cell(study.base, seed)) for seed in (1, 2))
    whole = (folder / RECORD).read_text()
    score = json.loads(whole)["score"]
    damages = {
        "half": whole[: len(whole) // 2],
        "empty": "",
        "list": "[1, 2]",
        "number": whole.replace(str(score), str(score + 1)),
        "of another cell": (other / RECORD).read_text(),
    }
    for damage, broken in damages.items():
        assert broken != whole, damage
        (folder / RECORD).write_text(broken)
        ledger = Ledger()
        again = Driver(study, tmp_path / "study", ledger, Here, Quiet()).run(no_page)
        assert (folder / "record.damaged").read_text() == broken
        assert len(ledger.repairs) == 1
        assert "was damaged" in ledger.repairs[0]
        assert here.ran[-1] == folder
        assert [arm["pairs"] for arm in again["arms"]] == [arm["pairs"] for arm in report["arms"]]
    assert len(here.ran) == 6 + len(damages)


def test_one_study_cannot_be_run_twice_at_once(text, here, tmp_path):
    study = swaps(text, "ffn=swiglu")
    with held(tmp_path / "study" / ".lock", "study"), pytest.raises(BusyError) as no:
        drive(study, tmp_path / "study")
    assert study.name in str(no.value)
    assert "already running" in str(no.value)
    assert not here.ran


def test_time_that_is_up_leaves_a_report_of_what_is_known(text, here, tmp_path):
    study = swaps(text, "ffn=swiglu")
    drivers = []

    def stop_after_two(folder: Path) -> None:
        if len(here.ran) == 2:
            drivers[0]._stop()

    here.before = staticmethod(stop_after_two)
    use_costs(tmp_path / "study", study)
    drivers.append(Driver(study, tmp_path / "study", Ledger(), Here, Quiet()))
    written = []
    with pytest.raises(Interrupted):
        drivers[0].run(lambda report, folder: written.append(report) or folder)
    half = written[-1]
    assert half["status"] == "under way"
    assert half["arms"][0]["verdict"]["word"] is None
    here.before = staticmethod(lambda folder: None)
    listener = Quiet()
    whole = drive(study, tmp_path / "study", listener)
    assert ("declared", True) in listener.heard
    assert whole["declared_at"] == half["declared_at"]
    assert whole["status"] == "complete"
    assert len(here.ran) == len(set(here.ran)) == 6


def test_a_study_that_changed_after_it_began_is_refused_by_name(text, here, tmp_path):
    drive(swaps(text, "ffn=swiglu"), tmp_path / "study")
    before = len(here.ran)
    changes = {
        "margin: [0.5, ''] -> [0.25, '']": {"margin": "0.25"},
        "looks: [2, 3] -> [2, 4]": {"looks": [2, 4]},
        "base.train.steps: 4 -> 7": {"edits": {"train.steps": 7}},
        "first_seed: 1 -> 5": {"first_seed": 5},
        "alpha: 0.05 -> 0.01": {"alpha": 0.01},
    }
    for place, change in changes.items():
        with pytest.raises(ConfigError, match="was begun as") as no:
            drive(swaps(text, "ffn=swiglu", **change), tmp_path / "study")
        assert "\n" not in str(no.value)
        assert place in str(no.value)
    assert len(here.ran) == before


@pytest.mark.parametrize("what", ["corpus", "code"])
def test_text_or_code_that_changed_after_the_declaration_is_refused(what, text, here, tmp_path):
    mine = tmp_path / "work" / "mine.py"
    mine.write_text((PARTS / "ffn" / "mlp.py").read_text())
    drive(swaps(text, "ffn=mine.py:MLP"), tmp_path / "study")
    changed = text if what == "corpus" else mine
    stamp = changed.stat().st_mtime_ns
    changed.write_text(changed.read_text() + "\n# more\n")
    os.utime(changed, ns=(stamp + 10**9, stamp + 10**9))
    with pytest.raises(ConfigError, match="was begun as") as no:
        drive(swaps(text, "ffn=mine.py:MLP"), tmp_path / "study")
    assert {"corpus": "corpora.base", "code": "mine.py"}[what] in str(no.value)


def test_a_text_that_changes_under_a_running_study_fails_its_cells(text, here, tmp_path):
    study = swaps(text, "ffn=swiglu")

    def change(folder: Path) -> None:
        if len(here.ran) == 2:
            text.write_text(text_file(tmp_path / "work").read_text() + "another end\n")

    here.before = staticmethod(change)
    report = drive(study, tmp_path / "study")
    statuses = [cell["status"] for cell in report["provenance"]["cells"]]
    assert statuses.count("failed") > 0
    assert report["arms"][0]["verdict"]["word"] is None
    assert "its text has changed" in report["arms"][0]["pairs"][-1]["reason"]


def test_a_damaged_declaration_is_one_line(text, here, tmp_path):
    study = swaps(text, "ffn=swiglu")
    drive(study, tmp_path / "study")
    path = tmp_path / "study" / "study.json"
    path.write_text(path.read_text()[:100])
    with pytest.raises(ConfigError, match=r"study\.json: damaged"):
        drive(study, tmp_path / "study")


def test_a_diverged_arm_is_an_outcome_and_keeps_its_pairs(text, here, tmp_path):
    study = swaps(text, "optimizer.rate=1e30", edits={"train.clip": 0.0}, looks=[4, 6])
    report = drive(study, tmp_path / "study")
    arm = report["arms"][0]
    assert {pair["status"] for pair in arm["pairs"]} == {"diverged"}
    assert arm["verdict"]["method"] == "sign test"
    assert arm["verdict"]["diverged"] == {"base": 0, "arm": len(arm["pairs"])}
    excludes_zero = arm["verdict"]["low"] > 0
    assert (arm["verdict"]["word"] == "worse") == excludes_zero
    strict = json.loads(data(report), parse_constant=pytest.fail)
    assert math.isfinite(strict["margin"])
