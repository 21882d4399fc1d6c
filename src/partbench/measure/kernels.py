"""The few kernels a training step is made of, as blocks that can be timed.

    matrix    [n, n] x [n, n], 2 n^3 FLOPs           copy    read and write of a large buffer
    attention the mixer itself, forward and backward, on each of its paths

Names and sizes can be read without torch.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from partbench.measure.timing import Block, clocked

MATRIX = 1024
"""Rows and columns of the matrices."""

COPY_BYTES = 1 << 27
"""Larger than a core's own caches."""

CONTEXTS = (64, 128, 256, 512, 1024)
PRECISIONS = ("float32", "bfloat16")
PATHS = ("fused", "explicit", "halves")
TOKENS, HEADS, HEAD_WIDTH = 1024, 6, 64
"""Size of the attention that is timed."""


def attention_name(precision: str, path: str, context: int) -> str:
    """How the block of an attention path is called."""
    return f"attention {precision} {path} {context}"


def matrix_name(precision: str) -> str:
    """How the block of a matrix product is called."""
    return f"matrix {precision}"


def blocks() -> dict[str, Block]:
    """Every kernel by its name; "copy" is the copy."""
    makers: dict[str, Callable[[], Callable[[], object]]] = {"copy": _copy}
    for precision in PRECISIONS:
        makers[matrix_name(precision)] = partial(_matrix, precision)
        for path in PATHS:
            for context in CONTEXTS:
                name = attention_name(precision, path, context)
                makers[name] = partial(_attention, precision, path, context)
    return {name: _made_when_asked(maker) for name, maker in makers.items()}


def _made_when_asked(maker: Callable[[], Callable[[], object]]) -> Block:
    """A block whose tensors exist from its first step on only."""
    made: list[Block] = []

    def block(steps: int) -> list[float]:
        if not made:
            made.append(clocked(maker()))
        return made[0](steps)

    return block


def _matrix(precision: str) -> Callable[[], object]:
    import torch

    left = torch.randn(MATRIX, MATRIX).to(getattr(torch, precision))
    right, out = left.clone(), torch.empty_like(left)
    return lambda: torch.mm(left, right, out=out)


def _copy() -> Callable[[], object]:
    import torch

    source = torch.zeros(COPY_BYTES, dtype=torch.uint8)
    target = torch.empty_like(source)
    return lambda: target.copy_(source)


def _attention(precision: Any, path: Any, context: int) -> Callable[[], object]:
    import torch

    from partbench.core.dims import Dims
    from partbench.core.numerics import Numerics
    from partbench.parts.flow import Flow
    from partbench.parts.mixer.attention import Attention
    from partbench.parts.position.none import NoPosition
    from partbench.parts.probability.softmax import Softmax

    # A narrow stream makes the four maps cheap beside what is to be compared.
    dims = Dims(
        depth=1,
        width=32,
        num_heads=HEADS,
        num_kv_heads=HEADS,
        head_width=HEAD_WIDTH,
        context=context,
    )
    numerics = Numerics(precision=precision, attention=path)
    mixer = Attention(dims, numerics, torch.nn.Identity, Softmax)
    x = torch.randn(TOKENS // context, context, dims.width, requires_grad=True)
    tokens = torch.zeros(x.shape[:2], dtype=torch.long)

    def step() -> None:
        flow = Flow(tokens, torch.arange(context), NoPosition())
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            out = mixer(x, flow)
        out.backward(torch.ones_like(out))

    return step
