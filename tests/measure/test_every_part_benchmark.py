"""The benchmark that trains every part, at the smallest size: it runs and leaves its table."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.structure.tree import ROOT
from tests.train.tiny import text_file

from partbench.core import menu

TINY = [
    "dims.depth=1", "dims.width=16", "dims.context=8", "train.batch=2", "task.folds=4",
    "task.evaluation_tokens=64",
]  # fmt: skip


@pytest.mark.slow
def test_every_part_has_its_row_and_nothing_is_trained_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = [*TINY, f"task.corpus={text_file(tmp_path)}"]
    out = tmp_path / "table.md"
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    command = [sys.executable, str(ROOT / "benchmarks" / "every_part.py"), "--steps", "3"]
    command += ["--out", str(out), *(word for edit in edits for word in ("--set", edit))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = out.read_text()
    for slot in (slot for slot in menu.SLOTS if slot != "task"):
        for name in menu.names(slot):
            (row,) = [line for line in table.splitlines() if line.startswith(f"| {slot}={name} |")]
            note = row.split("|")[-2].strip()
            # In three steps a loss may rise; what must not happen is that a part fails.
            known = ("not alone in this base: ", "its loss did not fall", "diverged: the loss rose")
            beside = {"ffn=mixture_of_experts": "router", "head=linear": "embedding"}
            beside["the preset `images`, digits"] = "model"
            if note in beside:
                assert slot == beside[note]
                note = ""
            assert not note or note.startswith(known), row
            assert note or float(row.split("|")[5]) > 0, row
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "of" not in again.stderr, again.stderr  # not one run
    assert out.read_text() == table


def test_a_part_that_is_not_there_is_one_error(tmp_path: Path) -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import every_part

        from partbench.study.ledger import Ledger
        from partbench.study.spec import base_config

        base = base_config("quick")
        wrong = every_part.prepared(base, base.edit(mixer="attentoin"), 1)
        found = every_part.row(Ledger(tmp_path), "mixer=none", wrong)
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))
    assert "did you mean 'attention'" in found["note"]
    assert every_part.line(found, found).count("|") == len(every_part.HEAD) + 1
