"""Hard parts as an outsider writes them: every promise, a cell each, their own invariants."""

import json
import math

import pytest
import torch
from tests.spikes.small import cell, own

from partbench.core import rng
from partbench.core.cell import METRICS, WEIGHTS
from partbench.core.errors import ConfigError
from partbench.core.factory import load
from partbench.measure.flop_counter import counted_flops
from partbench.testing import Subject, checks
from partbench.testing.subject import random_batch
from partbench.train.loop import Run, Stopped
from partbench.train.record import run_cell

THREE = own("three_streams.py:ThreeStreamAttention")
SPIKES = {
    "mhc": ("residual", own("dynamic_mhc.py:DynamicMHC"), {"iterations": 3}, {}),
    "mla": ("mixer", own("mla.py:MLA"), {}, {}),
    "moe": ("ffn", own("moe.py:MixtureOfExperts"), {}, {}),
    "three streams": ("mixer", THREE, {}, {}),
    "mudd": ("residual", own("mudd.py:MUDD"), {}, {"mixer": THREE}),
}
PROMISES = [
    pytest.param(spike, check, id=f"{spike}-{check.__name__}")
    for spike, (slot, name, *_) in SPIKES.items()
    for check in checks(slot, name)
]


@pytest.mark.parametrize(("spike", "check"), PROMISES)
def test_a_hard_part_keeps_every_promise(spike, check):
    check(Subject(*SPIKES[spike]))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("spike", SPIKES)
def test_a_cell_of_twenty_steps_finishes_alive(spike, precision, text, tmp_path):
    slot, name, settings, beside = SPIKES[spike]
    edits = {slot: {"part": name, **settings}, **beside}
    record = run_cell(cell(text, edits, precision), tmp_path / "cell")
    assert record["status"] == "finished", record["reason"]
    assert math.isfinite(record["score"])
    row = next(row for row in record["liveness"] if row["slot"] == slot)
    assert row["alive"], row
    assert row["reset_cost"] != 0


@pytest.mark.parametrize("spike", ["mhc", "mla", "moe"])
def test_flops_are_as_counted(spike):
    slot, name, settings, _ = SPIKES[spike]
    model = Subject(slot, name, settings).model(attention="explicit")
    counted = counted_flops(model, random_batch("flops"))
    # Counters leave out what is written by broadcasting: n writes a sublayer and channel.
    writes = 2 * 4 * 32 * 4 * 16 if spike == "mhc" else 0
    assert model.flops() - writes == counted


@pytest.mark.parametrize("spike", ["mhc", "mudd"])
def test_it_starts_at_pre_norm(spike):
    slot, name, settings, beside = SPIKES[spike]
    batch = random_batch("start")
    plain = Subject("residual", "pre_norm", {}, beside).model(awake=False).score(batch).nll
    found = Subject(slot, name, settings, beside).model(awake=False).score(batch).nll
    assert (plain - found).abs().max() < 1e-7


@pytest.mark.parametrize("streams", [1, 2, 4])
def test_streams_come_apart_when_there_are_several(streams, text, tmp_path):
    part = {"part": SPIKES["mhc"][1], "streams": streams, "iterations": 3}
    run = Run(cell(text, {"residual": part}), tmp_path)
    run.train()
    ends = []
    run.model.residual.end = lambda state: ends.append(state.streams) or state.streams.mean(2)
    run.model(run.task.batch(0, 0, 2).inputs)
    apart = (ends[0] - ends[0].mean(2, keepdim=True)).abs().max().item()
    assert (apart > 1e-6) == (streams > 1), apart


def test_sinkhorn_keeps_rows_exactly_and_columns_nearly():
    sinkhorn = load(Subject("residual", SPIKES["mhc"][1]).part).__init__.__globals__["sinkhorn"]
    for size in (0.1, 1.0, 50.0):
        logits = size * torch.from_numpy(rng.stream(0, "logits").standard_normal((9, 4, 4)))
        rows = sinkhorn(logits, 20).sum(-1)
        assert (rows - 1).abs().max() < 1e-12
    assert (sinkhorn(logits / 50, 20).sum(-2) - 1).abs().max() < 1e-4


def test_the_dense_case_of_experts_is_the_mlp_they_hold():
    expert = {"experts": 1, "chosen": 1, "ratio": 4.0, "balance": 0.0}
    moe = Subject("ffn", SPIKES["moe"][1], expert).model()
    mlp = Subject("ffn", "mlp", {"activation": "relu"}).model()
    own_weights = mlp.state_dict()
    for name, value in moe.state_dict().items():
        own = name.replace(".up", ".up.weight").replace(".down", ".down.weight")
        if ".router" not in name and ".bias" not in name:
            own_weights[own] = value[0] if ".ffns" in own or own.startswith("ffns") else value
    mlp.load_state_dict(own_weights)
    batch = random_batch("dense")
    assert torch.allclose(moe.score(batch).nll, mlp.score(batch).nll, atol=1e-12)


def test_every_layers_balance_loss_counts():
    """At uniform scores the Switch loss of one layer is `balance`, so of two it is twice that."""
    model = Subject("ffn", SPIKES["moe"][1], {"balance": 0.5}).model()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("router"):
                weight.zero_()
    assert model.score(random_batch("balance")).extra["balance"].item() == pytest.approx(2 * 0.5)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_stopped_mixture_goes_on_to_the_same_bits(accumulate, text, tmp_path):
    part = {"part": SPIKES["moe"][1], "bias_rate": 0.05}
    run = cell(text, {"ffn": part, "train.accumulate": accumulate})
    run_cell(run, tmp_path / "whole")
    for stop in (7, 8):
        with pytest.raises(Stopped):
            run_cell(run, tmp_path / "cut", lambda step, steps, loss, stop=stop: step == stop)
    run_cell(run, tmp_path / "cut")
    weights = [(tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "cut")]
    assert weights[0] == weights[1]
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / name / METRICS).read_text().splitlines()]
        for name in ("whole", "cut")
    ]
    assert losses[0] == losses[1]
    from safetensors.torch import load as read

    bias = read(weights[0])["ffns.0.bias"]
    assert bias.abs().max() > 0  # the hook ran, and what it learned is saved


def test_a_mixer_that_takes_one_stream_is_refused_beside_three(text):
    """Known when the study is declared, because MUDD says what it needs of its mixer."""
    with pytest.raises(ConfigError, match="needs 'reads_three_streams' from the mixer"):
        cell(text, {"residual": SPIKES["mudd"][1], "mixer": "latent_attention"})
