"""Rates by width and depth: what one learning rate becomes for each role under `dims.transfer`.

    m = dims.width_ratio, l = dims.depth_ratio       (both 1 under "standard": every share is 1)
    adaptive   read, write, router: rate / m;   all others: rate;   eps in blocks: eps / (m l)
    plain      read, write: rate l;  gains, biases and the like: rate m l;  embedding, head: rate m
    orthogonal matrices whose update has a fixed spectral norm: rate

A rate that is divided takes a weight decay that is multiplied: rate * decay is the same at every
size. Papers: width, Yang et al. 2022, arXiv:2203.03466 (table 8); depth at alpha = 1, Dey et al.
2025, arXiv:2505.01618 (CompleteP, table 1); orthogonal updates, Yang et al. 2023, arXiv:2310.17813.
Differs: a router is scaled in its start and its rate instead of by a multiplier on its answer,
which is the same function under an adaptive optimiser; parts outside the blocks that share a role
with parts inside (the last norm's gain) are scaled as those.
"""

from typing import NamedTuple

from partbench.core.dims import Dims
from partbench.core.roles import Role

HIDDEN = frozenset({Role.READ, Role.WRITE})
OUTSIDE = frozenset({Role.EMBEDDING, Role.HEAD})


class Scale(NamedTuple):
    """Multiples of the rate (`share`) and of eps."""

    share: float
    eps: float = 1.0


def adaptive(role: Role, dims: Dims) -> Scale:
    """For optimisers whose update does not grow with the gradient (Adam, Lion)."""
    if role in OUTSIDE:
        return Scale(1.0)
    share = 1 / dims.width_ratio if role in HIDDEN or role is Role.ROUTER else 1.0
    return Scale(share, 1 / (dims.width_ratio * dims.depth_ratio))


def plain(role: Role, dims: Dims) -> Scale:
    """For SGD, whose update is as large as the gradient."""
    if role in HIDDEN:
        return Scale(dims.depth_ratio)
    if role in OUTSIDE:
        return Scale(dims.width_ratio)
    return Scale(dims.width_ratio * dims.depth_ratio)


def orthogonal(dims: Dims, matched: bool) -> Scale:
    """For Muon's matrices; `matched`: updates as large as Adam's, whose spectral norm grows."""
    return Scale(dims.width_ratio**-0.5 if matched else 1.0)
