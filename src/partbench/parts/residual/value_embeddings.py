"""Value embeddings: every token adds vectors of its own to the values of mirrored layers.

    v_l <- c_l v_l + d_l E_m[token],   m = min(l, depth - 1 - l);   the stream is pre-norm's

Source: modded-nanogpt (2024), records of 2024-12; the values' first layer as a lookup is from Zhou
et al. 2024, arXiv:2410.17897. c starts at 1 and d at 0: exactly pre-norm; set `start` for its .5.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Share
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream


class ValueEmbeddings(nn.Module):
    """The plain residual; learned: a table a pair of mirrored layers, two numbers a layer.

    Settings: start of d; c starts at 1 - start.
    Cost: ceil(depth / 2) vocab kv_heads head_width parameters, no FLOPs but one sum a layer.
    """

    NEEDS: ClassVar[dict[str, str]] = {"mixer": "mixes_values", "task": "tokens"}
    ROLES: ClassVar[dict[str, Role]] = {"tables": Role.EMBEDDING, "weights": Role.SCALAR}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module], *, start: Share = 0.0) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        shape = (-(-dims.depth // 2), dims.vocab, dims.num_kv_heads * dims.head_width)
        self.tables = nn.Parameter(torch.zeros(shape))
        self.weights = nn.Parameter(torch.tensor([1 - start, start]).repeat(dims.depth, 1))
        self.dims = dims

    def values(self, value: Tensor, flow: Flow) -> Tensor:
        """What the layer's mixer attends to in place of its own values [batch, head, time, d]."""
        table = self.tables[min(flow.layer, self.dims.depth - 1 - flow.layer)]
        added = nn.functional.embedding(flow.tokens, table)
        added = added.unflatten(-1, (-1, value.shape[-1])).transpose(1, 2)
        own, other = self.weights[flow.layer]
        return own * value + (other * added).to(value.dtype)

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The sum."""
        return state + output

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)
