"""x-transformers' linear biases, capped scores and sigmoid attention, from their own code."""

import pytest
import torch
from tests.models import peers

from partbench.core.dims import resolve
from partbench.core.numerics import Numerics
from partbench.parts.flow import Flow
from partbench.parts.mixer.attention import Attention
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.position.alibi import ALiBi
from partbench.parts.position.none import NoPosition
from partbench.parts.probability.sigmoid import Sigmoid
from partbench.parts.probability.sinks import Sinks
from partbench.parts.probability.softmax import Softmax

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

TIME = 12


@pytest.mark.parametrize("heads", [4, 6, 8, 12])
def test_slopes_and_biases_are_theirs(heads: int) -> None:
    peers.peer("x_transformers")
    from x_transformers.x_transformers import AlibiPositionalBias

    dims = resolve(depth=1, width=8 * heads, num_heads=heads, context=TIME)
    theirs = AlibiPositionalBias(heads=heads, total_heads=heads)(TIME, TIME)
    found = ALiBi(dims).scores(torch.arange(TIME), torch.arange(TIME))
    past = torch.ones(TIME, TIME).tril().bool()  # theirs takes |i - j|, hidden beyond the diagonal
    torch.testing.assert_close(found[:, past], theirs[:, past])


SETTINGS = {
    "plain": (Softmax, {}, {}),
    "alibi": (Softmax, {}, {}),
    "cap": (Softmax, {"cap": 1.5}, {"softclamp_logits": True, "logit_softclamp_value": 1.5}),
    "sinks": ("sinks", {}, {"head_learned_sink": True}),
    "sigmoid": ("sigmoid", {}, {"sigmoid": True}),
}


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("path", ["fused", "explicit"])
def test_attention_is_theirs(kind: str, path: str) -> None:
    peers.peer("x_transformers")
    from x_transformers.x_transformers import AlibiPositionalBias
    from x_transformers.x_transformers import Attention as Theirs

    torch.manual_seed(0)
    dims = resolve(depth=1, width=32, num_heads=4, context=TIME)
    chosen, own, other = SETTINGS[kind]
    maps = {"sinks": lambda: Sinks(dims, start=0.7), "sigmoid": lambda: Sigmoid(dims, bias=0.0)}
    numerics = Numerics(attention=path)  # type: ignore[arg-type]
    mine = Attention(dims, numerics, RMSNorm, maps.get(chosen, chosen), **own)
    theirs = Theirs(dim=32, dim_head=8, heads=4, causal=True, **other)
    weights = theirs.state_dict() | {
        "to_q.weight": mine.query.weight * 3,
        "to_k.weight": mine.key.weight,
        "to_v.weight": mine.value.weight,
        "to_out.weight": mine.output.weight,
    }
    if kind == "sinks":
        weights["attend.head_attn_sink"] = mine.sum.probability.level
    theirs.load_state_dict(weights)
    with torch.no_grad():
        mine.query.weight.mul_(3)
    x = torch.randn(2, TIME, 32)
    flow = Flow(torch.zeros(2, TIME).long(), torch.arange(TIME), NoPosition())
    bias = None
    if kind == "alibi":
        flow.position = ALiBi(dims)
        bias = AlibiPositionalBias(heads=4, total_heads=4)
    expected = theirs.eval()(x, rel_pos=bias)
    torch.testing.assert_close(mine(x, flow), expected, rtol=0, atol=1e-5)
