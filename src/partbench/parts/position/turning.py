"""Queries and keys turned by angles that grow with the position; what all rotary parts share.

    the pair (x_a, x_b) of frequency theta at position t becomes
    m (x_a cos(t theta) - x_b sin(t theta), x_b cos(t theta) + x_a sin(t theta))

Paper: Su et al. 2021, arXiv:2104.09864. Layouts: half_split pairs channel i with i + d/2, as in
Hugging Face's Llama; interleaved pairs 2i with 2i + 1, as in the paper and DeepSeek. They are the
same up to a fixed order of the rows of the maps to queries and keys.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.parts.flow import Flow
from partbench.parts.shapes import Heads

LOCAL = 1 << 18
"""Numbers turned at a time: what they are turned in, 2 MB in float32, stays in a core's cache."""

FEW = 1 << 14
"""Numbers of which the calls of operations cost more than their work: a token in decoding."""


def frequencies(base: float, width: int) -> list[float]:
    """theta_i = base^(-2i / width) of each of the width / 2 pairs."""
    return [base ** -(2 * i / width) for i in range(width // 2)]


def refuse_odd(dims: Dims, part: str) -> None:
    """ConfigError where the channels of a head do not come in pairs."""
    if dims.head_width % 2:
        raise ConfigError(
            f"position={part}: head_width {dims.head_width} is odd; "
            f"the nearest even one is {dims.head_width + 1}"
        )


def turned(
    x: Heads,
    flow: Flow,
    name: str,
    theta: Callable[[], list[float]],
    *,
    interleaved: bool = False,
    magnitude: float = 1.0,
) -> Heads:
    """x turned by `flow.positions`, every channel of it.

    name: of the table of sines, which is computed once a pass for all layers; theta: frequency of
    each pair, asked for when it is. Tables are float32 or wider, whatever the precision: positions
    above 256 fall together in bfloat16.
    """
    wide = torch.float64 if x.dtype == torch.float64 else torch.float32
    cosine, sine = f"{name} {wide} cosine", f"{name} {wide} sine"
    if cosine not in flow.shared:
        # Rounded to float32 first, so that a model is the same function in every precision.
        frequency = torch.tensor(theta(), dtype=torch.float32, device=x.device).to(wide)
        places = flow.places.to(wide)
        if flow.padding is not None:  # one table a row, the same for its heads
            places = places.unsqueeze(1)
        angle = places.unsqueeze(-1) * frequency
        flow.shared[cosine], flow.shared[sine] = angle.cos(), angle.sin()
        if magnitude != 1.0:
            flow.shared[cosine] *= magnitude
            flow.shared[sine] *= magnitude
    eager = not torch.compiler.is_compiling()
    if eager and x.numel() <= FEW and x.dtype == wide and not torch.is_grad_enabled():
        return _turn_few(x, flow.shared[cosine], flow.shared[sine], interleaved)
    return _Turned.apply(x, flow.shared[cosine], flow.shared[sine], interleaved)


class _Turned(torch.autograd.Function):
    """(a cos - b sin, b cos + a sin), computed in the tables' type, answered in x's.

    The derivative of a rotation is the rotation back, so it can be differentiated any number of
    times.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor, interleaved: bool) -> Tensor:
        ctx.save_for_backward(cosine, sine)
        ctx.interleaved = interleaved
        answer = torch.empty(x.shape, dtype=x.dtype, device=x.device)
        rows = x.shape[0]
        if x.device.type == "cpu" and not torch.compiler.is_compiling():
            rows = max(1, LOCAL * x.shape[0] // max(1, x.numel()))
        if rows >= x.shape[0]:
            _turn(x, cosine, sine, interleaved, answer)
            return answer
        own = cosine.shape[0] == x.shape[0] and cosine.dim() > 2  # a table for each row
        for first in range(0, x.shape[0], rows):
            some = slice(first, first + rows)
            tables = (cosine[some], sine[some]) if own else (cosine, sine)
            _turn(x[some], *tables, interleaved, answer[some])
        return answer

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        cosine, sine = ctx.saved_tensors
        return _Turned.apply(gradient, cosine, -sine, ctx.interleaved), None, None, None


def _turn(x: Tensor, cosine: Tensor, sine: Tensor, interleaved: bool, answer: Tensor) -> None:
    """x turned, into `answer`."""
    # The halves are laid apart, so that inner loops run over whole sequences and not over half
    # a head; types are changed by the two copies, since kernels of mixed types are slow.
    half = x.shape[-1] // 2
    wide = torch.empty((2, *x.shape[:-1], half), dtype=cosine.dtype, device=x.device)
    first, second = wide.copy_(_pairs(x, interleaved))
    turned = torch.empty_like(wide)
    torch.mul(first, cosine, out=turned[0]).addcmul_(second, sine, value=-1)
    torch.mul(second, cosine, out=turned[1]).addcmul_(first, sine)
    _pairs(answer, interleaved).copy_(turned)


def _turn_few(x: Tensor, cosine: Tensor, sine: Tensor, interleaved: bool) -> Tensor:
    """The same sums of x in the tables' own type, in as few calls as there are."""
    answer = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    (first, second), (left, right) = _pairs(x, interleaved), _pairs(answer, interleaved)
    torch.mul(first, cosine, out=left).addcmul_(second, sine, value=-1)
    torch.mul(second, cosine, out=right).addcmul_(first, sine)
    return answer


def _pairs(x: Tensor, interleaved: bool) -> Tensor:
    """A view of x with the two of each pair on the first axis."""
    half = x.shape[-1] // 2
    if interleaved:
        return x.unflatten(-1, (half, 2)).movedim(-1, 0)
    return x.unflatten(-1, (2, half)).movedim(-2, 0)
