"""Learning from labelled lines: a closed form that can be undone, then a few steps of training.

    F = sum over lines of h^T y        h: the line's marks, 0 or 1;  y: its tag, one-hot
    warm   U = tau log(F / S), bias = log of how often each tag came     (explicit solution)
    train  a few steps of L-BFGS on the cross-entropy of recent lines + decay |U|^2, from there

F holds whole numbers, so a correction (one line out of a column, into another) is exact to the
last bit: what was relabelled equals what was so from the start. tau is found on every fourth
recent line, taken out of F for the search and put back. No random number is drawn, and the table
is a function of the labelled lines alone, in the order in which they were first labelled.
Paper: Williams and Zhao 2023, arXiv:2311.07498 (explicit solution; talk: the lamp). Differs: the
marks, the smoothing, tau and the training are ours.
Cost: a line adds its marks to F; a table reads F once and RECENT lines some 15 times.
"""

from array import array
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag, one_hot

from lamp.descent import descend
from lamp.mind import Mind
from lamp.tags import DARK, LIT, NOTHING, TAGS, Tag
from lamp.words import marks
from partbench.parts.explicit import Evidence, Layer, minimum, nll, solve_with_intercept

RECENT = 2048
"""Lines that training looks at; F knows all."""
SEARCHED = 256
"""Lines taken out of F to find tau, at most."""
STEPS = 12
DECAY = 0.05
ALPHA, EPS = 0.5, 1e-2
"""Smoothing of F towards independence, and towards equal shares."""
EMPTY: tuple[Tag, ...] = (LIT, DARK, *[NOTHING] * 8)
"""Lines without any word that count as heard from the start: what is not known means nothing."""


class Settings(NamedTuple):
    """Arms of the evaluation: start from the closed form or from zero, and how long to train."""

    warm: bool = True
    steps: int = STEPS


class Line(NamedTuple):
    """The rows of a line's marks, and its tag's number."""

    rows: tuple[int, ...]
    tag: int


class Learner:
    """Lines by number, in the order of their first label; F; and the tables made from them."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.rows: dict[str, int] = {}
        self.lines: dict[int, Line] = {}
        self.evidence = Evidence(256, len(TAGS))
        self.tau = 1.0
        for place, tag in enumerate(EMPTY, start=1):
            self.lines[-place] = Line((), TAGS.index(tag))
            self._count(self.lines[-place], 1.0)

    def learn(self, number: int, text: str, tag: Tag) -> None:
        """Add a line, or give one that is known another tag: two updates of rank one."""
        if number in self.lines:
            old = self.lines[number]
            self._count(old, -1.0)
            line = old._replace(tag=TAGS.index(tag))
        else:
            rows = tuple(self.rows.setdefault(mark, len(self.rows)) for mark in marks(text))
            line = Line(rows, TAGS.index(tag))
            self._make_room()
        self.lines[number] = line
        self._count(line, 1.0)

    def warm(self) -> Layer:
        """The explicit solution of F as it is, at the temperature found for it."""
        recent = list(self.lines.values())[-4 * SEARCHED :]
        out = recent[3::4]
        if out:
            for line in out:
                self._count(line, -1.0)
            without = self._solved()
            for line in out:
                self._count(line, 1.0)
            slopes = _scores(_bags(out), without.weight.T.contiguous())
            targets = torch.tensor([line.tag for line in out])
            bias = without.bias
            assert bias is not None

            def loss(tau: float) -> float:
                return float(nll(tau * slopes + bias, targets).mean())

            self.tau = minimum(loss, 0.01, 4.0)
        layer = self._solved()
        return Layer(self.tau * layer.weight, layer.bias)

    def mind(self) -> Mind:
        """The table as the lamp reads it."""
        layer = self.warm()
        assert layer.bias is not None
        weight = layer.weight.T.contiguous()
        weight, bias = weight - weight.mean(1, keepdim=True), layer.bias
        if not self.settings.warm:
            weight, bias = torch.zeros_like(weight), torch.zeros_like(bias)
        if self.settings.steps:
            recent = list(self.lines.values())[-RECENT:]
            weight, bias = _trained(weight, bias, recent, self.settings.steps)
        return Mind(dict(self.rows), array("f", weight.flatten().tolist()), bias.tolist())

    def _solved(self) -> Layer:
        """Of the rows in use."""
        used = Evidence(0, len(TAGS))
        used.sums = self.evidence.sums[:, : len(self.rows)]
        used.classes = self.evidence.classes
        used.norms = self.evidence.norms
        return solve_with_intercept(used, alpha=ALPHA, eps=EPS)

    def _count(self, line: Line, weight: float) -> None:
        features = torch.zeros(1, self.evidence.sums.shape[1], dtype=torch.float64)
        features[0, list(line.rows)] = 1.0
        self.evidence.add(features, torch.tensor([line.tag]), weight)

    def _make_room(self) -> None:
        room = self.evidence.sums.shape[1]
        if len(self.rows) > room:
            wider = Evidence(max(2 * room, len(self.rows)), len(TAGS))
            wider.sums[:, :room] = self.evidence.sums
            wider.classes, wider.norms = self.evidence.classes, self.evidence.norms
            self.evidence = wider


def _bags(lines: Sequence[Line]) -> tuple[Tensor, Tensor]:
    """The rows of all lines in one, and where each begins."""
    ends = torch.tensor([0, *(len(line.rows) for line in lines)]).cumsum(0)
    rows = [row for line in lines for row in line.rows]
    return torch.tensor(rows, dtype=torch.int64), ends[:-1]


def _scores(bags: tuple[Tensor, Tensor], weight: Tensor) -> Tensor:
    """The sum of each line's rows [lines, tags]."""
    rows, starts = bags
    if not len(rows):
        return weight.new_zeros(len(starts), weight.shape[1])
    return embedding_bag(rows, weight, starts, mode="sum")


def _trained(
    weight: Tensor, bias: Tensor, lines: Sequence[Line], steps: int
) -> tuple[Tensor, Tensor]:
    """`steps` of L-BFGS from here, all lines at once; the loss is convex."""
    rows, _ = bags = _bags(lines)
    targets = torch.tensor([line.tag for line in lines])
    owner = torch.arange(len(lines)).repeat_interleave(
        torch.tensor([len(line.rows) for line in lines])
    )
    right = one_hot(targets, len(TAGS)).double()
    size = weight.numel()

    def loss(point: Tensor) -> tuple[Tensor, Tensor]:
        own, shift = point[:size].view_as(weight), point[size:]
        shares = (_scores(bags, own) + shift).log_softmax(1)
        wrong = shares.exp() - right
        gradient = 2 * DECAY * own
        gradient = gradient.index_add(0, rows, wrong[owner])
        value = DECAY * own.square().sum() - (shares * right).sum()
        return value, torch.cat([gradient.flatten(), wrong.sum(0)])

    point = descend(loss, torch.cat([weight.flatten(), bias]), steps)
    return point[:size].view_as(weight), point[size:]
