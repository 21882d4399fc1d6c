"""The scorecard as Markdown: every swap, what was published, what we called, hit or miss."""

from pathlib import Path
from typing import Any

from partbench.claims import scorecard
from partbench.report import quantities
from partbench.stats.shares import Share

HEAD = """# Transfer scorecard

Does a laptop's verdict foretell what a swap did at a billion parameters, or at the largest size \
that was published? One half of the swaps chooses the preset, the other half judges it; no call \
counts as a miss, and misses stay. What is called, how, and against what was hashed before any \
cell ran. A call that is no better than always saying the commonest outcome foretells nothing.
"""


def page(results: Path) -> str:
    """The whole page."""
    told = scorecard.declared()
    preset, rates = scorecard.chosen(results)
    lines = [HEAD]
    lines.append(
        f"{told['swaps']} swaps, declared {told['declared_at'][:10]} as `{told['sha256'][:16]}`.\n"
    )
    for name, found in rates.items():
        lines.append(f"- the half that chooses, {name}: {said(found)}")
    judged = None if preset is None else scorecard.calls(results, scorecard.JUDGE, preset)
    lines.append(f"- {_judged(preset, judged)}")
    first = scorecard.calls(results, scorecard.CHOOSE, preset or next(iter(scorecard.PRESETS)))
    made = (first or {}) | (judged or {})
    lines += ["", "| swap | at scale | the figure | size | source | checked | half | our call | |",
              "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    lines += [_row(swap, made.get(swap["name"])) for swap in scorecard.swaps()]
    return "\n".join(lines) + "\n"


def top(results: Path) -> str:
    """One sentence: how often the calls of the half that judges were the published outcome."""
    preset, _ = scorecard.chosen(results)
    judged = None if preset is None else scorecard.calls(results, scorecard.JUDGE, preset)
    return f"Of {len(scorecard.swaps())} swaps whose outcome at scale is published, " \
           f"{_judged(preset, judged)}."  # fmt: skip


def _judged(preset: str | None, judged: dict[str, Any] | None) -> str:
    if preset is None or judged is None:
        return "the half that judges has not run yet"
    outcome, usual = scorecard.commonest(scorecard.JUDGE)
    found = scorecard.rate(judged, scorecard.JUDGE)
    return (
        f"**the half that judges, {preset}: {said(found)} called as published**, where always "
        f"saying {outcome} would be right {usual.successes} times"
    )


def said(found: Share) -> str:
    """`9 of 15, 60 % [32 %, 84 %]`."""
    low, high = (round(100 * end) for end in (found.low, found.high))
    return f"{found.successes} of {found.trials}, {round(100 * found.value)} % [{low} %, {high} %]"


def _row(swap: dict[str, Any], call: dict[str, Any] | None) -> str:
    ours, hit = "", ""
    if call is not None:
        ours = call["call"]
        if call["low"] is not None:
            ends = quantities.interval(call["low"], call["high"], 3)
            ours += f" {quantities.signed(call['difference'], 3)} {ends}"
        hit = "hit" if call["call"] == swap["outcome"] else "miss"
    cells = [f"`{swap['name']}`", *(swap[k] for k in ("outcome", "figure", "scale", "source",
             "checked", "half")), ours, hit]  # fmt: skip
    return "| " + " | ".join(cells) + " |"
