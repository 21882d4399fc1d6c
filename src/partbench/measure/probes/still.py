"""A model held still while it is looked at: nothing of it is different afterwards.

Dropout is off, attention takes its plain path (which has every derivative, and scores that can be
read), buffers are put back, and torch's random streams go on as if nobody had drawn.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from partbench.models.contract import Network
from partbench.parts.mixer.scored_sum import ScoredSum


def sums(model: Network) -> list[ScoredSum]:
    """What weighs values by scores in this model, in the order of its layers."""
    return [module for module in model.modules() if isinstance(module, ScoredSum)]


@contextmanager
def still(model: Network) -> Iterator[None]:
    """Within it the model may be run and asked for derivatives; after it, it is as it was."""
    training = [(module, module.training) for module in model.modules()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    paths = [(one, one.fused, one.halved) for one in sums(model)]
    with torch.random.fork_rng(devices=_devices(model)):
        model.eval()
        for one, _, _ in paths:
            one.fused = one.halved = False
        try:
            yield
        finally:
            for one, fused, halved in paths:
                one.fused, one.halved = fused, halved
            for module, mode in training:
                module.training = mode
            with torch.no_grad():
                for buffer, was in buffers:
                    buffer.copy_(was)


def _devices(model: Network) -> list[torch.device]:
    places = {weight.device for weight in model.parameters()}
    return [place for place in places if place.type == "cuda"]
