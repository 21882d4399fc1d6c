"""The audit as it is asked for: what a word means, what it prints, how it ends, before a study."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.testing import planted

from partbench.cli.main import main
from partbench.core.config import Config
from partbench.core.errors import ConfigError
from partbench.study import evidence
from partbench.testing import Subject
from partbench.testing.audit import FAST, audit
from partbench.testing.audit.asked import asked
from partbench.testing.audit.before import before_study

CLASSES = {
    "residual": ("begin(self, x)", "read(self, l, h)", "write(self, l, h, y)"),
    "ffn": ("forward(self, x, flow)",),
    "mixer": ("forward(self, x, flow)", "begin(self, b, c)", "step(self, x, flow, state)"),
    "embedding": ("forward(self, tokens)",),
    "norm": ("forward(self, x)",),
    "head": ("forward(self, x)", "score(self, x, targets, weights)"),
    "model": ("score(self, batch)", "flops(self)"),
    "optimizer": ("build(self, named, roles)",),
    "init": ("value(self, draw, role)",),
}


@pytest.mark.parametrize("slot", CLASSES)
def test_a_class_says_by_its_methods_which_slot_it_is_for(slot: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    methods = "".join(f"    def {method}: pass\n" for method in CLASSES[slot])
    file.write_text(f"class Mine:\n{methods}")
    assert asked(f"{file}:Mine", None, []).slot == slot


def test_a_name_a_slot_or_a_table_is_a_part() -> None:
    assert asked("mhc", None, []).slot == "residual"
    assert asked("softmax", "router", []).beside == {"ffn": "mixture_of_experts"}
    given = asked('model.mixer={part="attention", window=4}', None, ["residual=mhc"])
    assert given == Subject("mixer", "attention", {"window": 4}, {"residual": "mhc"})


REFUSED = {
    "attenton": "did you mean 'attention'",
    "softmax": "write probability=softmax or router=softmax",
    "mixr=attention": "did you mean 'mixer'",
    "mixer=mhc": "no mixer called 'mhc'",
    "schedule=linear": "check_part",
    "nothing.py:Mine": "there is no file",
    "mixer={window=4}": "name one part",
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_audited_is_said_in_one_line(what: str) -> None:
    with pytest.raises(ConfigError, match=r"^audit") as error:
        asked(what, None, [])
    assert REFUSED[what] in str(error.value)
    assert "\n" not in str(error.value)


def test_a_class_that_could_be_two_things_asks_for_its_slot(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("class Mine:\n    def forward(self, scores): pass\n")
    with pytest.raises(ConfigError, match="add --slot probability"):
        asked(f"{file}:Mine", None, [])


@pytest.mark.slow
def test_the_command_says_what_failed_and_ends_with_one(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "frozen.py").write_text(planted.FROZEN)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["partbench", "audit", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    code, out, _ = run("frozen.py:Mine", "--fast", "--json")
    rows = {row["check"]: row for row in json.loads(out)["findings"]}
    assert (code, json.loads(out)["failed"]) == (1, True)
    assert rows["dead gradient"]["verdict"] == "fail"
    assert len(rows) == len(FAST)
    code, out, _ = run("pre_norm", "--fast")
    assert code == 0
    assert out.endswith("5 pass, 0 warn, 0 fail\n")
    code, out, err = run("frozen.py:Mine", "--set", "mixer=attenton")
    assert (code, out) == (2, "")
    assert "did you mean 'attention'" in err


def test_a_check_that_breaks_is_a_failure_and_the_others_go_on() -> None:
    def breaks(subject: Subject) -> None:
        raise RuntimeError("shapes do not fit\nand more")

    def looks(subject: Subject) -> None:
        return None

    (row,) = audit(Subject("residual", "pre_norm"), (breaks, looks))
    assert (row.check, row.verdict) == ("breaks", "fail")
    assert row.found == "RuntimeError: shapes do not fit"
    assert "NaN" not in json.dumps(row.tree())


def with_part(source: str, tmp_path: Path) -> dict[str, Any]:
    file = tmp_path / "mine.py"
    file.write_text(source)
    return Config({}).edit({"residual": f"{file}:Mine"}).resolved


def test_parts_that_ship_are_not_audited_before_a_study() -> None:
    assert before_study(Config({}).edit(residual="mhc").resolved) == []


@pytest.mark.slow
def test_an_outside_part_is_audited_before_a_study(tmp_path: Path) -> None:
    assert before_study(with_part(planted.SOUND, tmp_path)) == []
    (row,) = before_study(with_part(planted.FROZEN, tmp_path))
    assert (row["check"], row["verdict"]) == ("dead gradient", "fail")
    json.dumps(row, allow_nan=False)


def test_what_the_audit_forbids_gets_no_verdict() -> None:
    warned = {"check": "start", "found": "elsewhere", "verdict": "warn"}
    failed = {"check": "future leak", "found": "earlier losses move", "verdict": "fail"}
    costs = {"base": {}, "sound": {"audit": [warned]}, "leaky": {"audit": [warned, failed]}}
    assert evidence.audited("sound", costs) == ""
    assert evidence.audited("leaky", costs) == ("audit failed: future leak: earlier losses move")
    costs["base"] = {"audit": [failed]}
    assert evidence.audited("sound", costs).startswith("audit of the base failed")
