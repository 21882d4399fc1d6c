"""Files are whole or not there, and two processes never hold one lock."""

import errno
import json
import multiprocessing
import os
from pathlib import Path
from typing import Any

import pytest

from partbench.core import files
from partbench.core.errors import BusyError, LedgerError
from partbench.core.files import held, write_json, write_whole


def everything(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_written_is_there_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_whole(path, "grün")
    assert path.read_bytes() == "grün".encode()
    write_whole(path, b"other")
    assert everything(path.parent) == {"a.txt": b"other"}


def full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("moment", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("before", [None, b"old"])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, moment: str, before: bytes | None
) -> None:
    path = tmp_path / "record.json"
    if before is not None:
        path.write_bytes(before)
    monkeypatch.setattr(os, moment, full)
    with pytest.raises(LedgerError, match=r"record\.json: cannot be written: the disk is full"):
        write_whole(path, "new")
    assert everything(tmp_path) == ({} if before is None else {"record.json": before})


def test_a_write_that_is_interrupted_leaves_nothing_half_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "record.json", "new")
    assert everything(tmp_path) == {}


def test_a_reader_never_sees_a_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, seen = tmp_path / "a", []
    path.write_text("old")
    replace = os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: seen.append(path.read_text()))
    monkeypatch.setattr(os, "replace", lambda a, b: (seen.append(path.read_text()), replace(a, b)))
    write_whole(path, "x" * 10**6)
    assert seen == ["old", "old"]
    assert len(path.read_text()) == 10**6


def test_a_folder_that_is_a_file_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="cannot be written"):
        write_whole(tmp_path / "file" / "a", "b")
    with pytest.raises(LedgerError, match="cannot be written"), held(tmp_path / "file" / "a", "it"):
        pass


def test_json_keeps_its_order_and_refuses_what_json_has_not(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"b": 1, "a": [2.5, None]})
    assert list(json.loads(path.read_text())) == ["b", "a"]
    with pytest.raises(ValueError, match="Out of range float"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text())["b"] == 1


def test_a_lock_is_held_against_others_and_given_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with held(path, "study x"):
        with (
            pytest.raises(BusyError, match="study x is already running in another process"),
            held(path, "study x"),
        ):
            pass
    with held(path, "study x"):
        pass


def _hold_and_die(path: Path) -> None:
    with held(path, "it"):
        os._exit(9)


def test_a_lock_goes_when_its_holder_dies(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=_hold_and_die, args=(tmp_path / "lock",)
    )
    process.start()
    process.join(20)
    assert process.exitcode == 9
    with held(tmp_path / "lock", "it"):
        pass


def test_nothing_but_files_py_is_named_in_the_error(tmp_path: Path) -> None:
    denied = files.cannot_write(tmp_path / "a", PermissionError(errno.EACCES, "Permission denied"))
    assert str(denied) == (
        f"{tmp_path / 'a'}: cannot be written: Permission denied; "
        "free some space or set PARTBENCH_HOME"
    )
    assert denied.exit_code == 2


def test_the_new_text_is_on_disk_before_it_takes_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), fsync(handle)))
    monkeypatch.setattr(os, "replace", lambda a, b: (order.append("replace"), replace(a, b)))
    files.write_whole(tmp_path / "report.md", "text")
    assert order == ["fsync", "replace"]
    assert (tmp_path / "report.md").read_text() == "text"
