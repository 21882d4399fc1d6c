"""The command line in this process: its own home, a machine that is known, a working folder."""

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli.trained import ledger, one_study  # noqa: F401  fixtures
from tests.study.small import here, known_machine  # noqa: F401  `here` is a fixture
from tests.train.tiny import text_file

from partbench.cli.main import main


@dataclass
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder commands run in, with a text in it; the machine counts as measured."""
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    text_file(folder)
    known_machine()
    return folder


@pytest.fixture
def partbench(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> Callable[..., Said]:
    """Run a command line as the console script does."""

    def run(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["partbench", *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        said = capfd.readouterr()
        return Said(end.value.code or 0, said.out, said.err)

    return run


@pytest.fixture
def everything(tmp_path: Path) -> Callable[[], dict[str, str]]:
    """Every file below the test's folder and its content's hash, the data cache apart."""

    def look() -> dict[str, str]:
        cache = tmp_path / "home" / "data"
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
            for path in tmp_path.rglob("*")
            if cache not in (path, *path.parents)
        }

    return look
