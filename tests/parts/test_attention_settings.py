"""Windows, caps, gates and sinks against a dense oracle; and the traps attention is known for."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from partbench.core.dims import Dims, resolve
from partbench.core.numerics import Numerics
from partbench.parts.flow import Flow
from partbench.parts.mixer.attention import Attention
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.position.alibi import ALiBi
from partbench.parts.position.none import NoPosition
from partbench.parts.probability.relu import ReLU
from partbench.parts.probability.sigmoid import Sigmoid
from partbench.parts.probability.sinks import Sinks
from partbench.parts.probability.softmax import Softmax
from partbench.parts.probability.softmax1 import Softmax1

TIME, WIDTH = 9, 32
PATHS = pytest.mark.parametrize("path", ["fused", "explicit"])


def dims(kv_heads: int = 2) -> Dims:
    return resolve(depth=1, width=WIDTH, num_heads=4, num_kv_heads=kv_heads, context=TIME)


def attention(path: str = "fused", probability: Any = Softmax, **settings: Any) -> Attention:
    torch.manual_seed(0)
    numerics = Numerics(attention=path)  # type: ignore[arg-type]
    part = Attention(dims(), numerics, RMSNorm, probability, **settings).double()
    with torch.no_grad():
        for weight in part.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return part


def inputs(time: int = TIME, position: nn.Module | None = None) -> tuple[Tensor, Flow]:
    x = torch.randn(2, time, WIDTH, generator=torch.Generator().manual_seed(1)).double()
    return x, Flow(torch.zeros(2, time).long(), torch.arange(time), position or NoPosition())


def sinks() -> Sinks:
    return Sinks(dims(), start=0.5)


def oracle(part: Attention, x: Tensor, window: int, cap: float | None, sink: Any) -> Tensor:
    """All heads with repeated keys, a boolean mask, softmax with one more column."""
    query, key, value = (
        layer(x).unflatten(-1, (-1, 8)).transpose(1, 2)
        for layer in (part.query, part.key, part.value)
    )
    key, value = key.repeat_interleave(2, dim=1), value.repeat_interleave(2, dim=1)
    scores = query @ key.transpose(-1, -2) / math.sqrt(8)
    scores = scores if cap is None else cap * torch.tanh(scores / cap)
    i, j = torch.arange(TIME).unsqueeze(1), torch.arange(TIME)
    scores = scores.masked_fill(~((j <= i) & (j > i - window)), -torch.inf)
    if sink is not None:
        column = torch.as_tensor(sink).double().view(-1, 1, 1).expand(2, 4, TIME, 1)
        scores = torch.cat([scores, column], dim=-1)
    return (scores.softmax(-1)[..., :TIME] @ value).transpose(1, 2)


@PATHS
@pytest.mark.parametrize("window", [1, 3, TIME, 50])
@pytest.mark.parametrize("kind", [Softmax, Softmax1, sinks], ids=["softmax", "softmax1", "sinks"])
def test_windows_and_sinks_are_exact_on_both_paths(path: str, window: int, kind: Any) -> None:
    part = attention(path, kind, window=window)
    x, flow = inputs()
    level = {Softmax: None, Softmax1: 0.0}.get(kind, getattr(part.sum.probability, "level", None))
    expected = part.output(oracle(part, x, window, None, level).flatten(-2))
    torch.testing.assert_close(part(x, flow), expected, rtol=0, atol=1e-12)
    one, other = (
        torch.autograd.grad(out.square().sum(), list(part.parameters()))
        for out in (part(x, flow), expected)
    )
    for slope, wanted in zip(one, other, strict=True):
        torch.testing.assert_close(slope, wanted, rtol=0, atol=1e-10)


@PATHS
def test_a_cap_bounds_scores_before_the_mask(path: str) -> None:
    part = attention(path, window=4, cap=0.7)
    assert not part.sum.fused
    x, flow = inputs()
    expected = part.output(oracle(part, x, 4, 0.7, None).flatten(-2))
    torch.testing.assert_close(part(x, flow), expected, rtol=0, atol=1e-12)


@PATHS
@pytest.mark.parametrize("gate", ["head", "channel"])
def test_the_gate_weighs_what_each_head_or_channel_found(path: str, gate: str) -> None:
    part = attention(path, gate=gate)
    x, flow = inputs()
    mixed, weights = oracle(part, x, TIME, None, None), 1 / (1 + (-x @ part.gate.weight.T).exp())
    weights = weights.view(2, TIME, 4, -1)
    assert weights.shape[-1] == {"head": 1, "channel": 8}[gate]
    expected = part.output((weights * mixed).flatten(-2))
    torch.testing.assert_close(part(x, flow), expected, rtol=0, atol=1e-12)


def test_the_scale_takes_the_place_of_the_root() -> None:
    x, flow = inputs()
    as_ever = attention(scale=8**-0.5)(x, flow)
    assert torch.equal(as_ever, attention()(x, flow))
    assert (attention(scale=1 / 8)(x, flow) - as_ever).abs().max() > 1e-3


def keys_seen(part: Attention, query: int) -> list[int]:
    """Which positions the output at `query` depends on, by its gradient."""
    x, flow = inputs()
    x.requires_grad_()
    slope = torch.autograd.grad(part(x, flow)[0, query].sum(), x)[0][0]
    return slope.abs().sum(-1).nonzero().flatten().tolist()


@PATHS
@pytest.mark.parametrize("window", [1, 2, 4])
def test_a_window_of_w_sees_w_keys_itself_among_them(path: str, window: int) -> None:
    """The trap: W + 1 keys, as flash attention's window_size=(W, 0) has them."""
    part = attention(path, window=window)
    for query in (0, 3, TIME - 1):
        assert keys_seen(part, query) == list(range(max(0, query - window + 1), query + 1))


