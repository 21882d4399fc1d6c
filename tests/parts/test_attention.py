"""Attention against sums written out, whichever path computes it."""

import copy
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
from partbench.parts.position.none import NoPosition
from partbench.parts.position.rotary import Rotary
from partbench.parts.probability.softmax import Softmax

TIME = 7


class Sloped(NoPosition):
    """A position that acts on scores, another slope for each head (linear biases)."""

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        distance = (queries.unsqueeze(1) - keys.unsqueeze(0)).double()
        return -torch.tensor([0.5, 0.25, 0.125, 1.0]).double().view(4, 1, 1) * distance


class Halved(nn.Module):
    """Softmax at twice the temperature; torch's fused attention does not compute it."""

    PROVIDES = ()

    def forward(self, scores: Tensor) -> Tensor:
        return (scores / 2).softmax(-1)


def dims(kv_heads: int = 4) -> Dims:
    return resolve(depth=1, width=32, num_heads=4, num_kv_heads=kv_heads, context=TIME)


def attention(
    kv_heads: int = 4, path: str = "fused", probability: Any = Softmax, **settings: Any
) -> Attention:
    torch.manual_seed(0)
    numerics = Numerics(attention=path)  # type: ignore[arg-type]
    made = Attention(dims(kv_heads), numerics, RMSNorm, probability, **settings).double()
    for norm in (made.query_norm, made.key_norm):
        if norm is not None:
            nn.init.uniform_(norm.gain, 0.5, 2.0)
    return made


def inputs(position: nn.Module | None = None) -> tuple[Tensor, Flow]:
    x = torch.randn(2, TIME, 32, generator=torch.Generator().manual_seed(1)).double()
    tokens = torch.zeros(2, TIME).long()
    return x, Flow(tokens, torch.arange(TIME), position or NoPosition())


def written_out(part: Attention, x: Tensor, flow: Flow) -> Tensor:
    """One query, one head, one sequence at a time."""
    out = torch.zeros(2, TIME, 32, dtype=x.dtype)
    bias = flow.position.scores(flow.positions, flow.positions)
    share = part.dims.num_heads // part.dims.num_kv_heads
    for b in range(2):
        for h in range(4):
            mine, theirs = slice(8 * h, 8 * h + 8), slice(8 * (h // share), 8 * (h // share) + 8)
            query = x[b] @ part.query.weight[mine].T
            key = x[b] @ part.key.weight[theirs].T
            if part.query_norm is not None:
                query = query / (query.square().mean(-1, True) + 1e-6).sqrt() * part.query_norm.gain
                key = key / (key.square().mean(-1, True) + 1e-6).sqrt() * part.key_norm.gain
            query = flow.position.heads(query.view(1, 1, TIME, 8), flow)[0, 0]
            key = flow.position.heads(key.view(1, 1, TIME, 8), flow)[0, 0]
            value = x[b] @ part.value.weight[theirs].T
            for t in range(TIME):
                scores = key[: t + 1] @ query[t] / math.sqrt(8)
                if bias is not None:
                    scores = scores + bias[h, t, : t + 1]
                weights = scores.exp() / scores.exp().sum()
                out[b, t] += part.output.weight[:, mine] @ (weights @ value[: t + 1])
    return out


@pytest.mark.parametrize("path", ["fused", "explicit", "halves"])
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("position", ["none", "rotary", "sloped"])
@pytest.mark.parametrize("normed", [False, True])
def test_attention_is_its_sum_written_out(
    path: str, kv_heads: int, position: str, normed: bool
) -> None:
    kinds = {"none": NoPosition(), "rotary": Rotary(dims()).double(), "sloped": Sloped()}
    part = attention(kv_heads, path, query_key_norm=normed)
    x, flow = inputs(kinds[position])
    with torch.no_grad():
        expected = written_out(part, x, flow)
        torch.testing.assert_close(part(x, flow), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-5)], ids=str
)
@pytest.mark.parametrize("kv_heads", [4, 2])
def test_fused_equals_explicit(dtype: torch.dtype, tolerance: float, kv_heads: int) -> None:
    (x, flow), found = inputs(), []
    for path in ("fused", "explicit"):
        part = attention(kv_heads, path).to(dtype)
        found.append(part(x.to(dtype), flow))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=tolerance)


@pytest.mark.parametrize("path", ["fused", "explicit", "halves"])
def test_groups_with_tiled_keys_and_values_are_full_attention(path: str) -> None:
    grouped, full = attention(2, path), attention(4, path)
    full.load_state_dict(
        {
            name: weight.view(2, 1, 8, 32).expand(2, 2, 8, 32).reshape(32, 32)
            if name in ("key.weight", "value.weight")
            else weight
            for name, weight in grouped.state_dict().items()
        }
    )
    x, flow = inputs()
    torch.testing.assert_close(grouped(x, flow), full(x, flow), rtol=0, atol=1e-12)


def test_the_norm_on_queries_and_keys_makes_their_size_irrelevant() -> None:
    plain, normed = attention(), attention(query_key_norm=True)
    x, flow = inputs(Rotary(dims()).double())
    for part, changes in ((plain, True), (normed, False)):
        larger = copy.deepcopy(part)
        with torch.no_grad():
            larger.query.weight.mul_(100)
        gap = (larger(x, flow) - part(x, flow)).abs().max().item()
        assert (gap > 1e-2) is changes


def test_the_norm_comes_before_the_rotation() -> None:
    # An uneven gain does not commute with a rotation, so the order shows.
    part = attention(query_key_norm=True)
    x, flow = inputs(Rotary(dims()).double())
    query, _, _ = part._project(x, flow)
    raw = part.query(x).unflatten(-1, (4, 8)).transpose(1, 2)
    right = flow.position.heads(part.query_norm(raw), flow)
    wrong = part.query_norm(flow.position.heads(raw, flow))
    torch.testing.assert_close(query, right, rtol=0, atol=1e-14)
    assert (query - wrong).abs().max() > 1e-2


def test_another_probability_map_is_used_and_never_the_fused_kernel() -> None:
    part = attention(path="fused", probability=Halved)
    assert not part.sum.fused
    reference = attention(path="explicit")
    with torch.no_grad():
        reference.query.weight.div_(2)
    x, flow = inputs()
    torch.testing.assert_close(part(x, flow), reference(x, flow), rtol=0, atol=1e-12)


def test_biases_reach_all_four_maps() -> None:
    part = attention(bias=True)
    assert {n for n, _ in part.named_parameters() if "bias" in n} == {
        f"{layer}.bias" for layer in ("query", "key", "value", "output")
    }
    x, flow = inputs()
    before = part(x, flow)
    for name in ("query", "value", "output"):
        changed = copy.deepcopy(part)
        with torch.no_grad():
            getattr(changed, name).bias.add_(torch.linspace(-1, 1, 32))
        assert (changed(x, flow) - before).abs().max() > 1e-3, name


def test_the_cache_holds_the_key_value_heads_and_no_more() -> None:
    cache = attention(2).begin(batch=3, capacity=11)
    assert cache.keys.shape == cache.values.shape == (3, 2, 11, 8)


def test_extra_flops_are_two_products_of_time_by_time_a_head() -> None:
    assert attention(2).extra_flops() == 2 * (2 * TIME * TIME * 8) * 4
