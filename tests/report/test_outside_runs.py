"""Reports of runs that are not our trainer's: what cannot be known is absent, and nothing is said
of it; and the verdict of any study for a pull request."""

import copy
import re

import pytest

from partbench.report import glossary, markdown, origins, page, pull_request, tables, terminal

from .made_up_studies import one_better, several_arms
from .test_page import outline

ABSENT = (
    "alive", "equal seconds", "compute multiplier", "Worth in compute", "corpus", "numerics",
    "FLOPs", "parameters", "peak memory", "tokens trained", "per second", "starting value of",
    "have the same settings", "not timed", "fold",
)  # fmt: skip
"""What only our own trainer can tell."""

pytestmark = pytest.mark.slow


def outside(kind: str = "commands", make=several_arms) -> dict:
    """A made-up study as `partbench verdict` leaves it: fewer fields, some of its own."""
    report = copy.deepcopy(make())
    report.update(
        kind=kind, grade="as run", unit="val_loss", slope=None, margin_text="by --margin",
        question="What does --gate change in val_loss?",
        notes=["--gate: the pairs' correlation is about 0, so sharing a seed saved no runs."],
    )  # fmt: skip
    report["totals"] = {"cells": 8, "cells_reused": 0, "seconds": 12.0}
    report["base"] = {"name": "base", "config": {"command": "python t.py"},
                      "costs": {"seconds_per_run": 1.5}}  # fmt: skip
    report["provenance"] = {"partbench": "0.1.0", "python": "3.11", "platform": "Linux",
                            "machine": {"processor": "x", "cores": 2, "memory_bytes": 1},
                            "source": "commit 0123, 7 files", "cells": []}  # fmt: skip
    for arm in report["arms"]:
        for key in ("liveness", "curves"):
            arm.pop(key)
        for key in ("seconds", "multiplier"):
            arm["verdict"].pop(key)
        arm["diff"] = [{"path": "word 5", "base": None, "arm": "--gate"}]
        for pair in arm["pairs"]:
            pair.pop("fold")
        times = {key: arm["costs"][key] for key in arm["costs"] if key.startswith("time")}
        arm["costs"] = {"seconds_per_run": 1.6, **times}
    return report


@pytest.mark.parametrize("kind", ["commands", "table"])
def test_what_cannot_be_known_is_not_spoken_of(kind):
    for text in (markdown.markdown(outside(kind)), "\n".join(terminal.lines(outside(kind)))):
        assert [word for word in ABSENT if word in text] == []


def test_the_page_is_whole_without_it():
    text = page.html(outside())
    assert [
        word for word in ABSENT if word in re.sub(r"<style>.*?</style>", "", text, flags=re.S)
    ] == []
    outline(text)
    for piece in ("Time of a run", "time of a run", "commit 0123, 7 files", "saved no runs",
                  "Pair by pair", "words in which the two commands differ"):  # fmt: skip
        assert piece in text, piece


def test_our_own_studies_speak_of_it_still():
    text = markdown.markdown(several_arms())
    for word in ("equal seconds", "compute multiplier", "corpus", "peak memory", "alive"):
        assert word in text


def test_a_table_of_runs_claims_no_declaration():
    text = markdown.markdown(outside("table"))
    assert "declared before" not in text
    assert "whether it was chosen before the runs is not known" in text
    assert "declared before the runs" in markdown.markdown(outside())


def test_the_glossary_does_not_promise_what_a_stranger_s_trainer_may_not_keep():
    words = dict(glossary.entries(outside()))
    assert "same text" not in words["Pair"]
    assert "Alive" not in words
    assert "same text" in dict(glossary.entries(several_arms()))["Pair"]


def test_higher_is_better_is_said_wherever_a_side_is_named():
    report = outside()
    report["higher_is_better"] = True
    text = markdown.markdown(report)
    assert "Higher is better" in text
    assert "above zero the arm is better" in text
    assert "elow zero" not in text
    drawn = page.html(report)
    assert "arm worse · difference in val_loss · arm better" in drawn
    assert "Right of zero the arm is better" in drawn


