"""The example is no installed package: its folder is put on the path, for tests and processes."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "examples" / "lamp"
sys.path.insert(0, str(EXAMPLE))
_PATHS = [str(EXAMPLE), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, _PATHS))
