"""Learned absolute positions: one learned row a position, added to the stream once.

Paper: Gehring et al. 2017, arXiv:1705.03122; GPT-2 (Radford et al. 2019).
"""

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Heads, Keys, Positions, Stream


class Learned(nn.Module):
    """x + P[t].  P: [context, width].

    Cost: context * width parameters. There is no row beyond `dims.context`: `longest` says so, and
    the model refuses longer texts.
    """

    PROVIDES = ("left_padding",)
    ROLES = {"weight": Role.EMBEDDING}

    def __init__(self, dims: Dims) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(dims.context, dims.width))
        self.longest: int | None = dims.context

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream with the rows of its positions added."""
        return x + nn.functional.embedding(flow.places, self.weight)

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys as they are."""
        return x

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None
