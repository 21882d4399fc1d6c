"""The residual parts of the package `hyper-connections`, made to fit the slot `residual`.

    partbench audit examples/adapters/hyper_connections.py:HyperConnections

The package keeps n streams folded into the batch; each sublayer has a connection that gives what
the branch reads and a function that writes its answer back. The norm before each sublayer and the
one before the head are the lab's. Source: github.com/lucidrains/hyper-connections, version 0.4.11.
"""

from hyper_connections import hyper_connections as free
from hyper_connections import manifold_constrained_hyper_connections as manifold
from hyper_connections import mHCv2 as second
from hyper_connections import residuals
from torch import nn

from partbench.core.roles import Role

SUBLAYERS = range(128)


def roles(holder, names):
    """ROLES of the package's parameters, which lie in one connection a sublayer."""
    return {f"{holder}.{i}.{name}": role for i in SUBLAYERS for name, role in names.items()}


FREE = {
    "norm.gamma": Role.GAIN,
    "static_alpha": Role.MIXING,
    "dynamic_alpha_fn": Role.MIXING,
    "dynamic_alpha_scale": Role.SCALAR,
    "static_beta": Role.MIXING,
    "dynamic_beta_fn": Role.MIXING,
    "dynamic_beta_scale": Role.SCALAR,
}
MANIFOLD = {
    "norm.gamma": Role.GAIN,
    "static_alpha": Role.MIXING,
    "dynamic_alpha_fn": Role.MIXING,
    "pre_branch_scale": Role.SCALAR,
    "residual_scale": Role.SCALAR,
    "static_beta": Role.MIXING,
    "dynamic_beta_fn": Role.MIXING,
    "h_post_scale": Role.SCALAR,
}


class HyperConnections(nn.Module):
    """Its HyperConnections. Source: the package. Cost: as it says."""

    ROLES = roles("connections", FREE)

    def __init__(self, dims, norm, *, streams: int = 4, tanh: bool = True):
        super().__init__()
        self.connections = nn.ModuleList(
            free.HyperConnections(streams, dim=dims.width, layer_index=i, tanh=tanh)
            for i in range(dims.num_sublayers)
        )
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.expand, self.reduce = free.get_expand_reduce_stream_functions(streams)

    def begin(self, x):
        return self.expand(x), None

    def read(self, sublayer, state):
        u, add = self.connections[sublayer](state[0])
        return self.norms[sublayer](u), (state[0], add)

    def write(self, sublayer, state, output):
        return state[1](output), None

    def end(self, state):
        return self.final(self.reduce(state[0]))


class MHC(nn.Module):
    """Its ManifoldConstrainedHyperConnections. Source: the package. Cost: as it says."""

    ROLES = roles("connections", MANIFOLD)

    def __init__(self, dims, norm, *, streams: int = 4, log_domain: bool = False):
        super().__init__()
        self.connections = nn.ModuleList(
            manifold.ManifoldConstrainedHyperConnections(
                streams, dim=dims.width, layer_index=i, log_domain_sinkhorn=log_domain
            )
            for i in range(dims.num_sublayers)
        )
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.expand, self.reduce = manifold.get_expand_reduce_stream_functions(streams)

    def begin(self, x):
        return self.expand(x), None

    def read(self, sublayer, state):
        u, add = self.connections[sublayer](state[0])
        return self.norms[sublayer](u), (state[0], add)

    def write(self, sublayer, state, output):
        return state[1](output), None

    def end(self, state):
        return self.final(self.reduce(state[0]))


class MHCv2(nn.Module):
    """Its mHCv2, streams beside the channels. Source: the package. Cost: as it says."""

    ROLES = roles("connections", MANIFOLD)

    def __init__(self, dims, norm, *, streams: int = 4):
        super().__init__()
        self.connections = nn.ModuleList(
            second.ManifoldConstrainedHyperConnections(streams, dim=dims.width, layer_index=i)
            for i in range(dims.num_sublayers)
        )
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.expand, self.reduce = second.get_expand_reduce_stream_functions(streams)

    def begin(self, x):
        return self.expand(x), None

    def read(self, sublayer, state):
        u, add = self.connections[sublayer](state[0])
        return self.norms[sublayer](u), (state[0], add)

    def write(self, sublayer, state, output):
        return state[1](output), None

    def end(self, state):
        return self.final(self.reduce(state[0]))


class OrthogonalUpdate(nn.Module):
    """Its OrthogonalResidualUpdate. Source: the package. Cost: none."""

    ROLES = {}

    def __init__(self, dims, norm):
        super().__init__()
        self.update = residuals.OrthogonalResidualUpdate()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)

    def begin(self, x):
        return x

    def read(self, sublayer, state):
        return self.norms[sublayer](state), state

    def write(self, sublayer, state, output):
        return self.update(output, state)

    def end(self, state):
        return self.final(state)


class MVSplit(nn.Module):
    """Its MVSplitResidualUpdate. Source: the package. Cost: 2 width a sublayer."""

    ROLES = roles("updates", {"alpha": Role.GAIN, "beta": Role.GAIN})

    def __init__(self, dims, norm):
        super().__init__()
        count = range(dims.num_sublayers)
        self.updates = nn.ModuleList(residuals.MVSplitResidualUpdate(dims.width) for _ in count)
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in count)
        self.final = norm(width=dims.width)

    def begin(self, x):
        return x

    def read(self, sublayer, state):
        return self.norms[sublayer](state), state

    def write(self, sublayer, state, output):
        return self.updates[sublayer](output, state)

    def end(self, state):
        return self.final(state)
