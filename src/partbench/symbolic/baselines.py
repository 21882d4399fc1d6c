"""What any prover must beat: restating the goal, and copying the proof of the nearest problem.

restate   { show goal. by deduce. } qed.
copy      the proof of the training problem with the largest overlap of words (as multisets,
          names blanked), its names replaced in order of appearance by those of this problem
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from partbench.symbolic import syntax
from partbench.symbolic.printer import to_words
from partbench.symbolic.problems.problem import Problem
from partbench.symbolic.syntax import Node
from partbench.symbolic.vocabulary import NAMES

_NAMES = frozenset(NAMES)


def restated(given: Iterable[Node]) -> list[str]:
    """The words of a proof that only shows the goal; of `find x`, that x = 0."""
    goal = [node for node in given if isinstance(node, syntax.State | syntax.Find)][-1]
    if isinstance(goal, syntax.Find):
        claim: Node = syntax.Binary("eq", goal.term, syntax.Number(0))
    else:
        assert isinstance(goal, syntax.State)
        claim = goal.claim
    return to_words(syntax.Block((syntax.Show(claim), syntax.By("deduce"))))


class Copier:
    """Copies the proof of the nearest of some problems."""

    def __init__(self, known: Sequence[Problem]) -> None:
        self.known = [(_counted(found.given), found) for found in known]

    def proof(self, given: Sequence[Node]) -> list[str]:
        """The words of the nearest problem's proof, in the names of this one."""
        wanted = _counted(given)
        _, nearest = max(self.known, key=lambda pair: _likeness(pair[0], wanted))
        renamed = dict(zip(_order(nearest.given), _order(given), strict=False))
        return [renamed.get(word, word) for word in to_words(nearest.proof)]


def _counted(given: Iterable[Node]) -> Counter[str]:
    words = to_words(syntax.Text(tuple(given)))
    return Counter("name" if word in _NAMES else word for word in words)


def _likeness(one: Counter[str], two: Counter[str]) -> float:
    """Shared words over all words, counted as often as they stand (Jaccard)."""
    return sum((one & two).values()) / sum((one | two).values())


def _order(given: Iterable[Node]) -> list[str]:
    words = to_words(syntax.Text(tuple(given)))
    return list(dict.fromkeys(word for word in words if word in _NAMES))
