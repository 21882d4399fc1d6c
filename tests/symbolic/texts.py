"""Problems for tests, and the example."""

from pathlib import Path

from partbench.core import rng
from partbench.symbolic.problems import FAMILIES
from partbench.symbolic.problems.problem import Problem

EUCLID = Path(__file__).with_name("euclid.txt").read_text(encoding="utf-8")


def problems(count: int, difficulty: int = 3, name: str = "test") -> list[Problem]:
    """`count` problems, families in turn, difficulties from 1."""
    made = []
    for number in range(count):
        family = list(FAMILIES.values())[number % len(FAMILIES)]
        made.append(family(rng.stream(7, name, number), 1 + number // len(FAMILIES) % difficulty))
    return made
