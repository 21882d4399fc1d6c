"""Heads: the loss in chunks equals the loss at once, capping and z-loss by formula."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.numerics import Numerics
from partbench.models.build import build
from partbench.parts.head import cross_entropy
from partbench.parts.head.linear import LinearHead
from partbench.parts.head.tied import TiedHead

VOCAB, WIDTH, BATCH, TIME = 50, 8, 3, 7
DIMS = resolve(depth=1, width=WIDTH, num_heads=1, context=TIME, vocab=VOCAB)


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(BATCH, TIME, WIDTH, dtype=torch.float64, generator=generator)
    weight = 3 * torch.randn(VOCAB, WIDTH, dtype=torch.float64, generator=generator)
    targets = torch.randint(0, VOCAB, (BATCH, TIME), generator=generator)
    return x.requires_grad_(), weight.requires_grad_(), targets


def head(**settings: Any) -> LinearHead:
    part = LinearHead(DIMS, nn.Embedding(VOCAB, WIDTH), **settings).double()
    with torch.no_grad():
        part.weight.copy_(inputs()[1])
    return part


class Largest(TorchDispatchMode):
    """Notes the number of elements of the largest tensor any operation makes."""

    elements = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for item in out if isinstance(out, tuple | list) else [out]:
            if isinstance(item, Tensor):
                self.elements = max(self.elements, item.numel())
        return out


@pytest.mark.parametrize("cap", [None, 5.0])
@pytest.mark.parametrize("rows", [1, 4, 5, BATCH * TIME - 1])
def test_in_chunks_it_is_the_same_with_the_same_gradients(
    monkeypatch: pytest.MonkeyPatch, cap: float | None, rows: int
) -> None:
    found = []
    for chunk in (1 << 24, rows * VOCAB + 3):
        monkeypatch.setattr(cross_entropy, "CHUNK", chunk)
        x, weight, targets = inputs()
        losses, normalisers = cross_entropy.cross_entropy(x, weight, targets, cap)
        (losses.sum() + normalisers.square().sum()).backward()
        found.append((losses, normalisers, x.grad, weight.grad))
    for whole, chunked in zip(*found, strict=True):
        torch.testing.assert_close(chunked, whole, rtol=0, atol=1e-12)


def test_no_more_than_a_chunk_of_logits_is_ever_held(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {}
    for rows in (4, 1000):
        monkeypatch.setattr(cross_entropy, "CHUNK", rows * VOCAB)
        x, weight, targets = inputs()
        with Largest() as largest:
            cross_entropy.cross_entropy(x, weight, targets, 5.0)[0].sum().backward()
        sizes[rows] = largest.elements
    assert sizes[1000] == BATCH * TIME * VOCAB, "the spy sees all logits where they are held"
    assert sizes[4] == max(4 * VOCAB, weight.numel())


def test_one_row_at_a_time_where_the_vocabulary_exceeds_a_chunk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cross_entropy, "CHUNK", VOCAB // 2)
    x, weight, targets = inputs()
    losses, _ = cross_entropy.cross_entropy(x, weight, targets, None)
    assert losses.shape == targets.shape


def test_the_loss_is_minus_the_log_of_the_softmax_at_the_target() -> None:
    x, weight, targets = inputs()
    losses, normalisers = cross_entropy.cross_entropy(x, weight, targets, None)
    scores = x @ weight.T
    expected = -scores.softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1).log()
    torch.testing.assert_close(losses, expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(normalisers, scores.exp().sum(-1).log(), rtol=0, atol=1e-12)


def test_the_cap_bounds_logits_in_both_paths_alike() -> None:
    x, weight, targets = inputs()
    part = head(cap=2.0)
    expected = 2.0 * torch.tanh(x @ weight.T / 2.0)
    torch.testing.assert_close(part(x), expected, rtol=0, atol=1e-12)
    assert part(100 * x).abs().max() <= 2.0
    losses, _ = part.score(x, targets, torch.ones(BATCH, TIME))
    theirs = nn.functional.cross_entropy(
        expected.flatten(0, 1), targets.flatten(), reduction="none"
    )
    torch.testing.assert_close(losses.flatten(), theirs, rtol=0, atol=1e-12)


def test_the_z_loss_is_the_weighted_mean_square_of_the_normaliser() -> None:
    x, weight, targets = inputs()
    weights = torch.zeros(BATCH, TIME, dtype=torch.float64)
    weights[0], weights[1, :2] = 1.0, 0.5
    _, found = head(z_loss=0.25).score(x, targets, weights)
    squares = (x @ weight.T).exp().sum(-1).log() ** 2
    expected = 0.25 * (squares[0].sum() + 0.5 * squares[1, :2].sum()) / (TIME + 1)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert head(z_loss=0.0).score(x, targets, weights)[1] == 0


def test_nothing_is_lost_to_overflow_or_to_bfloat16() -> None:
    x, weight, targets = inputs()
    losses, _ = cross_entropy.cross_entropy(1e4 * x, weight, targets, None)
    assert losses.isfinite().all()
    narrow = cross_entropy.logits(x.bfloat16(), weight.bfloat16(), 5.0)
    assert narrow.dtype == torch.float32


def tied_model(seed: int = 0) -> nn.Module:
    config = Config({"dims": {"depth": 1, "width": 32, "context": 8}, "model": {"head": "tied"}})
    return build(config.resolved, vocab=VOCAB, seed=seed, numerics=Numerics(precision="float64"))


def test_a_tied_head_reads_the_embedding_itself() -> None:
    model = tied_model()
    assert model.head.table[0] is model.embedding
    tokens = torch.arange(8).unsqueeze(0)
    before = model(tokens)
    with torch.no_grad():
        model.embedding.weight[40] += 1  # a token that is not among the inputs
    changed = (model(tokens) - before).abs().amax((0, 1)) > 1e-9
    assert changed.nonzero().flatten().tolist() == [40]


def test_a_tied_table_is_saved_and_counted_once() -> None:
    names = [name for name in tied_model().state_dict() if "embedding" in name or "head" in name]
    assert names == ["embedding.weight"]
    assert list(TiedHead(DIMS, nn.Embedding(VOCAB, WIDTH)).parameters()) == []


def test_a_tied_table_gets_gradients_from_both_its_uses() -> None:
    model, tokens = tied_model(), torch.zeros(1, 8).long()
    model(tokens)[0, 0, 40].backward()
    gradient = model.embedding.weight.grad
    assert gradient[0].norm() > 0, "as an embedding"
    assert gradient[40].norm() > 0, "as a head"
    assert gradient[41].norm() == 0
