"""Softmax at a temperature: p_i = exp(s_i / T) / sum_j exp(s_j / T).

Paper: Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 2.
"""

from typing import ClassVar

from torch import nn

from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.shapes import Choices


class TemperedSoftmax(nn.Module):
    """softmax(s / temperature). Above 1 calmer, below 1 sharper.

    The arm any other map has to beat: much of what a new map does, a tuned temperature does too.
    Cost: no parameters; one exponential a score.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ()

    def __init__(self, *, temperature: Positive = 2.0) -> None:
        super().__init__()
        self.temperature = temperature

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to one."""
        return (scores / self.temperature).softmax(dim=-1)
