"""Vectors that many sums of one pass read: u_s = sum_j w_sj v_j.

    dw_sj = <g_s, v_j>,   dv_j = sum_s w_sj g_s        (g_s the derivative by u_s)

They lie side by side in one storage, so that every sum, every row of inner products and every
vector's derivative is one product of a matrix and a vector, which reads each number once. For that
a sum gives its vectors no derivative; it leaves g_s on a board, and a vector asks the board when
its turn comes, which torch gives it after all sums that read it. Where the derivative is to be
differentiated again, and for the compiler, these are plain sums.
Source: this file. Chains of torch's products and sums pass over the same numbers three times.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from partbench.parts.residual.weighted import plain_sum
from partbench.parts.shapes import Stream


class Board:
    """Where the vectors of a forward pass lie, and what its sums leave for them on the way back."""

    def __init__(self, like: Stream, most: int) -> None:
        self.storage = like.new_empty(most, *like.shape)
        self.filled = 0
        self.backward_pass: int | None = None
        self.weights: list[Tensor] = []
        self.left: Tensor | None = None

    def place(self, vector: Stream) -> Tensor:
        """A copy of it in the next place: a tensor of its own, which later ones do not outdate."""
        step, *strides = self.storage.stride()
        start, self.filled = self.filled * step, self.filled + 1
        own = self.storage.new_empty(0)
        own.set_(self.storage.untyped_storage(), start, vector.shape, strides)
        return own.copy_(vector)

    def leave(self, weights: Tensor, gradient: Tensor) -> None:
        """g_s of the sum with these weights."""
        now = torch._C._current_graph_task_id()
        if now != self.backward_pass or self.left is None:
            # Another pass back over the same graph: what an earlier one left is not its own.
            self.backward_pass, self.weights = now, []
            self.left = gradient.new_empty(len(weights), gradient.numel())
        if len(self.weights) == len(self.left):  # some read the same vectors twice
            self.left = torch.cat([self.left, torch.empty_like(self.left)])
        self.left[len(self.weights)] = gradient.flatten()
        self.weights.append(weights)

    def owed(self, place: int) -> Tensor | None:
        """sum_s w_sj g_s of the vector at this place; None if no sum of this pass back read it."""
        if self.left is None or self.backward_pass != torch._C._current_graph_task_id():
            return None
        readers = [at for at, weights in enumerate(self.weights) if len(weights) > place]
        if not readers:
            return None
        # The later a sum the more it reads, and the sooner it comes back: as a rule, the first few.
        first = readers == list(range(len(readers)))
        left = self.left[: len(readers)] if first else self.left[readers]
        return product(torch.stack([self.weights[at][place] for at in readers]), left)


class Rows(NamedTuple):
    """Vectors of one shape in the order in which they came."""

    vectors: tuple[Stream, ...]
    board: Board

    def add(self, vector: Stream) -> "Rows":
        """One more, in the type of the first."""
        place = len(self.vectors)
        if torch.compiler.is_compiling():
            return self._replace(vectors=(*self.vectors, vector.to(self.board.storage.dtype)))
        if place != self.board.filled:
            # Another one took that place: a second future of the same past gets its own board.
            again = begin(self.vectors[0], len(self.board.storage))
            for earlier in self.vectors[1:]:
                again = again.add(earlier)
            return again.add(vector)
        kept: Stream = _Placed.apply(vector, self.board)
        return self._replace(vectors=(*self.vectors, kept))

    def sum(self, weights: Tensor) -> Stream:
        """sum_j w_j v_j; weights [vectors], in the vectors' type."""
        if torch.compiler.is_compiling():
            return plain_sum(weights, self.vectors)
        answer: Stream = _Sum.apply(weights, self.board, *self.vectors)
        return answer


def begin(first: Stream, most: int) -> Rows:
    """The first vector, and room for `most` in all."""
    return Rows((), Board(first, most)).add(first)


def product(weights: Tensor, matrix: Tensor) -> Tensor:
    """weights [k] matrix [k, numbers] in one pass over the matrix, whatever autocast would do."""
    with torch.autocast(matrix.device.type, enabled=False):
        return torch.mv(matrix.T, weights)


def side_by_side(vectors: tuple[Tensor, ...]) -> Tensor:
    """[k, numbers] of k vectors, where they lie if one follows the other there; else a copy."""
    first, size = vectors[0], vectors[0].numel()
    start, storage = first.storage_offset(), first.untyped_storage().data_ptr()
    for at, vector in enumerate(vectors):
        follows = vector.storage_offset() == start + at * size and vector.is_contiguous()
        if not follows or vector.untyped_storage().data_ptr() != storage:
            return torch.stack([each.flatten() for each in vectors])
    return first.detach().as_strided((len(vectors), size), (size, 1), start)


class _Placed(torch.autograd.Function):
    """The vector, in its place."""

    @staticmethod
    def forward(ctx: Any, vector: Tensor, board: Board) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.board, ctx.place, ctx.shape = board, board.filled, vector.shape
        return board.place(vector)

    @staticmethod
    def backward(ctx: Any, direct: Tensor | None) -> tuple[Tensor | None, None]:
        owed = ctx.board.owed(ctx.place)
        if owed is None:
            return direct, None
        owed = owed.view(ctx.shape)
        return owed if direct is None else owed + direct, None


class _Sum(torch.autograd.Function):
    """sum_j w_j v_j."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, board: Board, *vectors: Tensor) -> Tensor:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(weights, *vectors)
        ctx.board = board
        return product(weights, side_by_side(vectors)).view_as(vectors[0])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None) -> tuple[Tensor | None, ...]:
        weights, *vectors = ctx.saved_tensors
        nothing = (None,) * len(vectors)
        if gradient is None:
            return None, None, *nothing
        if torch.is_grad_enabled():
            own = torch.stack([(gradient * vector).sum() for vector in vectors])
            return own, None, *(gradient * weight for weight in weights.unbind())
        if any(ctx.needs_input_grad[2:]):
            ctx.board.leave(weights, gradient)
        if not ctx.needs_input_grad[0]:
            return None, None, *nothing
        return torch.mv(side_by_side(vectors), gradient.flatten()), None, *nothing
