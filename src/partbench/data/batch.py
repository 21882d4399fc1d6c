"""What one step is trained or scored on."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Inputs, what should follow them, and how much each answer counts.

    inputs: whole-number tokens [batch, time] (or pixels, or pairs, for tasks that say so).
    targets: tokens [batch, time]; weights: float [batch, time], 0 where nothing is asked.
    """

    inputs: Tensor
    targets: Tensor
    weights: Tensor
