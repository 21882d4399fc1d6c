"""Cross-entropy from hidden states, in chunks, so that all logits are never held at once.

    nll_t = lse(z_t) - z_t[target],   z = cap(W x),   cap(z) = c tanh(z / c) or z
    z-loss = coefficient * mean(lse^2), which keeps the normaliser near 1

Papers: z-loss: Chowdhery et al. 2022, arXiv:2204.02311; capping: Gemma 2, arXiv:2408.00118.
"""

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from partbench.parts.shapes import Logits, Losses, Stream, Tokens

CHUNK = 1 << 24
"""Logits held at a time (64 MB in float32); fewer tokens a chunk where the vocabulary is large."""


def logits(x: Stream, weight: Tensor, cap: float | None) -> Logits:
    """cap(x W^T) in float32 or wider. weight: [vocab, width]; cap: None or c of c tanh(z / c)."""
    wide = torch.nn.functional.linear(x, weight)
    if wide.dtype in (torch.bfloat16, torch.float16):
        wide = wide.float()
    return wide if cap is None else cap * torch.tanh(wide / cap)


def cross_entropy(
    x: Stream, weight: Tensor, targets: Tokens, cap: float | None
) -> tuple[Losses, Tensor]:
    """Losses in nats [batch, time] and log-normalisers [batch, time]."""
    tokens = targets.numel()
    if tokens * weight.shape[0] <= CHUNK:
        return _piece(x, weight, targets, cap)
    flat, wanted = x.flatten(0, 1), targets.flatten()
    rows = max(1, CHUNK // weight.shape[0])
    pieces = [
        checkpoint(
            _piece,
            flat[start : start + rows],
            weight,
            wanted[start : start + rows],
            cap,
            use_reentrant=False,
            preserve_rng_state=False,
        )
        for start in range(0, tokens, rows)
    ]
    losses, normalisers = zip(*pieces, strict=True)
    return torch.cat(losses).view(targets.shape), torch.cat(normalisers).view(targets.shape)


def _piece(x: Tensor, weight: Tensor, targets: Tensor, cap: float | None) -> tuple[Tensor, Tensor]:
    scores = logits(x, weight, cap)
    normaliser = scores.logsumexp(-1)
    return normaliser - scores.gather(-1, targets.unsqueeze(-1)).squeeze(-1), normaliser


def z_loss(normalisers: Tensor, weights: Tensor, coefficient: float) -> Tensor:
    """coefficient * weighted mean of lse^2, with the same normaliser as the cross-entropy."""
    return coefficient * (normalisers.square() * weights).sum() / weights.sum().clamp_min(1e-9)
