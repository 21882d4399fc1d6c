"""A layer's order: by the formula, under every residual, and one of one's own."""

import pytest
import torch
from tests.parts.residual_suite import BATCH, model, name_of
from tests.parts.test_residual_execution import EVERY

from partbench.parts.flow import Flow
from partbench.testing.subject import gradients

OWN = '''
"""The ffn before the mixer."""
from torch import nn


class FeedFirst(nn.Module):
    """h <- h + F(N(h)); h <- h + A(N(h))."""

    ROLES = {}

    def forward(self, layer, state, residual, mix, feed):
        """The state after both."""
        read, state = residual.read(2 * layer + 1, state)
        state = residual.write(2 * layer + 1, state, feed(read))
        read, state = residual.read(2 * layer, state)
        return residual.write(2 * layer, state, mix(read))
'''


def by_hand(made, order) -> torch.Tensor:
    """The logits of a pre-norm model whose layers are `order(h, attend, feed)`."""
    tokens = BATCH.inputs
    positions = torch.arange(tokens.shape[1])
    h = made.embedding(tokens)
    for layer in range(made.dims.depth):
        flow = Flow(tokens, positions, made.position, layer=layer)
        norms = made.residual.norms[2 * layer : 2 * layer + 2]

        def attend(x, layer=layer, flow=flow, norm=norms[0]):
            return made.mixers[layer](norm(x), flow)

        def feed(x, layer=layer, flow=flow, norm=norms[1]):
            return made.ffns[layer](norm(x), flow)

        h = order(h, attend, feed)
    return made.head(made.residual.final(h))


def serial(h, attend, feed):
    h = h + attend(h)
    return h + feed(h)


def parallel(h, attend, feed):
    return h + attend(h) + feed(h)


def feed_first(h, attend, feed):
    h = h + feed(h)
    return h + attend(h)


@pytest.mark.parametrize("order", [serial, parallel, feed_first])
def test_the_formula(order, tmp_path):
    path = tmp_path / "own.py"
    path.write_text(OWN)
    name = f"{path}:FeedFirst" if order is feed_first else order.__name__
    made = model("pre_norm", block=name)
    torch.testing.assert_close(made(BATCH.inputs), by_hand(made, order), rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("residual", EVERY, ids=name_of)
def test_every_residual_learns_and_decodes_in_parallel(residual):
    made = model(residual, block="parallel")
    whole = made(BATCH.inputs)
    state, parts = made.begin(BATCH.inputs.shape[0], 16), []
    for piece in BATCH.inputs.split(5, dim=1):
        logits, state = made.step(piece, state)
        parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, 1), whole, rtol=0, atol=1e-10)
    slopes = gradients(made, made.score(BATCH).nll.mean())
    serial = gradients(same := model(residual), same.score(BATCH).nll.mean())
    dead = {name for name, slope in slopes.items() if not slope.any()}
    assert dead == {name for name, slope in serial.items() if not slope.any()}
