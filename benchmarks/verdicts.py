"""Statistics against the clock: one verdict from 100 pairs, and 1,000 simulated A/A studies.

    python benchmarks/verdicts.py [--pairs 100] [--times 50] [--studies 1000]
                                  [--json] [--out FILE.svg]

verdict  the word with its interval, the sign-flip test, the pairs that would settle it and the
         compute multiplier: all that a report says of an arm; and the first one in a fresh process,
         libraries included
A/A      studies of two equal arms, looks at 4, 6, 8 and 12 pairs, given up where futile, as the
         driver does; the share of false alarms with its exact interval stands beside the seconds
"""

import subprocess
import sys
import time

from lines import Line, of_values, parser, tell

ALPHA, MARGIN, SLOPE = 0.05, 0.02, 0.1
LOOKS = (4, 6, 8, 12)
FIRST = """
import sys, time
began = time.perf_counter()
sys.path.insert(0, sys.argv[1])
import verdicts
verdicts.verdict(*verdicts.scores(int(sys.argv[2]), 0))
print(time.perf_counter() - began)
"""


def main() -> None:
    """Parse the command line, measure, print."""
    made = parser(__doc__)
    made.add_argument("--pairs", type=int, default=100)
    made.add_argument("--times", type=int, default=50)
    made.add_argument("--studies", type=int, default=1000)
    chosen = made.parse_args()
    taken = []
    for seed in range(chosen.times + 1):
        both = scores(chosen.pairs, seed)
        began = time.perf_counter()
        verdict(*both)
        taken.append(1000 * (time.perf_counter() - began))
    rest = {"target": 9, "unit": "ms", "at_least": False}
    words = [sys.executable, "-c", FIRST, sys.path[0], str(chosen.pairs)]
    first = [
        1000 * float(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        for _ in range(min(5, chosen.times))
    ]
    found = [
        of_values(taken[1:], what=f"one verdict from {chosen.pairs} pairs", goal=50.0, **rest),
        of_values(
            first, what="the first one in a fresh process, imports included", goal=None, **rest
        ),
        *alike(chosen.studies),
    ]
    tell(chosen, found)


def scores(pairs: int, seed: int) -> tuple[list[float], list[float]]:
    """Scores of base and arm whose pairs hang together, as those of seeds do."""
    import numpy as np

    draw = np.random.default_rng(seed)
    base = 2.0 + 0.05 * draw.standard_normal(pairs)
    return base.tolist(), (base + 0.005 + 0.02 * draw.standard_normal(pairs)).tolist()


def verdict(base: list[float], arm: list[float]) -> str:
    """All that a report says of an arm's differences."""
    from partbench.stats.paired import paired, sign_flip
    from partbench.stats.power import pairs_to_settle
    from partbench.stats.verdict import decide, multiplier

    found = decide(base, arm, MARGIN)
    differences = [b - a for a, b in zip(base, arm, strict=True)]
    sign_flip(differences)
    pairs_to_settle(differences, MARGIN, found.level)
    multiplier(paired(differences), SLOPE, SLOPE / 10)
    return found.word


def alike(studies: int) -> list[Line]:
    """A/A studies from first look to last, and how often they raise an alarm."""
    import numpy as np

    from partbench.stats import monitor
    from partbench.stats.futility import futility
    from partbench.stats.sequential import flat
    from partbench.stats.shares import share

    draw, alarms = np.random.default_rng(9), 0
    began = time.perf_counter()
    design = flat(LOOKS, ALPHA)
    for _ in range(studies):
        differences = 0.02 * draw.standard_normal(LOOKS[-1])
        for place, pairs in enumerate(LOOKS):
            row = differences[:pairs]
            standing = monitor.look(design, place, {"arm": row}, MARGIN)["arm"]
            alarms += standing.finished and standing.verdict.excludes_zero
            if standing.finished or futility(design, place, row, MARGIN).futile:
                break
    seconds = time.perf_counter() - began
    rate = share(int(alarms), studies)
    return [
        Line(
            target=9, what=f"{studies:,} simulated A/A studies", value=seconds, goal=60.0, unit="s",
            at_least=False, count=1, said="looks at 4, 6, 8 and 12 pairs, given up where futile",
        ),
        Line(
            target=9, what="their false alarms", value=100 * alarms / studies, low=100 * rate.low,
            high=100 * rate.high, goal=None, unit="%", at_least=False, count=studies,
            said=f"declared {100 * ALPHA:g} %, exact interval",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    main()
