"""Which way round is a matrix applied: W x or x W?

Streams. R_ij is the weight of OLD stream j in NEW stream i; rows that sum to one keep the stream,
columns gradients. Measured on a shaken part: |h' - R h| against |h' - R^T h| where the part says
its R, else the sums of the measured R: a map of which only the columns are exact keeps gradients
and not the stream, which is what a projection applied transposed does. Limit 1e-6 of the stream.

Maps. A drawn matrix is [.., out, in]: starting values by fan-in and rates by width read the last
axis. Measured: of every product of a matrix in a pass, over which axis of the parameter it sums;
the number of parameters that are summed over the first. Limit 0.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from partbench.core.roles import MATRICES
from partbench.models import accounting
from partbench.parts.residual import tells_streams
from partbench.testing.audit.finding import Finding
from partbench.testing.audit.kinds import family, residual
from partbench.testing.audit.streams import walked
from partbench.testing.subject import Subject, random_batch, shake


def stream_convention(subject: Subject) -> Finding | None:
    """Which way streams are carried."""
    model: Any = subject.model(awake=False)
    part = residual(model)
    seen = [] if part is None else walked(part, 1)
    if not seen or seen[0].carry is None or seen[0].after.shape[2] < 2:
        return None
    shake(part, 1, size=1.0)
    seen = walked(part, model.dims.num_sublayers, silent=True)[1:]
    if tells_streams(part):
        return _declared(
            [(one.before, one.carry, one.after) for one in seen if one.carry is not None]
        )
    return _sums([one.carry for one in seen if one.carry is not None], part)


def _declared(rows: list[tuple[Tensor, Tensor, Tensor]]) -> Finding:
    def gap(carry: Tensor, before: Tensor, after: Tensor) -> float:
        made = torch.einsum("...ij,...jc->...ic", carry, before.double())
        return ((made - after).norm() / after.norm()).item()

    as_said = max(gap(carry, before, after) for before, carry, after in rows)
    turned = max(gap(carry.mT, before, after) for before, carry, after in rows)
    check, limit = "stream convention", 1e-6
    if as_said <= limit:
        return Finding(check, "new stream i from old j by R_ij", as_said, limit, "pass")
    if turned <= limit:
        advice = "swap the indices of the product: sum over the last axis of R"
        return Finding(check, "R is applied transposed", as_said, limit, "fail", advice)
    advice = "let carry() give what write() does"
    return Finding(check, "R is not what streams are carried by", as_said, limit, "fail", advice)


def _sums(carries: list[Tensor], part: nn.Module) -> Finding:
    rows = max((carry.sum(-1) - 1).abs().max().item() for carry in carries)
    columns = max((carry.sum(-2) - 1).abs().max().item() for carry in carries)
    check, limit = "stream convention", 1e-4
    if max(rows, columns) <= limit:
        found = "rows and columns of the carry as applied sum to one"
        return Finding(check, found, max(rows, columns), limit, "pass")
    if columns <= limit:
        found = "columns sum to one, rows (the stream forward) do not: applied transposed?"
        advice = "normalise last what is summed forward, or swap the indices of the product"
        return Finding(check, found, rows, limit, "warn", advice)
    if rows <= limit:
        return Finding(check, "rows sum to one: the stream keeps its size", rows, limit, "pass")
    found = f"the carry is free: row sums off by {rows:.2g}, columns by {columns:.2g}"
    return Finding(check, found + _way(carries[0], part), rows, None, "pass")


def _way(carry: Tensor, part: nn.Module) -> str:
    """In words, whether a parameter holds the measured carry or its transpose."""
    n = len(carry)
    for name, weight in part.named_parameters():
        if weight.ndim < 2 or min(weight.shape[-2:]) < n:
            continue
        for block in (weight[..., :n, :n], weight[..., -n:, -n:]):
            for held, words in ((carry, "R h"), (carry.mT, "h R, the transpose")):
                gaps = (block.detach().double() - held).abs().amax((-2, -1))
                if gaps.min() < 1e-5:
                    return f"; {name} is applied as {words}"
    return ""


def map_convention(subject: Subject) -> Finding:
    """Which way drawn matrices are applied."""
    model = subject.model("float32", "explicit", awake=False)
    named = {
        weight.untyped_storage().data_ptr(): (name, weight)
        for name, weight in model.named_parameters()
        if accounting.roles(model)[name] in MATRICES and weight.ndim >= 2
    }
    with torch.no_grad(), _Products(named) as products:
        model.score(random_batch("maps"))
    turned = sorted({family(name) for name in products.first - products.last})
    count = len(products.first | products.last)
    check = "map convention"
    if not turned:
        return Finding(check, f"{count} drawn matrices are [out, in]", 0.0, 0.0, "pass")
    advice = "store it as [out, in] (x @ W.T, as nn.Linear): fan-in is read off the last axis"
    found = f"applied as x W: {', '.join(turned)}"
    return Finding(check, found, float(len(turned)), 0.0, "warn", advice)


class _Products(TorchDispatchMode):
    """Watches matrix products; notes over which axis of a watched parameter they sum."""

    def __init__(self, named: dict[int, tuple[str, Tensor]]) -> None:
        super().__init__()
        self.named = named
        self.first: set[str] = set()
        self.last: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        word = func.overloadpacket.__name__
        if word in ("mm", "bmm", "addmm", "baddbmm"):
            left, right = args[-2:] if word in ("mm", "bmm") else args[1:3]
            for tensor, axis in ((left, left.ndim - 1), (right, right.ndim - 2)):
                self._note(tensor, axis)
        return func(*args, **(kwargs or {}))

    def _note(self, tensor: Tensor, axis: int) -> None:
        name, weight = self.named.get(tensor.untyped_storage().data_ptr(), ("", None))
        if weight is None or weight.shape[-1] == 1 or weight.shape[-2] == 1:
            return
        stride = tensor.stride(axis)
        if stride == weight.stride(-1):
            self.last.add(name)
        elif stride == weight.stride(-2):
            self.first.add(name)
