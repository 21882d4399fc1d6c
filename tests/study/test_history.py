"""Studies are remembered: what they asked, from which cells, with what verdicts."""

import json

import pytest
from tests.study.small import drive, swaps

from partbench.core.errors import InputError
from partbench.study import history
from partbench.study.ledger import Ledger


@pytest.mark.slow
def test_a_study_is_remembered_with_its_cells_and_verdicts(text, here, tmp_path):
    study = swaps(text, "ffn=swiglu", "norm=layernorm")
    drive(study, tmp_path / "first")
    report = drive(study, tmp_path / "first")  # what goes on is remembered once
    drive(swaps(text, "norm=layernorm", margin="0.4"), tmp_path / "second")
    # Those of one second stand in the order of their ids.
    first, second = sorted(Ledger().studies(), key=lambda s: s["id"] != report["study_id"])
    assert first["id"] == report["study_id"]
    assert {cell["id"] for cell in first["cells"]} == {
        cell["id"] for cell in report["provenance"]["cells"]
    }
    shared = {c["id"] for c in first["cells"]} & {c["id"] for c in second["cells"]}
    assert len(shared) >= 6  # base and layernorm on two seeds, and the curve
    for arm, told in zip(first["arms"], report["arms"], strict=True):
        assert arm["name"] == told["name"]
        assert arm["verdict"]["word"] == told["verdict"]["word"]
        assert arm["verdict"]["difference"] == told["verdict"]["difference"]
        assert arm["diff"] == told["diff"]
        assert arm["confirmation"] == told["confirmation"]
    assert first["ladder"] == report["ladder"]
    assert "curves" not in json.dumps(first)


def test_numbers_that_are_none_and_damaged_files_do_no_harm(tmp_path):
    ledger = Ledger(tmp_path / "ledger")
    ledger.remember("a" * 64, {"name": "one", "declared_at": "2026", "low": float("-inf")})
    ledger.remember("b" * 64, {"name": "two", "declared_at": "2025", "rows": (1.0, float("nan"))})
    assert [study["name"] for study in ledger.studies()] == ["two", "one"]
    assert ledger.studies()[1]["low"] is None
    assert ledger.studies()[0]["rows"] == [1.0, None]
    path = history.files(ledger.root)[0]
    path.write_text(path.read_text().replace("2026", "2020"))
    assert [study["name"] for study in ledger.studies()] == ["two"]


def test_studies_are_found_by_name_or_the_beginning_of_their_id():
    studies = [
        {"name": "one", "id": "abcd" + 60 * "0"},
        {"name": "two", "id": "abce" + 60 * "0"},
        {"name": "two", "id": "ffff" + 60 * "0"},
    ]
    assert history.choose(studies, "one") is studies[0]
    assert history.choose(studies, "ffff0") is studies[2]
    with pytest.raises(InputError, match="2 studies are called 'two'; give one's id: abce"):
        history.choose(studies, "two")
    with pytest.raises(InputError, match="remembers no study 'onne'; did you mean 'one'"):
        history.choose(studies, "onne")
