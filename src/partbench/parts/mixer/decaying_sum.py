"""What linear attention and Mamba-2 share: a sum over the past that fades, read by a query.

    S_t = a_t S_{t-1} + k_t v_t^T,   y_t = S_t^T q_t,   a_t = exp(log_decay_t), or 1 without decay

`recurrent` is the formula. `chunked` is the same function in matrix products: within a chunk like
attention without softmax, y = ((Q K^T) * D) V with D_ij = a_{j+1} .. a_i for j <= i, and between
chunks through S. Papers: Katharopoulos et al. 2020, arXiv:2006.16236 (a = 1); Dao and Gu 2024,
arXiv:2405.21060 (section 6: the block decomposition, with a scalar decay a head).

Shapes: query, key [.., time, feature]; value [.., time, channel]; log_decay [.., time]; state
[.., feature, channel]; leading axes broadcast. States and sums are float32 or wider.
"""

import torch
from torch import Tensor


def recurrent(
    query: Tensor, key: Tensor, value: Tensor, log_decay: Tensor | None, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Step by step; y of each step and the state after the last."""
    found = []
    for t in range(value.shape[-2]):
        if log_decay is not None:
            state = state * log_decay[..., t, None, None].exp()
        state = state + key[..., t, :, None] * value[..., t, None, :]
        found.append((query[..., t, None, :] @ state).squeeze(-2))
    return torch.stack(found, dim=-2), state


def chunked(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    log_decay: Tensor | None,
    state: Tensor | None,
    size: int,
) -> tuple[Tensor, Tensor | None]:
    """The same in chunks of `size`. Begun with state None (zeros), it gives no last state back."""
    time, goes_on = value.shape[-2], state is not None
    size = min(size, time)
    query, key, value = (in_chunks(x, size) for x in (query, key, value))
    scores = query @ key.transpose(-1, -2)
    if log_decay is None:
        within = total = None
        scores = scores.tril()
    else:
        within = in_chunks(log_decay.unsqueeze(-1), size).squeeze(-1).cumsum(-1)
        total = within[..., -1:]
        scores = scores * pairwise_decay(within)
    found = list((scores @ value).unbind(-3))
    for i, (q, k, v) in enumerate(zip(*(x.unbind(-3) for x in (query, key, value)), strict=True)):
        if state is not None:
            read = q @ state
            if within is not None:
                read = read * within[..., i, :, None].exp()
            found[i] = found[i] + read
        if i + 1 == len(found) and not goes_on:
            break
        if within is not None and total is not None:
            v = v * (total[..., i, :] - within[..., i, :]).exp().unsqueeze(-1)
        fresh = k.transpose(-1, -2) @ v
        if state is None:
            state = fresh
        elif total is None:
            state = state + fresh
        else:
            state = state * total[..., i, :].exp().unsqueeze(-1) + fresh
    return torch.cat(found, dim=-2)[..., :time, :], state if goes_on else None


def in_chunks(x: Tensor, size: int) -> Tensor:
    """[.., time, n] -> [.., chunk, size, n], zeros after the end: they add nothing to a sum."""
    missing = -x.shape[-2] % size
    return torch.nn.functional.pad(x, (0, 0, 0, missing)).unflatten(-2, (-1, size))


def pairwise_decay(within: Tensor) -> Tensor:
    """exp(within_i - within_j) for j <= i, else 0. within: summed log-decay in a chunk [.., size].

    Future differences are positive and would overflow, so they are hidden before the exponential.
    """
    future = torch.ones(within.shape[-1], within.shape[-1], device=within.device).triu(1).bool()
    gaps = within.unsqueeze(-1) - within.unsqueeze(-2)
    return gaps.masked_fill(future, -torch.inf).exp()


def chunked_flops(
    time: int, size: int, features: int, channels: int, scored: int, heads: int, states: int
) -> int:
    """FLOPs of `chunked` begun empty, dense in the mask.

    scored: how many heads' scores Q K^T are computed; heads: of queries times values; states: how
    many states are kept.
    """
    size = min(size, time)
    chunks = -(-time // size)
    inside = 2 * size * size * (scored * features + heads * channels)
    between = 2 * size * features * channels * (heads + states)
    return chunks * inside + (chunks - 1) * between


def widened(x: Tensor) -> Tensor:
    """x in float32 where autocast left it narrower; sums over the past are not rounded."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
