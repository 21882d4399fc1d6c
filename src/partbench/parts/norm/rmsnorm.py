"""RMSNorm: x / sqrt(mean(x^2) + eps) * gain. No mean is subtracted, no bias added.

Paper: Zhang and Sennrich 2019, arXiv:1910.07467.
"""

from typing import Any

import torch
from torch import Tensor, nn

from partbench.core.ranges import NotNegative
from partbench.core.roles import Role
from partbench.parts.shapes import Vectors


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * gain over the last axis, statistics in float32.

    Gain starts at 1; eps 1e-6 as in Llama and Qwen3 (gpt-oss and OLMo 2 use 1e-5).
    Cost: one number a channel.
    """

    ROLES = {"gain": Role.GAIN}

    def __init__(self, width: int, *, eps: NotNegative = 1e-6) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Vectors) -> Vectors:
        """The normalised vector."""
        return normed(x.to(self.gain.dtype), self.gain, self.eps)


def normed(x: Vectors, gain: Tensor, eps: float) -> Vectors:
    """x / sqrt(mean(x^2) + eps) * gain over the last axis, in x's type."""
    if not torch.is_grad_enabled():  # the same operations; a token at a time, their call counts
        return (x * _inverse(x, eps)).mul_(gain)
    return _Normed.apply(x, gain, eps)


class _Normed(torch.autograd.Function):
    """The formula with its derivative by hand: a third of the passes over memory of torch's own.

    r = 1 / sqrt(mean(x^2) + eps);  dx = r g dy - x r^3 mean(x g dy);  dg = sum r x dy

    LayerNorm's backward kernel, told that the mean is 0, gives that dx less r mean(g dy) and
    exactly that dg. Where the gradient is to be differentiated again, the formula itself is used.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, gain: Tensor, eps: float) -> Tensor:
        inverse = _inverse(x, eps)
        ctx.save_for_backward(x, gain, inverse)
        ctx.eps = eps
        return (x * inverse).mul_(gain)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, gain, inverse = ctx.saved_tensors
        if torch.is_grad_enabled():
            inverse = _inverse(x, ctx.eps)
            outer = gradient * gain
            shrink = (outer * x).mean(-1, keepdim=True) * inverse.pow(3)
            own = (gradient * x * inverse).flatten(0, -2).sum(0)
            return outer * inverse - x * shrink, own, None
        zero = torch.zeros_like(inverse)
        change, own, _ = torch.ops.aten.native_layer_norm_backward(
            gradient, x, gain.shape, zero, inverse, gain, None, [True, True, False]
        )
        flat = gradient.flatten(0, -2)
        # mv, because autocast would narrow the operands of `@`.
        return (
            change.add_(torch.mv(flat, gain).view(inverse.shape) * inverse / x.shape[-1]),
            own,
            None,
        )


def _inverse(x: Tensor, eps: float) -> Tensor:
    """1 / sqrt(mean(x^2) + eps) of each vector, its axis kept."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return (norm.square() / x.shape[-1] + eps).rsqrt()
