"""The index is quick and never believed: whatever happens to it, the records are what counts."""

import json
import os
import sqlite3
import time
from pathlib import Path

import pytest
from tests.study.small import swaps
from tests.train.tiny import cell

from partbench.core.cell import RECORD, SPEC, Cell, checksum
from partbench.study import index
from partbench.study.index import COLUMNS, place
from partbench.study.ledger import Ledger
from partbench.study.plan import jobs_until


def put(run: Cell, **facts) -> Path:
    """A whole record with its spec; its path."""
    folder = Ledger().folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SPEC).write_text(run.to_json())
    record = {"id": run.id, "seed": run.seed, "status": "finished", "score": 1.5,
              "unit": "bits per byte", "seconds": {"train": 2.0, "evaluate": 1.0},
              "parameters": {"read": 7, "write": 3}, "tokens": 192, **facts}  # fmt: skip
    (folder / RECORD).write_text(json.dumps(record | {"checksum": checksum(record)}))
    return folder / RECORD


@pytest.fixture
def runs(text) -> list[Cell]:
    """Five cells: three finished, one failed, one never run."""
    first = cell(text)
    runs = [first.with_seed(seed) for seed in range(1, 6)]
    Ledger().prepare(runs[4])
    for run in runs[:3]:
        put(run)
    put(runs[3], status="failed", reason="worn out")
    return runs


@pytest.fixture
def opened(monkeypatch) -> list[str]:
    """Ids of the records that were opened."""
    ids: list[str] = []
    genuine = index.read_record

    def spy(path, id):
        ids.append(id)
        return genuine(path, id)

    monkeypatch.setattr("partbench.study.index.read_record", spy)
    monkeypatch.setattr("partbench.study.ledger.read_record", spy)
    return ids


def test_what_is_known_is_looked_up_without_opening_a_record(runs, opened):
    known = Ledger().known(runs)
    assert set(known) == {run.id for run in runs[:3]}
    assert len(opened) == 4
    opened.clear()
    ledger = Ledger()
    assert ledger.known(runs) == known
    assert opened == []
    assert ledger.repairs == []
    row = known[runs[1].id]
    assert (row["seed"], row["status"], row["score"], row["seconds"]) == (2, "finished", 1.5, 3.0)
    assert (row["parameters"], row["tokens"], row["depth"]) == (10, 192, 1)
    assert row["arm"] == runs[0].arm
    assert "ffn=swiglu" in row["parts"].split()
    assert list(row) == COLUMNS


def test_a_record_that_changed_is_read_again(runs, opened):
    Ledger().known(runs)
    opened.clear()
    put(runs[0], score=2.25)
    put(runs[3], status="diverged")
    Ledger().folder(runs[1]).joinpath(RECORD).unlink()
    known = Ledger().known(runs)
    assert sorted(opened) == sorted([runs[0].id, runs[3].id])
    assert known[runs[0].id]["score"] == 2.25
    assert set(known) == {runs[n].id for n in (0, 2, 3)}


def test_a_record_damaged_behind_the_indexs_back_is_found(runs):
    """Same size, same modification time: the inode's change time tells."""
    Ledger().known(runs)
    path = Ledger().folder(runs[0]) / RECORD
    before = path.stat()
    damaged = path.read_text().replace('"score": 1.5', '"score": 0.5')
    time.sleep(0.01)
    path.write_text(damaged)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    ledger = Ledger()
    assert runs[0].id not in ledger.known(runs)
    assert any("was damaged; kept as record.damaged" in line for line in ledger.repairs)


def test_a_verdicts_record_is_never_taken_from_the_index(runs):
    Ledger().known(runs)
    with sqlite3.connect(Ledger().index.path) as db:
        db.execute("UPDATE cells SET score = 99, status = 'failed'")
    db.close()
    assert Ledger().finished(runs[0])["score"] == 1.5
    assert Ledger().record(runs[0])["status"] == "finished"


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\0" + 2000 * b"\x81"])
def test_a_damaged_index_is_made_anew_and_that_is_said(content, runs):
    before = Ledger().known(runs)
    path = Ledger().index.path
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    path.write_bytes(content)
    ledger = Ledger()
    assert ledger.known(runs) == before
    assert len(ledger.repairs) == 1
    assert "index.sqlite was" in ledger.repairs[0]
    assert "made anew from the records" in ledger.repairs[0]
    assert Ledger().known(runs) == before
    assert len(Ledger().index.everything()) == 4


