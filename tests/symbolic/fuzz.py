"""Mutated proofs: does the checker call anything valid that is false in a model of the givens?

    python -m tests.symbolic.fuzz 10000 [seed]

The proof of a generated problem is changed at random, the givens are not, so the problem's own
model and others found near it are still models. A claim that is judged valid and is false in one
of them is a bug of the checker; oracle.py, which knows nothing of the checker, is the judge.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np
from tests.symbolic.oracle import BOUND, World, truth

from partbench.core import rng
from partbench.core.errors import InputError
from partbench.symbolic import syntax
from partbench.symbolic.checker import Report, check
from partbench.symbolic.parser import parse
from partbench.symbolic.printer import lay_out, to_words
from partbench.symbolic.problems import FAMILIES
from partbench.symbolic.problems.problem import Problem
from partbench.symbolic.renderings import SYMBOLIC
from partbench.symbolic.syntax import Node
from partbench.symbolic.vocabulary import DIGITS

Random = np.random.Generator
Checker = Callable[[syntax.Text], Report]
OPERATORS = ("+", "-", "*", "mod", "=", "<", ">", "<=", ">=", "<>", "|", "in", "notin", "sub",
             "cup", "cap", "/\\", "\\/", "->", "<->")  # fmt: skip
WORDS = (*SYMBOLIC.words, *DIGITS)


def fuzz(count: int, seed: int = 0, checker: Checker = check) -> Counter[str]:
    """Figures over `count` mutated proofs; AssertionError with the text where one is misjudged."""
    figures: Counter[str] = Counter()
    for number in range(count):
        random = rng.stream(seed, "mutated proof", number)
        family = list(FAMILIES.values())[int(random.integers(len(FAMILIES)))]
        problem = family(random, int(random.integers(1, 4)))
        words = to_words(problem.proof)
        for _ in range(int(random.integers(1, 4))):
            words = _mutated(random, words, problem)
        figures["mutated proofs"] += 1
        try:
            block = parse(lay_out(words)).statements
        except InputError as error:
            figures["do not parse"] += 1
            figures["complaints of several lines"] += "\n" in str(error)
            continue
        text = syntax.Text((*problem.given, *block))
        report = checker(text)
        figures[f"whole text {report.status}"] += 1
        judged = {verdict.place: verdict.status for verdict in report.verdicts}
        walker = _Walker(judged, figures, lay_out(to_words(text)))
        walker.all(text.statements, _worlds(random, problem), "")
    return figures


def _mutated(random: Random, words: list[str], problem: Problem) -> list[str]:
    place = int(random.integers(len(words)))
    word, rest = words[place], words[place + 1 :]
    names = [name for name in problem.model if name.isalnum()] or ["x"]
    match int(random.integers(16)):
        case 0:
            return words[:place] + rest
        case 1:
            return [*words[:place], word, word, *rest]
        case 2:
            return [*words[:place], WORDS[int(random.integers(len(WORDS)))], *rest]
        case 3:
            return _statements_swapped(random, words)
    # A word of the same kind mostly parses, so this is where wrong steps come from.
    if word in DIGITS:
        new = DIGITS[int(random.integers(10))]
    elif word in OPERATORS:
        new = OPERATORS[int(random.integers(len(OPERATORS)))]
    elif word in ("deduce", "contra", "cases", "induct"):
        new = ("deduce", "contra", "cases", "induct")[int(random.integers(4))]
    elif word in ("step", "show"):
        new = ("step", "show")[int(random.integers(2))]
    elif word == "~":
        return words[:place] + rest
    elif word in problem.model:
        new = names[int(random.integers(len(names)))]
        if random.random() < 0.3:
            return [*words[:place], "~", word, *rest]
    else:
        return _mutated(random, words, problem)
    return [*words[:place], new, *rest]


def _statements_swapped(random: Random, words: list[str]) -> list[str]:
    """Two statements change places, or one is lost."""
    stops = [-1, *(place for place, word in enumerate(words) if word == ".")]
    pieces = [words[a + 1 : b + 1] for a, b in pairwise(stops)]
    one, two = (int(i) for i in random.integers(len(pieces), size=2))
    if one == two:
        pieces.pop(one)
    else:
        pieces[one], pieces[two] = pieces[two], pieces[one]
    return [word for piece in pieces for word in piece]


def _worlds(random: Random, problem: Problem) -> list[World]:
    """The problem's model, and others near it in which all that is given holds."""
    facts = [node.claim for node in problem.given if isinstance(node, syntax.Assume)]
    worlds = [dict(problem.model)]
    assert all(truth(fact, worlds[0]) is not False for fact in facts), problem
    if problem.family in ("column", "induction"):
        return worlds
    for _ in range(40):
        world = dict(worlds[int(random.integers(len(worlds)))])
        for name in random.permutation(list(world))[: int(random.integers(1, 4))]:
            world[str(name)] = _changed(random, world[str(name)])
        if all(truth(fact, world) is not False for fact in facts):
            worlds.append(world)
    return worlds


