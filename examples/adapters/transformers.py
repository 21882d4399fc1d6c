"""Modules of the package `transformers`, made to fit our slots.

    partbench audit examples/adapters/transformers.py:DeepseekV4Streams

Weights are drawn by the lab where they are matrices of a role, else they start as the package's own
`_init_weights` sets them. Source: github.com/huggingface/transformers, version 5.23.0.
"""

from types import SimpleNamespace

import torch
from torch import nn
from transformers.models.deepseek_v4 import modeling_deepseek_v4 as deepseek
from transformers.models.gpt2 import modeling_gpt2 as gpt2
from transformers.models.llama import modeling_llama as llama

from partbench.core.roles import Role

SUBLAYERS = range(128)


class RMSNorm(nn.Module):
    """LlamaRMSNorm. Cost: width."""

    ROLES = {"norm.weight": Role.GAIN}

    def __init__(self, width):
        super().__init__()
        self.norm = llama.LlamaRMSNorm(width, eps=1e-6)

    def forward(self, x):
        return self.norm(x)


class LlamaFeedForward(nn.Module):
    """LlamaMLP. Cost: 8 width^2."""

    ROLES = {
        "inner.gate_proj.weight": Role.READ,
        "inner.up_proj.weight": Role.READ,
        "inner.down_proj.weight": Role.WRITE,
    }

    def __init__(self, dims, *, ratio: float = 8 / 3):
        super().__init__()
        settings = SimpleNamespace(
            hidden_size=dims.width,
            intermediate_size=round(ratio * dims.width),
            mlp_bias=False,
            hidden_act="silu",
        )
        self.inner = llama.LlamaMLP(settings)

    def forward(self, x, flow):
        return self.inner(x)


class GPT2FeedForward(nn.Module):
    """GPT2MLP, whose Conv1D keeps matrices as [in, out]. Cost: 8 width^2."""

    ROLES = {
        "inner.c_fc.weight": Role.READ,
        "inner.c_fc.bias": Role.BIAS,
        "inner.c_proj.weight": Role.WRITE,
        "inner.c_proj.bias": Role.BIAS,
    }

    def __init__(self, dims, *, dropout: float = 0.1):
        super().__init__()
        settings = SimpleNamespace(
            hidden_size=dims.width, activation_function="gelu_new", resid_pdrop=dropout
        )
        self.inner = gpt2.GPT2MLP(4 * dims.width, settings)

    def forward(self, x, flow):
        return self.inner(x)


class DeepseekV4Streams(nn.Module):
    """DeepseekV4HyperConnection and HyperHead, started as the package starts them.

    Cost: as they say.
    """

    ROLES = {
        f"connections.{i}.{name}": role
        for i in SUBLAYERS
        for name, role in {"fn": Role.MIXING, "base": Role.MIXING, "scale": Role.SCALAR}.items()
    } | {"head.hc_fn": Role.MIXING, "head.hc_base": Role.MIXING, "head.hc_scale": Role.SCALAR}

    def __init__(self, dims, norm, *, streams: int = 4, spread: float = 0.02):
        super().__init__()
        settings = SimpleNamespace(
            hc_mult=streams,
            hc_sinkhorn_iters=20,
            hc_eps=1e-6,
            rms_norm_eps=1e-6,
            hidden_size=dims.width,
        )
        self.connections = nn.ModuleList(
            deepseek.DeepseekV4HyperConnection(settings) for _ in range(dims.num_sublayers)
        )
        self.head = deepseek.DeepseekV4HyperHead(settings)
        for one in self.connections:
            nn.init.normal_(one.fn, std=spread)
            nn.init.zeros_(one.base)
            nn.init.ones_(one.scale)
        nn.init.normal_(self.head.hc_fn, std=spread)
        nn.init.zeros_(self.head.hc_base)
        nn.init.ones_(self.head.hc_scale)
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.width_ = streams

    def begin(self, x):
        return x.unsqueeze(2).repeat(1, 1, self.width_, 1), None, None

    def read(self, sublayer, state):
        post, comb, u = self.connections[sublayer](state[0])
        return self.norms[sublayer](u), (state[0], post, comb)

    def write(self, sublayer, state, output):
        # As in DeepseekV4DecoderLayer.forward.
        streams, post, comb = state
        kind = streams.dtype
        mixed = torch.matmul(comb.to(kind).transpose(-1, -2), streams)
        return post.to(kind).unsqueeze(-1) * output.unsqueeze(-2) + mixed, None, None

    def end(self, state):
        return self.final(self.head(state[0]))
