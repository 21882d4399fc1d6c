"""One cast for several maps of the same input."""

import torch
from torch import Tensor


def narrowed(x: Tensor) -> Tensor:
    """x in the type autocast multiplies matrices in, so that maps that share x cast it once.

    Autocast keeps the casts of weights, not of activations: three maps of x would cast it three
    times forward, and three gradients back. Without autocast x is returned as it is.
    """
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x
