"""Look-ahead from a stub: alpha-beta against the worst noise, or branch and bound without it.

    value(stub, 0) = score(stub)
    value(stub, d) = max over own tokens of min over what the adversary makes of them of
                     value(stub + token, d - 1)

The adversary may replace a token by any other where the noise, one standard deviation off in one
coordinate, would land. Without one nobody minimises, and the search is called what it is: branch
and bound, cut where log p alone, which only falls, cannot reach the best found.
Source: the note names minmax and alpha-beta; minimax needs an adversary, and this one is ours.
Paper: Knuth and Moore 1975, "An analysis of alpha-beta pruning".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Tokens = tuple[int, ...]


@dataclass
class Game:
    """moves: (token, log p) of the tries after a stub, the most plausible first. replies: what the
    adversary may make of a token, itself included. score: of a stub with its log p so far; bound:
    what no longer stub can exceed, from the stub's log p and the final length."""

    moves: Callable[[Tokens], Sequence[tuple[int, float]]]
    replies: Callable[[Tokens, int], Sequence[int]] | None
    score: Callable[[Tokens, float], float]
    bound: Callable[[float, int], float]
    visited: int = 0

    def value(
        self, stub: Tokens, total: float, depth: int, low: float = -np.inf, high: float = np.inf
    ) -> float:
        """The value `depth` tokens on; exact where it lies between `low` and `high`."""
        self.visited += 1
        moves = self.moves(stub) if depth else ()
        if not moves:
            return self.score(stub, total)
        if self.replies is None and self.bound(total, len(stub) + depth) <= low:
            return low
        best = -np.inf
        for token, log_p in moves:
            worst = np.inf
            for reply in self.replies(stub, token) if self.replies else (token,):
                found = self.value(
                    (*stub, reply), total + log_p, depth - 1, max(low, best), min(high, worst)
                )
                worst = min(worst, found)
                if worst <= max(low, best):
                    break
            best = max(best, worst)
            if best >= high:
                break
        return float(best)
