"""Parts of the package `x-transformers`, made to fit our slots.

    partbench audit examples/adapters/x_transformers.py:HyperConnection

Source: github.com/lucidrains/x-transformers, version 2.31.10.
"""

from torch import nn
from x_transformers import x_transformers as package

from partbench.core.roles import Role

SUBLAYERS = range(128)


def roles(holder, names):
    """ROLES of the package's parameters, which lie in one module a sublayer."""
    return {f"{holder}.{i}.{name}": role for i in SUBLAYERS for name, role in names.items()}


class HyperConnection(nn.Module):
    """Its HyperConnection, which is what num_residual_streams > 1 turns on. Cost: as it says."""

    ROLES = roles(
        "connections",
        {
            "norm.weight": Role.GAIN,
            "static_alpha": Role.MIXING,
            "static_beta": Role.MIXING,
            "dynamic_alpha_fn": Role.MIXING,
            "dynamic_alpha_scale": Role.SCALAR,
            "dynamic_beta_fn": Role.MIXING,
            "dynamic_beta_scale": Role.SCALAR,
        },
    )

    def __init__(self, dims, norm, *, streams: int = 4):
        super().__init__()
        self.connections = nn.ModuleList(
            package.HyperConnection(dims.width, layer_index=i, num_residual_streams=streams)
            for i in range(dims.num_sublayers)
        )
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.streams_ = streams

    def begin(self, x):
        return x.repeat_interleave(self.streams_, dim=0), None, None

    def read(self, sublayer, state):
        u, kept, more = self.connections[sublayer].prepare(state[0])
        return self.norms[sublayer](u), (state[0], kept, more)

    def write(self, sublayer, state, output):
        return self.connections[sublayer](output, state[1], **state[2]), None, None

    def end(self, state):
        return self.final(state[0].unflatten(0, (-1, self.streams_)).sum(1))


class GatedMultiResidual(nn.Module):
    """Its GatedMultiResidual. Cost: as it says."""

    ROLES = roles(
        "connections",
        {
            "read_gain": Role.GAIN,
            "static_read_logit": Role.MIXING,
            "static_write_logit": Role.MIXING,
            "to_bottleneck.weight": Role.READ,
            "to_read_gate.weight": Role.MIXING,
            "to_write_gate.weight": Role.MIXING,
            "dynamic_gate_scale": Role.SCALAR,
        },
    )

    def __init__(self, dims, norm, *, streams: int = 4, rank: int = 8):
        super().__init__()
        self.connections = nn.ModuleList(
            package.GatedMultiResidual(
                dims.width, layer_index=i, num_residual_streams=streams, read_gate_rank=rank
            )
            for i in range(dims.num_sublayers)
        )
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.streams_ = streams

    def begin(self, x):
        return x.repeat_interleave(self.streams_, dim=0), None, None

    def read(self, sublayer, state):
        u, kept, more = self.connections[sublayer].prepare(state[0])
        return self.norms[sublayer](u), (state[0], kept, more)

    def write(self, sublayer, state, output):
        return self.connections[sublayer](output, state[1], **state[2]), None, None

    def end(self, state):
        return self.final(state[0].unflatten(0, (-1, self.streams_)).sum(1))


class MVSplit(nn.Module):
    """Its MVSplitResidualUpdate. Cost: 2 width a sublayer."""

    ROLES = roles("updates", {"alpha": Role.GAIN, "beta": Role.GAIN})

    def __init__(self, dims, norm):
        super().__init__()
        count = range(dims.num_sublayers)
        self.updates = nn.ModuleList(package.MVSplitResidualUpdate(dims.width) for _ in count)
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


class Gated(nn.Module):
    """Its GRUGating. Cost: 6 width^2 a sublayer."""

    ROLES = roles(
        "updates",
        {
            "gru.weight_ih": Role.READ,
            "gru.weight_hh": Role.READ,
            "gru.bias_ih": Role.BIAS,
            "gru.bias_hh": Role.BIAS,
        },
    )

    def __init__(self, dims, norm):
        super().__init__()
        count = range(dims.num_sublayers)
        self.updates = nn.ModuleList(package.GRUGating(dims.width) for _ in count)
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


class RMSNorm(nn.Module):
    """Its RMSNorm. Cost: width."""

    ROLES = {"norm.g": Role.GAIN}

    def __init__(self, width):
        super().__init__()
        self.norm = package.RMSNorm(width)

    def forward(self, x):
        return self.norm(x)


class ScaleNorm(nn.Module):
    """Its ScaleNorm. Cost: one number."""

    ROLES = {"norm.g": Role.SCALAR}

    def __init__(self, width):
        super().__init__()
        self.norm = package.ScaleNorm(width)

    def forward(self, x):
        return self.norm(x)


class SwiGLU(nn.Module):
    """Its FeedForward with glu and swish, no bias. Cost: 8 width^2."""

    ROLES = {
        "inner.ff.0.proj.weight": Role.READ,
        "inner.ff.0.proj.bias": Role.BIAS,  # which no_bias does not leave out
        "inner.ff.2.weight": Role.WRITE,
    }

    def __init__(self, dims, *, ratio: float = 8 / 3):
        super().__init__()
        self.inner = package.FeedForward(dims.width, mult=ratio, glu=True, swish=True, no_bias=True)

    def forward(self, x, flow):
        return self.inner(x)


class Attention(nn.Module):
    """Its Attention, causal, with its own cache; positions are not handed in. Cost: 4 width^2."""

    ROLES = {
        "inner.to_q.weight": Role.READ,
        "inner.to_k.weight": Role.READ,
        "inner.to_v.weight": Role.READ,
        "inner.to_out.weight": Role.WRITE,
    }

    def __init__(self, dims, *, dropout: float = 0.0, flash: bool = False):
        super().__init__()
        self.inner = package.Attention(
            dims.width,
            heads=dims.num_heads,
            dim_head=dims.head_width,
            causal=True,
            dropout=dropout,
            flash=flash,
        )

    def forward(self, x, flow):
        return self.inner(x)

    def begin(self, batch, capacity):
        return None

    def step(self, x, flow, state):
        out, seen = self.inner(x, cache=state, return_intermediates=True)
        return out, seen
