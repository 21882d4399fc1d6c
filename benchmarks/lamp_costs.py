"""What a prediction of the lamp costs: seconds and memory of a process that holds its side alone.

    python benchmarks/lamp_costs.py [--tokens 3000] [--times 3] [--json] [--out FILE.svg]

A simulated resident talks to the lamp of `examples/lamp` until it has learnt; then a fresh process
reads the table and predicts 2,000 times (`python -m lamp costs`).
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from lines import of_values, parser, tell

LAMP = Path(__file__).resolve().parents[1] / "examples" / "lamp"
MISSPELT = 0.1


def main() -> None:
    """Parse the command line, let a lamp learn, measure, print."""
    made = parser(__doc__)
    made.add_argument("--tokens", type=int, default=3000, help="words of the dialogue")
    made.add_argument("--times", type=int, default=3, help="fresh processes")
    chosen = made.parse_args()
    rows = costs(chosen.tokens, chosen.times)
    rest: dict[str, Any] = {"target": 6, "at_least": False}
    found = [
        of_values([1000 * row["median_seconds"] for row in rows],
                  what="a lamp's prediction, median of 2,000", goal=5.0, unit="ms", **rest),
        of_values([1000 * row["p99_seconds"] for row in rows],
                  what="a lamp's prediction, slowest of a hundred", goal=5.0, unit="ms", **rest),
        of_values([row["resident_bytes"] / 1e6 for row in rows],
                  what="memory of the lamp's process", goal=50.0, unit="MB", **rest),
    ]  # fmt: skip
    tell(chosen, found, marks=rows[0]["marks"])


def costs(tokens: int, times: int) -> list[dict[str, float]]:
    """What fresh processes say of a lamp that has heard so many words."""
    import torch

    torch.set_num_threads(1)
    sys.path.insert(0, str(LAMP))
    from lamp.evaluation.command import course
    from lamp.evaluation.household import lived

    with tempfile.TemporaryDirectory() as name:
        lived(course("test", 0, tokens, MISSPELT), Path(name))
        places = os.pathsep.join([str(LAMP), *filter(None, sys.path[1:])])
        return [
            json.loads(
                subprocess.run(
                    [sys.executable, "-m", "lamp", "costs", name],
                    capture_output=True,
                    text=True,
                    check=True,
                    env={**os.environ, "PYTHONPATH": places},
                ).stdout
            )
            for _ in range(times)
        ]


if __name__ == "__main__":
    main()
