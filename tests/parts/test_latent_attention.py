"""Latent attention: expanded against a dense oracle, absorbed against expanded, and its cache."""

from typing import Any

import pytest
import torch
from torch import Tensor

from partbench.core.dims import resolve
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.parts.flow import Flow
from partbench.parts.mixer.latent_attention import LatentAttention
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.position.rotary import Rotary
from partbench.parts.probability.sinks import Sinks
from partbench.parts.probability.softmax import Softmax

TIME, DIMS = 7, resolve(depth=1, width=32, num_heads=4, context=7)
KINDS = {"softmax": Softmax, "sinks": lambda: Sinks(DIMS, start=0.3)}


def latent(path: str, kind: str = "softmax", **settings: Any) -> LatentAttention:
    torch.manual_seed(0)
    numerics = Numerics(attention=path)  # type: ignore[arg-type]
    part = LatentAttention(DIMS, numerics, RMSNorm, KINDS[kind], **settings).double()
    with torch.no_grad():
        for weight in part.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return part


def inputs(start: int = 0, stop: int = TIME) -> tuple[Tensor, Flow]:
    x = torch.randn(2, TIME, 32, generator=torch.Generator().manual_seed(1)).double()
    tokens = torch.zeros(2, stop - start).long()
    return x[:, start:stop], Flow(tokens, torch.arange(start, stop), Rotary(DIMS))


def written_out(part: LatentAttention, x: Tensor) -> Tensor:
    """One head at a time, keys and values of its own."""
    flow, d, r = inputs()[1], 8, part.turned
    low = x if part.query_down is None else part.query_norm(part.query_down(x))
    query = part.query(low).view(2, TIME, 4, d + r)
    joined = part.down(x)
    c = part.norm(joined[..., : part.rank])
    shared = Rotary(DIMS).heads(joined[:, None, :, part.rank :], flow)[:, 0]
    out, mask = [], torch.ones(TIME, TIME).triu(1).bool()
    for h in range(4):
        turned = Rotary(DIMS).heads(query[:, None, :, h, d:], flow)[:, 0]
        scores = query[:, :, h, :d] @ (c @ part.key[h].T).mT + turned @ shared.mT
        weights = (scores / (d + r) ** 0.5).masked_fill(mask, -torch.inf).softmax(-1)
        out.append(weights @ (c @ part.value[h].T))
    return part.output(torch.cat(out, dim=-1))


@pytest.mark.parametrize("path", ["fused", "explicit"])
@pytest.mark.parametrize("settings", [{}, {"rank": 6, "query_rank": 10, "turned": 6}], ids=str)
def test_it_is_its_sum_written_out(path: str, settings: dict[str, int]) -> None:
    part = latent(path, **settings)
    x, flow = inputs()
    torch.testing.assert_close(part(x, flow), written_out(part, x), rtol=0, atol=1e-12)


@pytest.mark.parametrize("path", ["fused", "explicit"])
@pytest.mark.parametrize("kind", KINDS)
def test_absorbed_decoding_equals_expanded(path: str, kind: str) -> None:
    part = latent(path, kind, rank=6, query_rank=10)
    x, flow = inputs()
    whole = part(x, flow)
    for pieces in ([1] * TIME, [3, 4], [2, 1, 4]):
        state, first = part.begin(2, TIME), 0
        for piece in pieces:
            x, flow = inputs(first, first + piece)
            found, state = part.step(x, flow, state)
            expected = whole[:, first : first + piece]
            torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
            first += piece


def test_the_cache_holds_a_latent_and_one_turned_key_a_token() -> None:
    part = latent("fused")
    assert (part.rank, part.turned) == (32, 4)
    assert part.begin(3, 11).entries.shape == (3, 1, 11, 36)


def test_an_odd_number_of_turned_channels_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="5 is odd; the nearest even one is 6"):
        latent("fused", turned=5)


def test_wider_heads_score_as_dims_transfer_says() -> None:
    def scale(transfer: str, heads: int, **settings: Any) -> float:
        dims = resolve(
            depth=1, width=128, num_heads=heads, context=7, transfer=transfer, base_head_width=32
        )
        return LatentAttention(dims, Numerics(), RMSNorm, Softmax, **settings).sum.scale

    assert scale("standard", 2) == (64 + 32) ** -0.5
    assert scale("mup", 4) == scale("standard", 4) == 48**-0.5, "the base is the same model"
    assert scale("mup", 2) == pytest.approx((32 / (64 * 96)) ** 0.5)
    assert scale("mup", 1) == pytest.approx(scale("mup", 2) / 2), "falls with the width of a head"