def test_pages_damaged_in_the_middle_are_made_anew(runs):
    before = Ledger().known(runs)
    path = Ledger().index.path
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    ledger = Ledger()
    assert ledger.known(runs) == before
    assert "was damaged" in ledger.repairs[0]


def test_a_deleted_index_is_made_anew_and_that_is_said(runs):
    before = Ledger().known(runs)
    Ledger().index.path.unlink()
    ledger = Ledger()
    assert ledger.known(runs) == before
    assert "index.sqlite was not there" in ledger.repairs[0]


def test_a_new_ledger_has_nothing_to_say(text):
    ledger = Ledger()
    run = cell(text)
    assert ledger.known([run]) == {}
    ledger.prepare(run)
    put(run)
    assert set(ledger.known([run])) == {run.id}
    assert ledger.repairs == []


def test_an_index_that_cannot_be_written_is_done_without(runs):
    path = Ledger().index.path
    for ending in ("", "-wal", "-shm"):
        Path(f"{path}{ending}").unlink(missing_ok=True)
    path.mkdir()
    ledger = Ledger()
    assert len(ledger.known(runs)) == 3
    assert len(ledger.index.everything()) == 4
    assert "cannot be used" in ledger.repairs[0]


def test_everything_is_brought_up_to_date(runs):
    rows = Ledger().index.everything()
    assert sorted(row["status"] for row in rows) == ["failed", "finished", "finished", "finished"]
    Ledger().folder(runs[0]).joinpath(RECORD).write_text("{")
    Ledger().folder(runs[1]).joinpath(RECORD).unlink()
    rows = {row["id"]: row["status"] for row in Ledger().index.everything()}
    assert rows == {runs[0].id: "damaged", runs[2].id: "finished", runs[3].id: "failed"}


def test_a_cell_whose_spec_hashes_to_another_address_is_told_and_all_others_are_listed(runs):
    path = Ledger().folder(runs[0]) / "spec.json"
    path.write_text(path.read_text().replace('"seed": ', '"seed": 7'))
    ledger = Ledger()
    for _ in range(2):  # a dashboard asks again and again
        rows = {row["id"]: row["status"] for row in ledger.index.everything()}
        assert len(rows) == 4
        assert rows[runs[0].id] == "damaged"
    assert len(ledger.repairs) == 1
    assert f"cell {runs[0].id[:12]} is damaged" in ledger.repairs[0]
    path.write_text('{"config": {}}')
    assert rows == {row["id"]: row["status"] for row in Ledger().index.everything()}


def test_rows_that_lie_are_found_and_mended(runs):
    before = Ledger().index.everything()
    with sqlite3.connect(Ledger().index.path) as db:
        db.execute("UPDATE cells SET score = 99 WHERE id = ?", [runs[0].id])
    db.close()
    assert Ledger().index.everything() != before
    assert Ledger().index.renew() == [runs[0].id]
    assert Ledger().index.renew() == []
    assert Ledger().index.everything() == before


def test_ten_thousand_cells_are_looked_up_at_once(text, opened, monkeypatch):
    """No clock: one look at each file's stamp, a few queries, and no record opened."""
    study = swaps(text, "ffn=swiglu", looks=[2, 5000])
    jobs = jobs_until(study, 1, list(study.arms))
    assert len(jobs) == 10_002
    put(jobs[7].cell)
    Ledger().known(job.cell for job in jobs)
    opened.clear()
    looks = []
    genuine = index.stamp_of
    monkeypatch.setattr(index, "stamp_of", lambda path: (looks.append(path), genuine(path))[1])
    assert set(Ledger().known(job.cell for job in jobs)) == {jobs[7].cell.id}
    assert len(looks) == len(jobs)
    assert opened == []


def test_a_network_disk_gives_every_machine_its_own_index(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/a / ext4 rw 0 0\nserver:/x {tmp_path}/shared nfs4 rw 0 0\nodd\n")
    assert place(tmp_path / "ledger", mounts).name == "index.sqlite"
    shared = place(tmp_path / "shared" / "ledger", mounts)
    assert shared == tmp_path / "shared" / "ledger" / f"index-{os.uname().nodename}.sqlite"
    assert place(tmp_path / "ledger", tmp_path / "nothing").name == "index.sqlite"
