"""A convolution whose kernels are one matrix, as the roles want it: W: [out, in * side^2].

    y[o, i, j] = b[o] + sum over c, a, b of W[o, (c, a, b)] x[c, i + a - r, j + b - r],  side = 2r+1

Zeros stand beyond the edge, so a picture keeps its size. The last axis of W is all that a channel
reads, its fan-in: initialisation, decay, conditioning and orthogonal updates treat it as any other
matrix.
Source: LeCun et al. 1989, "Backpropagation applied to handwritten zip code recognition"; kernels
as matrices in an optimiser: Jordan et al. 2024, "Muon: An optimizer for hidden layers".
"""

import torch
from torch import Tensor, nn

from partbench.core.roles import Role

SIDE = 3


class Convolution(nn.Module):
    """3x3 kernels, with a bias a channel where asked for."""

    ROLES = {"weight": Role.READ, "bias": Role.BIAS}

    def __init__(self, inputs: int, outputs: int, *, bias: bool) -> None:
        super().__init__()
        self.inputs = inputs
        self.weight = nn.Parameter(torch.zeros(outputs, inputs * SIDE * SIDE))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """[batch, in, height, width] -> [batch, out, height, width]."""
        kernels = self.weight.view(-1, self.inputs, SIDE, SIDE)
        return nn.functional.conv2d(x, kernels, self.bias, padding=SIDE // 2)

    def flops(self, height: int, width: int) -> int:
        """Of one picture of that size: two a weight and place."""
        return 2 * self.weight.numel() * height * width
