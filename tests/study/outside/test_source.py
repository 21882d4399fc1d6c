"""A change of code is another run; a commit, a log or somebody else's file is none."""

import subprocess

import pytest

from partbench.core.errors import ConfigError
from partbench.study.outside.command import Command
from partbench.study.outside.source import changed, look

HERE, OTHER = Command("python train.py --seed {seed}"), Command("python other.py {seed}")


def git(*words: str) -> None:
    who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *who, *words], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a program in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text("1")
    (tmp_path / "other.py").write_text("2")
    return tmp_path


def state(*commands: Command, **more) -> list[dict]:
    found = look(commands or (HERE,), **more)
    return [found.of(command) for command in commands or (HERE,)]


def test_without_git_the_files_named_in_a_command_count(folder):
    before = state(HERE, OTHER)
    (folder / "unseen.py").write_text("x")
    assert state(HERE, OTHER) == before
    (folder / "train.py").write_text("3")
    after = state(HERE, OTHER)
    assert after[0] != before[0]
    assert after[1] == before[1], "the other command does not name this file"


def test_a_file_within_a_shell_s_words_counts(folder):
    command = Command("sh -c 'python train.py --seed {seed}'")
    before = state(command)
    (folder / "train.py").write_text("3")
    assert state(command) != before


def test_a_command_whose_code_is_not_seen_is_told(folder):
    assert "--watch it" in look([Command("python -m train {seed}")]).text
    assert "train.py" in look([HERE]).text


def test_watched_files_and_folders_count_for_all(folder):
    (folder / "data").mkdir()
    (folder / "data" / "a.bin").write_text("a")
    before = state(HERE, OTHER, watched=["data"])
    (folder / "data" / "a.bin").write_text("b")
    after = state(HERE, OTHER, watched=["data"])
    assert after[0] != before[0]
    assert after[1] != before[1]
    with pytest.raises(ConfigError, match="--watch dat: there is no such"):
        look([HERE], ["dat"])


@pytest.mark.slow
def test_with_git_content_counts_and_commits_do_not(folder):
    git("init")
    (folder / ".gitignore").write_text("ignored.py\n")
    git("add", "-A")
    git("commit", "-m", "one")
    before = state()
    (folder / "results.json").write_text("{}")
    (folder / "ignored.py").write_text("x")
    assert state() == before, "files that runs write are not code"
    (folder / "new.py").write_text("import os")
    new = state()
    assert new != before, "a module that git does not know yet can be imported"
    git("add", "new.py")
    assert state() == new, "staging a file changes no content"
    (folder / "train.py").write_text("3")
    dirty = state()
    assert dirty != new
    git("commit", "-am", "two")
    assert state() == dirty, "nor does a commit"
    (folder / "train.py").write_text("1")
    assert state() == new


@pytest.mark.slow
def test_a_commit_of_the_same_content_is_the_same_code(folder):
    git("init")
    git("add", "-A")
    git("commit", "-m", "one")
    (folder / "train.py").write_text("3")
    dirty = look([HERE])
    git("commit", "-am", "two")
    clean = look([HERE])
    assert dirty.of(HERE) == clean.of(HERE)
    assert dirty.commit != clean.commit


@pytest.mark.slow
def test_what_changed_is_named_and_can_be_ignored(folder):
    git("init")
    git("add", "-A")
    before = look([HERE])
    assert changed(before, [HERE]) is None
    (folder / "other.py").write_text("changed")
    assert changed(before, [HERE]) == "other.py"
    quiet = look([HERE], ignored=["oth*"])
    (folder / "other.py").write_text("changed again")
    assert changed(quiet, [HERE]) is None


def test_a_file_that_appears_is_a_change_without_git_too(folder):
    command = Command("sh train.sh {seed} log.csv")
    before, quiet = look([command]), look([command], ignored=["log.csv"])
    (folder / "log.csv").write_text("loss")
    assert changed(before, [command]) == "log.csv"
    assert changed(quiet, [command]) is None
