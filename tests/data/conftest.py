"""Every test here has a cache of its own."""

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A fresh home folder, outside the folder the test writes texts to."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PARTBENCH_HOME", str(folder))
    return folder


@pytest.fixture
def texts(tmp_path):
    """A folder to put texts into."""
    folder = tmp_path / "texts"
    folder.mkdir()
    return folder
