"""Starting values of recurrences with a learned step size: how fast a state fades at first.

    a = exp(-A dt),  A ~ U(lowest, 16),  dt = softplus(bias) log-uniform in [0.001, 0.1]

so that heads forget over very different times. Source: the code of Mamba (Gu and Dao 2023,
arXiv:2312.00752) and Mamba-2 (Dao and Gu 2024, arXiv:2405.21060).
"""

import math

import torch
from torch import Tensor

SHORTEST, LONGEST, FLOOR, FASTEST = 0.001, 0.1, 1e-4, 16.0


def drawn_step(count: int) -> Tensor:
    """Biases b with softplus(b) log-uniform between the shortest and the longest step."""
    low, high = math.log(SHORTEST), math.log(LONGEST)
    step = torch.empty(count).uniform_(low, high).exp().clamp_min(FLOOR)
    return step + (-torch.expm1(-step)).log()  # the inverse of softplus


def drawn_decay(count: int, lowest: float) -> Tensor:
    """log A, A uniform in (lowest, 16)."""
    return torch.empty(count).uniform_(lowest, FASTEST).log()
