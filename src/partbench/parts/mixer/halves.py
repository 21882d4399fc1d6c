"""Causal softmax attention in two halves of the queries, its derivative by hand.

    early queries see the early keys alone:   O_1 = softmax(Q_1 K_1^T + mask) V_1
    late queries see all keys:                O_2 = softmax(Q_2 K^T + mask) V
    dV = P^T dO;  dS = P (dP - sum(dP P)), dP = dO V^T;  dQ = dS K;  dK = dS^T Q

The same function as two products around softmax over all pairs, with a quarter of the scores left
out, for they lie in the future. Formula: Vaswani et al. 2017, arXiv:1706.03762.
"""

from typing import Any

import torch
from torch import Tensor

from partbench.parts.shapes import Found, Groups, Heads, Values


def in_halves(query: Heads, key: Groups, value: Values, scale: float) -> Found:
    """softmax(scale Q K^T + causal mask) V for whole texts, as many keys' heads as queries'."""
    return _InHalves.apply(query, key, value, scale)


class _InHalves(torch.autograd.Function):
    """Where the gradient is to be differentiated again, the formula itself is used."""

    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        batch, heads, time, width = query.shape
        half, rows = time // 2, batch * heads
        # Each half lies together: products of slices would copy them.
        early = (query[:, :, :half] * scale).reshape(rows, half, width)
        late = (query[:, :, half:] * scale).reshape(rows, time - half, width)
        keys, values = key.reshape(rows, time, -1), value.reshape(rows, time, -1)
        first_keys, first_values = keys[:, :half].contiguous(), values[:, :half].contiguous()
        mask = _mask(time, query)
        first = torch.baddbmm(mask[:half, :half], early, first_keys.mT).softmax(-1)
        second = torch.baddbmm(mask[half:], late, keys.mT).softmax(-1)
        # In the order in which the heads are joined after this.
        found = query.new_empty(batch, time, heads, values.shape[-1]).transpose(1, 2)
        found[:, :, :half] = torch.bmm(first, first_values).unflatten(0, (batch, heads))
        found[:, :, half:] = torch.bmm(second, values).unflatten(0, (batch, heads))
        ctx.save_for_backward(
            query, key, value, early, late, first_keys, first_values, first, second
        )
        ctx.scale = scale
        return found

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        query, key, value, early, late, first_keys, first_values, first, second = ctx.saved_tensors
        if torch.is_grad_enabled():
            scores = ctx.scale * query @ key.mT + _mask(query.shape[2], query)
            found = scores.softmax(-1) @ value
            return *torch.autograd.grad(
                found, (query, key, value), gradient, create_graph=True
            ), None
        batch, heads, time, _ = query.shape
        half, rows = time // 2, batch * heads
        keys, values = key.reshape(rows, time, -1), value.reshape(rows, time, -1)
        above = gradient[:, :, :half].reshape(rows, half, -1)
        below = gradient[:, :, half:].reshape(rows, time - half, -1)
        change = query.new_empty(query.shape)
        scores = _through_softmax(torch.bmm(below, values.mT), second)
        late_change = torch.bmm(scores, keys).unflatten(0, (batch, heads))
        key_change = torch.bmm(scores.mT, late)
        value_change = torch.bmm(second.mT, below)
        scores = _through_softmax(torch.bmm(above, first_values.mT), first)
        early_change = torch.bmm(scores, first_keys).unflatten(0, (batch, heads))
        key_change[:, :half] += torch.bmm(scores.mT, early)
        value_change[:, :half] += torch.bmm(first.mT, above)
        torch.mul(early_change, ctx.scale, out=change[:, :, :half])
        torch.mul(late_change, ctx.scale, out=change[:, :, half:])
        return change, key_change.view(key.shape), value_change.view(value.shape), None


def _through_softmax(gradient: Tensor, weights: Tensor) -> Tensor:
    return torch.ops.aten._softmax_backward_data(gradient, weights, -1, weights.dtype)


def _mask(time: int, like: Tensor) -> Tensor:
    """Minus infinity where a key lies after its query [time, time]."""
    return like.new_full((time, time), -torch.inf).triu_(1)
