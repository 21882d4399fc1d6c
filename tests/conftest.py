"""One thread a test process, a cache folder of its own, the same examples every time."""

import os
import sys
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch loads, here and in every process a test starts
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # so that tests import each other as `tests.golden.rewrite`

settings.register_profile("partbench", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("partbench")


@pytest.fixture(autouse=True, scope="session")
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Caches and ledgers of the user's are neither read nor written."""
    os.environ["PARTBENCH_HOME"] = str(tmp_path_factory.mktemp("home"))
