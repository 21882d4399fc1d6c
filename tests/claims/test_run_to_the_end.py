"""`claims run` from nothing to a verdict, twice: a study, a ladder, commands, a printed record."""

import json
import os
from pathlib import Path

import pytest
from tests.claims.small import asks, known_costs, own, ran
from tests.claims.test_rerun import run
from tests.study.outside.asking import TOY, put_down
from tests.study.small import Here, known_machine
from tests.train.tiny import SIZES, text_file

from partbench.claims import recorded, records

__all__ = ["own"]
STUDY = """question = "Does a larger rate help?"
base = "quick"
margin = 0.001
looks = [3]
{more}
[set]
{sizes}

[arms.larger]
optimizer.rate = 2e-2

[arms.none]
optimizer.rate = 1e-6
"""
LADDER = """tune = { factors = [0.5, 1, 2], seeds = 1, extensions = 0 }
ladder = { pairs = 3, rungs = [{ "train.steps" = 4 }, { "train.steps" = 6 }] }
"""
VERDICT = f"partbench verdict '{TOY}' '{TOY} --shift -0.1' --name better --metric val_loss"


@pytest.mark.slow
def test_a_claim_is_run_kept_recorded_verified_and_run_again_to_agree(
    own, here: type[Here], monkeypatch, capsys, tmp_path: Path
) -> None:
    monkeypatch.setattr("partbench.report.write.write", put_down)
    sizes = {**SIZES, "train.steps": 8, "task.corpus": str(text_file(tmp_path))}
    values = "\n".join(f"{path} = {json.dumps(value)}" for path, value in sizes.items())
    for life in ("first", "second"):
        place = tmp_path / life
        (place / "studies").mkdir(parents=True)
        (place / "results").mkdir()
        for name, more in (("tiny", ""), ("laddered", LADDER)):
            text = STUDY.format(more=more, sizes=values)
            (place / "studies" / f"{name}.toml").write_text(text)
            known_costs(place / "runs" / name, "larger", "none")
        (place / "count.py").write_text("print('{\"rows\": [4, 5, 6]}')\n")
    own(
        ran("tiny", 'study = "tiny.toml"'),
        ran("laddered", 'study = "laddered.toml"'),
        ran("asked", f"""command = \"{VERDICT} --margin 0.01 --looks 2,3 --out '{{out}}'\"
scale = "a toy\""""),
        ran("counted", 'command = "python count.py"\nscale = "three rows"'),
        asks("tiny", 'arm = "larger"'),
        asks("tiny", 'arm = "larger"\nagainst = "none"', role="control"),
        asks("laddered", 'arm = "larger"\nagainst = "none"\ngrade = "tuned"', role="beside"),
        asks("asked", 'arm = "better"', role="control"),
        asks("counted", 'value = "rows"\nthan = 0.0', role="control", holds="higher"),
    )  # fmt: skip
    _first_life(tmp_path / "first", monkeypatch, capsys)
    here.ran.clear()
    _begin(tmp_path / "second", monkeypatch)
    code, out, _ = run(monkeypatch, capsys, "run", "Z1", "--keep", "again")
    assert code == 0
    assert len(here.ran) > 20, "the second life began with an empty ledger"
    assert "     agrees with the record: supported: tiny is lower: " in out
    one, two = (recorded.derived(_claim(), place / kept) for place, kept in
                ((tmp_path / "first", "results"), (tmp_path / "second", "again")))  # fmt: skip
    assert one["tests"][0] == two["tests"][0], "the same seeds give the same numbers"


def _begin(place: Path, monkeypatch) -> None:
    monkeypatch.setenv("PARTBENCH_HOME", str(place / "home"))
    monkeypatch.chdir(place)
    known_machine()


def _claim():
    from partbench.claims.claim import find

    return find("Z1")


def _first_life(place: Path, monkeypatch, capsys) -> None:
    """Run, keep, record, verify; then change a cell and a number."""
    _begin(place, monkeypatch)
    code, out, _ = run(monkeypatch, capsys, "run", "Z1", "--dry-run")
    assert code == 0
    assert "core-hours at most" in out
    code, out, err = run(monkeypatch, capsys, "run", "Z1", "--only", "tiny", "--keep", "results")
    assert code == 0, err
    assert "not all of it has run: laddered, asked, counted" in out
    code, out, err = run(monkeypatch, capsys, "run", "Z1", "--keep", "results")
    assert code == 0, err
    assert out.splitlines()[-1].startswith("Z1 supported: tiny is lower: -")
    assert run(monkeypatch, capsys, "record")[0] == 0
    told = json.loads(recorded.FILE.read_text())["Z1"]
    assert [test["outcome"] for test in told["tests"]][:2] == ["holds", "holds"]
    assert told["core_hours"] > 0
    kept = records.read(Path("results/laddered"))
    assert kept.whole
    assert kept.report["grade"] == "laddered"
    assert len(kept.report["ladder"]["rungs"]) == 3
    assert run(monkeypatch, capsys, "verify")[:2] == (0, "Z1: the same: supported\n")
    whole = Path("results/tiny/cells.tar.gz").read_bytes()
    Path("results/tiny/cells.tar.gz").write_bytes(whole[: len(whole) // 2])
    code, _, err = run(monkeypatch, capsys, "verify")
    assert code == 2
    assert "cells.tar.gz: cannot be read" in err
    Path("results/tiny/cells.tar.gz").write_bytes(whole)
    os.utime("results/tiny/cells.tar.gz")
    counted = json.loads(Path("results/counted.json").read_text())
    counted["found"]["rows"][0] += 1
    Path("results/counted.json").write_text(json.dumps(counted))
    assert run(monkeypatch, capsys, "verify")[0] == 1
