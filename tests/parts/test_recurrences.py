"""Mixers that are no attention: recurrence against chunks, formulas written out, and the peers."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from partbench.core.dims import Dims, resolve
from partbench.core.roles import Role
from partbench.models import accounting
from partbench.optim.groups import DECAYED
from partbench.parts.flow import Flow
from partbench.parts.mixer import decaying_sum, gated_deltanet
from partbench.parts.mixer.gated_deltanet import GatedDeltaNet
from partbench.parts.mixer.linear_attention import LinearAttention
from partbench.parts.mixer.mamba2 import Mamba2
from partbench.parts.mixer.short_convolution import CausalConvolution, ShortConvolution
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.position.none import NoPosition
from partbench.parts.position.rotary import Rotary

TIME = 11


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).double()


def dims(context: int = TIME, kv_heads: int = 4) -> Dims:
    return resolve(depth=1, width=32, num_heads=4, num_kv_heads=kv_heads, context=context)


def flow(time: int = TIME, position: Any = None) -> Flow:
    return Flow(torch.zeros(2, time).long(), torch.arange(time), position or NoPosition())


def shaken(part: nn.Module) -> Any:
    part = part.double()
    with torch.no_grad():
        for place, weight in enumerate(part.parameters()):
            weight.add_(0.3 * drawn(*weight.shape, seed=place))
    return part


@pytest.mark.parametrize("size", [1, 3, 4, 11, 64])
@pytest.mark.parametrize("fades", [True, False])
@pytest.mark.parametrize("begun", [True, False])
def test_chunks_of_a_decaying_sum_are_the_recurrence(size: int, fades: bool, begun: bool) -> None:
    query, key = drawn(2, 1, TIME, 5), drawn(2, 1, TIME, 5, seed=1)
    value, decay = drawn(2, 3, TIME, 7, seed=2), -drawn(2, 3, TIME, seed=3).square()
    state = drawn(2, 3, 5, 7, seed=4) if begun else torch.zeros(2, 3, 5, 7).double()
    given = [item.requires_grad_() for item in (query, key, value, decay)]
    log_decay = decay if fades else None
    plain, after = decaying_sum.recurrent(query, key, value, log_decay, state)
    fast, last = decaying_sum.chunked(query, key, value, log_decay, state if begun else None, size)
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-12)
    if begun:
        torch.testing.assert_close(last, after, rtol=0, atol=1e-12)
    slopes = [
        torch.autograd.grad(y.sin().sum(), given, allow_unused=not fades) for y in (plain, fast)
    ]
    for one, other in zip(*slopes, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other, rtol=0, atol=1e-11)


@pytest.mark.parametrize("size", [1, 3, 4, 11, 64])
@pytest.mark.parametrize("begun", [True, False])
def test_chunks_of_the_delta_rule_are_the_recurrence(size: int, begun: bool) -> None:
    query, key, value = (drawn(2, 3, TIME, 5, seed=seed) for seed in range(3))
    key = key / key.norm(dim=-1, keepdim=True)
    decay = -drawn(2, 3, TIME, seed=3).square()
    strength = 2 * drawn(2, 3, TIME, seed=4).sigmoid()  # up to 2: eigenvalues down to -1
    memory = drawn(2, 3, 5, 5, seed=5) if begun else torch.zeros(2, 3, 5, 5).double()
    given = [item.requires_grad_() for item in (query, key, value, decay, strength)]
    plain, after = gated_deltanet.recurrent(*given, memory)
    fast, last = gated_deltanet.chunked(*given, memory if begun else None, size)
    torch.testing.assert_close(fast, plain, rtol=0, atol=1e-11)
    if begun:
        torch.testing.assert_close(last, after, rtol=0, atol=1e-11)
    slopes = [torch.autograd.grad(y.sin().sum(), given) for y in (plain, fast)]
    for one, other in zip(*slopes, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-10)


@pytest.mark.parametrize("kind", [LinearAttention, GatedDeltaNet, Mamba2])
def test_the_size_of_a_chunk_changes_nothing(kind: Any) -> None:
    x, found = drawn(2, TIME, 32), []
    for size in (3, 64):
        torch.manual_seed(0)
        found.append(shaken(kind(dims(), RMSNorm, chunk=size))(x, flow()))
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-10)


def test_a_decay_that_is_all_but_total_overflows_nowhere() -> None:
    query, key, value = (drawn(1, 1, TIME, 4, seed=seed).float() for seed in range(3))
    decay = torch.full((1, 1, TIME), -200.0, requires_grad=True)
    y, _ = decaying_sum.chunked(query, key, value, decay, None, 64)
    y.sum().backward()
    assert y.isfinite().all()
    assert decay.grad is not None
    assert decay.grad.isfinite().all()
    own = (query * key).sum(-1, keepdim=True) * value  # all before it is forgotten
    torch.testing.assert_close(y, own)


def test_a_full_correction_answers_its_key_with_its_value() -> None:
    key = drawn(1, 1, 3, 4)
    key = key / key.norm(dim=-1, keepdim=True)
    key[..., 2, :] = key[..., 0, :]  # asked again: the old answer is replaced, not added to
    value, none, full = drawn(1, 1, 3, 4, seed=1), torch.zeros(1, 1, 3), torch.ones(1, 1, 3)
    _, memory = gated_deltanet.recurrent(
        key, key, value, none.double(), full.double(), torch.zeros(1, 1, 4, 4).double()
    )
    answer = key[..., 2:, :] @ memory
    torch.testing.assert_close(answer, value[..., 2:, :], rtol=0, atol=1e-12)


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("feature", ["elu", "relu"])
@pytest.mark.parametrize("turned", [True, False])
def test_linear_attention_is_its_sum_written_out(kv_heads: int, feature: str, turned: bool) -> None:
    position = Rotary(dims()).double() if turned else NoPosition()
    part = shaken(LinearAttention(dims(kv_heads=kv_heads), RMSNorm, feature=feature, chunk=4))
    x, where = drawn(2, TIME, 32), flow(position=position)
    phi = {"elu": lambda z: nn.functional.elu(z) + 1, "relu": torch.relu}[feature]
    out = torch.zeros(2, TIME, 32).double()
    with torch.no_grad():
        for head in range(4):
            mine = slice(8 * head, 8 * head + 8)
            other = head // (4 // kv_heads)
            theirs = slice(8 * other, 8 * other + 8)
            query = phi(x @ part.query.weight[mine].T)
            key = phi(x @ part.key.weight[theirs].T)
            value = x @ part.value.weight[theirs].T
            spun, passed = (
                position.heads(item.unsqueeze(1), where).squeeze(1) for item in (query, key)
            )
            for t in range(TIME):
                weights = torch.einsum("bd,bsd->bs", spun[:, t], passed[:, : t + 1])
                total = torch.einsum("bd,bsd->b", query[:, t], key[:, : t + 1]) + 1e-6
                mixed = torch.einsum("bs,bsd->bd", weights, value[:, : t + 1]) / total[:, None]
                out[:, t] += mixed @ part.output.weight[:, mine].T
        torch.testing.assert_close(part(x, where), out, rtol=0, atol=1e-11)


def test_the_convolution_is_its_sum_written_out() -> None:
    part = shaken(CausalConvolution(dims(), 3, taps=4, bias=True))
    x, y = drawn(2, TIME, 3), torch.zeros(2, TIME, 3).double()
    for t in range(TIME):
        for j in range(4):
            if t - 3 + j >= 0:
                y[:, t] += part.kernel[:, j] * x[:, t - 3 + j]
    found, past = part(x, part.empty(2))
    torch.testing.assert_close(found, y + part.bias, rtol=0, atol=1e-12)
    assert torch.equal(past, x[:, -3:])


def test_one_tap_sees_only_its_own_step() -> None:
    part = ShortConvolution(dims(), taps=1, gated=False).double()
    x = drawn(2, TIME, 32)
    changed = x.clone()
    changed[:, 4] = 0
    gap = (part(x, flow()) - part(changed, flow())).abs().sum((0, 2))
    assert torch.equal(gap > 0, torch.arange(TIME) == 4)


@pytest.mark.parametrize(("kind", "lowest"), [(Mamba2, 1.0), (GatedDeltaNet, 0.01)])
def test_steps_and_decays_start_in_the_papers_ranges(kind: Any, lowest: float) -> None:
    wide = resolve(depth=1, width=8, num_heads=512, head_width=1, context=4)
    torch.manual_seed(0)
    part = kind(wide, RMSNorm)
    step, decay = nn.functional.softplus(part.step_bias), part.log_decay.exp()
    assert 0.001 <= step.min() + 1e-6
    assert step.max() - 1e-4 <= 0.1
    assert abs(step.log().mean() - math.log(0.01)) < 0.2  # log-uniform: the middle is 0.01
    assert lowest <= decay.min()
    assert decay.max() <= 16
    assert abs(decay.mean() - (lowest + 16) / 2) < 0.6


@pytest.mark.parametrize("kind", [GatedDeltaNet, Mamba2, ShortConvolution])
def test_decays_steps_and_kernels_are_neither_drawn_nor_pulled_to_zero(kind: Any) -> None:
    part = kind(dims()) if kind is ShortConvolution else kind(dims(), RMSNorm)
    roles = accounting.roles(part)
    spared = {name for name, role in roles.items() if role not in DECAYED}
    for name in ("step_bias", "log_decay", "skip", "convolution.kernel"):
        assert name not in roles or roles[name] in (Role.SCALAR, Role.MIXING)
    matrices = {f"{n}.weight" for n in ("query", "key", "value", "output", "gate_in", "gate_out")}
    assert not spared & (matrices | {"gate.weight"})


@pytest.mark.parametrize("kind", [GatedDeltaNet, Mamba2, LinearAttention, ShortConvolution])
def test_the_cache_has_one_size_whatever_the_length(kind: Any) -> None:
    part = kind(dims()) if kind is ShortConvolution else kind(dims(), RMSNorm)
    sizes = [[item.numel() for item in part.begin(2, capacity)] for capacity in (1, 10**9)]
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("context", [12, 64, 70])
@pytest.mark.parametrize("kind", ["linear_attention", "gated_deltanet", "mamba2"])
def test_flops_are_counted_over_several_chunks(kind: str, context: int) -> None:
    from partbench.core.config import Config
    from partbench.core.numerics import Numerics
    from partbench.data.batch import Batch
    from partbench.measure.flop_counter import counted_flops
    from partbench.models.build import build

    config = Config({"dims": {"depth": 1, "width": 32, "num_heads": 4, "context": context}})
    arm = config.edit({"mixer": {"part": kind, "chunk": 16}})
    model = build(arm.resolved, vocab=20, seed=0, numerics=Numerics())
    tokens = torch.arange(context).view(1, -1) % 20
    batch = Batch(tokens, tokens, torch.ones(1, context))
    assert counted_flops(model, batch) == model.flops()


def test_a_bias_on_scores_that_nothing_would_add_is_refused() -> None:
    from partbench.core.config import Config
    from partbench.core.errors import ConfigError

    with pytest.raises(ConfigError, match="mixer=linear_attention cannot work with position=alibi"):
        assert Config({"model": {"mixer": "linear_attention", "position": "alibi"}}).resolved
