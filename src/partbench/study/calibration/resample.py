"""Studies drawn from the bank and judged by the code that judges every study.

A pool holds the records two arms may have in one study. A study draws a pool (its tuning), then for
each pair a seed of the bank, and, where labels are permuted,
a coin that says which of the two records is the base's. From there on all is real: Reading, looks,
verdict. Only the look-up of records by address is left out.
"""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partbench.stats.sequential import Design
from partbench.study import verdicts
from partbench.study.calibration.bank import Row
from partbench.study.plan import CURVE_SEEDS
from partbench.study.reading import Reading
from partbench.study.spec import Study

Rows = Mapping[int, Row]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Pool:
    """Records by bank seed, of base and arm, and the same with their labels exchanged."""

    study: Study
    held_back: Mapping[str, str]
    base: Rows
    arm: Rows
    exchanged_base: Rows
    exchanged_arm: Rows
    curve: Rows

    def differences(self, seeds: list[int]) -> NDArray[np.float64]:
        """Arm minus base by (seed, labels exchanged); nan where the arm is held back."""
        if self.held_back:
            return np.full((len(seeds), 2), np.nan)
        sides = ((self.base, self.arm), (self.exchanged_base, self.exchanged_arm))
        return np.array(
            [[_score(arm[seed]) - _score(base[seed]) for base, arm in sides] for seed in seeds]
        )


@dataclass(frozen=True)
class Drawn:
    """Studies as drawn: the pool of each, and the bank seed and the coin of each of its pairs."""

    pool: Places
    seeds: Places
    exchanged: NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What the intervals should hold: the bank's own mean, its multiplier, the planted one."""

    difference: float
    multiplier: float = float("nan")
    planted: float = float("nan")


def draw(
    random: np.random.Generator,
    count: int,
    study: Study,
    seeds: list[int],
    pools: int,
    permuted: bool,
) -> Drawn:
    """`count` studies; their pairs are drawn with replacement from all of the bank's seeds.

    Fold by fold would be closer to a study's seeds, but with few seeds a fold it leaves out a share
    of the variance (a third at three seeds); differences of base and arm do not depend on the fold.
    """
    pairs = study.looks[-1]
    places = random.integers(0, len(seeds), (count, pairs))
    coins = random.random((count, pairs)) < 0.5
    chosen = random.integers(0, pools, count)
    return Drawn(chosen, np.array(seeds)[places], coins & permuted)


def judge(pool: Pool, drawn: list[int], exchanged: list[bool]) -> tuple[dict[str, Any], bool]:
    """The verdict of one study as its report would have it, and whether it excludes zero."""
    study = pool.study
    (name,) = study.arms
    records: dict[tuple[str, int], Row | None] = {}
    curve: dict[int, Row | None] = {}
    for seed, bank_seed, other in zip(study.seeds(study.looks[-1]), drawn, exchanged, strict=True):
        if pool.held_back:
            break
        records["base", seed] = (pool.exchanged_base if other else pool.base)[bank_seed]
        records[name, seed] = (pool.exchanged_arm if other else pool.arm)[bank_seed]
        if pool.curve and len(curve) < min(CURVE_SEEDS, study.looks[0]):
            curve[seed] = pool.curve[bank_seed]
    reading = Reading(study, records, curve, pool.held_back)
    last = len(study.looks) - 1
    standings, futile = reading.standings(last)
    standing = standings.get(name)
    entry = verdicts.entry(reading, name, standing, futile.get(name), {}, last)
    return entry["verdict"], standing is not None and standing.verdict.excludes_zero


def count(pools: list[Pool], drawn: Drawn, truth: Truth) -> Counter[str]:
    """Judge every drawn study; how often was what said."""
    found: Counter[str] = Counter()
    expected = twin(pools, drawn)
    for place, pool in enumerate(drawn.pool):
        verdict, alarm = judge(
            pools[pool], drawn.seeds[place].tolist(), drawn.exchanged[place].tolist()
        )
        found["studies"] += 1
        found["alarms"] += alarm
        # The twin knows nothing of giving up, after which no alarm can come.
        found["twin differs"] += alarm != bool(expected[place]) and not verdict["futile"]
        found[verdict["word"] or "no verdict"] += 1
        if verdict["word"] is None:
            continue
        found["pairs"] += verdict["pairs"]
        found["covered"] += verdict["low"] <= truth.difference <= verdict["high"]
        multiplier = verdict["multiplier"]
        if multiplier is not None:
            found["multipliers"] += 1
            low, high = multiplier["low"], multiplier["high"]
            found["multiplier covered"] += low <= truth.multiplier <= high
            found["planted covered"] += low <= truth.planted <= high
            found["log multiplier, millionths"] += round(1e6 * math.log(multiplier["value"]))
    return found


def twin(pools: list[Pool], drawn: Drawn) -> NDArray[np.bool_]:
    """Which of the studies exclude zero at a look, all at once: `|mean| > t sd / sqrt(n)`.

    For margins that no interval fits into. It serves the interval over banks alone, where studies
    are needed by the million; `count` holds it to the real code, study by study.
    """
    seeds, places = np.unique(drawn.seeds, return_inverse=True)
    table = np.array([pool.differences(seeds.tolist()) for pool in pools])
    study = pools[0].study
    design = Reading(study, {}, {}, {}).design
    places = places.reshape(drawn.seeds.shape)
    return excludes_zero(design, table[drawn.pool[:, None], places, drawn.exchanged.astype(int)])


def excludes_zero(design: Design, differences: NDArray[np.float64]) -> NDArray[np.bool_]:
    """For differences (study, pair): whether the interval of any look leaves zero out."""
    from scipy.special import stdtrit

    found = np.zeros(len(differences), bool)
    for pairs, level in zip(design.looks, design.levels, strict=True):
        seen = differences[:, :pairs]
        half = stdtrit(pairs - 1, 1 - level / 2) * seen.std(1, ddof=1) / np.sqrt(pairs)
        with np.errstate(invalid="ignore"):
            found |= np.abs(seen.mean(1)) > half
    return found


def _score(row: Row) -> float:
    return float(row["score"]) if row["status"] == "finished" else float("inf")
