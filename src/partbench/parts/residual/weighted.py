"""A weighted sum of many streams, without a copy of them: sum_j w_j v_j.

    dv_j = w_j g,   dw_j = <g, v_j>

Source: this file. A stacked product would copy all streams first, a chain of torch's own products
and sums would keep each product for its derivative. Outside of eager mode it is the plain sum,
which the compiler makes one loop of.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from partbench.parts.shapes import Stream


def weighted(weights: Tensor, rows: Sequence[Stream]) -> Stream:
    """sum_j weights[j] rows[j]; weights [k], rows k streams of one shape and type."""
    if torch.compiler.is_compiling():
        return plain_sum(weights, rows)
    answer: Tensor = _Weighted.apply(weights, *rows)
    return answer


def plain_sum(weights: Tensor, rows: Sequence[Stream]) -> Stream:
    """The same sum in torch's own products and sums."""
    return sum((w * row for w, row in zip(weights.unbind(), rows, strict=True)), rows[0] * 0)


class _Weighted(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weights: Tensor, *rows: Tensor) -> Tensor:
        ctx.save_for_backward(weights, *rows)
        each = weights.unbind()
        total = rows[0] * each[0]
        for weight, row in zip(each[1:], rows[1:], strict=True):
            total.addcmul_(row, weight)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, *rows = ctx.saved_tensors
        own = None
        if ctx.needs_input_grad[0]:
            flat = gradient.reshape(-1)
            own = torch.stack([torch.dot(flat, row.reshape(-1)) for row in rows])
        wanted = zip(weights.unbind(), ctx.needs_input_grad[1:], strict=True)
        return own, *(gradient * weight if needed else None for weight, needed in wanted)
