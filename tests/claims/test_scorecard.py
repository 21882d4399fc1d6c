"""The scorecard: declared before it is run, halves that share nothing, an exact interval."""

import json
from pathlib import Path

import pytest
from tests.structure.tree import ROOT

from partbench.claims import scorecard
from partbench.claims.places import study_file
from partbench.claims.scorecard import table
from partbench.core.config import read_toml
from partbench.core.errors import InputError


def test_swaps_and_studies_are_those_that_were_declared() -> None:
    """Whoever changes them after a call is on record changes what the call was about."""
    assert scorecard.fingerprint() == scorecard.declared()["sha256"]
    assert scorecard.declared()["swaps"] == len(scorecard.swaps()) >= 15


def test_every_swap_has_a_source_and_an_outcome_and_stands_in_its_half() -> None:
    halves: dict[str, dict] = {scorecard.CHOOSE: {}, scorecard.JUDGE: {}}
    for swap in scorecard.swaps():
        assert swap["outcome"] in scorecard.OUTCOMES
        assert "arXiv" in swap["source"] or "EleutherAI" in swap["source"]
        assert swap["checked"].startswith(("abstract read", "review read", "remembered"))
        halves[swap["half"]][swap["name"]] = swap["edit"]
    assert not set(halves[scorecard.CHOOSE]) & set(halves[scorecard.JUDGE])
    for half, edits in halves.items():
        outcomes = {s["outcome"] for s in scorecard.swaps() if s["half"] == half}
        assert outcomes == set(scorecard.OUTCOMES)
        for preset in scorecard.PRESETS:
            arms = read_toml(study_file(f"{scorecard.study_name(half, preset)}.toml"))["arms"]
            assert {name: _flat(arm) for name, arm in arms.items()} == {
                name: _flat(edit) for name, edit in edits.items()
            }


def _flat(tree: dict, before: str = "") -> dict:
    """Dotted keys, whichever way they were written."""
    rows: dict = {}
    for key, value in tree.items():
        table = isinstance(value, dict) and "part" not in value
        rows |= _flat(value, f"{before}{key}.") if table else {f"{before}{key}": value}
    return rows


def test_no_call_is_a_miss_and_misses_are_kept() -> None:
    made = {s["name"]: {"call": s["outcome"]} for s in scorecard.swaps()}
    count = sum(s["half"] == scorecard.JUDGE for s in scorecard.swaps())
    assert scorecard.rate(made, scorecard.JUDGE).successes == count
    made = {name: {"call": "none"} for name in made}
    found = scorecard.rate(made, scorecard.JUDGE)
    assert (found.successes, found.trials, found.low) == (0, count, 0.0)


def test_a_rate_is_held_against_always_saying_the_commonest_outcome() -> None:
    outcome, usual = scorecard.commonest(scorecard.JUDGE)
    made = {s["name"]: {"call": outcome} for s in scorecard.swaps()}
    assert scorecard.rate(made, scorecard.JUDGE) == usual
    assert usual.successes >= usual.trials / len(scorecard.OUTCOMES)


def test_the_better_preset_is_judged_on_the_other_half_and_misses_are_shown(monkeypatch) -> None:
    """Made-up calls: the shorter preset calls nothing; quick misses one of the half that judges."""
    missed = next(s["name"] for s in scorecard.swaps() if s["half"] == scorecard.JUDGE)

    def calls(results: Path, half: str, preset: str) -> dict[str, dict]:
        wrong = {missed} if preset == "quick" else {s["name"] for s in scorecard.swaps()}
        interval = {"difference": -0.1, "low": -0.2, "high": 0.1, "pairs": 6}
        return {
            s["name"]: {"call": "none" if s["name"] in wrong else s["outcome"], **interval}
            for s in scorecard.swaps() if s["half"] == half
        }  # fmt: skip

    monkeypatch.setattr(scorecard, "calls", calls)
    preset, rates = scorecard.chosen(ROOT / "results")
    assert preset == "quick"
    assert [found.value for found in rates.values()] == [0.0, 1.0]
    said = table.page(ROOT / "results")
    assert said.count("| miss |") == 1
    assert said.count("| hit |") == len(scorecard.swaps()) - 1
    count = rates["quick"].trials
    judged = len(scorecard.swaps()) - count
    assert f"{judged - 1} of {judged}, " in table.top(ROOT / "results")
    assert "where always saying better would be right 7 times" in said


def test_nothing_is_declared_anew_once_a_call_is_on_record(tmp_path: Path) -> None:
    folder = tmp_path / scorecard.study_name(scorecard.JUDGE, "quick")
    folder.mkdir()
    (folder / "report.json").write_text(json.dumps({}))
    with pytest.raises(InputError, match="calls are on record"):
        scorecard.declare(tmp_path)
    assert scorecard.chosen(ROOT / "results")[0] in (None, *scorecard.PRESETS)
