"""Adam's direction, for the groups of optimisers that treat matrices in another way.

u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps). Paper: Kingma and Ba 2014, arXiv:1412.6980.
"""

from torch import Tensor

from partbench.optim.stepper import Group, State, kept


def adam(weight: Tensor, gradient: Tensor, state: State, group: Group) -> Tensor:
    """The direction; reads `betas` and `eps` of the group."""
    (beta1, beta2), step = group["betas"], state["step"]
    mean = kept(state, "mean", weight).lerp_(gradient, 1 - beta1)
    square = kept(state, "square", weight).mul_(beta2)
    square.addcmul_(gradient, gradient, value=1 - beta2)
    size = (square / (1 - beta2**step)).sqrt_().add_(group["eps"])
    return mean / (1 - beta1**step) / size
