"""Leases: one holder at a time, here and elsewhere; the dead are followed, the living never."""

import dataclasses
import json
import multiprocessing
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from partbench.core import lease
from partbench.core.errors import BusyError
from partbench.core.files import held
from partbench.core.lease import STALE_SECONDS, Holder, leftovers, seen, take


def elsewhere(path: Path, number: int = 1, silent: float = 0.0) -> Path:
    """The lease of a process on another machine that was last heard of so long ago."""
    holder = dataclasses.replace(Holder.me(), host="other", machine="another boot", pid=1)
    file = path.with_name(f"{path.name}.{number}")
    file.write_text(json.dumps(dataclasses.asdict(holder)))
    os.utime(file, (time.time() - silent,) * 2)
    return file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_a_lease_names_its_holder_and_leaves_nothing(path: Path) -> None:
    mine = take(path)
    assert mine is not None
    sight = seen(path)
    assert sight is not None
    assert sight.holder is not None
    assert (sight.holder.pid, sight.holder.host) == (os.getpid(), os.uname().nodename)
    assert sight.alive
    assert take(path) is None
    mine.release()
    assert seen(path) is None
    assert list(path.parent.iterdir()) == []


def test_a_holder_elsewhere_lives_as_long_as_it_beats(path: Path) -> None:
    elsewhere(path, silent=STALE_SECONDS - 30)
    assert take(path) is None
    sight = seen(path)
    assert sight is not None
    assert sight.holder is not None
    assert sight.holder.host == "other"
    elsewhere(path, silent=STALE_SECONDS + 30)
    assert seen(path) is None
    assert [file.name for file in leftovers(path)] == ["lock.1"]
    mine = take(path)
    assert mine is not None
    assert [file.name for file in path.parent.iterdir()] == ["lock.2"]
    mine.release()


def test_the_clock_of_this_machine_decides_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The age is the difference of two time stamps of the file system."""
    elsewhere(path, silent=30)
    genuine = time.time
    for wrong in (-10 * STALE_SECONDS, 10 * STALE_SECONDS):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: genuine() + wrong)
        assert take(path) is None
        assert seen(path) is not None


def test_a_process_on_this_machine_lives_however_silent_it_is(path: Path) -> None:
    mine = take(path)
    assert mine is not None
    os.utime(mine.file, (time.time() - 10 * STALE_SECONDS,) * 2)
    assert take(path) is None
    mine.release()


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")
def test_a_number_that_another_process_has_by_now_is_not_the_holder(path: Path) -> None:
    file = elsewhere(path)
    file.write_text(json.dumps(dataclasses.asdict(dataclasses.replace(Holder.me(), started="1"))))
    mine = take(path)
    assert mine is not None
    mine.release()


def test_without_proc_a_silent_number_is_not_trusted_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "_started", lambda pid: None)
    mine = take(path)
    assert mine is not None
    assert take(path) is None
    os.utime(mine.file, (time.time() - 2 * STALE_SECONDS,) * 2)
    other = take(path)
    assert other is not None
    assert not mine.still_mine()
    other.release()
    mine.release()


def test_who_was_taken_over_notices(path: Path) -> None:
    mine = take(path)
    assert mine is not None
    assert mine.still_mine()
    other = elsewhere(path, number=2)
    assert not mine.still_mine()
    assert mine.lost
    mine.release()
    assert other.exists()
    assert take(path) is None


def test_the_heart_beats_by_itself(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "BEAT_SECONDS", 0.01)
    mine = take(path)
    assert mine is not None
    os.utime(mine.file, (0, 0))
    for _ in range(500):
        if mine.file.stat().st_mtime > 0:
            break
        time.sleep(0.01)
    assert mine.file.stat().st_mtime > 0
    mine.file.unlink()
    for _ in range(500):
        if mine.lost:
            break
        time.sleep(0.01)
    assert mine.lost
    mine.release()


def test_a_long_sleep_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = take(path)
    assert mine is not None
    assert not mine.slept()
    genuine = time.time
    monkeypatch.setattr(time, "time", lambda: genuine() + STALE_SECONDS + 1)
    assert mine.slept()
    mine.release()


def test_a_lease_that_is_being_written_counts(path: Path) -> None:
    path.with_name("lock.1").touch()
    assert take(path) is None
    os.utime(path.with_name("lock.1"), (time.time() - 2 * STALE_SECONDS,) * 2)
    mine = take(path)
    assert mine is not None
    mine.release()


def test_two_that_follow_the_same_dead_holder_are_never_both_in(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One looked before the other came, and acts after the other went and a third came."""
    elsewhere(path, silent=2 * STALE_SECONDS)
    old = lease._files(path)
    third = elsewhere(path, number=5)
    views = [old]
    files = lease._files
    monkeypatch.setattr(lease, "_files", lambda path: views.pop() if views else files(path))
    assert take(path) is None
    assert third.exists()
    assert not path.with_name("lock.2").exists()


def _count(path: Path, tally: Path, times: int) -> None:
    for _ in range(times):
        with held(path, "it", wait=True):
            before = tally.read_text()
            tally.write_text(before + ".")


def test_many_processes_never_hold_it_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read and written back under the lease loses nothing."""
    monkeypatch.setattr("partbench.core.files.POLL_SECONDS", 0.001)
    tally = path.with_name("tally")
    tally.touch()
    context = multiprocessing.get_context("fork")
    crowd = [context.Process(target=_count, args=(path, tally, 10)) for _ in range(4)]
    for process in crowd:
        process.start()
    for process in crowd:
        process.join(60)
    assert Counter(process.exitcode for process in crowd) == {0: 4}
    assert tally.read_text() == 40 * "."


def test_held_says_who_cannot_have_it(path: Path) -> None:
    elsewhere(path)
    with pytest.raises(BusyError, match="cell abc is already running"), held(path, "cell abc"):
        pass
