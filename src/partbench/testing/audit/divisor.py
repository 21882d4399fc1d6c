"""Is something divided by what can be zero?

Measured: 4096 tokens of drawn numbers pass a residual part's first sublayer, or the model's parts;
of every tensor that comes out the rms of each token, the largest over the median. Normal numbers
passed through sums, products and norms stay below 10 of their median; a division by a signed sum in
place of a norm has no mean at all, and its largest of n tokens grows with n. Limit 30 (warning),
300 (failure). Then the same with a branch that answers with mean-free vectors, as one that ends in
a LayerNorm does: its sum is zero, and the ratio of the two largest may be 30.
Source: the notebook of orthogonal-parallel residuals (residual_stream, section 2).
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from partbench.core import rng
from partbench.measure.probes.watch import tensors
from partbench.testing.audit.finding import Finding, graded
from partbench.testing.audit.kinds import residual
from partbench.testing.subject import DIMS, Subject

ROWS, TIME = 256, 16
ADVICE = "divide by a norm kept away from zero (a root of a sum of squares), never by a signed sum"


@torch.no_grad()
def near_zero_divisor(subject: Subject) -> Finding | None:
    """For residual parts by themselves; the worse of the two kinds of answers."""
    model: Any = subject.model(awake=False)
    part: nn.Module | None = residual(model)
    if part is None:
        return None
    x, y = (_drawn(name) for name in "xy")
    plain, centred = _largest(part, x, y), _largest(part, x, y - y.mean(-1, keepdim=True))
    number = max(_wide(plain[0]), _wide(centred[1] / plain[1]))
    found = f"the largest token is {plain[0]:.3g} times the median"
    if _wide(centred[1] / plain[1]) > 30:
        found = "an answer of mean zero makes it explode: it divides by a sum, which is no norm"
    elif number > 30:
        found += ": it divides by what can be near zero"
    return graded("near-zero divisor", found, number, limit=30.0, worst=300.0, advice=ADVICE)


def _largest(part: Any, x: Tensor, y: Tensor) -> tuple[float, float]:
    """(largest over median, largest) of the tokens' rms in a state after a sublayer."""
    _, state = part.read(0, part.begin(x))
    ratio = size = 0.0
    for tensor in tensors(part.write(0, state, y)):
        if tensor.numel() < x.numel() or tensor.shape[-1] != x.shape[-1]:
            continue
        sizes = tensor.double().square().mean(-1).sqrt().flatten()
        ratio = max(ratio, _wide((sizes.max() / sizes.median()).item()))
        size = max(size, _wide(sizes.max().item()))
    return (ratio, size) if size else (1.0, 1.0)


def _drawn(name: str) -> Tensor:
    return torch.from_numpy(rng.stream(6, name).standard_normal((ROWS, TIME, DIMS["width"])))


def _wide(number: float) -> float:
    return number if number == number else math.inf
