"""How mHC reads from n streams and writes to them: weights that cannot be negative.

    sigmoid:  a = s(z),         b = 2 s(z)          softmax:  a = softmax(z),   b = n softmax(z)

At the start a sums to one and b = 1, so n equal streams read and write like a single one. One
stream (sublayer mod n) has MAIN of the read: with equal reads all streams would get equal gradients
and stay equal for ever. Paper: Xie et al. 2025, arXiv:2512.24880 (sigmoid); softmax as in
tokenbender/mHC, there without the factor n, which makes every branch n times weaker.
"""

import torch
from torch import Tensor

MAIN = 0.9


def read_logits(count: int, n: int, gates: str) -> Tensor:
    """[sublayer, n] logits at which the reads of a sublayer sum to one."""
    main = torch.eye(n)[torch.arange(count) % n]
    if n == 1:
        return torch.full((count, 1), 40.0)  # sigmoid(40) = 1 in every precision
    share = MAIN * main + (1 - MAIN) / (n - 1) * (1 - main)
    return share.logit() if gates == "sigmoid" else share.log()


def gated_reads(logits: Tensor, gates: str) -> Tensor:
    """a from its logits over the last axis."""
    return logits.sigmoid() if gates == "sigmoid" else logits.softmax(-1)


def gated_writes(logits: Tensor, gates: str) -> Tensor:
    """b from its logits over the last axis."""
    return 2 * logits.sigmoid() if gates == "sigmoid" else logits.shape[-1] * logits.softmax(-1)
