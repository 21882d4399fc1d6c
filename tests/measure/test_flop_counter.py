"""Counted FLOPs against what models say of themselves, for every part that ships."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from partbench.core import menu
from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.measure.flop_counter import counted_flops, unknown_to_torch
from partbench.models.build import build

CPU_ATTENTION = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
BASE = Config({"dims": {"depth": 2, "width": 32, "num_heads": 4, "context": 12}})
PARTS = [(s, name) for s in ("position", "mixer", "ffn") for name in menu.names(s)]


def model_and_batch(config, path):
    model = build(config.resolved, vocab=20, seed=0, numerics=Numerics(attention=path))
    tokens = torch.arange(24).view(2, 12) % 20
    return model, Batch(tokens, tokens, torch.ones(2, 12))


@pytest.mark.parametrize("path", ["fused", "explicit"])
@pytest.mark.parametrize(
    "key_value_heads", [4, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 1))]
)
@pytest.mark.parametrize(("slot", "name"), PARTS, ids="=".join)
def test_counted_flops_are_the_analytic_ones(slot, name, key_value_heads, path):
    config = BASE.edit({"dims.num_kv_heads": key_value_heads}).edit({slot: name})
    for head in menu.names("head"):
        arm = config.edit(head=head)
        model, batch = model_and_batch(arm, path)
        assert counted_flops(model, batch) == model.flops()


BY_BROADCASTING = {
    "hyper_connections",
    "mhc",
    "altup",
    "dense_former",
    "laurel_previous",
    "frac_connections",
    "dynamic_hyper_connections",
    "dynamic_mhc",
}
"""Residual parts that weigh streams elementwise, which counters leave out and their counts hold."""


@pytest.mark.parametrize("residual", menu.names("residual"))
def test_counted_flops_of_residuals_are_the_analytic_ones(residual):
    model, batch = model_and_batch(BASE.edit(residual=residual), "explicit")
    counted, told = counted_flops(model, batch), model.flops()
    if residual in BY_BROADCASTING:
        own = model.residual.extra_flops()
        # Products of the n x n matrices themselves are counted, and are next to nothing.
        assert told - own <= counted <= 1.005 * told
    else:
        assert counted == told


@pytest.mark.parametrize("path", ["fused", "explicit"])
def test_norms_caps_and_biases_count_nothing_more(path):
    config = BASE.edit(
        {"mixer.query_key_norm": True, "mixer.bias": True, "head.cap": 5.0, "ffn": "mlp"}
    ).edit({"ffn.bias": True, "norm": "layernorm"})
    model, batch = model_and_batch(config, path)
    assert counted_flops(model, batch) == model.flops()


def test_bfloat16_counts_as_float32_does():
    model, batch = model_and_batch(BASE, "fused")
    with torch.autocast("cpu", torch.bfloat16):
        assert counted_flops(model, batch) == model.flops()


def test_torch_alone_sees_no_attention_on_a_cpu():
    if CPU_ATTENTION in flop_registry:
        pytest.skip("this torch counts attention on CPUs")
    query = torch.randn(1, 2, 8, 4)
    with FlopCounterMode(display=False) as mode:
        torch.nn.functional.scaled_dot_product_attention(query, query, query, is_causal=True)
    assert mode.get_total_flops() == 0


def test_attention_counts_forward_and_backward():
    query = torch.randn(2, 4, 8, 16, requires_grad=True)
    key = torch.randn(2, 2, 8, 16, requires_grad=True)
    product = 2 * 2 * 4 * 8 * 8 * 16  # [8, 16] x [16, 8] for each of 2 x 4 heads
    with FlopCounterMode(display=False, custom_mapping=unknown_to_torch()) as mode:
        out = torch.nn.functional.scaled_dot_product_attention(
            query, key, key, is_causal=True, enable_gqa=True
        )
        assert mode.get_total_flops() == 2 * product
        out.sum().backward()
    assert mode.get_total_flops() == 7 * product


def test_products_with_a_vector_count():
    matrix, vector = torch.randn(3, 5), torch.randn(5)
    with FlopCounterMode(display=False, custom_mapping=unknown_to_torch()) as mode:
        torch.mv(matrix, vector)
        torch.dot(vector, vector)
        torch.addmv(torch.zeros(3), matrix, vector)
    assert mode.get_total_flops() == 2 * 15 + 2 * 5 + 2 * 15


def test_an_operation_that_torch_counts_is_left_to_torch():
    assert not unknown_to_torch().keys() & flop_registry.keys()
