"""Commands as processes: each runs once, outcomes are told apart, and what changed is refused.

Every test starts processes, so all are slow; each takes a second or two.
"""

import sys
from pathlib import Path

import pytest
from tests.study.outside.asking import Quiet, ask, drive, started

from partbench.core.errors import ConfigError
from partbench.study.outside import command, source
from partbench.study.outside.metric import parse
from partbench.study.outside.question import Question, check_files
from partbench.study.run import Interrupted

pytestmark = pytest.mark.slow


@pytest.fixture
def home(own_home: Path) -> Path:
    """The home of this test's runs; commands run in a folder beside it, without git."""
    return own_home


def test_a_shift_is_found_at_the_first_look_and_nothing_runs_twice():
    report = drive(ask("--shift -0.1"))
    arm = report["arms"][0]
    assert arm["name"] == "--shift -0.1"
    assert arm["verdict"]["word"] == "better"
    assert arm["verdict"]["pairs"] == 4
    assert arm["verdict"]["correlation"] > 0.9
    assert report["status"] == "complete"
    assert len(started()) == 8
    again = drive(ask("--shift -0.1"), folder="other")
    assert len(started()) == 8
    assert again["totals"]["cells_reused"] == 8
    assert again["arms"][0]["verdict"] == arm["verdict"]
    assert not report["notes"]
    assert any(
        "4 pairs had been run before this study was declared" in note and "--first-seed 5" in note
        for note in again["notes"]
    )
    # Another arm shares the base's runs, and another metric all of them.
    third = drive(ask("--shift 0.1"), folder="third")
    assert not third["notes"], "the base alone was known"
    assert len(started()) == 12
    drive(ask("--shift 0.1", metric=("val_loss=([0-9.]+)", None, None)), folder="fourth")
    assert len(started()) == 12


def test_seeds_run_in_pairs_and_later_looks_only_where_needed():
    listener = Quiet()
    report = drive(ask("--shift 0.0001", "--shift 0.5", looks=(2, 4)), listener=listener)
    words = {arm["name"]: arm["verdict"] for arm in report["arms"]}
    assert words["--shift 0.5"]["word"] == "worse"
    first = listener.began[:6]
    assert first == [1, 1, 1, 2, 2, 2]
    if words["--shift 0.5"]["pairs"] == 2:
        assert listener.began[6:].count(3) == 2, "a decided arm runs no more"


def test_higher_is_better_turns_words_and_keeps_numbers():
    arm = drive(ask("--shift 0.1", higher=True))["arms"][0]
    assert arm["verdict"]["word"] == "better"
    assert arm["verdict"]["low"] < 0.1 < arm["verdict"]["high"]
    assert all(pair["difference"] > 0 for pair in arm["pairs"])


def test_several_at_once_give_the_same_report_and_say_so():
    one = drive(ask("--shift -0.1"))
    two = drive(ask("--shift -0.1 --sleep 0.01"), at_once=4, folder="other")
    assert [a["difference"] for a in two["arms"][0]["pairs"]] == [
        b["difference"] for b in one["arms"][0]["pairs"]
    ]
    assert any("Up to 4 runs shared this machine" in note for note in two["notes"])
    assert not any("shared this machine" in note for note in one["notes"])


def test_a_run_that_diverged_counts_against_its_arm():
    report = drive(ask("--shift 0.1 --nan-at 2", looks=(4, 8)))
    arm = report["arms"][0]
    assert arm["verdict"]["method"] == "sign test"
    assert arm["verdict"]["diverged"] == {"base": 0, "arm": 1}
    assert arm["pairs"][1]["status"] == "diverged"
    assert arm["pairs"][1]["arm"] is None
    assert arm["verdict"]["word"] == "worse"


