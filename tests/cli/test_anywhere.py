"""Cells and studies do not depend on the folder they are asked from, nor on today's profile."""

import json
import shutil
from pathlib import Path

import pytest
from tests.study.small import known_machine, made_up_costs

from partbench.core.cell import RECORD, SPEC
from partbench.study.ledger import Ledger

PART = Path(__file__).parent.parent / "train" / "outside_parts.py"
TINY = ["--set", "dims.depth=1", "--set", "dims.width=16", "--set", "dims.context=8",
        "--set", "task.folds=4", "--set", "task.evaluation_tokens=64", "--set", "train.steps=3",
        "--set", "train.batch=4", "--set", "task.corpus=text.txt", "--looks", "2",
        "--margin", "0.5"]  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture
def quick(here, monkeypatch):
    """Cells in this process, costs made up, no page."""
    monkeypatch.setattr("partbench.study.costs.measure", lambda study, folder: made_up_costs(study))
    monkeypatch.setattr("partbench.report.page.html", lambda report: "<p>a page</p>")
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
    assert partbench("generate", mine[:12], "--prompt", "the", "--tokens", "4").code == 0
    said = partbench("cell", "../spec.json", "--out", "again")
    assert said.code == 0
    known = json.loads((Ledger().search(mine) / RECORD).read_text())
    assert json.loads(said.out)["id"] == mine
    assert json.loads(said.out)["score"] == known["score"]


def test_weights_are_not_put_into_code_that_has_changed(quick, partbench, work):
    """Also where a helper changed, and the shapes still fit."""
    lines = PART.read_text().replace("import math\n", "import math\nfrom .words import RATE\n")
    (work / "mine.py").write_text(lines)
    (work / "words.py").write_text("RATE = 0.5\n")
    partbench("compare", "--swap", 'ffn={part="mine.py:Dropping"}', *TINY, "--out", "study")
    report = json.loads(Path("study/report.json").read_text())
    mine = next(cell["id"] for cell in report["provenance"]["cells"] if "mine" in cell["arm"])
    (work / "words.py").write_text("RATE = 0.7\n")
    said = partbench("generate", mine)
    assert said.code == 2
    assert said.err.count("\n") == 1
    assert "mine.py:Dropping: the file has changed since" in said.err


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
