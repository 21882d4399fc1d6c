"""Forest plot: every arm's difference with its interval, against zero and the margin."""

from partbench.report import absent, quantities, sentences
from partbench.report.charts import theme

ROW = 62


def forest(report: dict, width: int) -> dict | None:
    """Draw one row an arm: filled at equal tokens, hollow beneath it at equal seconds."""
    rows = rows_of(report)
    ends = [end for row in rows for end in (row["low"], row["high"])]
    if not ends:
        return None
    margin = report.get("margin") or 0
    domain = theme.padded([*ends, 0, -margin, margin], 0.04)
    height = ROW * len(report["arms"])
    down = {"field": "y", "type": "quantitative", "scale": {"domain": [height, 0]}, "axis": None}
    left, right = ("worse", "better") if report.get("higher_is_better") else ("better", "worse")
    title = f"← arm {left} · difference in {report['unit']} · arm {right} →"
    across = {"title": title, "labelExpr": theme.SIGNED, "tickCount": max(width // 110, 3)}
    across |= {"grid": False, "domain": True, "domainColor": theme.RULE, "ticks": True}
    tokens = [row for row in rows if row["kind"] == "tokens"]
    seconds = [row for row in rows if row["kind"] == "seconds"]
    color = {"field": "color", "type": "nominal", "scale": None}
    tip = {"field": "tip", "type": "nominal"}
    layers = [
        *background(report, margin, domain, down),
        *[
            theme.layer(
                part,
                {"type": "rule", "strokeWidth": thick, "strokeCap": "round"},
                x=theme.quantity("low", domain, **across),
                x2={"field": "high"},
                y=down,
                color=color,
            )
            for part, thick in ((tokens, 3.5), (seconds, 1.5))
        ],
        theme.layer(
            tokens,
            {"type": "point", "filled": True, "size": 110, "opacity": 1, "aria": True},
            x=theme.quantity("difference", domain, **across),
            y=down,
            color=color,
            shape={"field": "shape", "type": "nominal", "scale": None},
            description=tip,
        ),
        theme.layer(
            seconds,
            {"type": "point", "fill": theme.PAPER, "size": 55, "opacity": 1, "aria": True},
            x=theme.quantity("difference", domain, **across),
            y=down,
            stroke=color,
            description=tip,
        ),
        *titles(report, width, down),
    ]
    return theme.figure(layers, width, height)


def background(report: dict, margin: float, domain: list[float], down: dict) -> list[dict]:
    """Draw margin and zero behind each row's intervals, but not behind its words."""
    values = [
        {"low": -margin, "high": margin, "zero": 0, "y": place * ROW + 25, "end": place * ROW + 55}
        for place in range(len(report["arms"]))
    ]
    x, end = theme.quantity("low", domain), {"field": "end"}
    band = {"type": "rect", "color": theme.BAND}
    rule = {"type": "rule", "color": theme.SOFT, "strokeWidth": 1.25}
    return [
        theme.layer(values if margin else [], band, x=x, x2={"field": "high"}, y=down, y2=end),
        theme.layer(values, rule, x={**x, "field": "zero"}, y=down, y2=end),
    ]


SHAPES = {"better": "circle", "worse": "square", "equivalent": "diamond"}


def rows_of(report: dict) -> list[dict]:
    """Give one datum for each drawn interval."""
    rows, digits = [], quantities.decimals(report)
    for place, arm in enumerate(report["arms"]):
        verdict = arm.get("verdict") or {}
        for kind, source, offset in (
            ("tokens", verdict, 34),
            ("seconds", verdict.get("seconds") or {}, 46),
        ):
            if not all(quantities.known(source.get(key)) for key in ("difference", "low", "high")):
                continue
            name = source.get("word")
            value = quantities.signed(source["difference"], digits)
            ends = quantities.interval(source["low"], source["high"], digits)
            at = f" at equal {kind}" if absent.ours(report) else ""
            rows.append(
                {
                    "kind": kind,
                    "difference": source["difference"],
                    "low": source["low"],
                    "high": source["high"],
                    "y": place * ROW + offset,
                    "color": theme.color_of(name),
                    "shape": SHAPES.get(name or "", "triangle-up"),
                    "tip": f"{arm['name']}{at}: {name or 'no verdict'}, {value} {ends}",
                }
            )
    return rows


def titles(report: dict, width: int, down: dict) -> list[dict]:
    """Write the arm and its verdict above each row."""
    digits, narrow = quantities.decimals(report), width < 500
    left, right = [], []
    for place, arm in enumerate(report["arms"]):
        verdict, name = arm.get("verdict") or {}, sentences.word(arm, report)
        value = quantities.signed(verdict.get("difference"), digits)
        ends = quantities.interval(verdict.get("low"), verdict.get("high"), digits)
        known = quantities.known(verdict.get("difference")) and ends != quantities.MISSING
        said = f"{name} {value} {ends}" if known and not narrow else name
        y = place * ROW + 14
        left.append({"text": arm["name"], "y": y})
        right.append({"text": said.replace("-", "−"), "y": y, "color": theme.color_of(name)})
    text = {"field": "text", "type": "nominal"}
    mark = {"type": "text", "baseline": "middle", "fontWeight": 600, "fontSize": 13}
    limit = width - (110 if narrow else 320)
    color = {"field": "color", "type": "nominal", "scale": None}
    return [
        theme.layer(
            left, {**mark, "align": "left", "limit": limit}, x={"value": 0}, y=down, text=text
        ),
        theme.layer(
            right,
            {**mark, "align": "right"},
            x={"value": width},
            y=down,
            text=text,
            color=color,
        ),
    ]
