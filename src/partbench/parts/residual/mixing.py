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


def spread(carry: Tensor, streams: Tensor, writes: Tensor, output: Stream) -> Tensor:
    """carry [batch, time, n, n], writes [batch, time, n]; the new streams."""
    with torch.autocast(streams.device.type, enabled=False):
        y = output.to(streams.dtype).unsqueeze(2)
        return torch.addcmul(carry @ streams, writes.unsqueeze(-1), y)
