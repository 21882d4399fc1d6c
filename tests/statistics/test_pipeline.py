"""Made-up records through the code that judges real studies: false alarms, power, coverage.

Every study has records of its own, so its rates can be held against the declared ones.
"""

import math

import numpy as np
import pytest

from partbench.core.rng import stream
from partbench.stats.power import power_of
from partbench.stats.verdict import slope_of_curve
from partbench.study.calibration.asked import Asked
from partbench.study.calibration.resample import Pool, Truth, count, draw
from partbench.study.plan import CURVE_SHARE

STUDIES, FOLDS, SPREAD, DROP = 1500, 12, 0.02, 0.2
ASKED = Asked()
CAREFUL = {"looks": ASKED.careful, "design": "obrien_fleming"}


def judged(study, effect: float, seed: int, permuted: bool = False):
    """Counts over studies whose differences are normal; the base drops by .2 on its last steps."""
    random = np.random.default_rng(seed)
    total = FOLDS * STUDIES
    own = {"status": "finished", "reason": "", "unit": "", "fold": 0, "liveness": []}

    def rows(scores):
        return {s: {**own, "score": float(x)} for s, x in enumerate(scores, start=1)}

    luck = random.normal(3.0, 0.05, total)
    base = rows(luck)
    arm = rows(luck + random.normal(effect, SPREAD, total))
    curve = rows(luck + random.normal(DROP, SPREAD / 4, total))
    pool = Pool(study, {}, base, arm, arm, base, curve)
    drawn = draw(stream(seed), STUDIES, study, list(base), 1, permuted)
    small, whole = ([rows[s]["score"] for s in base] for rows in (curve, base))
    truth = Truth(effect, math.exp(-effect / slope_of_curve(small, whole, 1 / CURVE_SHARE).slope))
    found = count([pool], drawn, truth)
    assert found["twin differs"] == 0
    return found


def noise(rate: float) -> float:
    return 3.5 * math.sqrt(rate * (1 - rate) / STUDIES)


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "permuted"), [({}, False), (CAREFUL, False), ({}, True)])
def test_a_part_without_effect_alarms_at_the_declared_rate(settings, permuted):
    found = judged(ASKED.study("redrawn", **settings), 0.0, 1, permuted)
    assert found["alarms"] / STUDIES == pytest.approx(0.05, abs=noise(0.05))
    assert found["better"] + found["worse"] == found["alarms"]


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [4, 8])
def test_planted_effects_are_found_as_often_as_theory_says_and_intervals_cover(pairs):
    found = judged(ASKED.study("wider", looks=(pairs,)), -SPREAD, pairs)
    theory = power_of(-SPREAD, SPREAD, pairs)
    assert found["alarms"] / STUDIES == pytest.approx(theory, abs=noise(theory))
    assert found["worse"] <= 3
    assert found["covered"] / STUDIES == pytest.approx(0.95, abs=noise(0.95))
    assert found["multipliers"] > 0.99 * STUDIES
    assert found["multiplier covered"] / found["multipliers"] == pytest.approx(0.95, abs=0.02)