def test_an_equivalent_arm_leans_in_the_metric_s_direction():
    report = outside()
    equivalent = report["arms"][2]["verdict"]
    equivalent.update(difference=-0.005, low=-0.008, high=-0.002)
    assert "equivalent, a little better" in " ".join(terminal.lines(report))
    report["higher_is_better"] = True
    assert "equivalent, a little worse" in " ".join(terminal.lines(report))


def test_runs_that_are_no_pairs_are_counted_as_runs():
    report = outside("table")
    arm = report["arms"][0]
    arm["verdict"] |= {"runs": [8, 7], "pairs": 0, "method": "Welch t", "correlation": None}
    arm["pairs"] = []
    assert "8 and 7 runs, no pairs" in terminal.lines(report)[0]
    assert "8 + 7 runs" in markdown.markdown(report)
    assert "p, Welch t-test" in markdown.markdown(report)
    assert "no pairs" in page.html(report)


def test_why_there_is_no_verdict_is_said_in_its_sentence():
    report = outside("table", make=one_better)
    report["arms"][0] |= {"verdict": {"word": None, "pairs": 1, "reason": "one run each"}}
    assert "no verdict: one run each" in terminal.lines(report)[0]
    assert "no verdict</strong>: one run each" in page.html(report)


@pytest.mark.parametrize("make", [one_better, several_arms, outside])
def test_a_pull_request_begins_with_the_sentence(make):
    report = make()
    text = pull_request.pull_request(report)
    first = text.splitlines()[0]
    assert "**" in first
    if len(report["arms"]) == 1:
        assert first.startswith("`ffn=swiglu` against the base: **better** by 0.067")
    for arm in report["arms"]:
        assert f"`{arm['name']}`" in text
        assert tables.estimate(arm["verdict"], 3) in text
    for command in report["reproduce"]:
        assert command in text


@pytest.mark.parametrize("make", [one_better, several_arms, outside])
def test_a_pull_request_holds_no_html_but_details(make):
    text = re.sub(r"```.*?```", "", pull_request.pull_request(make()), flags=re.S)
    assert set(re.findall(r"</?(\w+)", text)) == {"details", "summary"}
    assert text.count("<details>") == text.count("</details>") == 2
    for before, after in re.findall(r"(.*)\n(</?details>.*)", text):
        assert before == "", f"a blank line ends Markdown before {after}"


@pytest.mark.parametrize("make", [one_better, several_arms, outside])
def test_every_row_of_a_table_has_as_many_cells_as_its_head(make):
    text = pull_request.pull_request(make())
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [re.sub(r"\\\|", "", line).count("|") for line in block.splitlines()]
        assert len(set(rows)) == 1, block


def test_foreign_text_calls_nobody_and_breaks_no_table():
    report = outside(make=one_better)
    arm = report["arms"][0]
    arm["name"] = "--team @everyone | `x` #12 <b>"
    arm["pairs"][0] |= {"status": "failed", "reason": "see #99 by @someone | <img>"}
    text = pull_request.pull_request(report)
    bare = re.sub(r"```.*?```", "", text, flags=re.S)
    bare = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", bare)
    assert "@" not in bare
    assert not re.search(r"#\d", bare)
    assert not re.search(r"<(?!/?(?:details|summary))", bare)
    assert "``` --team @everyone" in text or "`` --team @everyone" in text


def test_the_origins_of_our_own_reports_are_as_they_were():
    rows = {row[0]: row[1] for row in origins.provenance(one_better()).rows}
    assert {"corpus", "numerics", "tokens trained on", "machine"} <= rows.keys()
    assert "code" not in rows
    own = {row[0]: row[1] for row in origins.provenance(outside()).rows}
    assert own["code"] == "commit 0123, 7 files"
    assert own["computing time"] == "12 s in all"


def test_an_interval_without_ends_is_said_in_words():
    report = outside(make=one_better)
    report["arms"][0]["verdict"] |= {"word": "inconclusive", "low": -float("inf"), "high": None}
    assert "-0.067 val_loss without a finite interval" in terminal.lines(report)[0]
    assert "| -0.067 no finite interval |" in pull_request.pull_request(report)
