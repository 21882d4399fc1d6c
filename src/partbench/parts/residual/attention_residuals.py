"""Block attention residuals: a sublayer reads a softmax over all that was written.

    u_l = N_l(sum_i s_i v_i),   s = softmax_i(w_l . rms(v_i)),
    v = embedding, the sum of each earlier block of sublayers, the sum inside the present block

Paper: Kimi team 2026, arXiv:2603.15031. w starts at 0: the UNIFORM MEAN of what was written, so the
start is not pre-norm's. block = 1 is full attention over depth.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.residual.mixing import mixed
from partbench.parts.shapes import Stream


class State(NamedTuple):
    """The embedding and the finished blocks; the sum inside the present one, if it has begun."""

    blocks: tuple[Stream, ...]
    present: Stream | None = None


class AttentionResiduals(nn.Module):
    """Learned: a query w [sublayer + 1, width], the last for the head. rms without a gain.

    Settings: block, sublayers whose outputs are summed before they are attended to.
    Cost: width parameters a sublayer; 4 width FLOPs a source, sublayer and token; keeps
    sublayers / block + 2 streams.
    """

    ROLES = {"queries": Role.MIXING}

    def __init__(self, dims: Dims, norm: Callable[..., nn.Module], *, block: Count = 4) -> None:
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.queries = nn.Parameter(torch.zeros(dims.num_sublayers + 1, dims.width))
        self.block, self.dims = block, dims

    def begin(self, x: Stream) -> State:
        """The embedding is the first source."""
        return State((x,))

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed mix of the sources."""
        return self.norms[sublayer](self._attend(sublayer, state)), state

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The output is added to the present block, which may end with it."""
        output = output.to(state.blocks[0].dtype)
        present = output if state.present is None else state.present + output
        if (sublayer + 1) % self.block == 0:
            return State((*state.blocks, present))
        return State(state.blocks, present)

    def end(self, state: State) -> Stream:
        """The normed mix of the sources by a query of the head's own."""
        return self.final(self._attend(self.dims.num_sublayers, state))

    def streams(self, state: State) -> Tensor:
        """The sum of all that was written [batch, time, 1, width], for probes."""
        present = () if state.present is None else (state.present,)
        return torch.stack([*state.blocks, *present], 2).sum(2, keepdim=True)

    def extra_flops(self) -> int:
        """A score and a share of the mix for each source."""
        sources = [
            1 + sublayer // self.block + (sublayer % self.block > 0)
            for sublayer in range(self.dims.num_sublayers + 1)
        ]
        return 4 * sum(sources) * self.dims.width * self.dims.context

    def _attend(self, sublayer: int, state: State) -> Stream:
        present = () if state.present is None else (state.present,)
        sources = torch.stack([*state.blocks, *present], dim=2)
        with torch.autocast(sources.device.type, enabled=False):
            size = sources.square().mean(-1).add(1e-20).sqrt()
            scores = sources @ self.queries[sublayer] / size  # [batch, time, source]
        return mixed(scores.softmax(-1), sources)
