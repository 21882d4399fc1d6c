"""Keep, record, verify: on records that the test makes itself, of commands and of their JSON."""

import dataclasses
import json
from pathlib import Path

import pytest
from tests.claims.small import asks, own, ran
from tests.claims.test_rerun import run
from tests.study.outside.asking import ask, drive

from partbench.claims import keep, rebuild, recorded, records, running, words
from partbench.claims.claim import Run
from partbench.core.errors import CellError, InputError

__all__ = ["own"]
SCRIPT = "import json\nprint('words before it')\nprint(json.dumps({'rows': [{'loss': 1.25}]}))\n"
COUNTED = asks("counted", 'value = "rows.0.loss"\nthan = 2.0\nexact = true')


@pytest.fixture
def asked(own):
    """A claim that rests on a study of commands, which ran and is kept."""
    claim = own(
        ran("asked", 'command = "partbench verdict {out}"\nscale = "a toy"'),
        asks("asked", 'arm = "better"'),
        asks("asked", 'arm = "better"\nagainst = "base"', role="control"),
    )
    question = ask("--shift -0.1", looks=(2, 3), margin=0.01)
    drive(dataclasses.replace(question, names=("base", "better")))
    keep.commands(Path("study"), Path("results/asked"))
    return claim


def test_a_study_of_commands_is_recorded_and_made_anew(asked, monkeypatch, capsys) -> None:
    kept = records.read(Path("results/asked"))
    assert rebuild.differences(kept) == []
    assert kept.report["arms"][0]["verdict"]["high"] < 0
    assert run(monkeypatch, capsys, "record")[0] == 0
    told = json.loads(recorded.FILE.read_text())["Z1"]
    assert (told["status"], told["missing"], told["scale"]) == ("supported", [], "a toy")
    assert told["tests"][0]["value"] == pytest.approx(-0.1, abs=0.01)
    assert told["core_hours"] > 0
    assert words.effect(asked, told).endswith("pairs: holds")
    code, out, err = run(monkeypatch, capsys, "verify")
    assert (code, out) == (0, "Z1: the same: supported\n")
    assert err == "1 records made anew, none of them not the same\n"


def test_a_verdict_changed_by_hand_is_found_by_verify(asked, monkeypatch, capsys) -> None:
    run(monkeypatch, capsys, "record")
    path = Path("results/asked/report.json")
    report = json.loads(path.read_text())
    report["arms"][0]["verdict"]["difference"] -= 0.01
    path.write_text(json.dumps(report))
    code, out, _ = run(monkeypatch, capsys, "verify", "Z1")
    assert code == 1
    assert out.startswith("Z1: asked: better: difference: ")


def test_a_study_that_has_not_ended_is_not_kept(asked) -> None:
    path = Path("study/report.json")
    path.write_text(path.read_text().replace('"status": "complete"', '"status": "under way"', 1))
    with pytest.raises(InputError, match="is under way; run it to its end first"):
        keep.commands(Path("study"), Path("results/other"))
    assert not Path("results/other").exists()


def test_a_command_that_prints_is_kept_and_its_number_verified(own, monkeypatch, capsys) -> None:
    Path("count.py").write_text(SCRIPT)
    claim = own(
        ran("counted", 'command = "python count.py"\nscale = "one row"'),
        COUNTED, COUNTED.replace('"claim"', '"control"'),
    )  # fmt: skip
    assert words.standing(claim, recorded.recorded()["Z1"]) == "open: not run yet"
    code, out, _ = run(monkeypatch, capsys, "run", "Z1", "--keep", "results")
    assert (code, out) == (0, "Z1 supported: counted is lower: 1.2 (no interval): holds\n")
    kept = json.loads(Path("results/counted.json").read_text())
    assert kept["machine"]["cores"] >= 1
    assert kept["core_seconds"] > 0
    assert run(monkeypatch, capsys, "record")[0] == 0
    code, out, _ = run(monkeypatch, capsys, "run", "Z1", "--keep", "again")
    assert "     agrees with the record: supported: counted is lower: 1.2" in out
    kept["found"]["rows"][0]["loss"] = 1.5
    Path("results/counted.json").write_text(json.dumps(kept))
    code, out, _ = run(monkeypatch, capsys, "verify", "Z1")
    assert (code, out.startswith("Z1: tests: ")) == (1, True)


@pytest.mark.parametrize("written", [True, False])
def test_what_an_earlier_life_left_is_no_answer(own, written) -> None:
    """A check that is not passed ends with 1 and has an answer; one that breaks has none."""
    folder, target = Path("runs/checked"), Path("results/checked")
    folder.mkdir(parents=True)
    (folder / "transfer.json").write_text('{"value": 1}')
    text = "import pathlib, sys\n"
    text += f"pathlib.Path(r'{folder}/transfer.json').write_text('{{\"value\": 2}}')\n" * written
    Path("check.py").write_text(text + "sys.exit(1)\n")
    each = Run(name="checked", command="python check.py '{out}'", scale="none")
    if not written:
        with pytest.raises(CellError, match="exit code 1, no record"):
            running.command(each, folder, target, None)
        assert not target.exists()
        return
    assert running.command(each, folder, target, None)
    kept = json.loads((target / "transfer.json").read_text())
    assert kept["found"] == {"value": 2}
    assert {"command", "finished_at", "machine", "core_seconds"} < set(kept)
