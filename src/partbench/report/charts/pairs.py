"""Estimation plot of the pairs: both scores of each seed, and beside them their differences."""

from partbench.report import quantities
from partbench.report.charts import plain, theme

HEIGHT = 250
Places = dict[float, str]


def pairs(arm: dict, report: dict) -> plain.Row | None:
    """Draw scores joined by seed on the left; differences, mean and interval on the right."""
    finished = [
        pair
        for pair in arm.get("pairs") or []
        if quantities.known(pair.get("base"))
        and quantities.known(pair.get("arm"))
        and quantities.known(pair.get("difference"))
    ]
    if not finished:
        return None
    return plain.Row([scores(finished, report), differences(arm, finished, report)])


def places(ends: tuple[float, float], names: Places) -> plain.Axis:
    """The axis of a few named places side by side."""
    return plain.Axis("", ends, list(names), lambda at: names[at], grid=False)


def scores(finished: list[dict], report: dict) -> plain.Chart:
    """Draw each seed as a line from its base score to its arm score."""
    digits, marks = quantities.decimals(report), []
    for pair in finished:
        points = [(0, pair["base"]), (1, pair["arm"])]
        marks.append(plain.Mark("line", points, theme.SOFT, 1, 0.55))
    for place, (side, shape, size) in enumerate((("base", "circle", 34), ("arm", "diamond", 44))):
        tips = [f"seed {p['seed']}, {side}: {quantities.score(p[side], digits)}" for p in finished]
        points = [(place, pair[side]) for pair in finished]
        marks.append(plain.Mark(shape, points, theme.LOOKS[side][0], size, tips=tips))
    domain = theme.padded([pair[side] for pair in finished for side in ("base", "arm")])
    y = plain.linear(report["unit"], domain, 5)
    return plain.Chart(places((-0.35, 1.35), {0: "base", 1: "arm"}), y, marks, 112, HEIGHT)


def differences(arm: dict, finished: list[dict], report: dict) -> plain.Chart:
    """Draw one dot a pair, and the mean with its interval beside them."""
    digits, margin = quantities.decimals(report), report.get("margin") or 0
    verdict = arm.get("verdict") or {}
    shown = [pair["difference"] for pair in finished] + [0, -margin, margin]
    mean = mean_of(verdict, digits)
    shown += [mean[0]["low"], mean[0]["high"]] if mean else []
    domain = theme.padded(shown)
    color, gone = theme.color_of(verdict.get("word")), without_score(arm)
    marks = [plain.Mark("band", [(0, -margin), (0, margin)], theme.BAND)] if margin else []
    marks.append(plain.Mark("rule", [(0, 0)], theme.SOFT, 1.25))
    dots = list(zip(sideways(len(finished)), (p["difference"] for p in finished), strict=True))
    tips = [f"seed {p['seed']}: {quantities.signed(p['difference'], digits)}" for p in finished]
    marks.append(plain.Mark("circle", dots, theme.ARM, 48, tips=tips))
    lost = [(place, domain[1]) for place in sideways(len(gone))]
    tips = [tip_of(pair) for pair in gone]
    marks.append(plain.Mark("cross", lost, theme.WORDS["worse"], 60, tips=tips))
    if curve := density(verdict, len(finished)):
        half = [(point["place"], point["difference"]) for point in curve]
        marks.append(plain.Mark("area", half, color, opacity=0.22))
    for row in mean:
        marks.append(plain.Mark("line", [(1, row["low"]), (1, row["high"])], color, 3))
        dot = [(1, row["difference"])]
        marks.append(plain.Mark("circle", dot, color, 110, tips=[row["tip"]]))
    y = plain.linear("difference (arm minus base)", domain, 6, plain.signed)
    return plain.Chart(places((-0.5, 1.5), {0: "pairs", 1: "mean"}), y, marks, 138, HEIGHT)


def sideways(many: int) -> list[float]:
    """Dots are spread in the order of the seeds, so that equal ones stay visible."""
    return [0.5 * ((order + 0.5) / many - 0.5) for order in range(many)]


def mean_of(verdict: dict, digits: int) -> list[dict]:
    """Give the datum of the mean, or none while there is no interval."""
    if not all(quantities.known(verdict.get(key)) for key in ("difference", "low", "high")):
        return []
    value = quantities.signed(verdict["difference"], digits)
    ends = quantities.interval(verdict["low"], verdict["high"], digits)
    span = {key: verdict[key] for key in ("difference", "low", "high")}
    return [{"place": 1, "tip": f"mean: {value} {ends}", **span}]


def density(verdict: dict, pairs: int) -> list[dict]:
    """The half violin of a Cumming plot: how likely each mean is, by the t distribution.

    Where the interval is not a t interval (ranks of diverged runs), nothing. Ho et al. 2019,
    "Moving beyond P values: data analysis with estimation graphics", draw resampled means instead.
    """
    spread = verdict.get("sd_difference")
    if not spread or pairs < 2 or (verdict.get("method") or "paired t") != "paired t":
        return []
    error, freedom = spread / pairs**0.5, pairs - 1
    places = [4 * (place / 16 - 1) for place in range(33)]
    return [
        {
            "place": 1 + 0.42 * (1 + place**2 / freedom) ** (-(freedom + 1) / 2),
            "order": place,
            "difference": verdict["difference"] + place * error,
        }
        for place in places
    ]


def without_score(arm: dict) -> list[dict]:
    """Give the pairs that diverged or failed; they are drawn at the edge, not left out."""
    return [p for p in arm.get("pairs") or [] if p.get("status") in ("diverged", "failed")]


def tip_of(pair: dict) -> str:
    """Say what became of a pair without a difference."""
    return f"seed {pair['seed']}: {pair['status']}"
