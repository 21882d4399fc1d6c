"""From a study to its committed cells, to the verdict made anew, and run again from scratch."""

import json
import sys
from pathlib import Path

import pytest
from tests.structure.tree import ROOT
from tests.study.small import Here, drive, known_machine, swaps

from partbench.claims import keep, rebuild, recorded, records
from partbench.claims.claim import Check, Claim, Run
from partbench.cli import main
from partbench.core.errors import InputError
from partbench.core.home import home
from partbench.report.write import data
from partbench.study.ledger import Ledger

WORDS = dict.fromkeys(("id", "sentence", "source", "refuted", "settle", "one_gpu", "many"), "")
CLAIM = Claim(
    **WORDS,
    run=(Run(name="tiny", study="tiny.toml"),),
    test=(
        Check(says="twice the rate is lower", run="tiny", holds="lower", arm="optimizer.rate=2e-2"),
        Check(says="and not by luck", run="tiny", holds="lower", role="control",
             arm="optimizer.rate=2e-2", against="optimizer.rate=1e-5"),
        Check(says="a smaller stream", run="tiny", holds="lower", role="beside",
             arm="optimizer.rate=1e-5", measure="probes.sizes.slope", size=True),
    ),
)  # fmt: skip


@pytest.fixture
def text(tmp_path: Path) -> Path:
    path = tmp_path / "text.txt"
    path.write_text("the ship and the sea rose to the king of night. " * 400)
    return path


@pytest.mark.slow
def test_a_claim_is_kept_made_anew_and_rerun_to_the_same(
    here: type[Here], text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = []
    for life in ("first", "second"):
        monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / life))
        study = swaps(text, "optimizer.rate=2e-2", "optimizer.rate=1e-5", looks=[2], margin="0.001")
        folder, target = tmp_path / life / "runs", tmp_path / life / "results" / "tiny"
        (folder / "report.json").write_text(data(drive(study, folder)))
        count = keep.study(folder, target, Ledger(home() / "ledger"))
        with pytest.raises(InputError, match="are not in the ledger"):
            keep.study(folder, tmp_path / "nowhere", Ledger(tmp_path / "empty"))
        assert not (tmp_path / "nowhere").exists(), "a refusal leaves nothing half-written"
        kept = records.read(target)
        assert kept.whole
        assert count == len(kept.report["provenance"]["cells"]) > 6
        assert rebuild.differences(kept) == []
        told.append(recorded.derived(CLAIM, tmp_path / life / "results"))
        found = _inside(kept.report["provenance"]["cells"][0]["id"], monkeypatch)
        assert 0 < found["first_token"] <= found["sink_head"] <= 1
        assert found["outlier"] > 1
        assert found["spread"] == 0.0  # a plain residual has no numbers of its own
    first, second = told
    assert first["tests"][0]["count"] == 2
    assert first["tests"][2]["unit"] == "probes.sizes.slope"
    assert "parameters" in first["scale"]
    assert rebuild.same(first["tests"], second["tests"])
    assert first["status"] == second["status"]
    _changed_cells_are_found(tmp_path / "second" / "results" / "tiny")


def _inside(id: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What benchmarks/inside.py says of a trained cell."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import inside

    return inside.look(Ledger().search(id), 2)


def test_rows_of_models_are_pairs_though_an_arm_was_decided_early(monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import inside

    cells = [{"arm": arm, "seed": seed, "status": "finished"}
             for arm, seeds in (("base", (1, 2, 3)), ("a", (2, 1))) for seed in seeds]  # fmt: skip
    cells.append({"arm": "a", "seed": 3, "status": "diverged"})
    rows = [(row["seed"], row["arm"]) for row in inside.common(cells, ["base", "a"])]
    assert rows == [(1, "base"), (1, "a"), (2, "base"), (2, "a")]


def _changed_cells_are_found(folder: Path) -> None:
    """A verdict that its cells do not bear out, and a cell that is missing."""
    report = json.loads((folder / "report.json").read_text())
    report["arms"][0]["verdict"]["difference"] += 0.01
    (folder / "report.json").write_text(json.dumps(report))
    assert rebuild.differences(records.read(folder))
    report["provenance"]["cells"][0]["id"] = "0" * 64
    (folder / "report.json").write_text(json.dumps(report))
    with pytest.raises(InputError, match="is missing"):
        records.read(folder)


def run(monkeypatch, capsys, *words):
    """Exit code, output and errors of a command."""
    monkeypatch.setattr(sys, "argv", ["partbench", "claims", *map(str, words)])
    code = 0
    try:
        main.main()
    except SystemExit as end:
        code = end.code
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_list_a_claim_and_the_scorecard_are_shown(monkeypatch, capsys) -> None:
    code, out, err = run(monkeypatch, capsys)
    assert code == 0
    assert out.startswith("A1a  At small scale")
    assert "53 claims: " in err
    code, out, _ = run(monkeypatch, capsys, "show", "b2a")
    assert code == 0
    assert out.startswith("## B2a\n")
    assert "\n**refuted**\n" in out
    assert "bits per byte, 6 pairs: **fails**" in out
    code, out, _ = run(monkeypatch, capsys, "show", "D1a", "--json")
    assert json.loads(out)["recorded"]["status"] == "refuted"
    code, out, _ = run(monkeypatch, capsys, "scorecard", "--json")
    assert len(json.loads(out)["swaps"]) >= 15


def test_verdicts_are_verified_by_one_command(monkeypatch, capsys) -> None:
    assert run(monkeypatch, capsys, "verify", "B2a") == (0, "B2a: the same: refuted\n", "")
    code, _, err = run(monkeypatch, capsys, "verify", "B9")
    assert code == 2
    assert err.startswith("partbench: ")


def test_a_command_is_planned_run_and_kept(monkeypatch, capsys, tmp_path: Path) -> None:
    code, out, _ = run(monkeypatch, capsys, "run", "D1a", "--dry-run")
    assert (code, out.splitlines()[-1]) == (0, "0.10 core-hours at most")
    code, _, err = run(monkeypatch, capsys, "run", "A2a", "--only", "conditioning_sepia")
    assert code == 2
    assert "did you mean" in err
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    known_machine()
    code, out, _ = run(monkeypatch, capsys, "run", "D1b", "--only", "noise_key_peers", "--dry-run")
    assert code == 0
    assert "D1b  noise_key_peers: 40 to 40 cells, 0 known; " in out
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(monkeypatch, capsys, "run", "A2a", "--dry-run")
    assert out.startswith("A2a  conditioning_emoji: needs emoji32.npz, fashion-mnist\n")
    code, _, err = run(monkeypatch, capsys, "run", "C2a", "--only", "carries")
    assert (code, err.count("\n")) == (2, 2)
    assert "run this in a clone" in err
