"""A home of its own and a tiny text for every test of the trainer."""

import os
from pathlib import Path

import pytest
from tests.train.tiny import text_file


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches go beside the test's own folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PARTBENCH_HOME", str(folder))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # nobody pulls the plug here
    return folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text file of some kB."""
    return text_file(tmp_path)
