"""A ledger with one study of six cells, trained once, copied for every test."""

import os
import shutil

import pytest
from tests.study.small import Here, Quiet, swaps, use_costs
from tests.train.tiny import text_file

from partbench.study.ledger import Ledger
from partbench.study.run import Driver


@pytest.fixture(scope="session")
def one_study(tmp_path_factory):
    """A ledger with one study of six cells, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PARTBENCH_HOME", str(folder / "home"))
        patch.setattr(os, "fsync", lambda descriptor: None)
        patch.setattr(Here, "ran", [])
        study = swaps(text_file(folder), "ffn=swiglu", looks=[2])
        use_costs(folder / "study", study)
        Driver(study, folder / "study", Ledger(), Here, Quiet()).run(lambda report, folder: folder)
        return Ledger().root


@pytest.fixture
def ledger(one_study, tmp_path):
    """A copy of it in this test's home."""
    shutil.copytree(one_study, tmp_path / "home" / "ledger")
    return Ledger()


def everything(ledger: Ledger) -> dict[str, int]:
    """Every file but the index, and when it was written."""
    files = [path for path in ledger.root.rglob("*") if path.is_file()]
    return {str(p): p.stat().st_mtime_ns for p in files if "sqlite" not in p.name}
