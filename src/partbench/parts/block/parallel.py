"""Mixer and ffn side by side: the ffn does not see what its layer's mixer found.

    h <- h + A(N_1(h)) + F(N_2(h))

Papers: Wang and Komatsuzaki 2021 (GPT-J); Black et al. 2022, arXiv:2204.06745 (GPT-NeoX: two norms,
as here); Chowdhery et al. 2022, arXiv:2204.02311 (PaLM: one norm for both).
Differs: no paper fuses the two matrix products here, so it costs what the serial layer costs.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from torch import nn

from partbench.core.roles import Role
from partbench.parts.residual import Residual
from partbench.parts.shapes import Stream


class Parallel(nn.Module):
    """The ffn reads the residual as it was before the mixer wrote; both write, mixer first.

    Cost: none of its own but reading the residual once more a layer.
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
        early, _ = residual.read(2 * layer + 1, state)
        read, state = residual.read(2 * layer, state)
        state = residual.write(2 * layer, state, mix(read))
        # States are the residual's own business: it is read again so that it can be written to.
        _, state = residual.read(2 * layer + 1, state)
        return residual.write(2 * layer + 1, state, feed(early))
