"""The plain decoder, one token at a time, in a third of the calls: what `generate` runs on CPUs.

    x <- x + O softmax(Q K^T) V,   x <- x + D (silu(G n) U n),   n = x / sqrt(mean(x^2) + eps) gain

A token's step is so small that calling its operations costs more than they do. Here queries, keys
and values come from one product, the scale lies in the queries' map, a rotation is one complex
product (the rows of the maps in the order of its pairs, which changes no score), and keys and
values lie in one cache, written in place. It equals `Transformer.step` (tested); `swift` gives None
for any model that is not made of exactly these parts.
"""

from typing import Any

import torch
from torch import Tensor

from partbench.models.transformer import Transformer
from partbench.parts.block.serial import Serial
from partbench.parts.embedding.token import TokenEmbedding
from partbench.parts.ffn.swiglu import SwiGLU
from partbench.parts.head.linear import LinearHead
from partbench.parts.head.tied import TiedHead
from partbench.parts.mixer.attention import Attention
from partbench.parts.norm.rmsnorm import RMSNorm
from partbench.parts.position.none import NoPosition
from partbench.parts.position.rotary import Rotary
from partbench.parts.position.turning import frequencies
from partbench.parts.probability.softmax import Softmax
from partbench.parts.residual.pre_norm import PreNorm
from partbench.parts.shapes import Tokens


def swift(model: Any, rows: int, capacity: int) -> "Swift | None":
    """The quick form for `rows` texts of at most `capacity` tokens; None where there is none."""
    return Swift(model, rows, capacity) if _plain(model) else None


class Swift:
    """Keys and values of the past, and the weights as a step wants them."""

    def __init__(self, model: Any, rows: int, capacity: int) -> None:
        dims = model.dims
        self.model = model
        self.heads, self.groups, self.width = dims.num_heads, dims.num_kv_heads, dims.head_width
        self.length = 0
        weight = model.embedding.weight
        self.turn = _turn(model.position, capacity, self.width, weight)
        order = _order(model.position, self.width)
        self.layers = []
        for index, (mixer, ffn) in enumerate(zip(model.mixers, model.ffns, strict=True)):
            # All maps are views, turned round once; the first is three of them in a row.
            query = mixer.query.weight.unflatten(0, (-1, self.width))[:, order] * mixer.sum.scale
            key = mixer.key.weight.unflatten(0, (-1, self.width))[:, order]
            three = torch.cat([query.flatten(0, 1), key.flatten(0, 1), mixer.value.weight])
            maps = (three, mixer.output.weight, ffn.gate.weight, ffn.up.weight, ffn.down.weight)
            room = weight.new_zeros(2, rows, self.groups, capacity, self.width)
            norms = (model.residual.norms[2 * index], model.residual.norms[2 * index + 1])
            self.layers.append((norms, [one.t() for one in maps], room))

    def step(self, tokens: Tokens) -> Tensor:
        """Logits after the last of `tokens` [batch, time]: a whole prompt first, then one each."""
        batch, time = tokens.shape
        assert time == 1 or self.length == 0, "a prompt comes whole"
        past, self.length = self.length, self.length + time
        turn = None if self.turn is None else self.turn[past : self.length]
        x = self.model.embedding(tokens).flatten(0, 1)
        for norms, (three, output, gate, up, down), room in self.layers:
            made = torch.mm(_normed(x, norms[0]), three).view(batch, time, -1, self.width)
            if turn is not None:
                both = made[:, :, : self.heads + self.groups].unflatten(-1, (-1, 2))
                torch.view_as_complex(both).mul_(turn)
            rest = made[:, :, self.heads :].unflatten(2, (2, self.groups))
            room[:, :, :, past : self.length].copy_(rest.permute(2, 0, 3, 1, 4))
            found = self._found(made[:, :, : self.heads], room[:, :, :, : self.length])
            x = x + torch.mm(found.view(x.shape[0], -1), output)
            n = _normed(x, norms[1])
            x += torch.mm(torch.nn.functional.silu(torch.mm(n, gate)).mul_(torch.mm(n, up)), down)
        last = _normed(x.view(batch, time, -1)[:, -1], self.model.residual.final)
        logits: Tensor = self.model.head(last)
        return logits

    def _found(self, query: Tensor, known: Tensor) -> Tensor:
        """What the queries [batch, time, head, width] find; scaled already."""
        batch, time = query.shape[:2]
        keys, values = known[0], known[1]
        if time > 1:
            found = torch.nn.functional.scaled_dot_product_attention(
                query.transpose(1, 2),
                keys,
                values,
                is_causal=True,
                scale=1.0,
                enable_gqa=self.heads != self.groups,
            )
            return found.transpose(1, 2).reshape(batch * time, -1)
        # The query heads of one group stand together.
        own = query.reshape(batch * self.groups, -1, self.width)
        weights = torch.bmm(own, keys.flatten(0, 1).mT).softmax(-1)
        return torch.bmm(weights, values.flatten(0, 1))


def _normed(x: Tensor, norm: Any) -> Tensor:
    return torch.rms_norm(x, norm.gain.shape, norm.gain, norm.eps)


def _turn(position: Any, capacity: int, width: int, like: Tensor) -> Tensor | None:
    """e^(i t theta) of every position and pair [capacity, 1, width / 2]; None without one."""
    if type(position) is NoPosition:
        return None
    theta = torch.tensor(frequencies(position.base, width), dtype=torch.float32).to(like)
    places = torch.arange(capacity, device=like.device).to(like.dtype)
    angle = places.view(-1, 1, 1) * theta
    return torch.polar(torch.ones_like(angle), angle)


def _order(position: Any, width: int) -> Tensor:
    """The channels of a head so that the two of a pair are neighbours."""
    order = torch.arange(width)
    if type(position) is Rotary and not position.interleaved:
        return order.view(2, -1).T.flatten()
    return order


def _plain(model: Any) -> bool:
    """Whether the model is made of exactly the parts that the quick form computes."""
    if type(model) is not Transformer or len(model.later_positions):
        return False
    dims, residual, position = model.dims, model.residual, model.position
    norms = [*getattr(residual, "norms", ()), getattr(residual, "final", None)]
    return (
        dims.depth_ratio == dims.width_ratio == 1
        and model.embedding.weight.dtype in (torch.float32, torch.float64)
        and type(model.embedding) is TokenEmbedding
        and (type(position) is NoPosition or (type(position) is Rotary and position.share == 1))
        and type(residual) is PreNorm
        and all(type(norm) is RMSNorm for norm in norms)
        and all(type(block) is Serial for block in model.blocks)
        and all(type(ffn) is SwiGLU for ffn in model.ffns)
        and all(_plain_mixer(mixer) for mixer in model.mixers)
        and type(model.head) in (LinearHead, TiedHead)
    )


def _plain_mixer(mixer: Any) -> bool:
    return (
        type(mixer) is Attention
        and type(mixer.sum.probability) is Softmax
        and mixer.gate is mixer.query_norm is mixer.window is mixer.sum.cap is None
        and mixer.query.bias is None
    )
