"""Another draw from the same distribution, and nothing else."""

import pytest
import torch

from partbench.core.dims import resolve
from partbench.core.rng import normal
from partbench.core.roles import Role
from partbench.parts.init.depth_scaled import DepthScaled
from partbench.parts.init.redrawn import Redrawn

DIMS = resolve(depth=2, context=8)


def draw(seed: int = 1, count: int = 40_000) -> torch.Tensor:
    return torch.from_numpy(normal(seed, "weight", (count // 100, 100)))


@pytest.mark.parametrize("role", [Role.READ, Role.WRITE])
def test_it_is_distributed_as_depth_scaled_and_independent_of_it(role):
    z = draw()
    mine, theirs = (part(DIMS, std=0.07).value(z, role) for part in (Redrawn, DepthScaled))
    edges = torch.linspace(0.01, 0.99, 9)
    assert torch.allclose(mine.quantile(edges), theirs.quantile(edges), atol=0.002)
    assert float(mine.abs().max()) == pytest.approx(float(theirs.abs().max()), rel=1e-6)  # the cut
    related = torch.corrcoef(torch.stack([mine.flatten(), theirs.flatten()]))[0, 1]
    assert abs(related) < 4 / 40_000**0.5


def test_it_is_a_pure_function_of_draw_and_salt():
    z, part = draw(count=600), Redrawn(DIMS)
    assert torch.equal(part.value(z, Role.READ), part.value(z.clone(), Role.READ))
    assert not torch.equal(part.value(z, Role.READ), part.value(draw(2, 600), Role.READ))
    assert not torch.equal(part.value(z, Role.READ), Redrawn(DIMS, salt=2).value(z, Role.READ))
