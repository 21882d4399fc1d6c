"""Rotary positions: queries and keys are turned by an angle that grows with the position.

    theta_i = base^(-2i / d);  pair (i, i + d/2) of a head of width d is turned by t * theta_i

so a score depends on the distance of query and key alone.
Paper: Su et al. 2021, arXiv:2104.09864. Layout: half-split pairs, as in Hugging Face's Llama.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Heads, Keys, Positions, Stream


class Rotary(nn.Module):
    """q, k -> R(t) q, R(t) k.  No parameters; any length.

    Angles, sines and cosines are float32 or wider whatever the precision: positions above 256 fall
    together in bfloat16. Cost: 3 FLOPs a channel of queries and keys.
    Raises ConfigError for an odd head width.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    longest: int | None = None
    frequency: Tensor

    def __init__(self, dims: Dims, *, base: Positive = 10000.0) -> None:
        super().__init__()
        if dims.head_width % 2:
            raise ConfigError(
                f"position=rotary: head_width {dims.head_width} is odd; "
                f"the nearest even one is {dims.head_width + 1}"
            )
        exponent = torch.arange(0, dims.head_width, 2, dtype=torch.float64) / dims.head_width
        self.register_buffer("frequency", (base**-exponent).float(), persistent=False)

    def stream(self, x: Stream, flow: Flow) -> Stream:
        """The stream as it is."""
        return x

    def heads(self, x: Heads, flow: Flow) -> Heads:
        """Queries or keys turned by their positions [batch, head, time, head_width]."""
        cosine, sine = self._table(x, flow)
        return _Turned.apply(x, cosine, sine)

    def scores(self, queries: Positions, keys: Keys) -> Tensor | None:
        """Nothing."""
        return None

    def _table(self, x: Heads, flow: Flow) -> tuple[Tensor, Tensor]:
        """Cosines and sines [time, head_width / 2], computed once a pass for all layers."""
        if "rotary cosine" not in flow.shared:
            angle = flow.positions.to(self.frequency.dtype).unsqueeze(-1) * self.frequency
            flow.shared["rotary cosine"] = angle.cos()
            flow.shared["rotary sine"] = angle.sin()
        return flow.shared["rotary cosine"], flow.shared["rotary sine"]


class _Turned(torch.autograd.Function):
    """(a cos - b sin, b cos + a sin), computed in the tables' type, answered in x's.

    The derivative of a rotation is the rotation back, so it can be differentiated any number of
    times.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
        ctx.save_for_backward(cosine, sine)
        # The halves are laid apart, so that inner loops run over whole sequences and not over half
        # a head; types are changed by the two copies, since kernels of mixed types are slow.
        half = x.shape[-1] // 2
        wide = torch.empty((2, *x.shape[:-1], half), dtype=cosine.dtype, device=x.device)
        first, second = wide.copy_(x.unflatten(-1, (2, half)).movedim(-2, 0))
        turned = torch.empty_like(wide)
        torch.mul(first, cosine, out=turned[0]).addcmul_(second, sine, value=-1)
        torch.mul(second, cosine, out=turned[1]).addcmul_(first, sine)
        answer = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        answer.unflatten(-1, (2, half)).copy_(turned.movedim(0, -2))
        return answer

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        cosine, sine = ctx.saved_tensors
        return _Turned.apply(gradient, cosine, -sine), None, None
