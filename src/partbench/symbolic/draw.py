"""Problems from named random streams, split so that no test problem is a training one renamed.

    problem i of seed s   the first of its draws whose skeleton falls on the wanted side
    side                  test: normal.fold(skeleton) = fold;   training: any other fold

Training and test problems thus share no skeleton, whatever their names, numbers and order.
"""

from collections.abc import Iterator
from itertools import islice

from partbench.core import rng
from partbench.core.errors import ConfigError, unknown
from partbench.symbolic.normal import fold
from partbench.symbolic.problems import FAMILIES
from partbench.symbolic.problems.problem import Problem

HARDEST = 6


def check_choice(families: tuple[str, ...], difficulty: int, place: str) -> None:
    """ConfigError where a family or a difficulty does not exist."""
    for name in families:
        if name not in FAMILIES:
            raise unknown("family", name, place, FAMILIES)
    if not families:
        raise ConfigError(f"{place}: no family; one of: {', '.join(FAMILIES)}")
    if not 1 <= difficulty <= HARDEST:
        raise ConfigError(f"{place}: difficulty {difficulty}; from 1 to {HARDEST}")


def drawn(
    seed: int, name: str, index: int, families: tuple[str, ...], difficulty: int
) -> Iterator[Problem]:
    """All draws for problem `index` of the stream `name`: family and difficulty uniform."""
    attempt = 0
    while True:
        random = rng.stream(seed, "symbolic", name, index, attempt)
        family = FAMILIES[families[int(random.integers(len(families)))]]
        yield family(random, int(random.integers(1, difficulty + 1)))
        attempt += 1


def problem(
    seed: int,
    index: int,
    *,
    families: tuple[str, ...],
    difficulty: int,
    folds: int,
    held: int,
    test: bool,
) -> Problem:
    """Problem `index` of the training or the test set without or in fold `held`.

    ConfigError where 1,000 draws give none: the families have too few skeletons for the folds.
    """
    name = "test" if test else "train"
    for found in islice(drawn(seed, name, index, families, difficulty), 1000):
        if (fold(found.given, folds) == held) == test:
            return found
    raise ConfigError(
        f"task.families: no {name} problem in 1,000 draws; {', '.join(families)} up to difficulty "
        f"{difficulty} have too few skeletons for {folds} folds; raise task.difficulty"
    )
