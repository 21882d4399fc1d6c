"""`partbench ledger`: what is said, what is written, what is thrown away, and exit codes."""

import csv
import json
import os
import shutil
import tarfile
import time
from pathlib import Path

import pytest
from tests.study.small import made_up_costs, swaps
from tests.train.tiny import text_file

from partbench.core.cell import CHECKPOINT, LOCK, METRICS, RECORD, SPEC, WEIGHTS
from partbench.core.lease import take
from partbench.engines import local
from partbench.report.write import write
from partbench.study.ledger import Ledger
from partbench.study.run import Driver


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A ledger with one study of six cells, trained once."""
    from tests.study.small import Here, Quiet, use_costs

    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTBENCH_HOME", str(folder / "home"))
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(Here, "ran", [])
        study = swaps(text_file(folder), "ffn=swiglu", looks=[2])
        use_costs(folder / "study", study)
        Driver(study, folder / "study", Ledger(), Here, Quiet()).run(lambda report, folder: folder)
        return Ledger().root


@pytest.fixture
def ledger(trained, tmp_path):
    """A copy of it in this test's home."""
    shutil.copytree(trained, tmp_path / "home" / "ledger")
    return Ledger()


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


def everything(ledger: Ledger) -> dict[str, int]:
    """Every file but the index, and when it was written."""
    files = [path for path in ledger.root.rglob("*") if path.is_file()]
    return {str(p): p.stat().st_mtime_ns for p in files if "sqlite" not in p.name}


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


@pytest.mark.parametrize("target", ["out", "out.tar", "out.tar.gz", "out.jsonl"])
def test_what_is_exported_is_imported_elsewhere(target, ledger, partbench, monkeypatch, tmp_path):
    said = partbench("ledger", "export", target)
    assert (said.code, said.out) == (0, f"6 cells written to {target}\n")
    records = {path.parent.name: json.loads(path.read_text()) for path in ledger.root.rglob(RECORD)}
    ended = {row["id"]: row["ended"] for row in ledger.index.everything()}
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "other"))
    said = partbench("ledger", "import", target)
    assert said.code == 0
    assert said.out.startswith("6 cells imported, 0 known already, 0 refused")
    other = Ledger()
    assert {p.parent.name: json.loads(p.read_text()) for p in other.root.rglob(RECORD)} == records
    for row in other.index.everything():
        assert abs(row["ended"] - ended[row["id"]]) < 1.0
    assert list(other.root.rglob(WEIGHTS)) == []
    assert partbench("ledger", "verify").code == 0
    assert len(other.studies()) == (0 if target.endswith("jsonl") else 1)
    before = everything(other)
    assert "0 cells imported, 6 known already" in partbench("ledger", "import", target).out
    assert everything(other) == before


def test_weights_travel_when_asked_and_a_tar_is_the_same_twice(ledger, partbench, monkeypatch):
    partbench("ledger", "export", "a.tar", "--whole")
    partbench("ledger", "export", "b.tar", "--whole")
    assert Path("a.tar").read_bytes() == Path("b.tar").read_bytes()
    with tarfile.open("a.tar") as tar:
        assert sum(name.endswith(WEIGHTS) for name in tar.getnames()) == 6
    assert partbench("ledger", "export", "a.csv", "--whole").code == 2
    monkeypatch.setenv("PARTBENCH_HOME", "other")
    partbench("ledger", "import", "a.tar")
    assert len(list(Ledger().root.rglob(WEIGHTS))) == 6
    assert partbench("ledger", "verify").code == 0


def test_a_table_for_spreadsheets(ledger, partbench):
    partbench("ledger", "export", "out.csv")
    with open("out.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    by_id = {row["id"]: row for row in ledger.index.everything()}
    assert {row["id"]: float(row["score"]) for row in rows} == {
        id: row["score"] for id, row in by_id.items()
    }
    assert rows[0]["ended"].startswith("20")
    said = partbench("ledger", "import", "out.csv")
    assert said.code == 2
    assert "a table cannot be read in" in said.err


def test_damaged_and_hostile_imports_are_refused(ledger, partbench, monkeypatch, tmp_path):
    partbench("ledger", "export", "out")
    good, bad, wrong = sorted(Path("out").rglob(RECORD))[:3]
    bad.write_text(bad.read_text().replace("finished", "finished "))
    spec = wrong.with_name(SPEC)
    spec.write_text(spec.read_text().replace('"seed": ', '"seed": 7'))
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "other"))
    said = partbench("ledger", "import", "out")
    assert said.code == 1
    assert "4 cells imported, 0 known already, 2 refused" in said.out
    assert said.err.count("refused: cell") == 2
    assert (Ledger().root / good.parent.parent.name / good.parent.name / RECORD).exists()
    with tarfile.open("evil.tar", "w") as tar:
        info = tarfile.TarInfo(f"../../../{good.parent.parent.name}/{good.parent.name}/{RECORD}")
        tar.addfile(info)
        tar.addfile(tarfile.TarInfo("../../outside.txt"))
    before = set(tmp_path.rglob("*"))
    assert partbench("ledger", "import", "evil.tar").code == 1
    assert set(tmp_path.rglob("*")) == before
    Path("junk.tar").write_text("not a tar")
    for source in ("junk.tar", "nothing.tar", "text.txt"):
        said = partbench("ledger", "import", source)
        assert said.code == 2
        assert said.err.count("\n") == 1