@PATHS
def test_the_mask_is_not_upside_down(path: str) -> None:
    """The trap: torch's fused kernel takes True for "attend", its MultiheadAttention for "hide"."""
    part = attention(path, Softmax1)
    assert keys_seen(part, 0) == [0]
    assert keys_seen(part, 5) == [0, 1, 2, 3, 4, 5]


def decoded(part: Attention, pieces: list[int], position: nn.Module | None = None) -> Tensor:
    x, _ = inputs()
    state, found, first = part.begin(2, TIME), [], 0
    for piece in x.split(pieces, dim=1):
        positions = torch.arange(first, first + piece.shape[1])
        flow = Flow(torch.zeros(2, TIME).long(), positions, position or NoPosition())
        out, state = part.step(piece, flow, state)
        found.append(out)
        first += piece.shape[1]
    return torch.cat(found, dim=1)


VARIANTS = {
    "plain": (Softmax, {}),
    "window": (Softmax, {"window": 3}),
    "window of one": (Softmax, {"window": 1}),
    "window and sinks": (sinks, {"window": 4}),
    "softmax1": (Softmax1, {}),
    "cap, window, gate": (Softmax, {"window": 2, "cap": 1.0, "gate": "head"}),
    "sigmoid": (lambda: Sigmoid(dims()), {}),
    "relu counts what is visible": (ReLU, {"window": 3}),
}


@PATHS
@pytest.mark.parametrize("variant", VARIANTS)
def test_decoding_in_pieces_is_the_whole(path: str, variant: str) -> None:
    """The traps: a causal mask aligned top left lets a late query see the first key alone; a
    cache of a window that keeps one key too many or too few; a count of all keys for visible ones.
    """
    kind, settings = VARIANTS[variant]
    part = attention(path, kind, **settings)
    x, flow = inputs()
    for position in (NoPosition(), ALiBi(dims()).double()):
        flow.position, flow.shared = position, {}
        for pieces in ([1] * TIME, [4, 5], [3, 1, 5], [TIME]):
            found = decoded(part, pieces, position)
            torch.testing.assert_close(found, part(x, flow), rtol=0, atol=1e-12)


def test_the_cache_of_a_window_holds_no_more_than_it() -> None:
    part, state = attention(window=4), attention(window=4).begin(2, 1000)
    x, _ = inputs()
    for t in range(TIME):
        flow = Flow(torch.zeros(2, 1).long(), torch.tensor([t]), NoPosition())
        _, state = part.step(x[:, t : t + 1], flow, state)
        assert state.keys.shape == (2, 2, min(t + 1, 3), 8)


def test_a_query_head_reads_its_own_group_and_no_other() -> None:
    """The trap: `repeat` in place of `repeat_interleave` gives head h group h mod G."""
    part = attention()
    x, flow = inputs()
    query, key, value = part._project(x, flow)
    mixed = part.sum(query, key, value, flow, flow.positions)
    changed = value.clone()
    changed[:, 1] += 1.0
    moved = (part.sum(query, key, changed, flow, flow.positions) - mixed).abs().amax((0, 2, 3))
    assert (moved > 0.5).tolist() == [False, False, True, True]


@pytest.mark.parametrize("kind", [Softmax, Softmax1, sinks], ids=["softmax", "softmax1", "sinks"])
def test_evaluation_draws_nothing(kind: Any) -> None:
    """The trap: the fused kernel drops out in evaluation too where it is given a share."""
    part = attention("fused", kind)
    x, flow = inputs()
    assert torch.equal(part.train()(x, flow), part.eval()(x, flow))


class Recorder(nn.Module):
    """Softmax that keeps the scores it was given."""

    PROVIDES = ("fused_attention",)

    def forward(self, scores: Tensor) -> Tensor:
        self.scores = scores
        return scores.softmax(-1)


@PATHS
def test_linear_biases_are_added_in_float32_whatever_the_precision(path: str) -> None:
    """Rounded to bfloat16, distances 511 and 512 are one."""
    sizes = resolve(depth=1, width=WIDTH, num_heads=4, context=600)
    numerics = Numerics(precision="bfloat16", attention=path)  # type: ignore[arg-type]
    part = Attention(sizes, numerics, RMSNorm, Recorder)
    nn.init.zeros_(part.query.weight)  # so that scores are biases alone
    x = torch.randn(1, 600, WIDTH, generator=torch.Generator().manual_seed(2))
    flow = Flow(torch.zeros(1, 600).long(), torch.arange(600), ALiBi(sizes))
    with torch.autocast("cpu", torch.bfloat16):
        part(x, flow)
    found = part.sum.probability.scores[0, :, -1]
    expected = -ALiBi(sizes).slope.unsqueeze(1) * torch.arange(599.0, -1.0, -1.0)
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)


@PATHS
def test_layers_of_two_windows_share_no_mask(path: str) -> None:
    x, flow = inputs()
    for window in (2, 5, 3):
        part = attention(path, Softmax1, window=window)
        alone = part(x, inputs()[1])
        assert torch.equal(part(x, flow), alone)
