"""What a head says of its targets.

Source: partbench's own contract.
"""

from typing import NamedTuple

from torch import Tensor

from partbench.parts.shapes import Losses


class Answer(NamedTuple):
    """Losses in nats, the auxiliary z-loss, and where they are known:

    correct: whether each target was the likeliest; confidence: the probability of the likeliest.
    """

    nll: Losses
    z_loss: Tensor
    correct: Tensor | None = None
    confidence: Tensor | None = None
