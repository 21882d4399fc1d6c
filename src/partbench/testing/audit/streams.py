"""The streams that a residual part carries, seen from outside.

A part that says `streams(state)` is asked. Of any other the state is searched for a tensor that
holds n streams of a batch [B, T, C]: four axes of which three are B, T and C, or [n B, T, C] as
packages fold them, either way round. Where one stands in the state itself, what the part does to it
is measured by the derivative of the streams after a sublayer by those before it:

    R_ij = <v, d h'_i / d h_j v> / <v, v>,   averaged over tokens, the sublayer's answer held fixed
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from partbench.core import rng
from partbench.measure.probes.watch import tensors
from partbench.parts.residual import tells_carries, tells_streams
from partbench.testing.subject import DIMS

ROWS, TIME = 2, 5
"""No width, depth or number of streams that is ever audited."""


class Seen(NamedTuple):
    """One sublayer of a part run by itself: streams [B, T, n, C] before and after.

    carry: R [.., n, n] (new, old) as the part says, for each token where it depends on it; of a
    part that does not say, as measured.
    """

    before: Tensor
    after: Tensor
    carry: Tensor | None


def drawn(*names: str | int) -> Tensor:
    """[ROWS, TIME, width] standard normal numbers in float64."""
    shape = (ROWS, TIME, DIMS["width"])
    return torch.from_numpy(rng.stream(4, *names).standard_normal(shape))


def streams_of(part: Any, state: Any) -> Tensor | None:
    """[B, T, n, C], or None where nothing in the state looks like several streams."""
    if tells_streams(part):
        found: Tensor = part.streams(state)
        return found
    inner = found_in(state)
    return None if inner is None else inner[1](inner[0])


def found_in(state: Any) -> tuple[Tensor, Callable[[Tensor], Tensor]] | None:
    """A tensor of the state that holds streams, and how to see it as [B, T, n, C]."""
    for tensor in tensors(state):
        view = _view(tensor)
        if view is not None:
            return tensor, view
    return None


def _view(tensor: Tensor) -> Callable[[Tensor], Tensor] | None:
    width, shape = DIMS["width"], tuple(tensor.shape)
    if len(shape) == 4 and sorted(shape).count(width) >= 1:
        axes = [next((i for i in range(4) if shape[i] == n), None) for n in (ROWS, TIME, width)]
        places = [axis for axis in axes if axis is not None]
        if len(set(places)) == 3:
            stream = next(i for i in range(4) if i not in places)
            order = (places[0], places[1], stream, places[2])
            return lambda x: x.permute(order)
    if len(shape) == 3 and shape[1:] == (TIME, width) and shape[0] > ROWS:
        if shape[0] % ROWS:
            return None
        if torch.equal(tensor[0], tensor[1]):  # at the beginning the copies of a row are equal
            return lambda x: x.unflatten(0, (ROWS, -1)).permute(0, 2, 1, 3)
        return lambda x: x.unflatten(0, (-1, ROWS)).permute(1, 2, 0, 3)
    return None


def walked(part: Any, sublayers: int, *, silent: bool = False) -> list[Seen]:
    """The part run by itself on drawn answers (silent: zeros after the first); what was seen.

    Empty where it carries a single stream or hides what it carries.
    """
    state, seen, view = part.begin(drawn("x")), [], None
    if not tells_streams(part):
        inner = found_in(state)
        if inner is None:
            return []
        view = inner[1]
    for sublayer in range(sublayers):
        state = _opened(state, view)
        before = part.streams(state) if view is None else view(_same(state, view))
        source = None if view is None else _same(state, view)
        _, state = part.read(sublayer, state)
        said = part.carry(sublayer, state) if tells_carries(part) else None
        answer = drawn("y", sublayer)
        state = part.write(sublayer, state, 0 * answer if silent and sublayer else answer)
        after = part.streams(state) if view is None else view(_same(state, view))
        carry = None if said is None else said.detach().double()
        if carry is None and source is not None and view is not None:
            carry = _measured(source, after, view)
        seen.append(Seen(before.detach(), after.detach(), carry))
    return seen


def _opened(state: Any, view: Any) -> Any:
    """The state, its streams ready to be differentiated by."""
    if view is not None:
        source = _same(state, view)
        if not source.requires_grad:
            source.requires_grad_()
    return state


def _same(state: Any, view: Any) -> Tensor:
    """The tensor of the state that holds the streams: the first that the view fits."""
    for tensor in tensors(state):
        try:
            if view(tensor).shape[:2] == (ROWS, TIME) and view(tensor).shape[3] == DIMS["width"]:
                return tensor
        except (RuntimeError, IndexError):
            continue
    raise ValueError("the state's streams changed their shape on the way")


def _measured(source: Tensor, after: Tensor, view: Callable[[Tensor], Tensor]) -> Tensor:
    """R [n, n] by derivatives."""
    way = drawn("way")
    rows = []
    for i in range(after.shape[2]):
        (slope,) = torch.autograd.grad(
            after[:, :, i], source, way.to(after.dtype), retain_graph=True, allow_unused=True
        )
        slope = torch.zeros_like(source) if slope is None else slope
        seen = view(slope).double()  # [B, T, n, C]
        rows.append(torch.einsum("btjc,btc->j", seen, way) / way.square().sum())
    return torch.stack(rows).detach()
