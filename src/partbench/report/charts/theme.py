"""What all figures share: colours by name, quiet axes, the margin band and the zero line.

Colours are CSS variables, which pass through vl-convert untouched; the page's style sheet gives
them values, so that one SVG serves light, dark and print.
"""

import math

INK = "var(--ink)"
SOFT = "var(--soft)"
RULE = "var(--rule)"
BASE = "var(--base)"
ARM = "var(--arm)"
BAND = "var(--band)"
PAPER = "var(--paper)"
DASHES = [5, 3]
LOOKS = {"base": (BASE, [], "circle", 28), "arm": (ARM, DASHES, "diamond", 40)}
"""Colour, dashes, shape and size of marks: told apart without colour too."""
WORDS = {
    "better": "var(--better)",
    "worse": "var(--worse)",
    "equivalent": "var(--equivalent)",
    "inconclusive": "var(--inconclusive)",
}


def color_of(word: str | None) -> str:
    """Give the colour of a verdict word."""
    return WORDS.get(word or "", SOFT)


AXIS = {
    "aria": False,
    "domain": False,
    "ticks": False,
    "grid": True,
    "gridColor": RULE,
    "tickColor": RULE,
    "labelColor": SOFT,
    "titleColor": SOFT,
    "labelFontSize": 12,
    "titleFontSize": 12,
    "titleFontWeight": "normal",
    "labelPadding": 6,
    "titlePadding": 8,
}
SIGNED = "datum.value == 0 ? '0' : format(datum.value, '+~g')"
CONFIG = {
    "background": None,
    "view": {"stroke": None},
    "axis": AXIS,
    "text": {"fontSize": 12, "color": INK},
    "concat": {"spacing": 26},
}


def figure(layers: list[dict], width: int, height: int) -> dict:
    """Stack layers into one figure."""
    return {"width": width, "height": height, "layer": layers, "config": CONFIG}


def layer(values: list[dict], mark: dict, **encoding: dict) -> dict:
    """Make one layer out of its data, its mark and its channels."""
    return {
        "data": {"values": values},
        "mark": {"aria": False, **mark},
        "encoding": encoding,
    }


def quantity(field: str, extent: list[float] | None = None, **axis: object) -> dict:
    """Make a channel for a number, over a fixed extent where one is given."""
    scale = {"domain": extent, "nice": False} if extent else {"zero": False}
    # A channel without an axis must leave the key out: `None` would take it from all layers.
    axes = {"axis": axis} if axis else {}
    return {"field": field, "type": "quantitative", "scale": scale, **axes}


def margin_band(margin: float | None, domain: list[float]) -> list[dict]:
    """Shade the differences that would not matter, across the whole figure."""
    if not margin:
        return []
    ends = {"low": max(-margin, domain[0]), "high": min(margin, domain[1])}
    mark = {"type": "rect", "color": BAND}
    return [layer([ends], mark, y=quantity("low", domain), y2={"field": "high"})]


def zero_line(domain: list[float]) -> dict:
    """Draw the line of no difference across the whole figure."""
    mark = {"type": "rule", "color": SOFT, "strokeWidth": 1.25}
    return layer([{"zero": 0}], mark, y=quantity("zero", domain))


def logarithmic(field: str, title: str, values: list[float], label: str) -> dict:
    """Make a logarithmic channel that holds all values, with ticks that keep their distance."""
    ends = [min(values) / 1.15, max(values) * 1.15]
    axis = {"title": title, "values": ticks(ends), "labelExpr": label, "grid": field != "step"}
    scale = {"type": "log", "domain": ends, "nice": False}
    return {"field": field, "type": "quantitative", "scale": scale, "axis": axis}


def ticks(ends: list[float], most: int = 6) -> list[float]:
    """At most `most` round numbers in an extent, evenly far apart on a logarithmic axis.

    1, 2 and 5 of every decade where they fit, else powers of ten, every second, every third.
    """
    low, high = math.floor(math.log10(ends[0])), math.ceil(math.log10(ends[1]))
    for steps in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
        found = [digit * 10.0**power for power in range(low, high + 1) for digit in steps]
        kept = [value for value in found if ends[0] <= value <= ends[1]]
        if len(kept) <= most:
            return kept if len(kept) > 1 else [float(f"{end:.2g}") for end in ends]
    powers = [10.0**power for power in range(low, high + 1) if ends[0] <= 10.0**power <= ends[1]]
    return powers[:: -(-len(powers) // most)]


def padded(values: list[float], room: float = 0.06) -> list[float]:
    """Give a domain that holds all values and a little air."""
    low, high = min(values), max(values)
    air = (high - low) * room or abs(high) * 0.01 or 0.01
    return [low - air, high + air]