def _changed(random: Random, value: object) -> object:
    if isinstance(value, bool):
        return not value
    if isinstance(value, frozenset):
        return value ^ {int(random.integers(12))}
    assert isinstance(value, int)
    return max(0, value + int(random.integers(-24, 25)))


class _Walker:
    """Goes through a text as the checker does, with worlds in which everything assumed holds."""

    def __init__(self, judged: dict[str, str], figures: Counter[str], text: str) -> None:
        self.judged, self.figures, self.text = judged, figures, text

    def all(self, statements: tuple[Node, ...], worlds: list[World], place: str) -> None:
        for number, statement in enumerate(statements):
            worlds = list(self.one(statement, worlds, f"{place}{number + 1}"))

    def one(self, statement: Node, worlds: list[World], place: str) -> Iterator[World]:
        valid = self.judged.get(place) == "valid"
        match statement:
            case syntax.Assume(claim=claim, name=name):
                yield from (w | {name: claim} for w in worlds if truth(claim, w))
            case syntax.State(claim=claim, name=name):
                yield from (w | {name: claim} for w in worlds)
            case syntax.Take(name=name):
                yield from (w | {name: value} for w in worlds for value in (0, 1, 2, 5, 12))
            case syntax.Block(statements=inside):
                self.all(inside, worlds, f"{place}.")
                self.refuted(statement, worlds, valid)
                yield from worlds
            case syntax.Step(claim=claim):
                if statement.name is not None and statement.domain is not None:
                    claim = syntax.Bound("forall", statement.name, statement.domain, claim)
                yield from self.claimed(claim, worlds, valid)
            case syntax.Show(claim=claim):
                yield from self.claimed(claim, worlds, valid)
            case syntax.Declare() | syntax.Find() | syntax.By():
                yield from worlds
            case _:
                return  # a `let`: nothing after it is followed

    def claimed(self, claim: Node, worlds: list[World], valid: bool) -> Iterator[World]:
        self.figures["claims"] += 1
        self.figures["claims judged valid"] += valid
        wrong = [world for world in worlds if truth(claim, world) is False]
        self.figures["claims false in a model"] += bool(wrong)
        assert not (valid and wrong), f"judged valid, false in {wrong[0]}:\n{claim}\n{self.text}"
        exists = isinstance(claim, syntax.Bound) and claim.kind == "exists"
        for world in worlds:
            if not exists or claim.name in world:
                yield world
                continue
            for value in range(BOUND):
                if valid and truth(claim.body, world | {claim.name: value}):
                    yield world | {claim.name: value}
                    break

    def refuted(self, block: syntax.Block, worlds: list[World], valid: bool) -> None:
        """A block by contradiction: its assumptions do not all hold in any model."""
        if valid and block.statements[-1] == syntax.By("contra"):
            assumed = [node.claim for node in block.statements if isinstance(node, syntax.Assume)]
            wrong = [w for w in worlds if all(truth(claim, w) for claim in assumed)]
            assert not wrong, f"refuted, yet true in {wrong[0]}:\n{self.text}"


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    for what, times in sorted(fuzz(*given).items()):
        print(f"{times:8,}  {what}")
