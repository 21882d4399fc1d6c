"""Each optimiser against its formula, torch's own or pytorch_optimizer's, on the same gradients."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from partbench.core.dims import resolve
from partbench.core.errors import ConfigError
from partbench.core.roles import Role
from partbench.optim.adamw import AdamW
from partbench.optim.lion import Lion
from partbench.optim.muon import Muon, orthogonal
from partbench.optim.schedule_free import ScheduleFree
from partbench.optim.sgd import SGD
from partbench.optim.shampoo import Shampoo, inverse_fourth_root
from partbench.optim.soap import SOAP

DIMS = resolve(depth=1, width=32, context=4)
STEPS = 25


def slope(step: int, shape: tuple[int, ...]) -> Tensor:
    """A gradient with a direction that stays and noise that does not."""
    source = torch.Generator().manual_seed(step)
    fixed = torch.randn(*shape, generator=torch.Generator().manual_seed(10_000))
    return fixed + torch.randn(*shape, generator=source)


def run(
    recipe: Any,
    shape: tuple[int, ...] = (6, 10),
    role: Role = Role.READ,
    dtype: Any = torch.float32,
) -> Tensor:
    """The weight after some steps of a recipe, or of an optimiser made by a function."""
    weight = nn.Parameter(torch.ones(shape, dtype=dtype))
    made = (
        recipe.build({"w": weight}, {"w": role}) if hasattr(recipe, "build") else recipe([weight])
    )
    for step in range(STEPS):
        weight.grad = slope(step, shape).to(dtype)
        made.step()
    if isinstance(recipe, ScheduleFree):
        made.settle()
    return weight.detach()


def same(one: Tensor, other: Tensor, tolerance: float) -> None:
    moved = (one - 1).abs().max()
    assert moved > 1e-3, "nothing moved, so nothing is compared"
    torch.testing.assert_close(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_is_torchs_to_the_bit(momentum: float, nesterov: bool) -> None:
    mine = run(SGD(DIMS, rate=0.01, momentum=momentum, nesterov=nesterov))
    theirs = run(lambda w: torch.optim.SGD(w, lr=0.01, momentum=momentum, nesterov=nesterov))
    assert torch.equal(mine, theirs)


@pytest.mark.parametrize("shape", [(6, 10), (10, 6), (8, 8)])
@pytest.mark.parametrize("scale", ["match_rms_adamw", "original"])
@pytest.mark.parametrize("nesterov", [True, False])
def test_muon_is_torchs(shape: tuple[int, int], scale: Any, nesterov: bool) -> None:
    mine = run(Muon(DIMS, rate=0.01, scale=scale, nesterov=nesterov, weight_decay=0.1), shape)
    theirs = run(
        lambda w: torch.optim.Muon(
            w, lr=0.01, weight_decay=0.1, nesterov=nesterov, adjust_lr_fn=scale
        ),
        shape,
    )
    same(mine, theirs, 2e-6)


def test_muon_leaves_what_is_no_hidden_matrix_to_adamw() -> None:
    for role in set(Role) - {Role.READ, Role.WRITE}:
        decay = 0.1 if role in (Role.EMBEDDING, Role.HEAD) else 0.0
        mine = run(Muon(DIMS, rate=0.01, weight_decay=0.1), role=role)
        theirs = run(
            lambda w, d=decay: torch.optim.AdamW(w, lr=0.01, betas=(0.9, 0.95), weight_decay=d)
        )
        same(mine, theirs, 1e-6)


def test_a_stack_of_matrices_is_orthogonalised_one_by_one() -> None:
    stack = torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(0))
    for one, whole in zip(stack, orthogonal(stack), strict=True):
        torch.testing.assert_close(orthogonal(one), whole, rtol=0, atol=2e-2)
    values = torch.linalg.svdvals(orthogonal(stack).float())
    assert 0.5 < values.min()
    assert values.max() < 1.3


def test_lion_by_hand() -> None:
    weight = nn.Parameter(torch.tensor([[1.0, -2.0]], dtype=torch.float64))
    made = Lion(DIMS, rate=0.1, beta1=0.8, beta2=0.5, weight_decay=0.3).build(
        {"w": weight}, {"w": Role.READ}
    )
    w, m = [1.0, -2.0], [0.0, 0.0]
    for gradient in ([0.5, -1.0], [-0.3, 0.0], [-4.0, 2.0]):
        weight.grad = torch.tensor([gradient], dtype=torch.float64)
        made.step()
        for i, g in enumerate(gradient):
            u = math.copysign(1.0, 0.8 * m[i] + 0.2 * g)
            m[i] = 0.5 * m[i] + 0.5 * g
            w[i] -= 0.1 * (u + 0.3 * w[i])
    assert weight[0].tolist() == pytest.approx(w, rel=1e-12)


def test_a_gradient_that_is_zero_moves_no_sign() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    made = Lion(DIMS, weight_decay=0.0).build({"w": weight}, {"w": Role.READ})
    weight.grad = torch.zeros(2, 2)
    made.step()
    assert torch.equal(weight, torch.ones(2, 2))


@pytest.fixture
def library() -> Any:
    return pytest.importorskip("pytorch_optimizer", reason="it comes with the extra `dev`")


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(6, 10), (10, 6)])
@pytest.mark.parametrize("every", [1, 3, 10])
def test_soap_is_pytorch_optimizers(library: Any, shape: tuple[int, int], every: int) -> None:
    mine = run(SOAP(rate=0.01, every=every, weight_decay=0.0), shape)
    theirs = run(
        lambda w: library.SOAP(
            w, lr=0.01, betas=(0.95, 0.95), weight_decay=0.0, precondition_frequency=every
        ),
        shape,
    )
    same(mine, theirs, 2e-5)


@pytest.mark.slow
def test_a_side_that_is_too_long_has_no_basis(library: Any) -> None:
    mine = run(SOAP(rate=0.01, largest=8, weight_decay=0.0))
    theirs = run(lambda w: library.SOAP(w, lr=0.01, weight_decay=0.0, max_precondition_dim=8))
    same(mine, theirs, 2e-5)
    weight = nn.Parameter(torch.ones(6, 10))
    made = SOAP(largest=8).build({"w": weight}, {"w": Role.READ})
    weight.grad = slope(0, (6, 10))
    made.step()
    assert {key for key in made.state[weight] if "basis" in key} == {"basis 0"}


def test_the_first_step_of_soap_only_looks() -> None:
    weight = nn.Parameter(torch.ones(6, 10))
    made = SOAP(rate=0.01).build({"w": weight}, {"w": Role.READ})
    weight.grad = slope(0, (6, 10))
    made.step()
    assert torch.equal(weight, torch.ones(6, 10))


@pytest.mark.slow
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_schedule_free_is_pytorch_optimizers(library: Any, decay: float) -> None:
    weight = nn.Parameter(torch.ones(6, 10))
    theirs = library.ScheduleFreeAdamW([weight], lr=0.01, betas=(0.9, 0.999), weight_decay=decay)
    for step in range(STEPS):
        weight.grad = slope(step, (6, 10))
        theirs.step()
    theirs.eval()
    same(run(ScheduleFree(DIMS, rate=0.01, weight_decay=decay)), weight.detach(), 2e-6)


def test_what_schedule_free_judges_is_the_weighted_mean_of_z() -> None:
    weight = nn.Parameter(torch.ones(3, 3, dtype=torch.float64))
    made = ScheduleFree(DIMS, rate=0.01, weight_decay=0.0).build({"w": weight}, {"w": Role.READ})
    mean, total = torch.ones(3, 3).double(), 0.0
    for step, rate in enumerate([0.005, 0.01, 0.01, 0.002]):
        made.param_groups[0]["lr"] = rate
        weight.grad = slope(step, (3, 3)).double()
        made.step()
        total += max(rate, *[0.005, 0.01][: min(step, 2)], 0.0) ** 2
        c = max(rate, *[0.005, 0.01][: min(step, 2)], 0.0) ** 2 / total
        mean = (1 - c) * mean + c * made.state[weight]["z"]
        before = weight.detach().clone()
        with made.judged():
            torch.testing.assert_close(weight.detach(), mean, rtol=0, atol=1e-12)
        assert torch.equal(weight, before)


def test_schedule_free_without_an_average_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"optimizer\.beta1: 0"):
        ScheduleFree(DIMS, beta1=0.0)


@pytest.mark.slow
def test_shampoo_is_pytorch_optimizers(library: Any) -> None:
    recipe = Shampoo(
        rate=0.01, beta1=0.0, every=1, damping=1e-14, statistics="sum", graft=False, weight_decay=0
    )
    mine = run(recipe, (6, 6), dtype=torch.float64)
    theirs = run(
        lambda w: library.Shampoo(w, lr=0.01, matrix_eps=1e-12), (6, 6), dtype=torch.float64
    )
    same(mine, theirs, 1e-5)


def test_a_fourth_root_raised_again_is_the_inverse() -> None:
    half = torch.randn(7, 7, generator=torch.Generator().manual_seed(0)).double()
    matrix = half @ half.T
    root = inverse_fourth_root(matrix, 1e-12)
    torch.testing.assert_close(
        root @ root @ root @ root @ matrix, torch.eye(7).double(), rtol=0, atol=1e-6
    )


def test_grafted_shampoo_steps_as_far_as_adam() -> None:
    weights = [nn.Parameter(torch.zeros(6, 10)) for _ in range(2)]
    settings = {"rate": 0.01, "weight_decay": 0.0}
    makers = [
        Shampoo(**settings).build({"w": weights[0]}, {"w": Role.READ}),
        AdamW(DIMS, **settings).build({"w": weights[1]}, {"w": Role.READ}),
    ]
    for step in range(12):
        before = [weight.detach().clone() for weight in weights]
        for weight, made in zip(weights, makers, strict=True):
            weight.grad = slope(step, (6, 10))
            made.step()
        far = [(w - b).norm().item() for w, b in zip(weights, before, strict=True)]
        assert far[0] == pytest.approx(far[1], rel=1e-4)


@pytest.mark.parametrize("law", ["decoupled", "independent", "cautious"])
@pytest.mark.parametrize("kind", [AdamW, SGD, Lion, Muon])
def test_each_law_of_decay_is_its_formula(kind: Any, law: Any) -> None:
    """Against the same optimiser without decay: what is missing is what decayed."""
    rate, scheduled, decay = 0.02, 0.005, 0.3
    start = torch.tensor([[1.0, -2.0], [3.0, -0.5]])
    gradient = torch.tensor([[0.5, 1.0], [-1.0, -2.0]])
    found = []
    for strength in (0.0, decay):
        weight = nn.Parameter(start.clone())
        made = kind(DIMS, rate=rate, weight_decay=strength, decay=law).build(
            {"w": weight}, {"w": Role.WRITE}
        )
        made.param_groups[0]["lr"] = scheduled * made.param_groups[0]["share"]
        weight.grad = gradient.clone()
        made.step()
        found.append(weight.detach())
    update = start - found[0]
    expected = {
        "decoupled": scheduled * decay * start,
        "independent": scheduled / rate * decay * start,
        "cautious": scheduled * decay * start * (update * start >= 0),
    }[law]
    torch.testing.assert_close(found[0] - found[1], expected, rtol=1e-5, atol=1e-6)


def test_cautious_without_a_conflict_is_decoupled() -> None:
    weights = [nn.Parameter(torch.ones(3, 3)) for _ in range(2)]
    for weight, law in zip(weights, ("decoupled", "cautious"), strict=True):
        made = AdamW(DIMS, rate=0.01, decay=law).build({"w": weight}, {"w": Role.READ})
        for _ in range(5):
            weight.grad = torch.ones(3, 3)  # pulls down what is above zero, as decay does
            made.step()
    torch.testing.assert_close(*weights, rtol=0, atol=1e-6)
