"""Reading from and writing to streams with weights that differ from token to token.

    u = sum_j a_j h_j;   h_i <- sum_j R_ij h_j + b_i y

Layout [batch, time, stream, width], so that a token's coefficients are one product of its row.
float32 throughout, as the plain residual under autocast: a carry rounded to bfloat16 has row sums
off by 2e-3 at every sublayer. Source: Xie et al. 2025, arXiv:2512.24880, section 4.3.
"""

import torch
from torch import Tensor

from partbench.parts.shapes import Stream


def mixed(reads: Tensor, streams: Tensor) -> Stream:
    """reads [batch, time, n], streams [batch, time, n, width]."""
    with torch.autocast(streams.device.type, enabled=False):
        return (reads.unsqueeze(2) @ streams).squeeze(2)


def mixed_and_carried(reads: Tensor, carry: Tensor, streams: Tensor) -> tuple[Stream, Tensor]:
    """u and R h in one product: reads [batch, time, n], carry [batch, time, n, n]."""
    with torch.autocast(streams.device.type, enabled=False):
        both = torch.cat([reads.unsqueeze(2), carry], dim=2) @ streams
        u, carried = both.split([1, streams.shape[2]], dim=2)
    return u.squeeze(2), carried


def written(carried: Tensor, writes: Tensor, output: Stream) -> Tensor:
    """The new streams: carried [batch, time, n, width], writes [batch, time, n]."""
    return torch.addcmul(carried, writes.unsqueeze(-1), output.to(carried.dtype).unsqueeze(2))


def size(x: Tensor) -> Tensor:
    """sqrt(mean x^2) over the last axis, kept, never zero; one pass over x."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return (norm / x.shape[-1] ** 0.5).clamp_min(1e-10)
