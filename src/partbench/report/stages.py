"""Tables of what surrounds a verdict: tuning before it, fresh pairs and other sizes after it."""

from partbench.report import quantities
from partbench.report.sentences import decisions
from partbench.report.tables import Table, estimate, multiplier_text, without_empty_end


def tuning(report: dict) -> Table | None:
    """One line an arm: its score at every multiple of its declared value, and the best value."""
    made = report.get("tuning")
    if not made:
        return None
    digits = quantities.decimals(report)
    rows = []
    for arm in made["arms"]:
        scores = [trial(row, digits) for row in arm["scores"]]
        error = arm.get("octaves_error")
        value = f"{arm['value']:.3g}" if quantities.known(arm.get("value")) else quantities.MISSING
        best = f"{value} ±{error:.2f} octaves" if quantities.known(error) else value
        missed = quantities.score(arm.get("sensitivity"), digits)
        rows.append((arm["name"], *scores, best, missed, arm.get("held_back") or ""))
    grid = tuple(f"{factor:g}x" for factor in made["factors"])
    headings = ("arm", *grid, "best value", "cost of missing it", "no verdict because")
    caption = f"Scores at multiples of each arm's own {made['path']}, on seeds that judge nothing"
    return without_empty_end(Table(caption, headings, rows, tuple(range(1, len(grid) + 3))))


def trial(scores: list, digits: int) -> str:
    """The mean of the runs at one multiple, or that some diverged."""
    if any(not quantities.known(score) for score in scores):
        return "diverged"
    return quantities.score(sum(scores) / len(scores), digits)


def ladder(arm: dict, report: dict) -> Table | None:
    """One line a rung, by compute: the arm's difference and what it is worth there."""
    rungs = (report.get("ladder") or {}).get("rungs") or []
    if not rungs:
        return None
    digits = quantities.decimals(report)
    rows = []
    for rung in rungs:
        own = rung["arms"][arm["name"]]
        rows.append(
            (
                quantities.short_count(rung["parameters"]) + (" (this study)" * rung["home"]),
                quantities.short_count(rung["tokens"]),
                quantities.count(rung["pairs"]),
                quantities.score(rung["base"], digits),
                estimate(own, digits),
                multiplier_text(own.get("multiplier") or {}),
                own["reason"],
            )
        )
    headings = ("parameters", "tokens", "pairs", "base", "difference", "compute", "no number")
    caption = ". ".join(filter(None, ("The same swap at every size", decisions(report))))
    return without_empty_end(Table(caption, headings, rows, (1, 2, 3, 4, 5)))


def following(arm: dict, report: dict) -> Table | None:
    """Other questions to the same pairs, fresh pairs of a winner, the value best for the base."""
    digits = quantities.decimals(report)
    verdict = arm.get("verdict") or {}
    pairs, level = str(verdict.get("pairs")), quantities.level(verdict.get("level"))
    rows = []
    for kind, name in (("parameters", "parameters"), ("flops", "FLOPs")):
        found = (verdict.get("matchings") or {}).get(kind)
        if found:
            said = found["word"] or "no number"
            shown = estimate(found, digits) if found["word"] else found["reason"]
            rows.append((f"at equal {name}", said, shown, pairs, level))
    if shrunken := arm.get("shrunken"):
        name = "less the luck of the best of many"
        rows.append((name, "no claim", estimate(shrunken, digits), pairs, quantities.level(0.95)))
    if known := arm.get("moderated"):
        name = f"with the noise of {quantities.number_of(known['studies'], 'earlier comparison')}"
        rows.append((name, "no claim", estimate(known, digits), pairs, quantities.level(0.95)))
    fresh, together = arm.get("confirmation"), arm.get("shared_rate")
    if fresh:
        level = quantities.level(fresh["level"])
        rows.append(
            ("on fresh pairs", fresh["word"], estimate(fresh, digits), str(fresh["pairs"]), level)
        )
    if together:
        name = f"base and arm at {together['factor']:.3g}x, the base's best"
        pairs = str(together["pairs"])
        rows.append((name, "no claim", estimate(together, digits), pairs, quantities.level(0.95)))
    headings = ("", "verdict", "difference and interval", "pairs", "level")
    return Table("Beside the verdict", headings, rows, (2, 3, 4)) if rows else None
