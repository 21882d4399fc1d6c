"""Codes from the text under one learned map: what they are, who may use them, and resuming."""

import math

import numpy as np
import pytest
import torch
from tests.spikes.small import cell, text_file

from partbench.core.cell import WEIGHTS
from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.data.batch import Batch
from partbench.models.build import build
from partbench.parts import cipher
from partbench.parts.embedding.cipher import CipherEmbedding
from partbench.train.loop import Stopped
from partbench.train.record import run_cell

VOCAB = 12
DIMS = resolve(depth=1, width=16, context=8, vocab=VOCAB)


def batches():
    """Token 7 most often, then 3, then 11, the others as often as each other."""
    order = [7] * 9 + [3] * 5 + [11] * 3 + [t for t in range(VOCAB) if t not in (7, 3, 11)]
    rows = torch.tensor(order + order[: 27 - len(order)]).view(3, 9)
    return [Batch(rows[:, :-1], rows[:, 1:], torch.ones(3, 8))]


def begun(**settings):
    part = CipherEmbedding(DIMS, **settings)
    with torch.no_grad():
        part.weight.copy_(torch.randn(part.weight.shape, generator=torch.manual_seed(0)))
    part.begin_from(batches())
    return part


def test_codes_go_by_frequency():
    codes = begun(bits=5).codes
    found = (codes > 0).int().tolist()
    assert found[7] == [1, 0, 0, 0, 0]
    assert found[3] == [0, 1, 0, 0, 0]
    assert found[11] == [0, 0, 1, 0, 0]
    assert len({tuple(row) for row in found}) == VOCAB
    assert codes.norm(dim=1) == pytest.approx(1)


def test_with_a_bit_for_every_token_it_is_a_table_of_tokens():
    part = begun(bits=VOCAB)
    tokens = torch.tensor([[3, 0, 7]])
    ranks = (part.codes > 0).float().argmax(1)
    assert sorted(ranks.tolist()) == list(range(VOCAB))
    assert torch.equal(part(tokens)[0], part.weight.T[ranks[tokens[0]]])


def test_fewer_bits_share_columns():
    part = begun(bits=4)
    eta = cipher.codes(4, VOCAB)
    rank_of_3 = 1
    columns = part.weight[:, np.flatnonzero(eta[rank_of_3])]
    assert torch.allclose(part(torch.tensor([[3]]))[0, 0], columns.sum(1))


@pytest.mark.parametrize("vectors", ["cipher", "shuffled", "random", "sum", "cat"])
def test_every_kind_has_rows_of_length_one_that_differ(vectors):
    part = begun(vectors=vectors, bits=6, offsets=[-1, 1])
    assert part.codes.shape == (VOCAB, {"sum": 7, "cat": 14}.get(vectors, 6))
    assert part.codes.norm(dim=1) == pytest.approx(1, abs=1e-6)
    assert (part.codes >= 0).all()
    assert len({tuple(row) for row in part.codes.tolist()}) == VOCAB


def test_arms_that_are_random_hang_on_the_seed_alone():
    def codes(seed, vectors):
        config = Config({"dims": {"width": 16, "depth": 1, "context": 8}}).edit(
            {"embedding": {"part": "cipher", "vectors": vectors}}
        )
        model = build(config.resolved, vocab=VOCAB, seed=seed, numerics=Numerics())
        return model.embedding.codes

    for vectors in ("shuffled", "random"):
        assert torch.equal(codes(0, vectors), codes(0, vectors))
        assert not torch.equal(codes(0, vectors), codes(1, vectors))
    assert torch.equal(codes(0, "cipher"), codes(1, "cipher"))


def test_what_cannot_be_is_refused_in_one_line():
    with pytest.raises(ConfigError, match=r"^embedding.bits: 3 bits .* give 4 or more$"):
        CipherEmbedding(DIMS, bits=3)
    with pytest.raises(ConfigError, match="cipher"):
        CipherEmbedding(DIMS, vectors="chiper")
    with pytest.raises(ConfigError, match="needs 'table'"):
        _ = Config({}).edit({"embedding": "cipher", "head": "tied"}).resolved


@pytest.mark.slow
def test_in_the_trainer_it_learns_and_resumes_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    run = cell(text_file(tmp_path), {"embedding": {"part": "cipher", "bits": 12}})
    whole = run_cell(run, tmp_path / "whole")
    assert whole["status"] == "finished", whole["reason"]
    assert whole["score"] < 0.9 * math.log2(256)
    assert all(row["alive"] for row in whole["liveness"] if row["alive"] is not None)
    with pytest.raises(Stopped):
        run_cell(run, tmp_path / "cut", lambda step, steps, loss: loss == loss and step == 5)
    run_cell(run, tmp_path / "cut")
    one, other = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "cut"))
    assert one == other