def test_a_run_that_failed_takes_its_arm_out_and_is_tried_again():
    options = "--shift 0.1 --fail-at 3"
    report = drive(ask(options, "--shift 0.2"))
    failed, sound = report["arms"]
    assert failed["verdict"]["word"] is None
    assert failed["verdict"]["reason"].startswith(
        "the arm failed at seed 3 (exit code 1: RuntimeError"
    )
    assert failed["pairs"][2]["status"] == "failed"
    assert failed["pairs"][2]["reason"] == "exit code 1: RuntimeError: out of memory"
    assert sound["verdict"]["word"] == "worse"
    assert "reason" not in sound["verdict"]
    count = len(started())
    drive(ask(options, "--shift 0.2"))
    assert len(started()) == count + 1


def test_a_metric_that_matches_nothing_is_told_after_the_first_run():
    with pytest.raises(ConfigError) as error:
        drive(ask("--shift 0.1", metric=("val_lss=([0-9.]+)", None, None)))
    assert "try --metric 'val_loss'" in str(error.value)
    assert "\n" not in str(error.value)
    assert len(started()) == 1
    report = drive(ask("--shift 0.1"), folder="mended")
    assert len(started()) == 8, "the run with the wrong question is known"
    assert report["arms"][0]["verdict"]["word"] == "worse"


def test_a_seed_without_effect_is_no_set_of_runs():
    with pytest.raises(ConfigError, match="4 equal runs are one run"):
        drive(ask("--shift 0.1 --deaf", base="--deaf"))


def test_pairs_without_correlation_are_explained():
    report = drive(ask("--shift 0.03 --own", base="--own", looks=(6, 8)))
    arm = report["arms"][0]
    told = [note for note in report["notes"] if "correlation is about 0" in note]
    assert bool(told) == (abs(arm["verdict"]["correlation"]) < 0.2)


@pytest.mark.parametrize(
    ("option", "metric"),
    [
        ("--json {out}/m.json", (None, "{out}/m.json:val.loss", None)),
        ("--log {out}/m.csv", (None, None, "{out}/m.csv:loss")),
        ("--log m.csv", (None, None, "m.csv:loss")),
    ],
)
def test_files_are_read_as_each_run_left_them(option, metric):
    at_once = 1 if option == "--log m.csv" else 2
    printed = drive(ask("--shift 0.1"))["arms"][0]["pairs"]
    report = drive(
        ask(f"{option} --shift 0.1", base=option, metric=metric), at_once, folder="files"
    )
    for one, other in zip(printed, report["arms"][0]["pairs"], strict=True):
        assert other["difference"] == pytest.approx(one["difference"], abs=2e-6)


def test_a_file_that_an_earlier_run_wrote_is_not_taken_for_a_result():
    Path("m.csv").write_text("step,loss\n1,1.0\n")
    with pytest.raises(ConfigError, match=r"m\.csv was not written by the run"):
        drive(ask("--shift 0.1", metric=(None, None, "m.csv:loss")))


def test_one_file_for_several_runs_at_once_is_refused():
    question = ask("--shift 1", metric=(None, None, "m.csv:loss"))
    check_files(question, 1)
    with pytest.raises(ConfigError, match="overwrite each other"):
        check_files(question, 2)


def test_code_that_changes_while_a_study_runs_stops_it():
    Path("t.py").write_text("import sys; open('t.py', 'a').write('#'); print('val_loss=1')")
    commands = [command.parse(f"{sys.executable} t.py {{seed}} {n}") for n in (1, 2)]
    question = Question(
        commands=tuple(commands), names=("base", "x"), metric=parse("val_loss", None, None),
        margin=1.0, source=source.look(commands),
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"t\.py changed since the study began"):
        drive(question)


def test_a_study_that_changed_is_refused():
    drive(ask("--shift 0.5"))
    with pytest.raises(ConfigError, match=r"margin: 0\.01 -> 0\.02"):
        drive(ask("--shift 0.5", margin=0.02))


def test_time_that_is_up_loses_nothing_that_ended(home):
    with pytest.raises(Interrupted):
        drive(ask("--shift 0.5 --sleep 0.2"), seconds=0.5)
    ended = len(list(home.rglob("record.json")))
    listener = Quiet()
    report = drive(ask("--shift 0.5 --sleep 0.2"), listener=listener)
    assert report["status"] == "complete"
    assert listener.known[0] == ended
    assert report["totals"]["cells_reused"] == 0, "what this study ran itself is its own"