def test_wrong_words_get_one_line(ledger, partbench):
    for words in (
        ["gc", "--older-than", "soon"],
        ["gc", "--keep", "nobody"],
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


PART = Path(__file__).parent.parent / "train" / "outside_parts.py"
TINY = ["--set", "dims.depth=1", "--set", "dims.width=16", "--set", "dims.context=8",
        "--set", "task.folds=4", "--set", "task.evaluation_tokens=64", "--set", "train.steps=3",
        "--set", "train.batch=4", "--set", "task.corpus=text.txt", "--looks", "2",
        "--margin", "0.5"]  # fmt: skip


@pytest.fixture
def quick(here, monkeypatch):
    """Cells in this process, costs made up, no page."""
    monkeypatch.setattr("partbench.study.costs.measure", lambda study, folder: made_up_costs(study))
    monkeypatch.setattr("partbench.report.page.html", lambda report: "<p>a page</p>")
    assert local.Local is here
    assert write
    return here


def test_a_cell_runs_and_is_sampled_from_anywhere(quick, partbench, work, monkeypatch, tmp_path):
    """Parts and texts from outside lie where they lay, whoever asks from where."""
    lines = PART.read_text().replace("import math\n", "import math\nfrom .words import RATE\n")
    (work / "mine.py").write_text(lines)
    (work / "words.py").write_text("RATE = 0.5\n")
    words = ["--swap", 'ffn={part="mine.py:Dropping"}', *TINY]
    assert partbench("compare", *words, "--out", "study").code == 0
    report = json.loads(Path("study/report.json").read_text())
    assert str(work) not in json.dumps(report)
    mine = next(cell["id"] for cell in report["provenance"]["cells"] if "mine" in cell["arm"])
    spec = Ledger().search(mine) / SPEC
    shutil.copy(spec, tmp_path / "spec.json")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert partbench("sample", mine[:12], "--prompt", "the", "--tokens", "4").code == 0
    said = partbench("cell", "../spec.json", "--out", "again")
    assert said.code == 0
    known = json.loads((Ledger().search(mine) / RECORD).read_text())
    assert json.loads(said.out)["id"] == mine
    assert json.loads(said.out)["score"] == known["score"]


def test_the_same_files_in_another_folder_are_the_same_cells(
    quick, partbench, work, monkeypatch, tmp_path
):
    words = ["--swap", 'ffn={part="mine.py:Dropping"}', *TINY]
    twin = tmp_path / "twin"
    twin.mkdir()
    for folder in (work, twin):
        shutil.copy(PART, folder / "mine.py")
    shutil.copy(work / "text.txt", twin / "text.txt")
    assert partbench("compare", *words).code == 0
    count = len(quick.ran)
    monkeypatch.chdir(twin)
    assert partbench("compare", *words).code == 0
    assert len(quick.ran) == count
    assert len({path.name for folder in (work, twin) for path in (folder / "runs").iterdir()}) == 1
    (twin / "mine.py").write_text(PART.read_text() + "\n# another\n")
    assert partbench("compare", *words).code == 0
    assert len(quick.ran) == count + 2  # the arm alone


def test_the_same_swap_goes_on_when_the_machine_has_changed(quick, partbench):
    """Numerics depend on the machine's profile; a study that has begun keeps its own."""
    from tests.study.small import known_machine

    words = ["--swap", "ffn=swiglu", *TINY]
    assert partbench("compare", *words, "--for", "0s").code == 3
    slow = [
        {"precision": precision, "context": 64, "threads": 1,
         "fused": 9.0, "explicit": 1.0, "better": "explicit"}
        for precision in ("float32", "bfloat16")
    ]  # fmt: skip
    known_machine(attention=slow)
    said = partbench("compare", *words)
    assert said.code == 0
    assert "keeps the numerics it began with" in said.err
    assert "goes on: " in said.err
    (folder,) = Path("runs").iterdir()
    report = json.loads((folder / "report.json").read_text())
    assert report["provenance"]["numerics"]["attention"] == "fused"
    count = len(quick.ran)
    assert "6 known already" in partbench("plan", *words).out
    assert partbench("compare", *words, "--out", "today").code == 0
    assert len(quick.ran) == 2 * count
    report = json.loads(Path("today/report.json").read_text())
    assert report["provenance"]["numerics"]["attention"] == "explicit"
