"""Commands are words, differences have names, and what cannot be run is refused in one line."""

from pathlib import Path

import pytest

from partbench.core.errors import ConfigError
from partbench.study.outside.command import Command, arm_names, differences, parse


def names(*texts: str, given: tuple[str, ...] = ()) -> list[str]:
    return arm_names([Command(text) for text in texts], given)


@pytest.mark.parametrize(
    ("base", "arm", "name"),
    [
        ("p t.py --seed {seed}", "p t.py --seed {seed} --new-idea", "--new-idea"),
        ("p t.py --seed {seed} --rate 0.1", "p t.py --seed {seed} --rate 0.2", "--rate 0.2"),
        ("p t.py --rate=0.1 {seed}", "p t.py --rate=0.2 {seed}", "--rate=0.2"),
        ("p t.py {seed} --drop", "p t.py {seed}", "without --drop"),
        ("p t.py {seed}", "p new.py {seed}", "new.py"),
        ("p t.py {seed}", "X=1 p t.py {seed} -q", "X=1 -q"),
    ],
)
def test_an_arm_is_named_by_the_words_that_differ(base, arm, name):
    assert names(base, arm) == [name]


def test_given_names_come_first():
    texts = ("p {seed}", "p {seed} -a", "p {seed} -b")
    assert names(*texts, given=("gated",)) == ["gated", "-b"]


@pytest.mark.parametrize(
    ("texts", "given", "word"),
    [
        (("p {seed}", "p {seed}"), (), "the same command as the base"),
        (("p {seed}", "p  {seed} -a", "p  {seed} -a"), (), "given twice"),
        (("p {seed}", "p {seed} -a"), ("x", "y"), "2 names for 1 arms"),
        (("p {seed}", "p {seed} -a"), ("base",), "something else than base"),
        (("p {seed}", "p {seed} -a", "p {seed} -b"), ("x", "x"), "names two arms"),
    ],
)
def test_arms_that_cannot_be_told_apart_are_refused(texts, given, word):
    with pytest.raises(ConfigError, match=word):
        names(*texts, given=given)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("sh train.sh", r"no \{seed\} in it"),
        ("sh 'train {seed}", "cannot be split"),
        ("", "no program"),
        ("X=1 {seed}", "no program"),
        ("sh {seed} | tee log", "needs a shell"),
        ("sh {seed} > log", "needs a shell"),
        ("sh {seed} && sh b", "needs a shell"),
        ("no-such-program-at-all {seed}", "no program 'no-such-program-at-all'"),
    ],
)
def test_what_cannot_be_run_is_refused(text, word):
    if text == "X=1 {seed}":
        text = "X={seed}"
    with pytest.raises(ConfigError, match=word):
        parse(text)


def test_quoted_operators_are_words():
    command = parse("A={seed} sh -c 'echo {seed} | cat; echo {\"json\": 1}' {out}/x")
    assert command.at(7, Path("/f"))[2] == 'echo 7 | cat; echo {"json": 1}'
    assert command.at(7, Path("/f"))[3] == "/f/x"
    assert command.environment(7, Path("/f")) == {"A": "7"}


def test_differences_are_told_word_by_word():
    rows = differences(Command("p a --x 1 {seed}"), Command("p a --x 2 {seed} --y"))
    assert [(row["base"], row["arm"]) for row in rows] == [("--x 1", "--x 2"), (None, "--y")]
