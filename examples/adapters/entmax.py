"""The maps of the package `entmax`, made to fit the slot `probability`.

    partbench audit examples/adapters/entmax.py:Sparsemax --slot probability

Source: github.com/deep-spin/entmax, version 1.3.
"""

import entmax
from torch import nn


class Sparsemax(nn.Module):
    """Its sparsemax by sorting. Cost: a sort a row."""

    PROVIDES = ()
    ROLES = {}

    def forward(self, scores):
        return entmax.sparsemax(scores, dim=-1)


class Entmax15(nn.Module):
    """Its 1.5-entmax by sorting. Cost: a sort a row."""

    PROVIDES = ()
    ROLES = {}

    def forward(self, scores):
        return entmax.entmax15(scores, dim=-1)


class Bisect(nn.Module):
    """Its alpha-entmax by bisection. Cost: 50 sums a row."""

    PROVIDES = ()
    ROLES = {}

    def __init__(self, *, alpha: float = 1.5):
        super().__init__()
        self.alpha = alpha

    def forward(self, scores):
        return entmax.entmax_bisect(scores, self.alpha, dim=-1)


class SparsemaxBisect(nn.Module):
    """Its sparsemax by bisection. Cost: 50 sums a row."""

    PROVIDES = ()
    ROLES = {}

    def forward(self, scores):
        return entmax.sparsemax_bisect(scores, dim=-1)
