"""What to do next with an arm, for people and for programs that loop over ideas.

adopt   better (and better or equal at equal seconds, where that is known)
weigh   better at equal tokens, worse at equal seconds
drop    worse, or equivalent at a higher cost
choose  equivalent at no higher cost: whichever is simpler
buy     inconclusive: how many more pairs would settle it, and what they cost
mend    no verdict: its tuning, a failed run or a dead part is in the way
wait    the study has not got to it yet
"""

from typing import Any

from partbench.stats.verdict import BETTER, EQUIVALENT, INCONCLUSIVE, WORSE

Tree = dict[str, Any]


def advice(arm: Tree, pair_seconds: float | None) -> Tree:
    """The next step for an arm of the report: `action`, and for "buy" pairs and core-seconds.

    `pair_seconds`: what one pair of this arm took, in seconds of one core; None where unknown.
    """
    found = arm["verdict"]
    seconds = (found.get("seconds") or {}).get("word")
    if found["word"] == BETTER:
        return {"action": "weigh" if seconds == WORSE else "adopt"}
    if found["word"] == WORSE:
        return {"action": "drop"}
    if found["word"] == EQUIVALENT:
        slower = (arm["costs"].get("time_ratio_low") or 0) > 1
        return {"action": "drop" if slower else "choose"}
    if found["word"] == INCONCLUSIVE:
        pairs = found["settle"]
        cost = [n * pair_seconds for n in pairs] if pairs and pair_seconds else None
        return {"action": "buy", "pairs": pairs, "core_seconds": cost}
    return {"action": "mend"} if found.get("reason") else {"action": "wait"}
