"""`partbench ledger export` and `import`: what goes out comes in, and nothing else does."""

import csv
import json
import tarfile
from pathlib import Path

import pytest
from tests.cli.trained import everything

from partbench.core.cell import RECORD, SPEC, WEIGHTS
from partbench.study.ledger import Ledger


@pytest.mark.parametrize("target", ["out", "out.tar", "out.tar.gz", "out.jsonl"])
def test_what_is_exported_is_imported_elsewhere(target, ledger, partbench, monkeypatch, tmp_path):
    said = partbench("ledger", "export", target)
    assert (said.code, said.out) == (0, f"6 cells written to {target}\n")
    spec = json.loads(next(ledger.root.rglob(SPEC)).read_text())
    corpus = spec["config"]["task"]["corpus"]
    assert Path(corpus).is_absolute()
    assert corpus not in _specs(Path(target)), "folders of this machine travel"
    assert f'"{Path(corpus).name}"' in _specs(Path(target))
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


def _specs(target: Path) -> str:
    """The text of all specs in an export."""
    if target.is_dir():
        return "".join(path.read_text() for path in target.rglob(SPEC))
    if ".tar" in target.name:
        with tarfile.open(target) as tar:
            names = [name for name in tar.getnames() if name.endswith(SPEC)]
            return "".join(tar.extractfile(name).read().decode() for name in names)
    return target.read_text()


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
