import errno
import os
import time

import pytest

from partbench.core.errors import DataError
from partbench.data import cache
from partbench.data.corpora import open_corpus


def full_disk(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_kept_draft_is_whole_and_leaves_nothing_else():
    folder = cache.data_folder()
    with cache.draft(folder) as paper:
        paper.file.write(b"all of it")
        assert [path.suffix for path in folder.iterdir()] == [".partial"]
        paper.keep(folder / "kept.bin")
    assert [path.name for path in folder.iterdir()] == ["kept.bin"]
    assert (folder / "kept.bin").read_bytes() == b"all of it"


def test_a_draft_that_fails_leaves_nothing():
    folder = cache.data_folder()

    def fail_halfway():
        with cache.draft(folder) as paper:
            paper.file.write(b"half")
            paper.file.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_halfway()
    assert list(folder.iterdir()) == []


def test_a_full_disk_is_one_line_and_no_file(monkeypatch):
    monkeypatch.setattr(cache.os, "fsync", full_disk)
    with pytest.raises(DataError, match=r"^cache .*: cannot be written \(No space left") as hit:
        open_corpus("shakespeare")
    assert "\n" not in str(hit.value)
    assert list(cache.data_folder().iterdir()) == []


def test_a_write_that_fails_halfway_leaves_the_old_file(monkeypatch):
    path = cache.data_folder() / "value.json"
    cache.write_json(path, {"old": 1})
    monkeypatch.setattr(cache.os, "replace", full_disk)
    with pytest.raises(DataError):
        cache.write_json(path, {"new": 2})
    assert cache.read_json(path) == {"old": 1}
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b'{"half": ', b"\xff\xfe"])
def test_damaged_json_reads_as_missing(content):
    path = cache.data_folder() / "value.json"
    path.write_bytes(content)
    assert cache.read_json(path) is None


def test_drafts_of_the_dead_are_removed_after_a_day_and_not_before():
    folder = cache.data_folder()
    old, young = folder / ".old.partial", folder / ".young.partial"
    old.touch()
    young.touch()
    two_days_ago = time.time() - 2 * cache.DAY_SECONDS
    os.utime(old, (two_days_ago, two_days_ago))
    with cache.draft(folder):
        pass
    assert [path.name for path in folder.iterdir()] == [".young.partial"]
