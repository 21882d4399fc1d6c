"""Text that a closed form is fitted on: gathered, ranked, and divided to choose temperatures.

Training windows overlap, so a window held out by its number alone is half known already. Here no
window that is fitted on shares a run of tokens with one that is held out.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from partbench.parts import cipher

PREDICTIONS = 1 << 12
"""How many are looked at together in one pass."""
VALIDATION = 4096
"""Targets held out to choose temperatures, at most, and at most a tenth of all."""
RUN = 16
"""Tokens in a row that two windows must share to count as the same text."""


@runtime_checkable
class Given(Protocol):
    """A batch, as tasks hand it out."""

    @property
    def inputs(self) -> Tensor:
        """Tokens [windows, time]."""
        ...

    @property
    def targets(self) -> Tensor:
        """What follows each [windows, time]."""
        ...

    @property
    def weights(self) -> Tensor:
        """How much each counts [windows, time]."""
        ...


class Windows(NamedTuple):
    """Tokens, what follows each, and how much each counts, all [windows, time]."""

    inputs: Tensor
    targets: Tensor
    weights: Tensor


def gathered(stream: Iterable[Given]) -> Iterator[Windows]:
    """The stream in larger pieces of one length each; tokens on the CPU or wherever they were.

    A token takes 8 bytes: tokens in 32 bits, and no memory for weights that are all one.
    """
    for length, same in groupby(stream, key=lambda batch: batch.inputs.shape[1]):
        held: list[Given] = []
        for batch in same:
            held.append(batch)
            if sum(len(item.inputs) for item in held) * length >= PREDICTIONS:
                yield _joined(held)
                held = []
        if held:
            yield _joined(held)


def _joined(batches: list[Given]) -> Windows:
    weights = torch.cat([batch.weights for batch in batches])
    if bool((weights == 1).all()):
        weights = weights.new_ones(()).expand(weights.shape)
    return Windows(
        torch.cat([batch.inputs for batch in batches]).int(),
        torch.cat([batch.targets for batch in batches]).int(),
        weights,
    )


def divided(chunks: list[Windows]) -> tuple[list[Windows], list[Windows], list[Windows]]:
    """What to fit on, windows that share no run of tokens with it, and all that is not fitted on.

    All, none and none where so little would be left to fit on that nothing can be held out.
    """
    total = sum(chunk.inputs.numel() for chunk in chunks)
    windows = sum(len(chunk.inputs) for chunk in chunks)
    wanted = min(VALIDATION, total // 10) * windows // max(total, 1)
    if not wanted:
        return chunks, [], []
    chosen = torch.arange(windows) % (windows // wanted) == windows // wanted - 1
    pieces = list(chosen.split([len(chunk.inputs) for chunk in chunks]))
    held_out = [
        _only(chunk, piece) for chunk, piece in zip(chunks, pieces, strict=True) if piece.any()
    ]
    found = [(_runs(chunk), _asked(chunk)) for chunk in held_out]
    known = torch.cat([runs[asked] for runs, asked in found]).unique()  # sorted
    if not len(known):
        return chunks, [], []
    rest, left = [], []
    for chunk in chunks:
        runs = _runs(chunk)
        nearest = torch.searchsorted(known, runs).clamp_max(len(known) - 1)
        apart = ~((known[nearest] == runs) & _asked(chunk)).any(1)
        rest += [_only(chunk, apart)] if apart.any() else []
        left += [_only(chunk, ~apart)] if not apart.all() else []
    if 2 * sum(len(chunk.inputs) for chunk in rest) < windows:
        return chunks, [], []
    return rest, held_out, left


def thinned(chunks: Sequence[Windows], predictions: int) -> list[Windows]:
    """Every n-th chunk, n such that about as many predictions are left; all, where fewer are."""
    total = sum(chunk.inputs.numel() for chunk in chunks)
    return list(chunks[:: max(1, -(-total // predictions))])


def _only(chunk: Windows, rows: Tensor) -> Windows:
    return Windows(*(item[rows] for item in chunk))


def whole(chunk: Windows) -> Tensor:
    """Windows with their last target: [windows, time + 1]."""
    return torch.cat([chunk.inputs, chunk.targets[:, -1:]], dim=1).long().cpu()


def _runs(chunk: Windows) -> Tensor:
    """A number for every run of tokens in each window, int64 [windows, runs]."""
    tokens = whole(chunk)
    length = min(RUN, tokens.shape[1])
    number = tokens.shape[1] - length + 1
    found = torch.zeros(len(tokens), number, dtype=torch.int64)
    for place in range(length):
        found = found * 6364136223846793005 + tokens[:, place : place + number] + 1
    return found


def _asked(chunk: Windows) -> Tensor:
    """Whether each of those runs ends by the last token that is asked for, bool [windows, runs].

    What fills up short rows comes after that, is the same everywhere and no text. What is only
    read, before a token that is asked for, is text like any other.
    """
    to_come = (chunk.weights.cpu() > 0).flip(1).cummax(1).values.flip(1)
    counts = torch.nn.functional.pad(to_come, (1, 0), value=True)
    return counts.unfold(1, min(RUN, counts.shape[1]), 1).all(-1)


def ranked(chunks: Sequence[Windows], vocab: int) -> np.ndarray:
    """By frequency over the windows; ties by which came first."""
    counts = torch.zeros(vocab, dtype=torch.int64)
    first = torch.full((vocab,), torch.iinfo(torch.int64).max)
    before = 0
    for chunk in chunks:
        tokens = whole(chunk).flatten()
        counts += torch.bincount(tokens, minlength=vocab)
        places = torch.arange(before, before + len(tokens))
        first.scatter_reduce_(0, tokens, places, "amin")
        before += len(tokens)
    return cipher.ranks(counts.numpy(), first.numpy())
