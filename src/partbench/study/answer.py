"""From records to the report: pairs, verdicts, costs, curves, liveness, provenance. Pure reading.

All numbers come from records, costs.json and the declaration; two runs of one study that end with
the same records give the same report, times apart.
"""

import math
import time
from typing import Any

from partbench.stats import monitor, paired, sequential, verdict
from partbench.stats.divergence import signed_differences
from partbench.stats.power import pairs_to_settle
from partbench.study import evidence, provenance
from partbench.study.judgement import at_equal_seconds, compute_multiplier, slope_of, unit_margin
from partbench.study.ledger import Halves, Ledger, Records
from partbench.study.plan import curve_jobs, pair_jobs
from partbench.study.spec import Study

Tree = dict[str, Any]
OUTCOMES = ("finished", "diverged", "failed")


def report(
    study: Study,
    declared: Tree,
    costs: Tree,
    ledger: Ledger,
    look: int,
    *,
    bought: bool,
    reproduce: str = "",
) -> Tree:
    """The whole report as one tree, while look `look` is bought or (`bought`) once it has been.

    Verdicts are those of the last look that was bought; pairs beyond `look` are not shown, whatever
    else the ledger knows.
    """
    reached = look if bought else look - 1 if look else None
    seeds = study.seeds(study.looks[look])
    records: Records = {
        (job.arm, job.seed): ledger.record(job.cell)
        for job in pair_jobs(study, seeds, list(study.arms))
    }
    halves: Halves = {job.seed: ledger.record(job.cell) for job in curve_jobs(study)}
    slope = slope_of(records, halves, study)
    unit = next((r["unit"] for r in records.values() if r and "unit" in r), "")
    margin, margin_text = unit_margin(study.margin, slope, unit)
    standings = _standings(study, records, reached, margin)
    arms = [
        _arm(study, name, records, standings.get(name), costs, slope, margin, reached)
        for name in study.arms
    ]
    # Without a margin (a base that learns nothing from more compute) the last look ends it too.
    last = reached == len(study.looks) - 1 and margin is None
    over = last or all(arm["finished"] for arm in arms)
    design = _design(study)
    return {
        "schema": 1,
        "name": study.name,
        "question": study.question,
        "study_id": declared["id"],
        "status": "complete" if over else "under way",
        "declared_at": declared["declared_at"],
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()) if over else None,
        "grade": "screen",
        "unit": unit,
        "margin": margin,
        "margin_text": margin_text,
        "alpha": study.alpha,
        "design": {
            "name": design.name,
            "looks": list(design.looks),
            "levels": list(design.levels),
        },
        "base": {
            "name": "base",
            "config": study.base.resolved,
            "costs": evidence.costs("base", records, costs),
            "curves": evidence.curves("base", records),
        },
        "arms": arms,
        "slope": slope,
        "totals": provenance.totals(study, declared, records, halves),
        "reproduce": [reproduce] if reproduce else [],
        "provenance": provenance.provenance(study, declared, records, halves),
    }


def _design(study: Study) -> sequential.Design:
    plan = sequential.flat if study.design == "flat" else sequential.obrien_fleming
    return plan(study.looks, study.alpha)


def _scores(
    study: Study, records: Records, arm: str, pairs: int
) -> tuple[list[float], list[float]]:
    """Scores of base and arm over the leading pairs that have an outcome; diverged = infinite."""
    base_scores, arm_scores = [], []
    for seed in study.seeds(pairs):
        both = [records.get((name, seed)) for name in ("base", arm)]
        known = [r for r in both if r is not None and r["status"] != "failed"]
        if len(known) < 2:
            break
        scores = [r["score"] if r["status"] == "finished" else math.inf for r in known]
        base_scores.append(scores[0])
        arm_scores.append(scores[1])
    return base_scores, arm_scores


def _standings(
    study: Study, records: Records, look: int | None, margin: float | None
) -> dict[str, monitor.Standing]:
    """Every arm's standing at `look`; arms withdrawn by a failure have none."""
    if look is None or margin is None:
        return {}
    results = {}
    for arm in study.arms:
        if not _withdrawn(study, records, arm, look):
            scores = _scores(study, records, arm, study.looks[look])
            if len(scores[0]) < study.looks[0]:
                return {}  # the ledger has lost records since: they are bought again
            results[arm] = signed_differences(*scores)
    if not results:
        return {}
    # The false-alarm rate is shared among all arms declared, those that failed included.
    alpha = study.alpha * len(results) / len(study.arms)
    return monitor.look(_design(study), look, results, margin, alpha)


def _withdrawn(study: Study, records: Records, arm: str, look: int | None) -> bool:
    """Whether a cell failed among the pairs up to `look`; later failures will be tried again."""
    return any(
        (record := records.get((name, seed))) is not None and record["status"] == "failed"
        for seed in study.seeds(study.looks[-1 if look is None else look])
        for name in ("base", arm)
    )


def _arm(
    study: Study,
    name: str,
    records: Records,
    standing: monitor.Standing | None,
    costs: Tree,
    slope: Tree | None,
    margin: float | None,
    look: int | None,
) -> Tree:
    withdrawn = _withdrawn(study, records, name, look)
    return {
        "name": name,
        "diff": study.base.diff(study.arms[name]),
        "finished": withdrawn or (standing is not None and standing.finished),
        "verdict": _verdict(study, name, records, standing, costs, slope, margin),
        "pairs": _pairs(study, name, records)[: _counted(standing)],
        "costs": evidence.costs(name, records, costs),
        "liveness": evidence.liveness(study, name, records),
        "curves": evidence.curves(name, records),
    }


def _verdict(
    study: Study,
    name: str,
    records: Records,
    standing: monitor.Standing | None,
    costs: Tree,
    slope: Tree | None,
    margin: float | None,
) -> Tree:
    if standing is None or margin is None:
        return {"word": None, "pairs": len(_scores(study, records, name, study.looks[-1])[0])}
    found = standing.verdict
    pairs = found.count
    base_scores, arm_scores = _scores(study, records, name, pairs)
    differences = signed_differences(base_scores, arm_scores)
    finite = found.method == "paired t"
    settle = None
    if found.word == verdict.INCONCLUSIVE and finite:
        settle = pairs_to_settle(differences, margin, found.level)
    return {
        "word": found.word,
        "sign": found.sign,
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "level": found.level,
        "pairs": pairs,
        "look": standing.look + 1,
        "p": found.p,
        "p_sign_flip": paired.sign_flip(differences) if finite else None,
        "correlation": paired.correlation(base_scores, arm_scores) if finite else None,
        "sd_difference": found.sd,
        "method": found.method,
        "multiplier": compute_multiplier(differences, slope, found.level) if finite else None,
        "seconds": at_equal_seconds(differences, costs.get(name), slope, margin, found.level)
        if finite
        else None,
        # None at either end means more than a thousand: no number that a report should print.
        "settle": None if settle is None or None in settle else list(settle),
        "diverged": {"base": found.base_diverged, "arm": found.arm_diverged},
    }


def _counted(standing: monitor.Standing | None) -> int | None:
    """How many pairs the verdict of an arm that has finished rests on; None while it goes on."""
    return standing.verdict.count if standing is not None and standing.finished else None


def _pairs(study: Study, name: str, records: Records) -> list[Tree]:
    rows = []
    for seed in study.seeds(study.looks[-1]):
        base, arm = records.get(("base", seed)), records.get((name, seed))
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
