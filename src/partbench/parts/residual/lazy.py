"""Static streams kept as what they are: fixed mixes of the embedding and the sublayers' answers.

    V = (x, y_0, .., y_(l-1)),   streams h = P V;   read u_l = (a_l P) V;   P <- [R_l P, b_l]

With coefficients that do not depend on the token, h <- R h + b y is linear, so n streams need not
be carried: the tiny P [n, rows] is, and a read is one weighted sum. That costs two passes over a
stream a row and sublayer instead of some 7 n, and no stream is stored for the derivative, only the
answers. Where there would be too many rows the n streams are made and become the rows.
Source: the recurrence is Zhu et al. 2024, arXiv:2409.19606; unrolled here.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from partbench.parts.residual import rows as stored
from partbench.parts.residual.rows import Rows
from partbench.parts.shapes import Stream

MOST = 13
"""Rows before the streams are made: a stack of 6 layers never does. More rows cost time, n streams
made cost n (rows) passes and n times the memory of a stream."""


class Maps(NamedTuple):
    """Each sublayer's read [n], write [n] and carry [n, n]; R_ij: OLD stream j in NEW stream i."""

    reads: tuple[Tensor, ...]
    writes: tuple[Tensor, ...]
    carries: tuple[Tensor, ...]


class Lazy(NamedTuple):
    """Streams: stream i is sum_j shares[i, j] rows[j]."""

    rows: Rows
    shares: Tensor  # [n, rows]
    maps: Maps


def begin(x: Stream, reads: Tensor, writes: Tensor, carries: Tensor) -> Lazy:
    """n streams, all x. reads, writes [sublayer, n], carries [sublayer, n, n]."""
    maps = Maps(reads.unbind(), writes.unbind(), carries.unbind())
    rows = stored.begin(x, min(len(reads), MOST) + 1)
    return Lazy(rows, reads.new_ones(reads.shape[1], 1), maps)


def read(sublayer: int, state: Lazy) -> tuple[Stream, Lazy]:
    """a_l h, before any norm."""
    if len(state.rows.vectors) > MOST:
        state = folded(state)
    with torch.autocast(state.shares.device.type, enabled=False):
        # float32 as the plain stream: autocast would round these few numbers at every sublayer.
        weights = state.maps.reads[sublayer] @ state.shares
    return state.rows.sum(weights), state


def write(sublayer: int, state: Lazy, output: Stream) -> Lazy:
    """R_l h + b_l y: a new row and another P."""
    with torch.autocast(state.shares.device.type, enabled=False):
        carried = state.maps.carries[sublayer] @ state.shares
    shares = torch.cat([carried, state.maps.writes[sublayer].unsqueeze(1)], dim=1)
    return state._replace(rows=state.rows.add(output), shares=shares)


def end(state: Lazy) -> Stream:
    """The mean of the streams."""
    return state.rows.sum(state.shares.mean(0))


def flops(sublayers: int, n: int, width: int) -> int:
    """FLOPs of all reads of a token: two a row and channel, and the streams where they are made."""
    rows, terms = 1, 0
    for _ in range(sublayers):
        if rows > MOST:
            rows, terms = n, terms + n * rows
        rows, terms = rows + 1, terms + rows
    return 2 * (terms + rows) * width


def streams(state: Lazy) -> Tensor:
    """All streams [batch, time, n, width]."""
    return torch.stack(folded(state).rows.vectors, dim=2)


def folded(state: Lazy) -> Lazy:
    """The same streams, made."""
    first, *others = (state.rows.sum(share) for share in state.shares.unbind())
    rows = stored.begin(first, max(len(state.shares), MOST) + 1)
    for other in others:
        rows = rows.add(other)
    eye = torch.eye(len(state.shares), dtype=state.shares.dtype, device=state.shares.device)
    return state._replace(rows=rows, shares=eye)
