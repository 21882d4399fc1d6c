"""One arm's entry in the report: verdict, pairs, costs, life of its parts, curves."""

from typing import Any

from partbench.stats import monitor, paired, verdict
from partbench.stats.divergence import signed_differences
from partbench.stats.power import pairs_to_settle
from partbench.study import evidence
from partbench.study.advice import advice
from partbench.study.judgement import at_equal_seconds, compute_multiplier
from partbench.study.reading import Reading

Tree = dict[str, Any]
OUTCOMES = ("finished", "diverged", "failed")


def entry(
    reading: Reading, name: str, standing: monitor.Standing | None, costs: Tree, look: int | None
) -> Tree:
    """The arm `name` as the report shows it, judged at `look`."""
    study, withheld = reading.study, reading.withheld(name, look)
    arm = {
        "name": name,
        "diff": study.base.diff(study.arms[name]),
        "finished": bool(withheld) or (standing is not None and standing.finished),
        "verdict": {"reason": withheld} | _verdict(reading, name, standing, costs),
        "pairs": _pairs(reading, name)[: _counted(standing)],
        "costs": evidence.costs(name, reading.records, costs),
        "liveness": evidence.liveness(study, name, reading.records),
        "curves": evidence.curves(name, reading.records),
    }
    return arm | {"advice": advice(arm, evidence.pair_seconds(study, name, reading.records))}


def _verdict(reading: Reading, name: str, standing: monitor.Standing | None, costs: Tree) -> Tree:
    study, margin = reading.study, reading.margin[0]
    if standing is None or margin is None:
        return {"word": None, "pairs": len(reading.scores(name, study.seeds(study.looks[-1]))[0])}
    found = standing.verdict
    base_scores, arm_scores = reading.scores(name, study.seeds(found.count))
    differences = signed_differences(base_scores, arm_scores)
    finite = found.method == "paired t"
    settle = None
    if found.word == verdict.INCONCLUSIVE and finite:
        settle = pairs_to_settle(differences, margin, found.level)
    seconds, multiplier = None, None
    if finite:
        slope = reading.slope
        multiplier = compute_multiplier(differences, slope, found.level)
        seconds = at_equal_seconds(differences, costs.get(name), slope, margin, found.level)
    return {
        "word": found.word,
        "sign": found.sign,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "pairs": found.count,
        "look": standing.look + 1,
        "p": found.p,
        "p_sign_flip": paired.sign_flip(differences) if finite else None,
        "correlation": paired.correlation(base_scores, arm_scores) if finite else None,
        "sd_difference": found.sd,
        "method": found.method,
        "multiplier": multiplier,
        "seconds": seconds,
        # None at either end means more than a thousand: no number that a report should print.
        "settle": None if settle is None or None in settle else list(settle),
        "diverged": {"base": found.base_diverged, "arm": found.arm_diverged},
    }


def _counted(standing: monitor.Standing | None) -> int | None:
    """How many pairs the verdict of an arm that has finished rests on; None while it goes on."""
    return standing.verdict.count if standing is not None and standing.finished else None


def _pairs(reading: Reading, name: str) -> list[Tree]:
    rows = []
    for seed in reading.study.seeds(reading.study.looks[-1]):
        base, arm = (reading.records.get((who, seed)) for who in ("base", name))
        if base is None or arm is None:
            continue
        worst = max((base, arm), key=lambda record: OUTCOMES.index(record["status"]))
        first, second = base.get("score"), arm.get("score")
        rows.append(
            {
                "seed": seed,
                "fold": base.get("fold"),
                "base": first,
                "arm": second,
                "difference": None if first is None or second is None else second - first,
                "status": worst["status"],
                "reason": worst["reason"],
            }
        )
    return rows
