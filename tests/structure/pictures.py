"""The pictures of docs/images that show committed results, drawn or photographed anew.

python -m tests.structure.pictures          (needs Chromium for those of whole pages)

luck.png                     docs/why.md: the bank of the calibration, compared in two ways
forest_*.png, trade_*.png    figures of a committed study, as `report --figures` draws them
report*.png                  the head of its page at three widths
"""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

from tests.chromium import executable, opened
from tests.structure import luck
from tests.structure.tree import ROOT

from partbench.report import figures, page, paper, tree
from partbench.report.charts import theme

FOLDER = ROOT / "docs" / "images"
STUDY = "gpt2_to_transformerpp"
BIN, REACH = 0.01, 0.16
LOOKS = (
    ("report", 1080, 760, "light"),
    ("report_1440_light", 1440, 1600, "light"),
    ("report_800_dark", 800, 1600, "dark"),
    ("report_390_light", 390, 1600, "light"),
)


def histogram(values: list[float]) -> list[dict[str, Any]]:
    """The share of values in each bin from -REACH to REACH; those beyond are in the last ones."""
    bins = round(2 * REACH / BIN)
    counts = [0] * bins
    for value in values:
        counts[min(max(int((value + REACH) / BIN), 0), bins - 1)] += 1
    return [
        {
            "low": place * BIN - REACH,
            "high": (place + 1) * BIN - REACH,
            "share": count / len(values),
            "color": theme.WORDS["worse"] if place >= bins // 2 else theme.BASE,
        }
        for place, count in enumerate(counts)
    ]


def panel(values: list[float], title: str) -> dict[str, Any]:
    """One histogram: what lies right of zero has the wrong sign."""
    wrong = 100 * (1 - luck.share(values, 0))
    x = theme.quantity("low", [-REACH, REACH], title="arm minus base, bits per byte",
                       labelExpr=theme.SIGNED, tickCount=5, grid=False)  # fmt: skip
    y = theme.quantity("share", [0, 0.3], title="share of comparisons", format="%", tickCount=4)
    bars = theme.layer(
        histogram(values),
        {"type": "rect", "stroke": theme.PAPER, "strokeWidth": 1},
        x=x,
        x2={"field": "high"},
        y=y,
        y2={"datum": 0},
        color={"field": "color", "type": "nominal", "scale": None},
    )
    zero = theme.layer(
        [{"zero": 0}],
        {"type": "rule", "color": theme.INK, "strokeWidth": 1.5},
        x={**x, "field": "zero"},
    )
    said = f"{wrong:.0f} % on the wrong side"
    word = theme.layer(
        [{"at": 0.012, "share": 0.28, "said": said}],
        {"type": "text", "align": "left", "color": theme.WORDS["worse"], "fontWeight": 600},
        x={**x, "field": "at"},
        y=y,
        text={"field": "said", "type": "nominal"},
    )
    head = {"text": title, "anchor": "start", "color": theme.INK, "fontSize": 13, "offset": 10}
    return {"width": 330, "height": 200, "layer": [bars, zero, word], "title": head}


def luck_picture() -> bytes:
    """Runs at seeds of their own beside the same runs in pairs."""
    import vl_convert

    panels = [
        panel(luck.apart("tokens"), "One run each, each at its own seed"),
        panel(luck.together("tokens"), "One run each, both at the same seed"),
    ]
    config = {**theme.CONFIG, "background": theme.PAPER, "concat": {"spacing": 40}}
    text = json.dumps({"hconcat": panels, "config": config, "padding": 12})
    colors = paper.light()
    text = re.sub(r"var\(--([a-z]+)\)", lambda name: colors[name[1]], text)
    return vl_convert.vegalite_to_png(json.loads(text), scale=2)


def of_the_study(report: dict[str, Any]) -> dict[str, bytes]:
    """Its forest plot and gain against cost."""
    import vl_convert

    drawn = {"forest": figures.forest_plot(report), "trade": figures.trade_plot(report)}
    return {
        f"{name}_{STUDY}": vl_convert.svg_to_png(paper.alone(made), scale=2)
        for name, made in drawn.items()
        if made
    }


def photographs(report: dict[str, Any]) -> None:
    """The head of its page, as a browser shows it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        path.write_text(page.html(report), encoding="utf-8")
        with opened(path.as_uri()) as tab:
            tab.until("document.readyState === 'complete'")
            tab.call("Emulation.setScrollbarsHidden", hidden=True)
            for name, width, height, scheme in LOOKS:
                tab.look(width, height, scheme)
                tab.picture(FOLDER / f"{name}.png")


def write() -> None:
    """Write all of them."""
    path = ROOT / "results" / STUDY / "report.json"
    report = tree.finite(json.loads(path.read_text(encoding="utf-8")))
    pictures = {"luck": luck_picture(), **of_the_study(report)}
    for name, content in pictures.items():
        (FOLDER / f"{name}.png").write_bytes(content)
    if executable():
        photographs(report)


if __name__ == "__main__":
    write()
