"""The learning curves as a figure: unseen F1 by words heard, a line an arm, a band its spread."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

COLOURS = ("#b35c00", "#1f6fb2", "#4b8b3b", "#8a5fb0", "#7d7d7d", "#c23b55", "#3a9a9a", "#222222")


def draw(curves: Mapping[str, Sequence[Mapping[str, float]]], note: str, folder: Path) -> None:
    """Write curve.svg and curve.png; a point has tokens, lowest, mean and highest F1."""
    import vl_convert

    rows = [{"arm": arm, **point} for arm, points in curves.items() for point in points]
    x = {"field": "tokens", "type": "quantitative", "title": "words heard"}
    scale = {"domain": list(curves), "range": list(COLOURS[: len(curves)])}
    colour = {"field": "arm", "type": "nominal", "title": None, "sort": None, "scale": scale}
    rule = {"mark": {"type": "rule", "strokeDash": [4, 4], "color": "#888"}}
    specification = {
        "title": {"text": note, "fontSize": 13, "anchor": "start", "fontWeight": "normal"},
        "width": 560,
        "height": 320,
        "background": "white",
        "data": {"values": rows},
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.13},
                "encoding": {
                    "x": x,
                    "y": {"field": "lowest", "type": "quantitative"},
                    "y2": {"field": "highest"},
                    "color": {**colour, "legend": None},
                },
            },
            {
                "mark": {"type": "line", "point": {"size": 22}, "strokeWidth": 2},
                "encoding": {
                    "x": x,
                    "y": {
                        "field": "mean",
                        "type": "quantitative",
                        "title": "F1 on unseen templates",
                        "scale": {"domain": [0, 1]},
                    },
                    "color": colour,
                },
            },
            {**rule, "data": {"values": [{"y": 0.8}]}, "encoding": {"y": {"datum": 0.8}}},
        ],
        "config": {"legend": {"orient": "right"}, "view": {"stroke": None}},
    }
    text = json.dumps(specification)
    (folder / "curve.svg").write_text(vl_convert.vegalite_to_svg(text), encoding="utf-8")
    (folder / "curve.png").write_bytes(vl_convert.vegalite_to_png(text, scale=1.5))
