"""What is recorded is what the committed records say; the page says the same; nothing by hand."""

import dataclasses
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from tests.structure.tree import ROOT, text

from partbench.claims import page, rebuild, recorded, records, words
from partbench.claims.claim import catalogue, find
from partbench.core.errors import InputError
from partbench.study import transfer

RESULTS = ROOT / "results"


def test_recorded_verdicts_are_those_of_the_committed_records() -> None:
    told = json.loads(recorded.FILE.read_text())
    for id, claim in catalogue().items():
        made = recorded.derived(claim, RESULTS)
        assert rebuild.same(json.loads(json.dumps(made)), told[id]), (
            f"{id}: run `partbench claims record --pages`"
        )
    assert list(told) == list(catalogue())


def test_the_pages_and_the_readme_say_what_is_recorded() -> None:
    told = "run `partbench claims record --pages`"
    for name, written in page.pages(RESULTS).items():
        assert text(name) == written, f"{name}: {told}"
    assert page.readme(text("README.md"), RESULTS) == text("README.md"), f"README.md: {told}"
    with pytest.raises(InputError, match="end of claims"):
        page.readme("no marks", RESULTS)


def test_every_row_says_verdict_effect_scale_cost_and_what_would_settle_it() -> None:
    rows = [line for line in page.page(RESULTS).splitlines() if line.startswith("| [")]
    assert len(rows) == len(catalogue())
    full = text("docs/reference/claims.md")
    for row in rows:
        id, sentence, verdict, effect, scale, cost, settle = row.strip("| ").split(" | ")
        claim = find(id[1 : id.index("]")])
        told = recorded.recorded()[claim.id]
        assert f"\n## {claim.id}\n" in full
        assert sentence == claim.sentence
        assert verdict.startswith(told["status"])
        assert settle == claim.settle
        if told["recorded"]:
            assert scale != "–", f"{claim.id}: its record says no scale"
            assert "[" in effect or "no interval" in effect or "open" in verdict, claim.id
        else:
            assert "not run yet" in verdict
            assert (effect, cost) == ("–", "–")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "refuted"),
        ({"status": "open"}, "open: below the resolution of this scale"),
        ({"status": "open", "missing": ["x"]}, "open: only part of it has run"),
        ({"status": "open", "recorded": False}, "open: not run yet"),
        ({"status": "not testable here"}, "not testable here; instead digits: refuted"),
        ({"status": "not testable here", "recorded": False, "tested": ""},
         "not testable here; instead digits: open: not run yet"),
    ],
)  # fmt: skip
def test_a_status_is_said_in_plain_words(changes, said) -> None:
    claim = dataclasses.replace(find("B2a"), instead="digits")
    tests = [{"outcome": "open", "low": -1.0, "reason": ""} for _ in claim.test]
    told = {"status": "refuted", "tested": "refuted", "recorded": True, "missing": []}
    assert words.standing(claim, told | {"tests": tests} | changes) == said


def test_why_a_claim_is_open_is_said() -> None:
    claim = find("B2a")
    told = {"status": "open", "tested": "open", "recorded": True, "missing": []}
    alone = {"outcome": "open", "low": None, "reason": ""}
    short = {"outcome": "open", "low": -1.0, "reason": "a screen; this asks for tuned"}
    said = [words.standing(claim, told | {"tests": [test] * 5}) for test in (alone, short)]
    assert said[0] == "open: one number without an interval decides nothing"
    assert said[1] == "open: a screen; this asks for tuned"


def test_every_committed_verdict_is_made_anew_to_the_same_numbers() -> None:
    folders = [path.parent for path in RESULTS.glob("*/report.json")]
    assert folders, "no study is committed"
    for folder in folders:
        kept = records.read(folder)
        assert rebuild.differences(kept) == [], folder.name
        assert any(rebuild.verdicts(kept).values())


def test_a_number_that_was_changed_by_hand_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "near_shallow_small"
    shutil.copytree(RESULTS / folder.name, folder)
    report = json.loads((folder / "report.json").read_text())
    report["arms"][0]["pairs"][2]["arm"] -= 0.2
    (folder / "report.json").write_text(json.dumps(report))
    found = rebuild.differences(records.read(folder))
    assert any(line.startswith("warm: difference:") for line in found)
    claim = find("B2a")
    assert recorded.damage(claim, tmp_path)
    assert recorded.damage(claim, RESULTS) == []


def test_a_cell_that_was_changed_by_hand_is_refused(tmp_path: Path) -> None:
    """Its checksum no longer fits; nothing of the study is believed."""
    folder = tmp_path / "noise_key_peers"
    shutil.copytree(RESULTS / folder.name, folder)
    ours = transfer.cells(folder / "cells.tar.gz")
    with tarfile.open(RESULTS / folder.name / "cells.tar.gz") as whole:
        held = [(info, whole.extractfile(info).read()) for info in whole]
    with tarfile.open(folder / "cells.tar.gz", "w:gz") as changed:
        for place, (info, content) in enumerate(held):
            if place == 1:
                assert b'"score": 2.' in content
                content = content.replace(b'"score": 2.', b'"score": 1.', 1)
            changed.addfile(info, io.BytesIO(content))
    with pytest.raises(InputError, match="its spec or its record is not what it was written as"):
        records.read(folder)
    assert len(ours) == len(held) / 2


def test_the_warm_start_is_refuted_by_its_record_and_others_wait() -> None:
    told = recorded.recorded()
    assert told["B2a"]["status"] == "refuted"
    assert told["B2a"]["tests"][0]["low"] > 0
    assert told["B2a"]["scale"].startswith("170,392 parameters")
    assert told["B2a"]["missing"] == [] or told["B2a"]["missing"] == ["near_shallow_start"]
    for id, claim in catalogue().items():
        if claim.untestable:
            assert told[id]["status"] == "not testable here"
        if told[id]["status"] == "supported":
            assert told[id]["missing"] == []


def test_a_record_that_is_no_json_is_one_line(tmp_path: Path) -> None:
    folder = tmp_path / "near_shallow_small"
    folder.mkdir()
    (folder / "report.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read") as error:
        records.read(folder)
    assert "\n" not in str(error.value)
