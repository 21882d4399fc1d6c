"""The verdict in words, built from the numbers; page, Markdown and terminal say the same.

Sentences are plain text with the verdict word in `**`; each output makes that bold its own way.
A verdict that is not reached is never worded as the absence of a difference.
"""

from partbench.report import quantities
from partbench.report.absent import ours

VERDICTS = ("better", "worse", "equivalent", "inconclusive")
PENDING = "no verdict yet"
NONE = "no verdict"
NUMERALS = "no one two three four five six seven eight nine ten".split()


def word(arm: dict, report: dict) -> str:
    """Name the verdict of an arm, or say that there is none (yet)."""
    found = (arm.get("verdict") or {}).get("word")
    if found in VERDICTS:
        return found
    withheld = (arm.get("verdict") or {}).get("reason")
    return NONE if withheld or report.get("status") == "complete" else PENDING


def sentence(arm: dict, report: dict) -> str:
    """Say the whole verdict of one arm: size, certainty, cost, per second, grade."""
    verdict = arm.get("verdict") or {}
    name = word(arm, report)
    parts = [f"{arm['name']} against the base: {finding(arm, report)}"]
    if name in VERDICTS:
        parts[0] += f", {evidence(verdict)}{tuned(report)}"
        if name == "inconclusive":
            parts.append(what_settles(verdict))
        parts.append(cost(arm, report))
        if "seconds" in verdict:  # absent: nothing converts tokens to seconds in this study
            parts.append(f"per second: {per_second(verdict, report)}")
        parts.append(scale(arm, report))
    text = "; ".join(part for part in parts if part)
    return f"{text}. Grade: {report.get('grade') or 'not given'}."


def finding(arm: dict, report: dict) -> str:
    """Say the verdict word with the difference and its interval."""
    verdict = arm.get("verdict") or {}
    name, unit, digits = word(arm, report), report["unit"], quantities.decimals(report)
    if name in ("better", "worse"):
        multiplier = compute(verdict)
        aside = f" (about {multiplier})" if multiplier else ""
        return f"**{name}** by {amount(verdict, digits, unit)}{aside}"
    if name == "equivalent":
        text = f"**equivalent**{lean(verdict, report)}: {spread(verdict, digits, unit)}"
        return f"{text}, inside the margin of {quantities.score(report.get('margin'), digits)}"
    if name == "inconclusive":
        return f"**inconclusive**: {spread(verdict, digits, unit)}"
    if verdict.get("reason"):
        return f"**{NONE}**: {verdict['reason']}"
    return f"**{name}**{progress(arm, report)}"


def amount(verdict: dict, digits: int, unit: str = "") -> str:
    """Give the size of a difference without its sign, which the verdict word carries."""
    low, high = verdict.get("low"), verdict.get("high")
    difference = verdict.get("difference")
    if not quantities.known(difference):
        return "an unknown amount"
    text = f"{quantities.score(abs(difference), digits)} {unit}".strip()
    if quantities.known(low) and quantities.known(high):
        ends = (-high, -low) if difference < 0 else (low, high)
        text += f" {quantities.interval(*ends, digits, sign=False)}"
    return text


def spread(verdict: dict, digits: int, unit: str) -> str:
    """Give a signed difference with its interval, or say that it is exactly zero."""
    if exactly_zero(verdict):
        return "every paired difference is exactly 0"
    difference = quantities.signed(verdict.get("difference"), digits)
    ends = quantities.interval(verdict.get("low"), verdict.get("high"), digits)
    ends = "without a finite interval" if ends == quantities.MISSING else ends
    return f"difference {difference} {unit} {ends}"


def exactly_zero(verdict: dict) -> bool:
    """Say whether the arms gave bit-equal scores in every pair."""
    return all(verdict.get(key) == 0 for key in ("difference", "low", "high", "sd_difference"))


def lean(verdict: dict, report: dict) -> str:
    """Tell the sign of an equivalent arm whose interval excludes zero."""
    below, above = ", a little better", ", a little worse"
    if report.get("higher_is_better"):
        below, above = above, below
    if quantities.known(verdict.get("high")) and verdict["high"] < 0:
        return below
    if quantities.known(verdict.get("low")) and verdict["low"] > 0:
        return above
    return ""


def better_side(report: dict) -> str:
    """Say on which side of zero an arm is better: `below` or, where higher is better, `above`."""
    return "above" if report.get("higher_is_better") else "below"


def compute(verdict: dict) -> str:
    """Give the compute multiplier with its interval, or nothing."""
    multiplier = verdict.get("multiplier") or {}
    if not quantities.known(multiplier.get("value")):
        return ""
    ends = quantities.ratio_interval(multiplier.get("low"), multiplier.get("high"))
    return f"{quantities.times(multiplier['value'])}x compute {ends}".strip()


def evidence(verdict: dict) -> str:
    """Give the number of pairs, their correlation and the runs that diverged."""
    text = sample(verdict)
    if quantities.known(verdict.get("correlation")):
        text += f", correlation {quantities.correlation(verdict['correlation'])}"
    diverged = verdict.get("diverged") or {}
    if any(diverged.values()):
        runs = quantities.number_of(sum(diverged.values()), "run")
        text += f", {runs} diverged ({diverged.get('arm', 0)} arm, {diverged.get('base', 0)} base)"
    return text


def sample(verdict: dict) -> str:
    """Give the number of pairs, or of runs where these are no pairs: `8 and 7 runs, no pairs`."""
    runs = verdict.get("runs")
    if runs:
        return f"{runs[0]:,} and {quantities.number_of(runs[1], 'run')}, no pairs"
    return quantities.number_of(verdict.get("pairs"), "pair")


