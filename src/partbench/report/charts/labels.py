"""Where the letters of crowded marks go: near their mark where there is room, else further off.

Every label takes the place of least cost among rings of places around its mark: the way to it, and
what it would lie on (other labels above all, then marks, then intervals). Two sweeps, so that the
first ones placed may give way. A label that ends up far from its mark has a line to it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

Point = tuple[float, float]
Box = tuple[float, float, float, float]
WIDTH, HEIGHT = 11.0, 14.0
"""Of a letter with the room above and below it, in pixels."""
MARK = 4.0
"""Half the side of a mark."""
RINGS = (11.0, 15.0, 19.0, 25.0, 32.0, 40.0, 50.0, 62.0, 76.0)
ANGLES = (0, 180, 30, 150, -30, -150, 60, 120, -60, -120, 90, -90)
ON_LABEL, ON_MARK, ON_INTERVAL, OUTSIDE = 200.0, 30.0, 5.0, 60.0
"""What lying on something costs, in pixels of way."""
NEAR = 13.0


@dataclass(frozen=True)
class Placed:
    """The middle of a label, and where the line to its mark begins and ends, if it needs one."""

    at: Point
    line: tuple[Point, Point] | None


@lru_cache(maxsize=16)  # wide and narrow screens get the same panels
def place(marks: tuple[Point, ...], intervals: tuple[Box, ...], size: Point) -> tuple[Placed, ...]:
    """Place one label for each mark in a panel of `size`; everything in pixels, y downwards.

    intervals: what is drawn through the marks, as boxes (left, top, right, bottom).
    """
    boxes = [(x - MARK, y - MARK, x + MARK, y + MARK) for x, y in marks]
    chosen: dict[int, Point] = {}
    crowded = sorted(range(len(marks)), key=lambda i: (-_neighbours(marks, i), marks[i][1]))
    for _ in range(2):
        for i in crowded:
            others = [_box(at) for j, at in chosen.items() if j != i]
            cost = partial(_cost, labels=others, marks=boxes, intervals=intervals, size=size)
            chosen[i] = _best(marks[i], cost)
    return tuple(Placed(chosen[i], _line(marks[i], chosen[i])) for i in range(len(marks)))


def _best(mark: Point, cost: Callable[[Point], float]) -> Point:
    """The place of least cost around a mark; rings that are further off than it costs are left."""
    best, least = mark, math.inf
    for ring in RINGS:
        if ring >= least:
            break
        for angle in ANGLES:
            way = math.radians(angle)
            at = (mark[0] + ring * math.cos(way), mark[1] - ring * math.sin(way))
            if (found := ring + cost(at)) < least:
                best, least = at, found
    return best


def _cost(
    at: Point,
    labels: Sequence[Box],
    marks: Sequence[Box],
    intervals: Sequence[Box],
    size: Point,
) -> float:
    """What a label at a place would lie on, besides the way there."""
    box = _box(at)
    cost = ON_LABEL * sum(_meet(box, other) for other in labels)
    cost += ON_MARK * sum(_meet(box, other) for other in marks)
    cost += ON_INTERVAL * sum(_meet(box, other) for other in intervals)
    inside = box[0] >= 0 and box[1] >= 0 and box[2] <= size[0] and box[3] <= size[1]
    return cost if inside else cost + OUTSIDE


def _box(at: Point) -> Box:
    return (at[0] - WIDTH / 2, at[1] - HEIGHT / 2, at[0] + WIDTH / 2, at[1] + HEIGHT / 2)


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _neighbours(marks: Sequence[Point], i: int) -> int:
    return sum(math.dist(marks[i], other) < RINGS[3] for other in marks)


def _line(mark: Point, at: Point) -> tuple[Point, Point] | None:
    """From the edge of the mark to the edge of the letter."""
    way = math.dist(mark, at)
    if way <= NEAR:
        return None
    right, down = (at[0] - mark[0]) / way, (at[1] - mark[1]) / way
    end = way - HEIGHT / 2
    return (
        (mark[0] + MARK * right, mark[1] + MARK * down),
        (mark[0] + end * right, mark[1] + end * down),
    )
