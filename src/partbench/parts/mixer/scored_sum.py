"""The sum of values, weighed by scores of queries and keys: O = P(cap(scale Q K^T) + bias) V.

Three paths, one function: torch's fused kernel where the probability map allows it, two batched
products around any map, which are the oracle of the others, and the same in halves (`halves.py`).
Papers: scores and weights: Vaswani et al. 2017, arXiv:1706.03762; cap(s) = c tanh(s / c): Gemma 2,
arXiv:2408.00118; window: Beltagy et al. 2020, arXiv:2004.05150; a sink as one more key: Xiao et
al. 2023, arXiv:2309.17453.
"""

from collections.abc import Callable
from typing import ClassVar, Protocol, cast

import torch
from torch import Tensor, nn

from partbench.core.numerics import Numerics
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.mixer.halves import in_halves
from partbench.parts.shapes import Found, Groups, Heads, Keys, Values


class Sinking(Protocol):
    """What a probability map that PROVIDES "fused_sink" can say."""

    def sink(self) -> Tensor:
        """The score of one more key, one for all heads or one a head."""
        ...


class ScoredSum(nn.Module):
    """What every mixer with queries, keys and values does with them, causally if the flow is.

    window: how many keys a query sees, itself among them, or None for all; cap: the bound c of
    scores, or None. Query head h reads group h // (heads / groups).
    The fused path computes softmax over [scores] for a map that PROVIDES "fused_attention", over
    [scores, sink] for one that PROVIDES "fused_sink"; a cap needs the explicit path. That in halves
    is taken for whole texts and softmax, with no bias, window, padding or shared keys.
    """

    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(
        self,
        numerics: Numerics,
        probability: Callable[[], nn.Module],
        *,
        scale: float,
        window: int | None = None,
        cap: float | None = None,
    ) -> None:
        super().__init__()
        self.probability = probability()
        self.scale = scale
        self.window = window
        self.cap = cap
        provided = getattr(self.probability, "PROVIDES", ())
        self.sinking = "fused_sink" in provided
        able = self.sinking or "fused_attention" in provided
        self.fused = numerics.attention == "fused" and able and cap is None
        self.halved = numerics.attention == "halves" and able and cap is None

    def forward(self, query: Heads, key: Groups, value: Values, flow: Flow, keys: Keys) -> Found:
        """Queries at `flow.positions`, keys at positions `keys`, whose last is the last query's."""
        bias = flow.position.scores(flow.positions, keys)
        number = keys.shape[0]  # `len` would fix it when the model is exported
        all_seen = self.window is None or number <= self.window
        plain = bias is None and not self.sinking and all_seen and flow.padding is None
        # torch aligns its causal mask at the first key: right for whole texts alone.
        if self.fused and plain and number == query.shape[2]:
            return _kernel(query, key, value, None, self.scale, is_causal=flow.causal)
        alike = query.shape[1] == key.shape[1] and number == query.shape[2] > 1
        if self.halved and plain and alike and flow.causal:
            return in_halves(query, key, value, self.scale)
        # A single query comes last, and no key lies before its window.
        free = query.shape[2] == 1 if flow.causal else self.window is None
        mask = None if free and flow.padding is None else self._mask(flow, keys, query)
        # For one query the kernel's own preparations cost more than both products.
        if self.fused and query.shape[2] > 1 and (bias is None or bias.dtype == query.dtype):
            if bias is not None:
                mask = bias if mask is None else mask + bias
            return self._fused(query, key, value, mask)
        return self._explicit(query, key, value, mask, bias)

    def _mask(self, flow: Flow, keys: Keys, like: Tensor) -> Tensor:
        """0 where a key may be seen; minus infinity in the future, outside the window, in padding.

        [query, key], or [batch, 1, query, key] with padding, whose queries see themselves alone.
        """
        kind, query, key = (
            "causal" if flow.causal else "near",
            flow.positions.shape[0],
            keys.shape[0],
        )
        name = f"{kind} mask {query} {key} {self.window} {like.dtype}"
        if name not in flow.shared:
            distance = flow.positions.unsqueeze(1) - keys.unsqueeze(0)
            hidden = (distance < 0) & flow.causal
            if self.window is not None:
                hidden |= distance.abs() >= self.window
            if flow.padding is not None:
                empty = keys < flow.padding.view(-1, 1, 1, 1)
                hidden = (hidden | empty) & (distance != 0)  # a row that sees nothing is no number
            flow.shared[name] = torch.zeros(
                hidden.shape, dtype=like.dtype, device=like.device
            ).masked_fill_(hidden, -torch.inf)
        return flow.shared[name]

    def _fused(self, query: Heads, key: Groups, value: Values, mask: Tensor | None) -> Found:
        """One kernel; a sink enters as one more key of zeros, with a value of zeros before all."""
        if self.sinking:
            time, keys = query.shape[2], key.shape[2]
            sink = (
                cast(Sinking, self.probability).sink().to(query).view(-1, 1, 1)
            )  # (head or 1, 1, 1)
            rest = query.new_zeros(time, keys) if mask is None else mask
            heads = max(len(sink), rest.shape[-3] if rest.dim() > 2 else 1)
            rows = rest.shape[:1] if rest.dim() == 4 else ()
            columns = [sink.expand(*rows, heads, time, 1), rest.expand(*rows, heads, time, keys)]
            mask = torch.cat(columns, dim=-1)
            key, value = (
                nn.functional.pad(key, (0, 0, 1, 0)),
                nn.functional.pad(value, (0, 0, 1, 0)),
            )
        return _kernel(query, key, value, mask, self.scale)

    def _explicit(
        self, query: Heads, key: Groups, value: Values, mask: Tensor | None, bias: Tensor | None
    ) -> Found:
        """Two batched matrix products around the probability map."""
        batch, heads, time, _ = query.shape
        groups, keys, width = key.shape[1], key.shape[2], value.shape[-1]
        # The query heads of one group are stacked along time, so that no key is repeated.
        # Scaled here it is one pass over d numbers a query; scaled as a score, one over all keys.
        query = (query * self.scale).reshape(batch * groups, -1, query.shape[-1])
        key, value = key.reshape(-1, keys, key.shape[-1]), value.reshape(-1, keys, width)
        if mask is None or self.cap is not None or bias is not None:
            scores = torch.bmm(query, key.transpose(1, 2)).view(batch, heads, time, keys)
            if self.cap is not None:
                # Wide, for tanh near its bound; before the mask, which no bound may lift.
                scores = self.cap * torch.tanh(_wide(scores) / self.cap)
            if bias is not None:
                scores = _wide(scores) + bias  # in bfloat16 distances above 256 fall together
            if mask is not None:
                scores = scores + mask
        else:
            added = mask  # the same for every head: broadcast instead of copied
            if heads != groups or mask.dim() == 4:
                added = mask.expand(batch, heads, time, keys).reshape(batch * groups, -1, keys)
            scores = torch.baddbmm(added, query, key.transpose(1, 2))
            scores = scores.view(batch, heads, time, keys)
        weights = self.probability(scores).view(batch * groups, -1, keys)
        return torch.bmm(weights.to(value.dtype), value).view(batch, heads, time, width)


def _kernel(
    query: Heads,
    key: Groups,
    value: Values,
    mask: Tensor | None,
    scale: float,
    is_causal: bool = False,
) -> Found:
    return nn.functional.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=mask,
        is_causal=is_causal,
        scale=scale,
        enable_gqa=query.shape[1] != key.shape[1],
    )


def _wide(x: Tensor) -> Tensor:
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
