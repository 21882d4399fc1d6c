"""mHC-lite: a weighted mean of all n! permutation matrices, exactly doubly stochastic.

    R = sum_k softmax(z)_k P_k          (every doubly stochastic matrix is one: Birkhoff 1946)

n! numbers a matrix, so n <= 4 is sensible. Paper: 2026, arXiv:2601.05732.
Differs: the identity's logit starts so that streams keep half their difference over the depth; the
paper's code starts it at 8 above the others.
"""

import itertools
import math

import torch
from torch import Tensor

from partbench.parts.residual.carries.carry import Carry


def matrix(z: Tensor, n: int, found: Tensor | None = None) -> Tensor:
    """R [.., n, n] from n! logits."""
    orders = torch.tensor(list(itertools.permutations(range(n))), device=z.device)
    corners = torch.eye(n, dtype=z.dtype, device=z.device)[orders]  # [n!, n, n]
    # No product, because autocast would narrow it.
    return (z.softmax(-1)[..., None, None] * corners).sum(-3)


def start(n: int, keep: float) -> Tensor:
    """The identity gets p, all others the same, where (p n! - 1) / (n! - 1) = keep."""
    count = math.factorial(n)
    logits = torch.zeros(count)
    if n > 1:
        p = (keep * (count - 1) + 1) / count
        logits[0] = math.log(p * (count - 1) / (1 - p))
    return logits


permutations = Carry(size=math.factorial, start=start, matrix=matrix)
