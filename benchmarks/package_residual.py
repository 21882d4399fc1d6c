"""The streams of the installed `hyper-connections` package as a part of partbench's residual slot.

    residual = { part = "benchmarks/package_residual.py:PackageStreams", kind = "mhc" }

The package folds streams into the batch, (batch stream) time width, and makes every stream's
coefficients from that stream's own content. Source: lucidrains/hyper-connections (PyPI).
"""

import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.ranges import Count
from partbench.core.roles import Role
from partbench.parts.shapes import Stream


class State(NamedTuple):
    """Streams as the package holds them; what its read leaves for its write."""

    streams: Tensor
    pending: dict[str, Any]


class PackageStreams(nn.Module):
    """Norms as everywhere, the package's modules between them; the head reads the mean.

    Settings: kind, `dynamic` hyper-connections or `mhc`; log_domain, for mhc's Sinkhorn.
    Cost: sublayers * (width (n + 3) + n (n + 2) + 2 or 3) parameters.
    """

    def __init__(
        self,
        dims: Dims,
        norm: Callable[..., nn.Module],
        *,
        streams: Count = 4,
        kind: Literal["dynamic", "mhc"] = "dynamic",
        log_domain: bool = False,
    ) -> None:
        from hyper_connections import HyperConnections
        from hyper_connections.manifold_constrained_hyper_connections import (
            ManifoldConstrainedHyperConnections,
        )

        super().__init__()
        count = dims.num_sublayers
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(count))
        self.final = norm(width=dims.width)
        make: Callable[..., nn.Module] = HyperConnections
        if kind == "mhc":
            make = functools.partial(
                ManifoldConstrainedHyperConnections, log_domain_sinkhorn=log_domain
            )
        self.connections = nn.ModuleList(
            make(streams, dim=dims.width, layer_index=index) for index in range(count)
        )
        self.streams = streams

    ROLES = {
        f"connections.{index}.{name}": Role.MIXING
        for index in range(1000)
        for name in (
            "static_alpha",
            "static_beta",
            "dynamic_alpha_fn",
            "dynamic_beta_fn",
            "dynamic_alpha_scale",
            "dynamic_beta_scale",
            "pre_branch_scale",
            "residual_scale",
            "h_post_scale",
            "norm.gamma",
        )
    }

    def begin(self, x: Stream) -> State:
        """All streams equal."""
        return State(x.repeat_interleave(self.streams, dim=0), {})

    def read(self, sublayer: int, state: State) -> tuple[Stream, State]:
        """The normed input of the branch."""
        connection: Any = self.connections[sublayer]
        u, streams, pending = connection.width_connection(state.streams)
        return self.norms[sublayer](u), State(streams, pending)

    def write(self, sublayer: int, state: State, output: Stream) -> State:
        """The output added to every stream."""
        connection: Any = self.connections[sublayer]
        written = connection.depth_connection(
            output.to(state.streams.dtype), state.streams, **state.pending
        )
        return State(written, {})

    def end(self, state: State) -> Stream:
        """The normed mean of the streams."""
        return self.final(torch.unflatten(state.streams, 0, (-1, self.streams)).mean(1))
