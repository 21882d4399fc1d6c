"""The tables of a report, as text cells; the page and the Markdown lay out the same ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from partbench.report import absent, quantities, sentences


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; `numeric` names the columns to align to the right."""

    caption: str
    headings: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    numeric: tuple[int, ...] = ()


def without_empty_end(made: Table) -> Table:
    """Leave out a last column in which nothing was written."""
    if any(row[-1] for row in made.rows):
        return made
    rows = [row[:-1] for row in made.rows]
    return Table(made.caption, made.headings[:-1], rows, made.numeric)


def summary(report: dict) -> Table:
    """One line an arm: what a reader of several arms needs first."""
    digits = quantities.decimals(report)
    rows = []
    for arm in report["arms"]:
        verdict = arm.get("verdict") or {}
        costs = arm.get("costs") or {}
        seconds = verdict.get("seconds") or {}
        multiplier = (verdict.get("multiplier") or {}).get("value")
        rows.append(
            (
                arm["name"],
                sentences.word(arm, report),
                estimate(verdict, digits),
                sample(verdict),
                seconds.get("word") or quantities.MISSING,
                quantities.ratio(multiplier),
                quantities.change(costs.get("time_ratio")),
                parameter_change(arm, report),
            )
        )
    headings = ("arm", "verdict", "difference and interval", "pairs", "at equal seconds")
    costs_too = (*headings, "compute", "time", "parameters")
    made = Table("All arms against the base", costs_too, rows, (2, 3, 5, 6, 7))
    return made if absent.ours(report) else absent.without_columns(made, (4, 5, 7))


def sample(verdict: dict) -> str:
    """Write the number of pairs, or of both sides' runs where these are no pairs: `8 + 7 runs`."""
    runs = verdict.get("runs")
    return (
        f"{runs[0]:,} + {runs[1]:,} runs" if runs else quantities.count(verdict.get("pairs") or 0)
    )


def parameter_change(arm: dict, report: dict) -> str:
    """Give the change in parameters of an arm against the base."""
    return quantities.change(quotient(arm.get("costs"), base_costs(report), "parameters"))


def base_costs(report: dict) -> dict:
    """Give the costs of the base, empty where they were not measured."""
    return (report.get("base") or {}).get("costs") or {}


def quotient(over: dict | None, under: dict | None, key: str) -> float | None:
    """Divide one cost by another where both are known."""
    top, bottom = (over or {}).get(key), (under or {}).get(key)
    return top / bottom if quantities.known(top) and quantities.known(bottom) and bottom else None


def differences(arm: dict) -> Table:
    """The resolved diff: every setting in which the arm is not the base."""
    rows = [
        (line["path"], quantities.setting(line.get("base")), quantities.setting(line.get("arm")))
        for line in arm.get("diff") or []
    ]
    return Table("Every setting that differs", ("setting", "base", "arm"), rows)


def verdict_numbers(arm: dict, report: dict) -> Table:
    """Every number behind a verdict, each with its meaning."""
    verdict = arm.get("verdict") or {}
    digits, unit = quantities.decimals(report), report["unit"]
    seconds, diverged = verdict.get("seconds") or {}, verdict.get("diverged") or {}
    multiplier, settle = verdict.get("multiplier") or {}, verdict.get("settle")
    looks = ", ".join(map(str, (report.get("design") or {}).get("looks") or []))
    look = f"look {verdict['look']}" if verdict.get("look") else "before the first look"
    rows = [
        (
            "difference",
            estimate(verdict, digits),
            f"{absent.averaged(verdict)} of arm minus base, in {unit}; "
            f"{sentences.better_side(report)} zero the arm is better",
        ),
        (
            "level of the interval",
            quantities.level(verdict.get("level")),
            "how often such intervals hold the true difference",
        ),
        (
            "margin",
            f"±{quantities.score(report.get('margin'), digits)}",
            f"{absent.declared(report)} ({report.get('margin_text') or 'no reason given'})",
        ),
        (
            "at equal seconds",
            f"{seconds.get('word') or ''} {estimate(seconds, digits)}".strip(),
            "the same difference had both trained for the same time",
        ),
        (
            "compute multiplier",
            multiplier_text(multiplier),
            "how much more compute the base would need to reach the arm's score",
        ),
        (
            "pairs",
            sample(verdict),
            absent.plan(report) or f"{look} of a study that looks at {looks or 'no'} pairs",
        ),
        (
            f"p, {absent.test(verdict)}",
            quantities.probability(verdict.get("p")),
            "chance of a difference at least this large if the arms were the same",
        ),
        (
            "p, sign-flip test",
            quantities.probability(verdict.get("p_sign_flip")),
            "the same without assuming a bell curve; few pairs cannot make it small",
        ),
        (
            "correlation of the pairs",
            quantities.correlation(verdict.get("correlation")),
            "how alike the seeds act in both arms; high means pairing saved runs",
        ),
        (
            "spread of the differences",
            quantities.score(verdict.get("sd_difference"), digits),
            f"standard deviation over pairs, in {unit}",
        ),
        (
            "more pairs to settle it",
            f"{settle[0]:,} to {settle[1]:,}" if settle else quantities.MISSING,
            "only for an inconclusive verdict",
        ),
        (
            "runs that diverged",
            f"{diverged.get('arm', 0)} arm, {diverged.get('base', 0)} base",
            "counted as an outcome, never dropped",
        ),
    ]
    if not absent.ours(report):
        rows = [row for row in rows if row[0] not in absent.ONLY_OURS]
    return Table("The verdict in numbers", ("number", "value", "meaning"), rows)


