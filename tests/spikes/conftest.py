"""A home of its own and a tiny text for every spike. Spikes take seconds: all of them are slow."""

from pathlib import Path

import pytest
from tests.spikes.small import text_file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and of no other."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Caches go beside the test's own folder."""
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))


@pytest.fixture
def text(tmp_path: Path) -> Path:
    """A text file of some kB."""
    return text_file(tmp_path)
