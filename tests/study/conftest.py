"""A home, a text and a working folder of its own for every test of studies."""

from pathlib import Path

import pytest
from tests.study.small import here, patient  # noqa: F401  fixtures
from tests.train.tiny import text_file


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Caches, ledger and machine profile go beside the test's own folder."""
    folder = tmp_path / "home"
    monkeypatch.setenv("PARTBENCH_HOME", str(folder))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return folder


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text file of some kB."""
    return text_file(tmp_path)
