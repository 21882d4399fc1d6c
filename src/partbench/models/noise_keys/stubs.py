"""Stub search: many beginnings of an output, the worst dropped at each step.

    score(stub) = mean log p of its tokens  -  mu mismatch(its moments, the intended ones)

Type A widens every stub by every token, type B by its likeliest only (Shannon 1950, "Programming a
computer for playing chess"). A stub is finished where `stop` says so; the best finished one is the
answer.
Source: the note asks for stubs, type A, plausibility orderings and dropping the worst; that scores
are means a token, so that short outputs have no advantage, is ours.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Array = np.ndarray


class Search(NamedTuple):
    """beam: stubs kept; width: tokens tried a stub (type B), 0 for all (type A)."""

    beam: int = 4
    width: int = 4


class World(NamedTuple):
    """What the search asks.

    likely: tokens [stubs, t] -> log p of the next, [stubs, vocab]. penalty: tokens [stubs, t] -> mu
    times the mismatch [stubs]. stop: tokens [stubs, t] -> finished, bool [stubs]. ahead: (tokens,
    log p so far) -> score [stubs] that looks further, or None.
    """

    likely: Callable[[Array], Array]
    penalty: Callable[[Array], Array]
    stop: Callable[[Array], Array]
    ahead: Callable[[Array, Array], Array] | None = None


def best(world: World, search: Search, longest: int) -> Array:
    """The tokens of the best finished stub, of at most `longest`: int64 [t]."""
    tokens, total = np.zeros((1, 0), np.int64), np.zeros(1)
    answer, value = np.zeros(0, np.int64), -np.inf
    for _ in range(longest):
        table = world.likely(tokens)
        vocab = table.shape[1]
        width = min(search.width or vocab, vocab)
        tried = np.argsort(-table, axis=1, kind="stable")[:, :width]
        owner = np.repeat(np.arange(len(tokens)), width)
        total = total[owner] + np.take_along_axis(table, tried, 1).ravel()
        tokens = np.concatenate([tokens[owner], tried.reshape(-1, 1)], axis=1)
        score = scores(world, tokens, total)
        done = world.stop(tokens)
        if done.any() and score[done].max() > value:
            place = int(np.flatnonzero(done)[score[done].argmax()])
            answer, value = tokens[place], float(score[place])
        tokens, total, score = tokens[~done], total[~done], score[~done]
        if not len(tokens):
            return answer
        if world.ahead is not None and len(tokens) > search.beam:
            score = world.ahead(tokens, total)
        kept = np.argsort(-score, kind="stable")[: search.beam]
        tokens, total = tokens[kept], total[kept]
    if value == -np.inf:
        return np.asarray(tokens[scores(world, tokens, total).argmax()])
    return answer


def scores(world: World, tokens: Array, total: Array) -> Array:
    """Score of stubs [stubs, t] whose log p add up to `total` [stubs]."""
    return total / tokens.shape[1] - world.penalty(tokens)