def estimate(source: dict, digits: int) -> str:
    """Write a difference with its interval, or a dash."""
    if not quantities.known(source.get("difference")):
        return quantities.MISSING
    ends = quantities.interval(source.get("low"), source.get("high"), digits)
    ends = "no finite interval" if ends == quantities.MISSING else ends
    return f"{quantities.signed(source['difference'], digits)} {ends}"


def multiplier_text(multiplier: dict) -> str:
    """Write a compute multiplier with its interval, or a dash."""
    if not quantities.known(multiplier.get("value")):
        return quantities.MISSING
    ends = quantities.ratio_interval(multiplier.get("low"), multiplier.get("high"))
    return f"{quantities.times(multiplier['value'])}x {ends}".strip()


def costs(arm: dict, report: dict) -> Table:
    """What the arm costs beside the base, and the ratio of both."""
    base, own = base_costs(report), arm.get("costs") or {}
    time = quantities.ratio(own.get("time_ratio"))
    time += " " + quantities.ratio_interval(own.get("time_ratio_low"), own.get("time_ratio_high"))

    def row(label: str, key: str, form: Any, ratio: str | None = None) -> tuple[str, ...]:
        ratio = ratio or quantities.ratio(quotient(own, base, key))
        return (label, form(base.get(key)), form(own.get(key)), ratio)

    rows = [
        row("parameters", "parameters", quantities.count),
        row("FLOPs per token", "flops_per_token", quantities.short_count),
        row("time per step, timed alone", "seconds_per_step", quantities.step_time, time.strip()),
        row("tokens per second", "tokens_per_second", quantities.count),
        row("peak memory", "peak_memory_bytes", quantities.memory),
    ]
    if not absent.ours(report):
        rows = [
            row("time of a run", "seconds_per_run", quantities.run_time, time.strip()),
            row("tokens of a run", "tokens_per_run", quantities.short_count),
        ]
        rows = [made for made in rows if made[1:3] != (quantities.MISSING,) * 2]
    headings = ("cost", "base", "arm", "arm / base")
    return Table("What it costs", headings, rows, (1, 2, 3))


def liveness(arm: dict, report: dict) -> Table:
    """Whether the swapped part learned, and whether the model relies on what it learned."""
    digits = quantities.decimals(report)
    verdict = {True: "alive", False: "dead", None: "not measured"}
    rows = [
        (
            f"{part['slot']}: {part['part']}",
            verdict[part.get("alive")],
            quantities.count(part.get("parameters")),
            quantities.share(part.get("moved")),
            quantities.share(part.get("gradient_share")),
            quantities.signed(part.get("reset_cost"), digits),
            part.get("note") or "",
        )
        for part in arm.get("liveness") or []
    ]
    headings = ("part", "state", "parameters", "moved", "share of gradient", "cost of reset")
    made = Table("Is the new part alive?", (*headings, "note"), rows, (2, 3, 4, 5))
    return without_empty_end(made)


def pairs(arm: dict, report: dict) -> Table:
    """Every pair with both scores and, where there is none, the reason."""
    digits = quantities.decimals(report)
    rows = [
        (
            str(pair["seed"]),
            quantities.setting(pair.get("fold")),
            quantities.score(pair.get("base"), digits),
            quantities.score(pair.get("arm"), digits),
            quantities.signed(pair.get("difference"), digits),
            pair.get("status") or quantities.MISSING,
            pair.get("reason") or "",
        )
        for pair in arm.get("pairs") or []
    ]
    headings = ("seed", "fold", "base", "arm", "difference", "status", "reason")
    made = without_empty_end(Table("Every pair", headings, rows, (1, 2, 3, 4)))
    return made if absent.ours(report) else absent.without_columns(made, (1,))


def troubles(report: dict) -> list[str]:
    """Tell every pair that did not finish, in words."""
    told = []
    for arm in report["arms"]:
        for pair in arm.get("pairs") or []:
            if pair.get("status") in ("diverged", "failed"):
                reason = f": {pair['reason']}" if pair.get("reason") else ""
                told.append(
                    f"{arm['name']}, seed {pair['seed']}: {side(pair)} {pair['status']}{reason}"
                )
    return told


def side(pair: dict) -> str:
    """Tell which run of a pair has no score."""
    gone = [f"the {name}" for name in ("base", "arm") if not quantities.known(pair.get(name))]
    return " and ".join(gone) or "a run"
