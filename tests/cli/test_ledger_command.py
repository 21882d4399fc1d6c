"""`partbench ledger`: what is said, what is written, what is thrown away, and exit codes."""

import json
import os
import shutil
import time
from pathlib import Path

import pytest
from tests.cli.trained import everything

from partbench.core.cell import CHECKPOINT, LOCK, METRICS, RECORD, SPEC, WEIGHTS
from partbench.core.lease import take
from partbench.study.ledger import Ledger


def some(ledger: Ledger, number: int = 0) -> Path:
    """The folder of a cell."""
    return sorted(path.parent for path in ledger.root.rglob(RECORD))[number]


def test_cells_are_listed_and_chosen(ledger, partbench):
    said = partbench("ledger", "list")
    assert said.code == 0
    assert len(said.out.splitlines()) == 6
    assert all("finished" in line and "bits per byte" in line for line in said.out.splitlines())
    rows = json.loads(partbench("ledger", "list", "--json").out)
    assert {row["id"] for row in rows} == {path.parent.name for path in ledger.root.rglob(RECORD)}
    assert partbench("ledger", "list", "--status", "failed").out == ""
    assert partbench("ledger", "list", "--unit", "accuracy").out == ""
    (study,) = ledger.studies()
    assert len(partbench("ledger", "list", "--study", study["name"]).out.splitlines()) == 6
    said = partbench("ledger", "list", "--study", "another")
    assert said.code == 2
    assert study["name"] in said.err


def test_who_is_at_a_cell_is_listed(ledger, partbench):
    folder = some(ledger)
    (folder / RECORD).unlink()
    assert "nobody is at it" in partbench("ledger", "list", "--status", "left").out
    mine = take(folder / LOCK)
    said = partbench("ledger", "list", "--status", "under way")
    assert f"@{os.uname().nodename} process {os.getpid()}, since 20" in said.out
    (row,) = json.loads(partbench("ledger", "list", "--json", "--status", "under way").out)
    assert (row["id"], row["pid"]) == (folder.name, os.getpid())
    assert row["silent_seconds"] < 60
    mine.release()


def break_record(folder):
    (folder / RECORD).write_text((folder / RECORD).read_text().replace("finished", "finished "))


def break_spec(folder):
    (folder / SPEC).write_text((folder / SPEC).read_text().replace('"seed": ', '"seed": 7'))


def cut_weights(folder):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-1])


def swap_weights(folder):
    other = next(p for p in folder.parent.parent.rglob(WEIGHTS) if p.parent != folder)
    shutil.copy(other, folder / WEIGHTS)


def no_spec(folder):
    (folder / SPEC).unlink()


def older_epoch(folder):
    from partbench.core.cell import Cell

    tree = json.loads((folder / SPEC).read_text()) | {"epoch": 0}
    id = Cell(**tree).id
    new = folder.parent.parent / id[:2] / id
    new.mkdir(parents=True)
    (new / SPEC).write_text(json.dumps(tree))


def damage_study(folder):
    path = next(folder.parent.parent.glob("studies/*.json"))
    path.write_text(path.read_text().replace("equivalent", "better").replace("screen", "tuned"))


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        (break_record, "damaged", "record.json: not the checksum"),
        (break_spec, "damaged", "its spec hashes to"),
        (cut_weights, "damaged", "it has been cut"),
        (swap_weights, "damaged", "it belongs to another cell"),
        (damage_study, "damaged", "not the checksum it was written with"),
        (no_spec, "orphaned", "no spec that can be read"),
        (older_epoch, "stale", "results epoch 0"),
    ],
)
def test_verify_names_what_is_wrong(fault, kind, said, ledger, partbench):
    assert partbench("ledger", "verify").code == 0
    fault(some(ledger))
    found = partbench("ledger", "verify")
    assert found.code == (0 if kind == "stale" else 1)
    lines = [line for line in found.out.splitlines() if line.startswith(kind)]
    assert any(said in line for line in lines), found.out
    told = json.loads(partbench("ledger", "verify", "--json").out)
    assert told[kind]
    assert told["cells"] == 6 + (fault is older_epoch)


def test_gc_only_says_what_would_go_unless_told(ledger, partbench):
    folder = some(ledger)
    (folder / CHECKPOINT).write_bytes(2**20 * b"c")
    (folder / "record.failed").write_text("{}")
    (folder / ".record.json.abc").write_text("{}")
    os.utime(folder / ".record.json.abc", (0, 0))
    before = everything(ledger)
    said = partbench("ledger", "gc")
    assert said.code == 0
    assert "1.00 MiB       1 checkpoints of cells that ended" in said.out
    assert "leftovers of failures" in said.out
    assert "1.00 MiB would go; --delete deletes it" in said.out
    assert everything(ledger) == before
    assert partbench("ledger", "gc", "--delete").code == 0
    gone = set(before) - set(everything(ledger))
    assert {Path(path).name for path in gone} == {CHECKPOINT, "record.failed", ".record.json.abc"}
    assert json.loads(partbench("ledger", "gc", "--json").out)["items"] == []
    partbench("ledger", "gc", "--weights", "--delete")
    assert list(ledger.root.rglob(WEIGHTS)) == []
    assert len(list(ledger.root.rglob(RECORD))) == 6
    assert partbench("ledger", "verify").code == 0


def test_gc_of_chosen_cells_spares_records_unless_asked(ledger, partbench):
    old, *others = sorted(path.parent for path in ledger.root.rglob(RECORD))
    for name in (RECORD, SPEC):
        os.utime(old / name, (time.time() - 40 * 86400,) * 2)
    partbench("ledger", "gc", "--older-than", "30d", "--delete")
    assert sorted(path.name for path in old.iterdir()) == sorted([RECORD, SPEC])
    assert all((folder / METRICS).exists() for folder in others)
    (study,) = ledger.studies()
    words = ["gc", "--older-than", "30d", "--records", "--delete"]
    partbench("ledger", *words, "--keep", study["name"])
    assert old.exists()
    partbench("ledger", *words)
    assert not old.exists()
    assert all((folder / RECORD).exists() for folder in others)
    said = partbench("ledger", "gc", "--records", "--delete")
    assert said.code == 2
    assert "say which cells" in said.err


def test_gc_leaves_alone_what_somebody_is_at(ledger, partbench):
    folder = some(ledger)
    (folder / CHECKPOINT).write_bytes(b"c")
    mine = take(folder / LOCK)
    partbench("ledger", "gc", "--weights", "--older-than", "0h", "--records", "--delete")
    assert (folder / RECORD).exists()
    assert (folder / CHECKPOINT).exists()
    assert [path.parent for path in ledger.root.rglob(RECORD)] == [folder]
    mine.release()


def test_wrong_words_get_one_line(ledger, partbench):
    for words in (
        ["gc", "--older-than", "soon"],
        ["gc", "--keep", "nobody"],
        [],
        ["export"],
        ["lsit"],
        ["export", "out", "--study", "nobody"],
    ):
        said = partbench("ledger", *words)
        assert said.code == 2, words
        assert said.err.count("\n") == 1


def test_an_empty_ledger_is_no_error(partbench):
    assert partbench("ledger", "list").code == 0
    assert partbench("ledger", "verify").code == 0
    assert partbench("ledger", "gc").code == 0
