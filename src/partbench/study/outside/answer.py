"""From the runs of outside commands to the report's tree. Pure reading, as study/answer.py is.

What our own trainer knows and a command does not tell (parameters, curves, whether a part is
alive, a slope to convert seconds and compute) is absent from the tree, not empty.
"""

import math
import time
from typing import Any

from partbench.core.errors import ConfigError
from partbench.stats import monitor
from partbench.stats.divergence import signed_differences
from partbench.study.outside import command, facts, words
from partbench.study.outside.outcomes import Outcome, Outcomes
from partbench.study.outside.question import Question

Tree = dict[str, Any]
STATUSES = ("finished", "diverged", "failed")


def report(
    question: Question,
    declared: Tree,
    outcomes: Outcomes,
    look: int,
    *,
    bought: bool,
    reproduce: str = "",
) -> Tree:
    """The whole report, while look `look` is bought or (`bought`) once it has been."""
    reached = look if bought else look - 1 if look else None
    seeds = question.seeds(question.looks[look])
    standings = _standings(question, outcomes, reached)
    base = outcomes.row("base", seeds)
    arms = [
        _arm(question, name, base, outcomes.row(name, seeds), standings.get(name), reached)
        for name in question.arms
    ]
    over = all(arm["finished"] for arm in arms)
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "schema": 1,
        "kind": "commands",
        "name": question.name,
        "question": question.text,
        "study_id": declared["id"],
        "status": "complete" if over else "under way",
        "declared_at": declared["declared_at"],
        "finished_at": now if over else None,
        "grade": "as run",
        "unit": question.metric.name,
        "higher_is_better": question.higher,
        "margin": question.margin,
        "margin_text": "by --margin",
        "alpha": question.alpha,
        "design": {
            "name": question.design.name,
            "looks": list(question.design.looks),
            "levels": list(question.design.levels),
        },
        "base": {
            "name": "base",
            "config": facts.base_config(question),
            "costs": facts.costs(base),
        },
        "arms": arms,
        "notes": facts.notes(question, declared, outcomes, arms, seeds),
        "totals": facts.totals(question, declared, outcomes, seeds),
        "reproduce": [reproduce] if reproduce else [],
        "provenance": facts.provenance(question, declared, outcomes, seeds),
    }


def _scores(row: list[Outcome | None], pairs: int) -> list[float]:
    """Leading scores of a row, nan where a run diverged; ends at the first that is missing."""
    scores = []
    for outcome in row[:pairs]:
        if outcome is None or outcome.status == "failed":
            break
        scores.append(math.nan if outcome.score is None else outcome.score)
    return scores


def _paired(
    question: Question, base: list[Outcome | None], own: list[Outcome | None], pairs: int
) -> tuple[words.Numbers, words.Numbers]:
    """The leading pairs with an outcome, as scores of which the lower is better."""
    first, second = _scores(base, pairs), _scores(own, pairs)
    count = min(len(first), len(second))
    return words.turned(first[:count], question.higher), words.turned(
        second[:count], question.higher
    )


def _standings(
    question: Question, outcomes: Outcomes, look: int | None
) -> dict[str, monitor.Standing]:
    """Every arm's standing at `look`; arms withdrawn by a failed run have none."""
    if look is None:
        return {}
    seeds = question.seeds(question.looks[look])
    base = outcomes.row("base", seeds)
    results = {}
    for name in question.arms:
        own = outcomes.row(name, seeds)
        if _withdrawn(base, own, len(seeds)):
            continue
        first, second = _paired(question, base, own, len(seeds))
        if len(first) < question.looks[0]:
            return {}  # runs were lost since: they are bought again
        if words.seed_has_no_effect(first.tolist(), second.tolist()):
            raise ConfigError(
                f"every seed gave the base {_shown(base)} and {name} {_shown(own)}: "
                f"{len(first)} equal runs are one run. Let {command.SEED} reach the trainer's "
                f"random numbers, or choose a finer metric than {question.metric.name}"
            )
        results[name] = signed_differences(first, second)
    if not results:
        return {}
    # The false-alarm rate is shared among all arms declared, those that failed included.
    alpha = question.alpha * len(results) / len(question.arms)
    return monitor.look(question.design, look, results, question.margin, alpha)


def _shown(row: list[Outcome | None]) -> str:
    score = row[0].score if row[0] is not None else None
    return "no number" if score is None else f"{score:g}"


def _withdrawn(base: list[Outcome | None], own: list[Outcome | None], pairs: int) -> bool:
    """Whether a run of these pairs failed: that is no outcome, so the arm has no verdict."""
    both = (*base[:pairs], *own[:pairs])
    return any(outcome is not None and outcome.status == "failed" for outcome in both)


def _arm(
    question: Question,
    name: str,
    base: list[Outcome | None],
    own: list[Outcome | None],
    standing: monitor.Standing | None,
    look: int | None,
) -> Tree:
    failed = look is not None and _withdrawn(base, own, question.looks[look])
    counted = len(base)
    if standing is None:
        first, _ = _paired(question, base, own, len(base))
        verdict = words.none(len(first))
    else:
        found = standing.verdict
        first, second = _paired(question, base, own, found.count)
        verdict = words.told(found, first, second, question.higher, standing.look)
        counted = found.count if standing.finished else counted
    seeds = question.seeds(counted)
    both = [
        (seed, left, right)
        for seed, left, right in zip(seeds, base, own, strict=False)
        if left is not None and right is not None
    ]
    timed = [(a.seconds, b.seconds) for _, a, b in both if "failed" not in (a.status, b.status)]
    ratio = words.time_ratio([a for a, _ in timed], [b for _, b in timed])
    if failed and standing is None:
        verdict["reason"] = _failure(seeds, base, own)
    return {
        "name": name,
        "diff": command.differences(question.command("base"), question.command(name)),
        "finished": failed or (standing is not None and standing.finished),
        "verdict": verdict,
        "pairs": [_pair(seed, left, right) for seed, left, right in both],
        "costs": facts.costs(own[:counted]) | ratio,
    }


def _failure(seeds: list[int], base: list[Outcome | None], own: list[Outcome | None]) -> str:
    """The first failure that took an arm out of the study, in words."""
    for who, row in (("base", base), ("arm", own)):
        for seed, outcome in zip(seeds, row, strict=False):
            if outcome is not None and outcome.status == "failed":
                return f"the {who} failed at seed {seed} ({outcome.reason})"
    return "a run failed"


def _pair(seed: int, base: Outcome, own: Outcome) -> Tree:
    worst = max((base, own), key=lambda outcome: STATUSES.index(outcome.status))
    both = base.score is not None and own.score is not None
    return {
        "seed": seed,
        "base": base.score,
        "arm": own.score,
        "difference": own.score - base.score if both else None,  # type: ignore[operator]
        "status": worst.status,
        "reason": worst.reason,
    }
