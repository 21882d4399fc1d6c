"""However a model is run: compiled, recomputed, accumulated, the numbers are the same."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.parts.residual_suite import BATCH, ELSEWHERE, SINGLE, bare, draw, model, name_of, run
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from partbench.data.batch import Batch
from partbench.parts.residual.mhc import MHC
from partbench.parts.residual.weighted import weighted
from partbench.testing.subject import gradients, shake

MANY = [
    {"part": "hyper_connections"},
    {"part": "dynamic_hyper_connections"},
    {"part": "altup"},
    {"part": "frac_connections"},
    {"part": "mhc"},
    {"part": "mhc", "carry": "cayley"},
    {"part": "mhc", "carry": "orthostochastic"},
    {"part": "dynamic_mhc"},
    {"part": "dynamic_mhc", "carry": "permutations"},
]
TRACED = [
    {"part": "hyper_connections"},
    {"part": "mhc"},
    {"part": "dynamic_mhc"},
    {"part": "mhc", "carry": "orthostochastic"},
]
EVERY = SINGLE + MANY + [{"part": name} for name in ELSEWHERE]


def slopes(made: Any, call: Callable[[Tensor], Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
    """Logits and the gradient of a number made of them."""
    found = call(BATCH.inputs)
    return found.detach(), gradients(made, (found * draw(*found.shape, name="way")).sum())


def equal(one: tuple[Tensor, dict[str, Tensor]], other: tuple[Tensor, dict[str, Tensor]]) -> None:
    torch.testing.assert_close(one[0], other[0], rtol=0, atol=1e-10)
    for name, slope in one[1].items():
        torch.testing.assert_close(slope, other[1][name], rtol=0, atol=1e-8, msg=name)


class Recomputed(nn.Module):
    """A sublayer that keeps nothing of its inside for its derivative."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any, flow: Any) -> Any:
        return checkpoint(self.inner, x, flow, use_reentrant=False)


@pytest.mark.parametrize("residual", EVERY, ids=name_of)
def test_recomputed_sublayers_change_nothing(residual: dict[str, Any]) -> None:
    made = model(residual)
    shake(made, seed=2)
    plain = slopes(made, made)
    names = [name for name, _ in made.named_parameters()]
    for parts in (made.mixers, made.ffns):
        for layer, part in enumerate(parts):
            parts[layer] = Recomputed(part)
    found, there = slopes(made, made)
    equal(plain, (found, dict(zip(names, there.values(), strict=True))))


@pytest.mark.parametrize("residual", MANY, ids=name_of)
def test_the_whole_trunk_can_be_recomputed(residual: dict[str, Any]) -> None:
    part = bare(residual)
    shake(part, seed=2)
    x, maps = draw(2, 3, 8), draw(6, 8, 8, name="maps")

    def trunk(x: Tensor) -> Tensor:
        return run(part, x, lambda sublayer, u: (u @ maps[sublayer]).tanh(), 6)

    found = []
    for call in (trunk, lambda x: checkpoint(trunk, x, use_reentrant=False)):
        end = call(x)
        found.append((end.detach(), gradients(part, (end * draw(2, 3, 8, name="way")).sum())))
    equal(*found)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # torch's own
@pytest.mark.parametrize("residual", TRACED, ids=name_of)
def test_a_traced_graph_without_a_break_gives_the_same(residual: dict[str, Any]) -> None:
    torch.compiler.reset()
    part = bare(residual, depth=2)
    shake(part, seed=2)
    x, maps = draw(2, 3, 8), draw(6, 8, 8, name="maps")

    def trunk(x: Tensor) -> Tensor:
        return run(part, x, lambda sublayer, u: (u @ maps[sublayer]).tanh(), 4)

    found = []
    for call in (trunk, torch.compile(trunk, backend="aot_eager", fullgraph=True)):
        end = call(x)
        found.append((end.detach(), gradients(part, (end * draw(2, 3, 8, name="way")).sum())))
    equal(*found)


@pytest.mark.parametrize("carry", ["sinkhorn", "identity_mix"])
def test_maps_made_once_a_step_serve_all_of_its_micro_batches(
    carry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, pieces = (model({"part": "mhc", "carry": carry}) for _ in range(2))
    for made in (whole, pieces):
        shake(made, seed=2)
    # Only three sequences: all at once, without hooks, against one by one, between them.
    score = whole.score(BATCH)
    expected = gradients(whole, score.nll.sum())
    part, solved = pieces.residual, []
    solve = part.map.solve
    part.map = part.map._replace(solve=lambda z, n: solved.append(1) or solve(z, n))
    part.before_step(0, 1)
    for row in range(3):
        pieces.score(Batch(*(item[row : row + 1] for item in BATCH))).nll.sum().backward()
    assert len(solved) == 1
    for name, weight in pieces.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name], rtol=1e-9, atol=1e-9, msg=name)
    with torch.no_grad():
        part.carries += 1.0 * draw(*part.carries.shape, name="moved")
    stale = pieces.score(BATCH).nll
    part.after_step(0, 1)
    fresh = pieces.score(BATCH).nll
    assert not torch.equal(stale, fresh), "the maps of the last step are still in use"
    assert isinstance(part, MHC)
    assert part.found is None


def test_a_weighted_sum_has_the_derivatives_of_its_formula() -> None:
    weights = draw(4, name="weights").requires_grad_()
    rows = [draw(2, 3, 5, name=f"row {j}").requires_grad_() for j in range(4)]
    plain = sum(w * row for w, row in zip(weights, rows, strict=True))
    torch.testing.assert_close(weighted(weights, rows), plain)
    assert torch.autograd.gradcheck(lambda w, *rows: weighted(w, rows), (weights, *rows))
    assert torch.autograd.gradgradcheck(lambda w, *rows: weighted(w, rows), (weights, *rows))


def test_a_static_carry_saves_no_streams_for_the_derivative() -> None:
    """Six layers of four streams hold one stream a sublayer more than pre-norm, not eight."""
    sizes = {}
    for name in ("pre_norm", "hyper_connections", "dynamic_hyper_connections"):
        part, x = bare({"part": name}, depth=6, width=64, norm=None), draw(4, 32, 64)
        held: dict[int, int] = {}

        def keep(tensor: Tensor, held: dict[int, int] = held) -> Tensor:
            storage = tensor.untyped_storage()
            held[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            end = run(part, x.clone().requires_grad_(), lambda sublayer, u: u.tanh(), 12)
            sizes[name] = sum(held.values()) / x.untyped_storage().nbytes()
            end.sum().backward()
    assert sizes["hyper_connections"] < sizes["pre_norm"] + 12 + 2
    assert sizes["dynamic_hyper_connections"] > sizes["pre_norm"] + 4 * 12
