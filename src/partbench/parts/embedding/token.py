"""Token embedding: row t of a learned table for token t, times sqrt(width) if asked.

Paper: Bengio et al. 2003, "A neural probabilistic language model" (JMLR 3); the factor sqrt(width)
is in Vaswani et al. 2017, arXiv:1706.03762, section 3.4.
"""

from typing import ClassVar

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.shapes import Stream, Tokens


class TokenEmbedding(nn.Module):
    """x = E[token] (* sqrt(width)).  E: [vocab, width].

    Settings: scale_by_width multiplies by sqrt(width), so that a table tied to a head with small
    entries enters the stream at the size of its norm's output.
    Cost: vocab * width parameters, no FLOPs.
    """

    PROVIDES = ("table",)
    NEEDS: ClassVar[dict[str, str]] = {"task": "tokens"}
    ROLES = {"weight": Role.EMBEDDING}

    def __init__(self, dims: Dims, *, scale_by_width: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dims.vocab, dims.width))
        self.factor = dims.width**0.5 if scale_by_width else 1.0

    def forward(self, tokens: Tokens) -> Stream:
        """The vector of each token."""
        x = nn.functional.embedding(tokens, self.weight)
        return x if self.factor == 1.0 else x * self.factor
