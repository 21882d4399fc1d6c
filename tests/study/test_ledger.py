"""The ledger when several studies are at it: a record is never lost and never overwritten."""

import json

import pytest
from tests.train.tiny import cell

from partbench.core.cell import LOCK, RECORD, SPEC, Cell
from partbench.core.errors import InputError
from partbench.core.files import held
from partbench.study.ledger import Ledger
from partbench.train.record import checksum


@pytest.fixture
def run(text) -> Cell:
    """A cell that nobody trained."""
    return cell(text)


def put(run: Cell, status: str) -> str:
    """A whole record of that status; its text."""
    record = {"id": run.id, "status": status, "score": 1.0}
    path = Ledger().folder(run) / RECORD
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record | {"checksum": checksum(record)}))
    return path.read_text()


def test_a_prepared_cell_has_its_spec(run):
    folder = Ledger().prepare(run)
    assert folder == Ledger().root / run.id[:2] / run.id
    assert Cell.read(folder / SPEC) == run
    assert Ledger().record(run) is None


@pytest.mark.parametrize("status", ["finished", "diverged"])
def test_an_outcome_that_came_meanwhile_from_another_study_stays(status, run):
    whole = put(run, status)
    folder = Ledger().prepare(run)
    assert (folder / RECORD).read_text() == whole
    assert not (folder / "record.failed").exists()


def test_a_failure_is_kept_aside_so_that_the_cell_is_tried_again(run):
    whole = put(run, "failed")
    folder = Ledger().prepare(run)
    assert (folder / "record.failed").read_text() == whole
    assert not (folder / RECORD).exists()


def test_a_cell_that_somebody_is_at_is_left_alone(run):
    whole = put(run, "failed")
    with held(Ledger().folder(run) / LOCK, "cell"):
        folder = Ledger().prepare(run)
    assert (folder / RECORD).read_text() == whole


def test_a_cell_is_given_up_only_without_a_record(run):
    ledger = Ledger()
    ledger.give_up(run, "its worker died twice")
    record = ledger.record(run)
    assert (record["status"], record["reason"]) == ("failed", "its worker died twice")
    assert ledger.finished(run) is None
    whole = put(run, "finished")
    ledger.give_up(run, "another reason")
    assert (ledger.folder(run) / RECORD).read_text() == whole
    assert ledger.repairs == []


def test_cells_are_found_by_the_first_letters_of_their_id(run, text):
    ledger = Ledger()
    folder = ledger.prepare(run)
    assert ledger.search(run.id[:8]) == ledger.search(run.id) == folder
    twin = ledger.root / run.id[:2] / (run.id[:5] + "0" * 59)
    twin.mkdir()
    with pytest.raises(InputError, match="2 cells begin with"):
        ledger.search(run.id[:5])
    for wrong in ("", "a", "xy", "../..", run.id[:2] + "*"):
        with pytest.raises(InputError):
            ledger.search(wrong)
