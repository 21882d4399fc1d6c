"""LAuReL: learned augmented residuals: weights on both summands, a low-rank map of the stream.

    weights:   h <- a_l F_l(N_l(h)) + b_l h,  (a, b) = 2 softmax(z_l)
    low_rank:  h <- F_l(N_l(h)) + h + U_l (D_l h);   both: a_l F + b_l (h + U_l D_l h)

Paper: Menghani et al. 2024, arXiv:2411.07501. Differs: the softmax pair is doubled, so that the
start is pre-norm; the form that adds previous activations is `laurel_previous`.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class LAuReL(nn.Module):
    """Starts exactly at pre-norm: z = 0, U = 0.

    Settings: form; rank of the low-rank map (16 to 64 in the paper's and Gemma 3n's use).
    Cost: 2 numbers and 2 rank width parameters a sublayer; 4 rank width FLOPs a token and sublayer.
    """

    ROLES = {"weights": Role.SCALAR, "downs": Role.READ, "ups": Role.MIXING}

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        form: Literal["weights", "low_rank", "both"] = "both",
        rank: Count = 16,
    ) -> None:
        super().__init__()
        count, width = dims.num_sublayers, dims.width
        self.norms = nn.ModuleList(norm(width=width) for _ in range(count))
        self.final = norm(width=width)
        weighs, maps = form != "low_rank", form != "weights"
        self.weights = nn.Parameter(torch.zeros(count, 2)) if weighs else None
        self.downs = nn.Parameter(torch.zeros(count, rank, width)) if maps else None
        self.ups = nn.Parameter(torch.zeros(count, width, rank)) if maps else None
        self.dims = dims

    def begin(self, x: Stream) -> Stream:
        """The stream is the state."""
        return x

    def read(self, sublayer: int, state: Stream) -> tuple[Stream, Stream]:
        """The normed stream."""
        return self.norms[sublayer](state), state

    def write(self, sublayer: int, state: Stream, output: Stream) -> Stream:
        """The weighted sum of the output and of the stream with its low-rank map."""
        ours: Tensor = state
        if self.downs is not None and self.ups is not None:
            ours = state + state @ self.downs[sublayer].T @ self.ups[sublayer].T
        if self.weights is None:
            return ours + output
        a, b = 2 * self.weights[sublayer].softmax(-1)
        return a * output.to(state.dtype) + b * ours

    def end(self, state: Stream) -> Stream:
        """The normed stream."""
        return self.final(state)

    def extra_flops(self) -> int:
        """The maps up; those down are counted by their role."""
        return 0 if self.ups is None else 2 * self.ups.numel() * self.dims.context
