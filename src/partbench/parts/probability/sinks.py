"""Learned sinks: softmax beside one more score b_h of each head, whose weight goes nowhere.

    p_i = exp(s_i) / (exp(b_h) + sum_j exp(s_j))

Papers: gpt-oss: OpenAI 2025, arXiv:2508.10925; sinks: Xiao et al. 2023, arXiv:2309.17453.
"""

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Scores


class Sinks(nn.Module):
    """Softmax over [b_h, scores] without its first weight; b_h is learned, one a head.

    Settings: start, every b_h at first; 0 is softmax1 at step 0 (Hugging Face's gpt-oss draws
    N(0, 0.02)).
    Cost: num_heads parameters a layer. Fused attention computes it with one more key of zeros.
    """

    ROLES = {"level": Role.SCALAR}
    PROVIDES = ("fused_sink",)

    def __init__(self, dims: Dims, *, start: float = 0.0) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.full((dims.num_heads,), start))

    def forward(self, scores: Scores) -> Scores:
        """Weights that sum to less than one."""
        level = self.level.to(scores.dtype).view(-1, 1, 1).expand_as(scores[..., :1])
        return torch.cat([level, scores], dim=-1).softmax(dim=-1)[..., 1:]

    def sink(self) -> Tensor:
        """The score of the choice that is nothing, one a head."""
        return self.level
