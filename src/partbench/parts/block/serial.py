"""The usual layer: first the mixer, then the ffn on what the mixer wrote.

    h <- h + A(N(h));  h <- h + F(N(h))

Paper: Vaswani et al. 2017, arXiv:1706.03762.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import nn

from partbench.core.roles import Role
from partbench.parts.residual import Residual
from partbench.parts.shapes import Stream


class Serial(nn.Module):
    """Mixer, then ffn; each reads and writes the residual once.

    Cost: none of its own.
    """

    ROLES: ClassVar[dict[str, Role]] = {}

    def forward(
        self,
        layer: int,
        state: Any,
        residual: Residual,
        mix: Callable[[Any], Stream],
        feed: Callable[[Any], Stream],
    ) -> Any:
        """The residual's state after both."""
        read, state = residual.read(2 * layer, state)
        state = residual.write(2 * layer, state, mix(read))
        read, state = residual.read(2 * layer + 1, state)
        return residual.write(2 * layer + 1, state, feed(read))
