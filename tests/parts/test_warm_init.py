"""An embedding and a head that begin from the data, in the one trainer."""

import math

import pytest
import torch
from tests.spikes.small import cell, text_file

from partbench.core.cell import WEIGHTS
from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models import accounting
from partbench.models.build import build
from partbench.parts.init.depth_scaled import DepthScaled
from partbench.parts.init.warm import Warm
from partbench.train.loop import Stopped
from partbench.train.record import run_cell

VOCAB = 12


def model(**edits):
    dims = {"depth": 2, "width": 16, "num_heads": 2, "context": 8}
    config = Config({"dims": dims}).edit({"init": "warm", **edits})
    return build(config.resolved, vocab=VOCAB, seed=0, numerics=Numerics(precision="float64"))


def batches(seed=0, number=6):
    """Each token is followed by its double or something else."""
    random = torch.Generator().manual_seed(seed)
    tokens = torch.randint(0, VOCAB, (number, 16, 9), generator=random)
    for place in range(1, 9):
        sure = torch.rand(number, 16, generator=random) < 0.8
        double = tokens[..., place - 1] * 2 % VOCAB
        tokens[..., place] = torch.where(sure, double, tokens[..., place])
    return [Batch(t[:, :-1], t[:, 1:], torch.ones(16, 8)) for t in tokens]


def fitted(model, **settings):
    init = Warm(resolve(depth=2, width=16, context=8, vocab=VOCAB), **settings)
    init.fit(model, accounting.roles(model), batches())
    return model


def loss(model):
    with torch.no_grad():
        return float(model.score(batches(seed=1, number=1)[0]).mean())


@pytest.mark.parametrize("vectors", ["cipher", "sum"])
def test_a_warm_head_begins_far_below_guessing(vectors):
    cold = model()
    assert loss(cold) == pytest.approx(math.log(VOCAB), abs=0.1)
    assert loss(fitted(cold, vectors=vectors)) < math.log(VOCAB) - 0.5


def test_the_table_is_of_ciphers_as_long_as_drawn_vectors():
    table = fitted(model()).embedding.weight.detach()
    assert table.norm(dim=1) == pytest.approx(0.02 * 16**0.5)
    assert sorted((table > 0).sum(1).tolist()) == [1] * VOCAB  # as many bits as width: one-hots
    assert (table >= 0).all()


def test_only_embedding_and_head_are_touched():
    before, after = model(), fitted(model())
    changed = [
        name
        for name, weight in before.named_parameters()
        if not torch.equal(weight, after.get_parameter(name))
    ]
    assert sorted(changed) == ["embedding.weight", "head.weight"]
    kept = fitted(model(), head=False)
    assert torch.equal(kept.head.weight, before.head.weight)
    tied = fitted(model(head="tied"))
    assert torch.equal(tied.embedding.weight, after.embedding.weight)


def test_everything_else_is_drawn_as_by_depth_scaled():
    dims = resolve(depth=3, width=16, context=8, vocab=VOCAB)
    draw = torch.randn(5, 4, generator=torch.Generator().manual_seed(0)) * 3
    for role in (Role.READ, Role.WRITE, Role.HEAD):
        assert torch.equal(Warm(dims).value(draw, role), DepthScaled(dims).value(draw, role))


def test_what_cannot_begin_warm_is_refused_in_one_line():
    dims = resolve(depth=1, width=3, context=8, vocab=VOCAB)
    narrow = model(**{"dims.width": 4, "dims.num_heads": 1})
    with pytest.raises(ConfigError, match=r"^dims.width: 3 bits .* give 4 or more$"):
        Warm(dims).fit(narrow, accounting.roles(narrow), batches())
    with pytest.raises(ConfigError, match="no embedding to set"):
        Warm(dims).fit(torch.nn.Linear(2, 2), {}, batches())
    with pytest.raises(ConfigError, match="cipher"):
        Warm(dims, vectors="cihper")
    with pytest.raises(ConfigError, match="other than 0"):
        Warm(dims, offsets=[0])


@pytest.fixture
def text(tmp_path, monkeypatch):
    monkeypatch.setenv("PARTBENCH_HOME", str(tmp_path / "home"))
    return text_file(tmp_path)


def test_in_the_trainer_it_begins_below_guessing_and_resumes_to_the_same_bits(text, tmp_path):
    run = cell(text, {"init": "warm"})
    whole = run_cell(run, tmp_path / "whole")
    assert whole["status"] == "finished", whole["reason"]
    (step, begun), *_ = whole["evaluations"]
    assert step == 0
    assert begun < 0.8 * math.log2(256)
    assert all(row["alive"] for row in whole["liveness"] if row["alive"] is not None)
    for stop in (5, 9):
        with pytest.raises(Stopped):
            run_cell(
                run,
                tmp_path / "cut",
                lambda step, steps, loss, stop=stop: loss == loss and step == stop,
            )
    run_cell(run, tmp_path / "cut")
    one, other = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("whole", "cut"))
    assert one == other
