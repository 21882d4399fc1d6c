"""The two-layer network of the first Transformers: W2 act(W1 x).

Paper: Vaswani et al. 2017, arXiv:1706.03762 (ReLU); GELU: Hendrycks and Gimpel 2016,
arXiv:1606.08415: "gelu" is x Phi(x) with the exact error function, "gelu_tanh" its approximation
by a tanh, as in GPT-2's published weights.
"""

from collections.abc import Callable
from functools import partial
from typing import Literal

from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Positive
from partbench.core.roles import Role
from partbench.parts.flow import Flow
from partbench.parts.shapes import Stream


class MLP(nn.Module):
    """down(act(up(x))), hidden width = ratio * width.

    Settings: activation; ratio 4 as in the paper; bias on both maps.
    Cost: 2 ratio width^2 parameters.
    """

    ROLES = {
        "up.weight": Role.READ,
        "up.bias": Role.BIAS,
        "down.weight": Role.WRITE,
        "down.bias": Role.BIAS,
    }

    def __init__(
        self,
        dims: Dims,
        *,
        activation: Literal["gelu", "relu", "gelu_tanh"] = "gelu",
        ratio: Positive = 4.0,
        bias: bool = False,
    ) -> None:
        super().__init__()
        hidden = round(ratio * dims.width)
        self.up = nn.Linear(dims.width, hidden, bias=bias)
        self.down = nn.Linear(hidden, dims.width, bias=bias)
        activations: dict[str, Callable[[Tensor], Tensor]]
        activations = {
            "gelu": nn.functional.gelu,
            "relu": nn.functional.relu,
            "gelu_tanh": partial(nn.functional.gelu, approximate="tanh"),
        }
        self.activation = activations[activation]

    def forward(self, x: Stream, flow: Flow) -> Stream:
        """What is written back to the stream."""
        return self.down(self.activation(self.up(x)))
