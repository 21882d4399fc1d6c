"""The command line starts quickly only if the statistics load nothing heavy."""

import subprocess
import sys
from pathlib import Path

import partbench.stats


def test_importing_the_statistics_loads_neither_scipy_nor_torch():
    names = [path.stem for path in Path(partbench.stats.__file__).parent.glob("[a-z]*.py")]
    assert "verdict" in names
    program = (
        "import importlib, sys\n"
        f"for name in {names}: importlib.import_module('partbench.stats.' + name)\n"
        "print(sorted({'scipy', 'torch', 'pydantic', 'statsmodels'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
