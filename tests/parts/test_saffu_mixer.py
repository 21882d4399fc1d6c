"""SAFFU in a Transformer: against loops, and against attention where the two are one thing."""

import pytest
import torch

from partbench.core.dims import resolve
from partbench.core.numerics import Numerics
from partbench.parts.flow import Flow
from partbench.parts.mixer.attention import Attention
from partbench.parts.mixer.saffu import SAFFUMixer
from partbench.parts.position.none import NoPosition
from partbench.parts.probability.softmax import Softmax

DIMS = resolve(depth=1, context=9, width=8, num_heads=2)


def filled(part, seed=0):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in part.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator, dtype=torch.float64))
    return part.double()


def flow(time=9):
    return Flow(torch.zeros(2, time).long(), torch.arange(time), NoPosition())


def stream():
    return torch.randn(2, 9, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize("slots", [1, 3, 20])
def test_it_is_what_loops_compute(slots):
    part, x = filled(SAFFUMixer(DIMS, Softmax, slots=slots).double()), stream()
    expected = torch.zeros_like(x)
    values = part.value(x)
    for row in range(2):
        for t in range(9):
            past = [t - k for k in range(slots) if t - k >= 0]
            q = torch.stack([x[row, t] @ x[row, s] / 8 for s in past])
            heads = []
            for head in range(2):
                corner = part.weight[head, : len(past), : len(past)]
                a = (corner @ q + part.bias[head, : len(past)]).softmax(0)
                heads.append(a @ values[row, past, 4 * head : 4 * head + 4])
            expected[row, t] = part.output(torch.cat(heads))
    assert (part(x, flow()) - expected).abs().max() < 1e-12


def test_with_projections_and_an_identity_for_w_it_is_attention():
    attention = filled(Attention(DIMS, Numerics(attention="explicit"), lambda width: None, Softmax))
    part = SAFFUMixer(DIMS, Softmax, slots=9, projections=True).double()
    with torch.no_grad():
        for name in ("query", "key", "value", "output"):
            getattr(part, name).weight.copy_(getattr(attention, name).weight)
        part.weight.copy_(torch.eye(9))
    x = stream()
    assert (part(x, flow()) - attention(x, flow())).abs().max() < 1e-12


def test_places_beyond_the_slots_make_no_difference():
    part, x = filled(SAFFUMixer(DIMS, Softmax, slots=3).double()), stream()
    changed = x.clone()
    changed[:, :4] += 1
    gap = (part(x, flow()) - part(changed, flow())).abs().amax((0, 2))
    assert (gap[6:] < 1e-12).all()
    assert gap[5] > 1e-6
