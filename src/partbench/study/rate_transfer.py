"""Does one learning rate serve every size? The coordinate check and the sweep, planned and judged.

    movement   slope of log2(moved) against log2(size), over a few large steps on one batch
    sweep      the best rate of each size, in doublings of the configured rate: the lowest point of
               the parabola through the best of the grid and its neighbours

A parametrisation passes where the slope of the stream's movement is within 0.25 of 0 and the best
rates lie within one doubling of each other. What each rule promises: width for "mup"; width and
depth for "completep"; "standard" is held to both, and is expected to fail.
Papers: Yang et al. 2022, arXiv:2203.03466; Dey et al. 2025, arXiv:2505.01618.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partbench.core.config import Config
from partbench.core.errors import ConfigError

FLAT = 0.25
"""Largest slope that counts as none; standard parametrisation has 0.5 to 2."""
SPREAD = 1.0
"""Doublings between the best rates of the sizes of one axis, at most."""
LARGE = 3.0
"""The coordinate check steps at this multiple of the configured rate, to show what would grow."""
TINY_EPS = 1e-12
"""Adam's eps in the coordinate check: with a larger one, small gradients would move less."""
PROMISED = {"standard": ("width", "depth"), "mup": ("width",), "completep": ("width", "depth")}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The sizes of both axes; the first width and depth are the base that rates transfer from."""

    base: Config
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    steps: int
    rates: int
    seeds: tuple[int, ...]

    def __post_init__(self) -> None:
        for name in ("widths", "depths"):
            sizes = getattr(self, name)
            if len(sizes) < 2 or sorted(set(sizes)) != list(sizes) or sizes[0] < 1:
                raise ConfigError(
                    f"--{name} {','.join(map(str, sizes))}: give two or more rising whole numbers, "
                    f"e.g. {'32,64,128,256' if name == 'widths' else '2,4,8,16'}"
                )
        if self.rates < 3 or self.rates % 2 == 0:
            raise ConfigError(f"--rates {self.rates}: give an odd number from 3 up, e.g. 7")

    @property
    def rule(self) -> str:
        """What `dims.transfer` is."""
        return self.base.resolved["dims"]["transfer"]

    @property
    def axes(self) -> dict[str, tuple[int, ...]]:
        """The sizes by axis."""
        return {"width": self.widths, "depth": self.depths}

    @property
    def grid(self) -> list[float]:
        """The rates, a factor of two apart, the configured one in the middle."""
        middle, reach = self.base.resolved["optimizer"]["rate"], self.rates // 2
        return [middle * 2.0**place for place in range(-reach, reach + 1)]

    def sized(self, axis: str, size: int) -> Config:
        """The configuration at one size, the other one at its base.

        Heads keep their width, 16 unless one is given; where `dims.num_heads` is given, they grow.
        """
        width, depth = self.widths[0], self.depths[0]
        given = self.base.declared.get("dims", {})
        edits: dict[str, Any] = {"base_width": width, "base_depth": depth}
        if "num_heads" in given:
            edits["base_head_width"] = width // given["num_heads"]
        else:
            edits["head_width"] = edits["base_head_width"] = given.get("head_width", 16)
        edits |= {"width": width, "depth": depth, axis: size}
        return self.base.edit({f"dims.{name}": value for name, value in edits.items()})

    def moving(self, axis: str, size: int) -> tuple[Config, float]:
        """What the coordinate check runs, and its rate."""
        config = self.sized(axis, size)
        if "eps" in config.resolved["optimizer"]:
            config = config.edit({"optimizer.eps": TINY_EPS})
        return config, LARGE * config.resolved["optimizer"]["rate"]

    def trained(self, axis: str, size: int, rate: float) -> Config:
        """One point of the sweep."""
        config = self.sized(axis, size)
        edits = {"optimizer.rate": rate, "train.steps": self.steps, "train.evaluations": 1}
        return config.edit(edits)


def slope(values: Mapping[int, float]) -> float:
    """Least squares of log2(value) against log2(size); infinite where a value is no number."""
    if not all(math.isfinite(value) and value > 0 for value in values.values()):
        return math.inf
    x = [math.log2(size) for size in values]
    y = [math.log2(value) for value in values.values()]
    middle, level = sum(x) / len(x), sum(y) / len(y)
    rise = sum((a - middle) * (b - level) for a, b in zip(x, y, strict=True))
    return rise / sum((a - middle) ** 2 for a in x)


def best(scores: Mapping[float, float]) -> tuple[float, bool]:
    """(log2 of the best rate, whether it lies at the edge of the grid). Lower scores are better."""
    rates = sorted(scores)
    values = [scores[rate] if math.isfinite(scores[rate]) else math.inf for rate in rates]
    place = values.index(min(values))
    center = math.log2(rates[place])
    if place in (0, len(rates) - 1):
        return center, True
    left, middle, right = values[place - 1 : place + 2]
    bend = left - 2 * middle + right
    if not math.isfinite(bend) or bend <= 0:
        return center, False
    return center + 0.5 * (left - right) / bend, False


def beyond(scores: Mapping[float, float], most: int) -> float | None:
    """The next rate to try where the best lies at the edge; None if it does not, or has `most`."""
    at, edge = best(scores)
    if len(scores) >= most or not edge:
        return None
    lowest, highest = min(scores), max(scores)
    return lowest / 2.0 if at == math.log2(lowest) else highest * 2.0


def judge(rule: str, moved: dict[str, dict[int, float]], swept: dict[str, Any]) -> dict[str, Any]:
    """Rows of checks and whether all that the rule promises holds.

    moved: axis -> size -> movement of the stream. swept: axis -> size -> rate -> score, or empty.
    `inside` of a best rate is its value, or None where one lies at an edge, which decides nothing.
    """
    rows: list[dict[str, Any]] = []
    for axis, values in moved.items():
        rows.append(_row("movement", axis, rule, slope(values), abs(slope(values)) <= FLAT, FLAT))
    optima: dict[str, dict[int, float]] = {}
    for axis, sizes in swept.items():
        found = {size: best(scores) for size, scores in sizes.items()}
        optima[axis] = {size: at for size, (at, _) in found.items()}
        spread = max(optima[axis].values()) - min(optima[axis].values())
        edges = [size for size, (_, edge) in found.items() if edge]
        row = _row("best rate", axis, rule, spread, spread <= SPREAD and not edges, SPREAD)
        if edges:
            listed = ", ".join(map(str, edges))
            row["note"] = f"at the edge of the grid at {axis} {listed}: take more rates"
        rows.append(row | {"inside": None if edges else spread})
    passed = all(row["passed"] for row in rows if row["promised"])
    return {"rule": rule, "checks": rows, "best": optima, "passed": passed}


def _row(
    what: str, axis: str, rule: str, value: float, passed: bool, limit: float
) -> dict[str, Any]:
    promised = axis in PROMISED[rule]
    note = "" if promised else f"{rule} promises nothing over {axis}"
    return {
        "check": what, "axis": axis, "value": value, "limit": limit,
        "promised": promised, "passed": passed, "note": note,
    }  # fmt: skip
