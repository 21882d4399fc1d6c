"""Feed-forward parts and the embedding against their formulas."""

import math

import pytest
import torch

from partbench.core.dims import resolve
from partbench.parts.embedding.token import TokenEmbedding
from partbench.parts.ffn.geglu import GeGLU
from partbench.parts.ffn.mlp import MLP
from partbench.parts.ffn.reglu import ReGLU
from partbench.parts.ffn.relu_squared import ReLUSquared
from partbench.parts.ffn.swiglu import SwiGLU
from partbench.parts.flow import Flow
from partbench.parts.position.none import NoPosition

DIMS = resolve(depth=2, width=32, num_heads=4, context=16, vocab=11)
X = torch.randn(2, 5, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
FLOW = Flow(torch.zeros(2, 5).long(), torch.arange(5), NoPosition())


def phi(z: torch.Tensor) -> torch.Tensor:
    """The standard normal distribution function."""
    return 0.5 * (1 + torch.erf(z / math.sqrt(2)))


@pytest.mark.parametrize("activation", ["gelu", "relu"])
@pytest.mark.parametrize("bias", [False, True])
def test_mlp_is_its_formula(activation: str, bias: bool) -> None:
    part = MLP(DIMS, activation=activation, bias=bias).double()  # type: ignore[arg-type]
    z = X @ part.up.weight.T + (part.up.bias if bias else 0)
    hidden = z * phi(z) if activation == "gelu" else z.clamp_min(0)
    expected = hidden @ part.down.weight.T + (part.down.bias if bias else 0)
    torch.testing.assert_close(part(X, FLOW), expected, rtol=0, atol=1e-13)
    assert part.up.weight.shape == (128, 32)


def test_relu_squared_is_its_formula() -> None:
    part = ReLUSquared(DIMS).double()
    expected = (X @ part.up.weight.T).clamp_min(0) ** 2 @ part.down.weight.T
    torch.testing.assert_close(part(X, FLOW), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_geglu_is_its_formula(approximate: str) -> None:
    part = GeGLU(DIMS, approximate=approximate).double()  # type: ignore[arg-type]
    z = X @ part.gate.weight.T
    share = phi(z)
    if approximate == "tanh":
        share = 0.5 * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)))
    expected = (z * share * (X @ part.up.weight.T)) @ part.down.weight.T
    torch.testing.assert_close(part(X, FLOW), expected, rtol=0, atol=1e-13)


def test_reglu_is_its_formula_and_its_gate_is_half_shut() -> None:
    part = ReGLU(DIMS).double()
    gate = (X @ part.gate.weight.T).clamp_min(0)
    expected = (gate * (X @ part.up.weight.T)) @ part.down.weight.T
    torch.testing.assert_close(part(X, FLOW), expected, rtol=0, atol=1e-13)
    assert 0.3 < (gate == 0).double().mean() < 0.7


def test_swiglu_is_its_formula() -> None:
    part = SwiGLU(DIMS).double()
    z = X @ part.gate.weight.T
    expected = (z / (1 + (-z).exp()) * (X @ part.up.weight.T)) @ part.down.weight.T
    torch.testing.assert_close(part(X, FLOW), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("part", [SwiGLU, GeGLU])
@pytest.mark.parametrize("width", [32, 64, 128, 384])
def test_a_gated_network_at_its_default_costs_what_an_mlp_does(part: type, width: int) -> None:
    """The trap: a hidden width that is split in two for gate and value is half the network."""
    dims = resolve(depth=2, width=width, num_heads=4, context=16)
    own = sum(weight.numel() for weight in part(dims).parameters())
    plain = sum(weight.numel() for weight in MLP(dims).parameters())
    assert abs(own / plain - 1) < 4 / (8 / 3 * width)
    assert part(dims).up.out_features % 8 == 0


@pytest.mark.parametrize("part", [MLP, ReLUSquared])
@pytest.mark.parametrize("ratio", [1.0, 2.5, 8.0])
def test_the_ratio_sets_the_hidden_width(part: type, ratio: float) -> None:
    assert part(DIMS, ratio=ratio).up.out_features == round(ratio * 32)


def test_a_position_is_mapped_by_itself() -> None:
    for part in (MLP(DIMS), ReLUSquared(DIMS), SwiGLU(DIMS)):
        part = part.double()
        other = X.clone()
        other[0, 3] += 1
        changed = (part(other, FLOW) - part(X, FLOW)).abs().amax(-1) > 0
        assert changed.nonzero().tolist() == [[0, 3]]


@pytest.mark.parametrize("scaled", [False, True])
def test_the_embedding_gives_the_row_of_each_token(scaled: bool) -> None:
    part = TokenEmbedding(DIMS, scale_by_width=scaled)
    torch.nn.init.normal_(part.weight)
    tokens = torch.tensor([[3, 0, 10]])
    expected = part.weight[[3, 0, 10]] * (math.sqrt(32) if scaled else 1)
    torch.testing.assert_close(part(tokens)[0], expected, rtol=1e-6, atol=0)
