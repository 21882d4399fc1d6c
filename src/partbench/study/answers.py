"""What a study's records say of answers beside the score: how often right, how sure.

These are looked at and never judged: no look is planned for them and no error rate is shared among
them, so an interval here supports no claim by itself.
"""

from typing import Any

from partbench.stats.paired import paired
from partbench.study.ledger import Records

MEASURES = ("error_rate", "confidence", "overconfidence", "calibration_error")


def answers(name: str, records: Records) -> list[dict[str, Any]]:
    """A row a measure: means of base and arm over the pairs that have both, their difference with
    its 95 % interval (None under two pairs). Empty where no record says anything of answers.
    """
    seeds = [seed for arm, seed in records if arm == name]
    pairs = [(records.get(("base", seed)) or {}, records[name, seed] or {}) for seed in seeds]
    known = [(b["answers"], a["answers"]) for b, a in pairs if "answers" in b and "answers" in a]
    rows = []
    for measure in MEASURES if known else ():
        base, arm = ([side[measure] for side in sides] for sides in zip(*known, strict=True))
        row = {"measure": measure, "base": _mean(base), "arm": _mean(arm), "pairs": len(known)}
        differences = [b - a for a, b in zip(base, arm, strict=True)]
        row |= {"difference": _mean(differences), "low": None, "high": None}
        if len(known) > 1:
            found = paired(differences)
            row |= {"low": found.low, "high": found.high}
        rows.append(row)
    return rows


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)
