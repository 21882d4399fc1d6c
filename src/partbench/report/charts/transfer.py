"""Movement against size, and loss against rate, one line a size."""

from partbench.report.charts import theme

WIDTH, HEIGHT = 330, 250


def movement(rows: list[dict], axis: str) -> dict:
    """Draw how far the stream moved at each size, both logarithmic. rows: size, moved."""
    x = _logarithmic("size", axis, [row["size"] for row in rows])
    y = _logarithmic("moved", "the stream moved by")
    y["axis"] |= {"tickCount": 4, "format": "~g", "grid": True}
    # Room of a doubling at both ends: noise of a few percent must not look like a slope.
    known = [row["moved"] for row in rows if row["moved"]]
    if known:
        y["scale"] |= {"domain": [min(known) / 2, max(known) * 2]}
    line = {"type": "line", "color": theme.ARM, "strokeWidth": 2.2}
    dots = {"type": "point", "filled": True, "size": 48, "opacity": 1, "color": theme.ARM}
    return theme.figure(
        [theme.layer(rows, line, x=x, y=y), theme.layer(rows, dots, x=x, y=y)], WIDTH, HEIGHT
    )


def sweep(rows: list[dict], axis: str, unit: str) -> dict | None:
    """Draw the score at each rate, one line a size, darker for larger ones. rows: size, rate,
    score. Diverged points are left out; None where no line is left."""
    finite = [row for row in rows if row["score"] is not None]
    sizes = sorted({row["size"] for row in finite})
    if not finite:
        return None
    # Above what the best of the worst size reaches twice over, all lines are alike.
    floor = min(row["score"] for row in finite)
    ceiling = max(min(row["score"] for row in finite if row["size"] == size) for size in sizes)
    roof = ceiling + max(ceiling - floor, 0.05 * floor)
    shown = [row for row in finite if row["score"] <= roof]
    x = _logarithmic("rate", "learning rate", sorted({row["rate"] for row in finite}))
    x["axis"] |= {"format": "~e"}
    y = theme.quantity(
        "score", theme.padded([row["score"] for row in shown]), title=unit, tickCount=5
    )
    layers = []
    for place, size in enumerate(sizes):
        own = [row for row in shown if row["size"] == size]
        shade = 0.35 + 0.65 * (place + 1) / len(sizes)
        look = {"color": theme.BASE, "opacity": shade}
        layers.append(theme.layer(own, {"type": "line", "strokeWidth": 1.8, **look}, x=x, y=y))
        layers.append(
            theme.layer(own, {"type": "point", "filled": True, "size": 26, **look}, x=x, y=y)
        )
        if own:
            text = {"type": "text", "align": "left", "dx": 6, "color": theme.SOFT}
            label = [{**own[-1], "label": f"{axis} {size}"}]
            named = {"field": "label", "type": "nominal"}
            layers.append(theme.layer(label, text, x=x, y=y, text=named))
    return theme.figure(layers, WIDTH, HEIGHT)


def _logarithmic(field: str, title: str, ticks: list | None = None) -> dict:
    axis: dict = {"title": title, "grid": False}
    if ticks:
        axis |= {"values": ticks, "format": "~g"}
    scale = {"type": "log", "base": 2, "nice": False, "padding": 12}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}
