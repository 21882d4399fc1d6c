"""The books of a model whose numbers can be worked out by hand."""

import torch

from partbench.core.config import Config
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.measure.cost import cost
from partbench.models.build import build


def test_costs_add_up_by_hand():
    config = Config({"dims": {"depth": 1, "width": 32, "num_heads": 2, "context": 8}})
    model = build(config.resolved, vocab=16, seed=0, numerics=Numerics())
    tokens = torch.zeros(3, 8, dtype=torch.long)
    hidden = 88  # 8/3 * 32, to the nearest multiple of 8
    matrices = 4 * 32 * 32 + 3 * 32 * hidden + 16 * 32
    found = cost(model, Batch(tokens, tokens, torch.ones(3, 8)))
    assert found["parameters"] == matrices + 16 * 32 + 3 * 32  # the embedding and three gains
    assert found["parameter_bytes"] == 4 * found["parameters"]
    assert found["parameters_by_role"]["gain"] == 3 * 32
    assert found["flops_per_token"] == 2 * matrices + 4 * 8 * 32
    assert found["counted_flops_per_token"] == found["flops_per_token"]
