"""What earlier studies of this ledger add to a report; no verdict rests on it.

noise      the SD of differences in earlier studies on the same base, as limma's prior: the arm's
           interval with that noise beside its own (Smyth 2004)
decisions  over all arms of laddered studies: how often the smallest rung took the side that the
           largest took (DataDecide, Magnusson et al. 2025)
"""

from typing import Any

from partbench.stats.ladder import decision_accuracy
from partbench.stats.paired import moderated
from partbench.stats.prior import prior_from

Tree = dict[str, Any]
LEAST, LEVEL = 5, 0.95


def add(report: Tree, studies: list[Tree]) -> None:
    """Put `moderated` into every arm and `decisions` into the report; None where too little is
    known. `studies` are the ledger's; this report's own counts for decisions alone."""
    others = [each for each in studies if each["id"] != report["study_id"]]
    own = {"ladder": report.get("ladder"), "unit": report["unit"]}
    report["decisions"] = _decisions([*others, own]) if report.get("ladder") else None
    past = _noise(report, others)
    for arm in report["arms"]:
        arm["moderated"] = _moderated(arm, past)


def _noise(report: Tree, others: list[Tree]) -> list[tuple[float, int]]:
    """(SD of the differences, pairs) of every arm of an earlier study on this base."""
    same = [
        each
        for each in others
        if each["base"] == report["base"]["config"]
        and each["unit"] == report["unit"]
        and each["numerics"] == report["provenance"]["numerics"]
    ]
    verdicts = [arm["verdict"] for each in same for arm in each["arms"]]
    return [
        (v["sd_difference"], v["pairs"]) for v in verdicts if v.get("sd_difference") and v["pairs"]
    ]


def _moderated(arm: Tree, past: list[tuple[float, int]]) -> Tree | None:
    verdict = arm["verdict"]
    if len(past) < LEAST or verdict["word"] is None or not verdict.get("sd_difference"):
        return None
    seen = [pair["arm"] - pair["base"] for pair in arm["pairs"][: verdict["pairs"]]]
    prior = prior_from(past)
    test = moderated(seen, prior.variance, prior.freedom, LEVEL)
    return {
        "difference": test.mean,
        "low": test.low,
        "high": test.high,
        "studies": prior.studies,
        "freedom": prior.freedom,
    }


def _decisions(studies: list[Tree]) -> Tree | None:
    """Smallest rung against largest, by the sides their intervals took."""
    pairs = []
    for each in studies:
        rows = (each.get("ladder") or {}).get("rungs") or []
        if len(rows) < 2:
            continue
        small, large = rows[0]["arms"], rows[-1]["arms"]
        pairs += [(_side(small[name]), _side(large[name])) for name in small if name in large]
    if not any(early and top for early, top in pairs):
        return None
    found = decision_accuracy(pairs, LEVEL)
    return {
        "agreed": found.agreed,
        "decided": found.count,
        "undecided": found.undecided,
        "share": found.share,
        "low": found.low,
        "high": found.high,
    }


def _side(found: Tree) -> float:
    """The difference where its interval excludes 0, else 0: no side."""
    if found.get("reason") or found.get("low") is None or found.get("high") is None:
        return 0.0
    return float(found["difference"]) if found["low"] > 0 or found["high"] < 0 else 0.0
