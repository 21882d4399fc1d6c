from pathlib import Path

import pytest

from partbench.core.errors import DataError, LedgerError
from partbench.core.home import home
from partbench.data import cache


def test_home_is_the_first_of_the_three_places_that_is_set(tmp_path, monkeypatch):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "chosen"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "shared"))
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "user")
    assert home() == tmp_path / "chosen"
    monkeypatch.delenv("PARTBENCH_HOME")
    assert home() == tmp_path / "shared" / "partbench"
    monkeypatch.delenv("XDG_DATA_HOME")
    assert home() == tmp_path / "user" / ".local" / "share" / "partbench"
    assert home().is_dir()


def test_a_relative_xdg_folder_is_ignored_as_its_standard_asks(tmp_path, monkeypatch):
    monkeypatch.delenv("PARTBENCH_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "somewhere")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert home() == tmp_path / ".local" / "share" / "partbench"


def test_a_home_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(LedgerError, match=r"^home folder: .*set PARTBENCH_HOME.*$"):
        home()
    with pytest.raises(DataError, match=r"^home folder: .*set PARTBENCH_HOME.*$"):
        cache.data_folder()
