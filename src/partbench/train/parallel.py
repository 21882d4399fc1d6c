"""Several processes train one cell: the batch of each step is cut into `numerics.ranks` shares.

    share r of R:  rows r B/R to (r + 1) B/R of the step's batch of B
    gradient    =  sum over shares of d(share's nll / weights of the whole batch + extra / R)

The shares, not the processes, decide the numbers: a process works off its shares in order, as it
does micro-batches, and the processes' sums are added. Two processes with a share each therefore
equal one process with both to the bit; more processes, micro-batches, or another number of shares
add in another order and equal it to 1e-6.

sharding "copies" sums gradients over whole models in one all-reduce; "full" is torch's FSDP2
(`fully_shard`), where each rank keeps a slice of weights, gradients and optimiser state. Its
sources: Li et al. 2020, arXiv:2006.15704; Zhao et al. 2023, arXiv:2304.11277.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from partbench.core.errors import ConfigError, PartbenchError
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.models.contract import Network

PATIENCE = timedelta(hours=6)
"""How long a rank waits for another: rank 0 may wait for a cell that another study is at."""

TOLERANCE = 1e-3
"""Relative difference of a tensor between ranks above which they no longer train one model."""


class Parted(Exception):
    """Another rank of this cell is gone; nothing is known against the cell itself."""


class Ranks:
    """This process among those that train one cell; alone unless `joined` says otherwise."""

    def __init__(self, numerics: Numerics, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size
        self.shares = numerics.ranks
        self.sharded = size > 1 and numerics.sharding == "full"
        self.device = numerics.device

    @property
    def first(self) -> bool:
        """Whether this process writes: records, metrics and checkpoints are rank 0's alone."""
        return self.rank == 0

    def cut(self, batch: Batch) -> Iterator[tuple[int, Batch]]:
        """This process's shares of a batch, with their numbers, in order."""
        own = self.shares // self.size
        whole = [item.chunk(self.shares) for item in batch]
        for share in range(self.rank * own, (self.rank + 1) * own):
            yield share, Batch(*(pieces[share] for pieces in whole))

    def charged(self, loss: Tensor) -> Tensor:
        """The loss to go backward from: FSDP takes the mean over ranks where a sum is due."""
        return loss * self.size if self.sharded else loss

    def add(self, parameters: Sequence[nn.Parameter], loss: Tensor) -> Tensor:
        """Sum the gradients over all processes, in place; returns the summed loss.

        A parameter that no process has a gradient for keeps none: optimisers skip it.
        """
        if self.size == 1:
            return loss
        loss = loss.to(self.device)
        if self.sharded:  # its gradients were summed on the way back
            self._sum(loss)
            return loss.cpu()
        has = torch.tensor([p.grad is not None for p in parameters], dtype=torch.float64)
        flat = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        for dtype in sorted({tensor.dtype for tensor in flat}, key=str):
            alike = [tensor for tensor in flat if tensor.dtype == dtype]
            bucket = torch.cat([tensor.reshape(-1) for tensor in alike])
            self._sum(bucket)
            for tensor, sums in zip(
                alike, bucket.split([tensor.numel() for tensor in alike]), strict=True
            ):
                tensor.copy_(sums.view_as(tensor))
        rest = torch.cat([has, loss.double().cpu().view(1)]).to(self.device)
        self._sum(rest)
        for parameter, gradient, owners in zip(parameters, flat, rest.tolist(), strict=False):
            parameter.grad = gradient if owners else None
        return rest[-1].to(loss.dtype).cpu()

    def either(self, *flags: bool) -> list[bool]:
        """For each flag whether any process raised it; all get the same answer."""
        if self.size == 1:
            return list(flags)
        raised = torch.tensor([float(flag) for flag in flags], device=self.device)
        self._sum(raised)
        return [count > 0 for count in raised.tolist()]

    def table(self, rows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """Sum tables of float64 entry by entry; exact where all but one process give zero."""
        sums = torch.tensor(rows, dtype=torch.float64, device=self.device)
        self._sum(sums)
        return [(part, units) for part, units in sums.tolist()]

    def counting(self, model: nn.Module) -> Callable[[], None]:
        """Remember the buffers that parts name in `SUMMED`; call the answer to add what every
        process has added to them since."""
        if self.size == 1:
            return lambda: None
        buffers = [
            module.get_buffer(name)
            for module in model.modules()
            for name in getattr(type(module), "SUMMED", ())
        ]
        before = [buffer.clone() for buffer in buffers]

        def add() -> None:
            for buffer, start in zip(buffers, before, strict=True):
                change = buffer - start
                self._sum(change)
                buffer.copy_(start + change)

        return add

    def agree(self, model: nn.Module, step: int) -> None:
        """PartbenchError where ranks hold different models, with the name of what differs.

        Compares sums and absolute sums of every tensor that each rank holds whole, and the step.
        """
        if self.size == 1:
            return
        names = ["the step", *(n for n, t in model.state_dict().items() if not _is_slice(t))]
        tensors = [t.detach().double() for t in model.state_dict().values() if not _is_slice(t)]
        sums = [[float(step), 0.0]] + [[t.sum().item(), t.abs().sum().item()] for t in tensors]
        low = torch.tensor(sums, dtype=torch.float64, device=self.device)
        high = low.clone()
        self._reduce(low, dist.ReduceOp.MIN)
        self._reduce(high, dist.ReduceOp.MAX)
        apart = (high - low).amax(1) > TOLERANCE * high[:, 1]
        if apart.any():
            name = names[int(apart.nonzero()[0])]
            raise PartbenchError(
                f"ranks disagree on {name} after step {step}: a part that counts what its tokens "
                f"do names the buffer in SUMMED, so that it is added up over ranks"
            )

    def shard(self, model: Network) -> Network:
        """Cut the model over the ranks where the numerics say so: one group for each item of its
        lists of layers, one for the rest."""
        if not self.sharded:
            return model
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method

        mesh = init_device_mesh(self.device, (self.size,))
        for child in model.children():
            for layer in child if isinstance(child, nn.ModuleList) else ():
                if any(True for _ in layer.parameters()):
                    fully_shard(layer, mesh=mesh)
        fully_shard(model, mesh=mesh)
        register_fsdp_forward_method(model, "score")
        return model

    def gathered(self, model: Network, fresh: Callable[[], Network]) -> Network:
        """A plain whole model of the same weights on rank 0; the model itself elsewhere."""
        if not self.sharded:
            return model
        state = {name: whole(tensor) for name, tensor in model.state_dict().items()}
        if not self.first:
            return model
        plain = fresh()
        plain.load_state_dict(state)
        return plain

    def _sum(self, tensor: Tensor) -> None:
        self._reduce(tensor, dist.ReduceOp.SUM)

    def _reduce(self, tensor: Tensor, how: Any) -> None:
        try:
            dist.all_reduce(tensor, how)
        except RuntimeError as error:
            raise Parted(str(error)) from error


def whole(tensor: Tensor) -> Tensor:
    """The full tensor of a slice (all ranks must ask); any other tensor as it is."""
    return tensor.full_tensor() if _is_slice(tensor) else tensor  # type: ignore[attr-defined]


def like(tensor: Tensor, model: Tensor) -> Tensor:
    """`tensor` cut as `model` is, from a copy that every rank has read whole."""
    if not _is_slice(model) or tensor.shape != model.shape:
        return tensor
    from torch.distributed.tensor import distribute_tensor

    mesh, placements = model.device_mesh, model.placements  # type: ignore[attr-defined]
    return distribute_tensor(tensor.to(mesh.device_type), mesh, placements, src_data_rank=None)


def parted(error: Exception) -> bool:
    """Whether an error only says that another rank is gone."""
    lost = isinstance(error, Parted | dist.DistBackendError | dist.DistNetworkError)
    return lost or (isinstance(error, RuntimeError) and "gloo" in str(error))


def _is_slice(tensor: Tensor) -> bool:
    return hasattr(tensor, "full_tensor")


@contextmanager
def joined(numerics: Numerics) -> Iterator[Ranks]:
    """The ranks that torchrun started together, or this process alone.

    gloo on CPU, nccl on GPU (not tested on one). ConfigError where the number of processes does
    not divide `numerics.ranks`, which is part of the cell's address.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ["WORLD_SIZE"] == "1":
        yield Ranks(numerics)
        return
    size = int(os.environ["WORLD_SIZE"])
    if numerics.ranks % size:
        raise ConfigError(
            f"torchrun: {size} processes cannot share a cell of {numerics.ranks} ranks; "
            f"declare the study with --ranks {size}"
        )
    if numerics.device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    backend = "nccl" if numerics.device == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE)
    yield Ranks(numerics, dist.get_rank(), size)
    with suppress(RuntimeError):  # a rank that failed is gone already
        dist.barrier()


def leave(ranks: Ranks, code: int) -> None:
    """End this process at once where it is one of several; come back where it is alone.

    torch's threads abort a tidy end now and then (1 in 10 with gloo of torch 2.13: "terminate
    called without an active exception"), and torchrun then calls the whole cell failed.
    """
    if ranks.size > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
