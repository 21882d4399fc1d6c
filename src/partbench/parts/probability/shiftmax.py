"""kappa-ShiftMax: softmax of logarithmically compressed scores, without an exponential.

    u = s - c;  p_i = w_i / sum_j w_j,  w_i = (v_i + sqrt(1 + v_i^2))^k,  v = u / k

which is softmax(k asinh(u / k)), and softmax itself as k grows.
Source: our construction. The note that names ShiftMax (exponential-free, for routers, gates and
mixing weights, not for attention and not for the loss) publishes no formula; this is a map with the
properties it states. w is Kaniadakis' exponential (2001, Physica A 296) with kappa = 1 / k; k = 1
is the normalised squareplus of Barron 2021, arXiv:2112.11687. A bit-shift softmax of the same name
(arXiv:2207.01405) is something else.
"""

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.shapes import Choices

BOUND = 1e18
"""Beyond it v^2 overflows in float32; weights there differ by less than a float32 can hold."""


class ShiftMax(nn.Module):
    """p proportional to (v + sqrt(1 + v^2))^k, v = (s - c) / k, c the largest score or the mean.

    A loser's weight falls as a power of its gap, gap^-k, where softmax falls exponentially: gates
    are less sure of themselves, and a gate that is wrong keeps a gradient that falls as 1 / gap.
    Settings: power, k: 2 for routers, 1 (with centre = "mean") for calm mixing weights;
    centre, c: "max" is sharper where there are many, "mean" smooth everywhere.
    Cost: no parameters; a square root in place of the exponential, the same FLOPs as softmax.
    """

    ROLES: ClassVar[dict[str, Role]] = {}
    PROVIDES = ()

    def __init__(self, *, power: Positive = 2.0, centre: Literal["max", "mean"] = "max") -> None:
        super().__init__()
        self.power = power
        self.centre = centre

    def forward(self, scores: Choices) -> Choices:
        """Weights that sum to one, all above 0."""
        wide = scores if scores.itemsize > 2 else scores.float()
        return _Shifted.apply(wide, self.power, self.centre == "mean").to(scores.dtype)


class _Shifted(torch.autograd.Function):
    """The formula with its derivative by hand.

        h_i = p_i (g_i - sum_j p_j g_j) / sqrt(1 + v_i^2);  ds = h - dc/ds sum_j h_j

    v + sqrt(1 + v^2) as it stands is 0 far below 0; written as 2 relu(v) + 1 / (|v| + sqrt(..)) it
    is exact, but torch's own derivative of |v| and relu is 0 at v = 0, where routers start.
    """

    @staticmethod
    def forward(ctx: Any, scores: Tensor, power: float, mean: bool) -> Tensor:
        v, seen, share = _compressed(scores, power, mean)
        root = (v.square() + 1).sqrt()
        weights = (2 * v.relu() + 1 / (v.abs() + root)).masked_fill(~seen, 0.0)
        # Divided before the power: 1e18^k overflows.
        largest = weights.amax(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)
        weights = (weights / largest).pow(power)
        shares = weights / weights.sum(-1, keepdim=True).clamp_min(1e-30)
        ctx.save_for_backward(scores, shares, root, share)
        ctx.power, ctx.mean = power, mean
        return shares

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        scores, shares, root, share = ctx.saved_tensors
        if torch.is_grad_enabled():  # to be differentiated again: smooth from the scores on
            v, seen, share = _compressed(scores, ctx.power, ctx.mean)
            root = (v.square() + 1).sqrt()
            logits = (ctx.power * v.asinh()).masked_fill(~seen, -torch.inf)
            shares = logits.softmax(-1)
        inner = shares * (gradient - (shares * gradient).sum(-1, keepdim=True)) / root
        return inner - share * inner.sum(-1, keepdim=True), None, None


def _compressed(scores: Tensor, power: float, mean: bool) -> tuple[Tensor, Tensor, Tensor]:
    """v, which scores may be chosen, and dc/ds: 1 / n for the mean, shared by ties for the max."""
    seen = scores > -torch.inf
    finite = scores.masked_fill(~seen, 0.0)
    if mean:
        share = seen / seen.sum(-1, keepdim=True).clamp_min(1).to(scores.dtype)
        centre = (finite * share).sum(-1, keepdim=True)
    else:
        centre = scores.amax(-1, keepdim=True)
        top = seen & (scores == centre)
        share = top / top.sum(-1, keepdim=True).clamp_min(1).to(scores.dtype)
        centre = centre.masked_fill(centre == -torch.inf, 0.0)
    v = ((finite - centre) / power).clamp(-BOUND, BOUND)
    return v.masked_fill(~seen, 0.0), seen, share
