"""Orthogonal-parallel residuals: separate gains for what is orthogonal to the stream and along it.

    p = <h, y> / <h, h>,   y = F_l(N_l(h)),   for each token
    true:      h <- h + a (y - p h) + b p h                 a, b numbers, 1 at the start: pre-norm
    notebook:  h <- h + a * (y - p h) + b * p y / sum_c y_c      a, b per channel, drawn
    l2:        the notebook's with |y| in place of sum_c y_c

Source: the notebook of lof310/projects (2025), as written there in mode `notebook`, which is BUG
COMPATIBLE: what it calls a norm is a signed sum that is not kept away from zero, so the last term
has an infinite mean and the wrong sign for half of all tokens; it points along y, not along h; and
gains per channel undo the orthogonality. Mode `true` is the decomposition that was meant. With
b = 0 and a = 1 it is the orthogonal update.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import nn

from partbench.core.dims import Dims
from partbench.core.roles import Role
from partbench.parts.residual.orthogonal import dot
from partbench.parts.shapes import Stream

TINY = 1e-8


class OrthogonalParallel(nn.Module):
    """Learned per sublayer: a and b, numbers in mode `true`, else a vector of channels each.

    Settings: mode. The notebook draws a ~ N(.25, .5) and b ~ N(.15, .25): a third of them begin
    below zero. Only `true` starts at pre-norm.
    Cost: 2 or 2 width parameters a sublayer; two dot products and two sums a token and sublayer.
    """

    ROLES = {"orthogonal": Role.SCALAR, "parallel": Role.SCALAR}

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        mode: Literal["true", "l2", "notebook"] = "true",
    ) -> None:
        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        if mode == "true":
            orthogonal, parallel = torch.ones(count, 1), torch.ones(count, 1)
        else:
            orthogonal = 0.25 + 0.5 * torch.randn(count, dims.width)
            parallel = 0.15 + 0.25 * torch.randn(count, dims.width)
        self.orthogonal = nn.Parameter(orthogonal)
        self.parallel = nn.Parameter(parallel)
        self.mode = mode

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The stream plus both parts of the output, each at its gain."""
        output = output.to(state.dtype)  # dot products in float32
        along = dot(state, output) / dot(state, state).clamp_min(TINY)
        a, b = self.orthogonal[sublayer], self.parallel[sublayer]
        if self.mode == "true":
            # a (y - p h) + b p h, with one pass over the stream less.
            return torch.addcmul(state * (1 + (b - a) * along), output, a)
        size = output.sum(-1, keepdim=True)
        if self.mode == "l2":
            size = output.norm(dim=-1, keepdim=True).clamp_min(TINY)
        return state + a * (output - along * state) + b * along * (output / size)

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)