def tuned(report: dict) -> str:
    """Say how many trials the base's and each arm's own value was found by."""
    tuning = report.get("tuning")
    if not tuning:
        return ""
    name = tuning["path"].removeprefix("optimizer.").replace("rate", "learning rate")
    return f", {name} tuned {tuning['trials']} + {tuning['trials']}"


def scale(arm: dict, report: dict) -> str:
    """Say whether the gain holds with scale, where the study climbed a ladder."""
    trend = ((report.get("ladder") or {}).get("trends") or {}).get(arm["name"])
    if not trend:
        return ""
    said = f"over {trend['rungs']} sizes the gain {trend['word']}"
    if trend["word"] == "undetermined":
        said = f"whether the gain holds over {trend['rungs']} sizes is undetermined"
    ends = quantities.interval(trend.get("low"), trend.get("high"), 2)
    slope = quantities.signed(trend["slope"], 2)
    return f"{said}: {slope} of log multiplier a decade {ends}"


def decisions(report: dict) -> str:
    """Say how often, in this ledger, the smallest size decided as the largest did."""
    known = report.get("decisions")
    if not known:
        return ""
    ends = f"[{100 * known['low']:.0f}, {100 * known['high']:.0f}] %"
    return (
        f"In this ledger the smallest size took the largest one's side in {known['agreed']} of "
        f"{known['decided']} decided comparisons {ends}"
    )


def what_settles(verdict: dict) -> str:
    """Say how many more pairs would turn inconclusive into an answer."""
    futile = verdict.get("futile")
    if futile:
        chance = max(futile["at_estimate"], futile["at_margin"])
        return f"given up: the planned pairs would settle it with a chance of {100 * chance:.0f} %"
    settle = verdict.get("settle")
    if not settle:
        return "more pairs are needed"
    fewest, most = settle
    if fewest == most:
        return f"about {quantities.number_of(most, 'more pair')} would settle it"
    return f"{fewest:,} to {most:,} more pairs would settle it"


def cost(arm: dict, report: dict) -> str:
    """Say what the arm costs in time and parameters."""
    costs = arm.get("costs") or {}
    base = (report.get("base") or {}).get("costs") or {}
    known = []
    if quantities.known(costs.get("time_ratio")):
        known.append(f"{quantities.change(costs['time_ratio'])} time{scatter(costs, report)}")
    if costs.get("parameters") is not None and base.get("parameters"):
        known.append(f"{quantities.change(costs['parameters'] / base['parameters'])} parameters")
    return f"costs {' and '.join(known)}" if known else ""


def scatter(costs: dict, report: dict) -> str:
    """Give the interval of the time where it comes from the runs themselves, seldom alone."""
    ends = [costs.get("time_ratio_low"), costs.get("time_ratio_high")]
    if ours(report) or not all(map(quantities.known, ends)):
        return ""
    return f" [{', '.join(map(quantities.change, ends))}]"


def per_second(verdict: dict, report: dict) -> str:
    """Say the verdict at equal training time."""
    seconds, digits = verdict.get("seconds") or {}, quantities.decimals(report)
    name = seconds.get("word")
    if name in ("better", "worse"):
        return f"{name} by {amount(seconds, digits)}"
    if name in VERDICTS and quantities.known(seconds.get("difference")):
        ends = quantities.interval(seconds.get("low"), seconds.get("high"), digits)
        return f"{name}, {quantities.signed(seconds['difference'], digits)} {ends}"
    return "not measured"


def progress(arm: dict, report: dict) -> str:
    """Say how far an arm without a verdict is."""
    done = (arm.get("verdict") or {}).get("pairs") or 0
    if report.get("status") == "complete":
        return f", {quantities.number_of(done, 'usable pair')}"
    looks = (report.get("design") or {}).get("looks") or []
    following = next((look for look in looks if look > done), None)
    if following:
        return f", study under way: {done:,} of {following:,} pairs to the next look"
    return f", study under way: {quantities.number_of(done, 'pair')}"


def headline(report: dict) -> str:
    """Say the outcome of the whole study in one short sentence, to be set in large type."""
    arms = report.get("arms") or []
    if not arms:
        return "No arm was declared."
    if len(arms) > 1:
        return tally([word(arm, report) for arm in arms], "swaps" if ours(report) else "arms")
    arm, verdict = arms[0], arms[0].get("verdict") or {}
    name, unit, digits = word(arm, report), report["unit"], quantities.decimals(report)
    if name in ("better", "worse"):
        size = amount({"difference": verdict.get("difference")}, digits, unit)
        return f"{arm['name']} is **{name}** than the base by {size}."
    if name == "equivalent" and exactly_zero(verdict):
        return f"{arm['name']} is **equivalent** to the base: every pair gave the same score."
    if name == "equivalent":
        margin = f"{quantities.score(report.get('margin'), digits)} {unit}"
        return (
            f"{arm['name']} is **equivalent** to the base: any difference is smaller than {margin}."
        )
    if name == "inconclusive":
        return f"{arm['name']} against the base is **inconclusive**: {what_settles(verdict)}."
    return f"{arm['name']} against the base: {finding(arm, report)}."


def tally(words: list[str], noun: str = "swaps") -> str:
    """Count the verdicts of several arms: `Of three swaps, one is better and two are worse.`"""
    found: list[str] = []
    for name in (*VERDICTS, PENDING, NONE):
        many = words.count(name)
        if many:
            verb = "" if found else ("is " if many == 1 else "are ")
            if name in (PENDING, NONE):
                verb = "has " if many == 1 else "have "
            found.append(f"{numeral(many)} {verb}**{name}**")
    listing = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
    return f"Of {numeral(len(words))} {noun}, {listing}."


def numeral(many: int) -> str:
    """Spell small numbers out."""
    return NUMERALS[many] if many < len(NUMERALS) else f"{many:,}"
