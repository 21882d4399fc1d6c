"""The Transformer decoder as a row of slots, in the order in which a token passes them.

    x = embedding(tokens), then position on the stream
    for each layer:   block: residual reads, mixer, residual writes;  reads, ffn, writes
    head(residual's end)

Every slot is a folder in `parts/`; norms belong to the residual (and to mixers that ask for one),
positions also reach queries, keys and scores through the mixer. The defaults are Transformer++.
Papers: Vaswani et al. 2017, arXiv:1706.03762; decoder only: Liu et al. 2018, arXiv:1801.10198.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import InputError
from partbench.core.factory import Factory
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models import accounting
from partbench.models.contract import Score
from partbench.parts.flow import Flow
from partbench.parts.head import Answer, Head
from partbench.parts.mixer import Mixer
from partbench.parts.position import Position
from partbench.parts.residual import MixesValues, Residual
from partbench.parts.shapes import Logits, Reads, Stream, Tokens


class State(NamedTuple):
    """Decoding: each mixer's cache, how many tokens are in it and how many fit.

    padding: how many of the first tokens of each row are none [batch], or None.
    """

    caches: list[Any]
    length: int
    capacity: int
    padding: Tensor | None = None


class Transformer(nn.Module):
    """Tokens [batch, time] -> logits [batch, time, vocab], causal.

    Each slot's factory builds one part; a list in the configuration is tiled over depth.
    Settings: biases = false leaves out every bias of every part, whatever their own settings say.
    Cost: the sum of its parts.
    """

    PHASES = ("train",)
    PROVIDES = ("transfer", "left_padding")
    TILED = ("mixer", "ffn", "position")
    HANDED = ("norm", "probability", "router")
    DEFAULTS = {
        "embedding": "token",
        "position": "rotary",
        "norm": "rmsnorm",
        "mixer": "attention",
        "probability": "softmax",
        "ffn": "swiglu",
        "router": "softmax",
        "block": "serial",
        "residual": "pre_norm",
        "head": "linear",
    }

    def __init__(
        self,
        dims: Dims,
        embedding: Callable[..., nn.Module],
        position: Factory,
        norm: Callable[..., nn.Module],
        mixer: Callable[..., nn.Module],
        probability: Callable[..., nn.Module],
        ffn: Callable[..., nn.Module],
        router: Callable[..., nn.Module],
        block: Callable[..., nn.Module],
        residual: Callable[..., Residual],
        head: Callable[..., Head],
        *,
        biases: bool = True,
    ) -> None:
        super().__init__()
        self.dims = dims
        self.embedding = embedding()
        self.position = position()
        # Of a list, those of the layers after the first, until it begins again.
        self.later_positions = nn.ModuleList(position(layer=i) for i in range(1, len(position)))
        self.mixers = nn.ModuleList(
            mixer(layer=layer, norm=norm, probability=probability) for layer in range(dims.depth)
        )
        self.ffns = nn.ModuleList(
            ffn(layer=layer, norm=norm, probability=probability, router=router)
            for layer in range(dims.depth)
        )
        self.blocks = nn.ModuleList(block(layer=layer, norm=norm) for layer in range(dims.depth))
        self.residual = residual(norm=norm, router=router)
        self.head = head(embedding=self.embedding, router=router)
        if not biases:
            accounting.leave_out(self, Role.BIAS)

    def score(self, batch: Batch) -> Score:
        """Score every target given the tokens before it."""
        x, flow = self._stream(batch.inputs)
        answer = Answer(*self.head.score(x, batch.targets, batch.weights))
        flow.charge("z_loss", answer.z_loss)
        return Score(answer.nll, batch.weights, flow.losses, answer.correct, answer.confidence)

    def forward(self, tokens: Tokens) -> Logits:
        """Logits after each token."""
        return self.head(self._stream(tokens)[0])

    def begin(self, batch: int, capacity: int, padding: Tensor | None = None) -> State:
        """An empty state for `batch` sequences; InputError beyond what positions allow.

        padding [batch]: how many tokens at the beginning of each row will be none. What a row gets
        after them is what it gets alone. InputError where a part cannot leave them out.
        """
        self._refuse_beyond(capacity)
        if padding is not None:
            for part in [*self.mixers, *self._positions()]:
                if "left_padding" not in getattr(part, "PROVIDES", ()):
                    raise InputError(
                        f"{type(part).__name__} cannot leave out padding (it does not PROVIDE "
                        f"'left_padding'); give one text at a time"
                    )
        caches = [self._mixer(i).begin(batch, capacity) for i in range(self.dims.depth)]
        return State(caches, 0, capacity, padding)

    def step(self, tokens: Tokens, state: State) -> tuple[Logits, State]:
        """Logits after each of the next tokens, from the caches of all before them."""
        if state.length + tokens.shape[1] > state.capacity:
            raise InputError(f"decoding: the state was begun for {state.capacity} tokens, no more")
        caches = list(state.caches)

        def mix(layer: int, flow: Flow, x: Reads) -> Stream:
            y, caches[layer] = self._mixer(layer).step(x, flow, caches[layer])
            return y

        x, _ = self._trunk(tokens, state.length, mix, state.padding)
        return self.head(x), state._replace(caches=caches, length=state.length + tokens.shape[1])

    def flops(self) -> int:
        """Forward FLOPs of one sequence of `dims.context` tokens."""
        return accounting.flops(self, self.dims.context)

    def _mixer(self, layer: int) -> Mixer:
        return cast(Mixer, self.mixers[layer])  # the list says nn.Module; the slot says Mixer

    def _positions(self) -> list[Position]:
        return [self.position, *cast(list[Position], self.later_positions)]

    def _stream(self, tokens: Tokens) -> tuple[Stream, Flow]:
        self._refuse_beyond(tokens.shape[1])
        return self._trunk(tokens, 0, lambda layer, flow, x: self.mixers[layer](x, flow))

    def _trunk(
        self,
        tokens: Tokens,
        past: int,
        mix: Callable[[int, Flow, Reads], Stream],
        padding: Tensor | None = None,
    ) -> tuple[Stream, Flow]:
        positions = torch.arange(past, past + tokens.shape[1], device=tokens.device)
        values = self.residual.values if isinstance(self.residual, MixesValues) else None
        flow = Flow(tokens, positions, self.position, values=values, padding=padding)
        x = self.embedding(tokens)
        for position in self._positions():
            x = position.stream(x, flow)
        state = self.residual.begin(x)
        for layer, (block, ffn) in enumerate(zip(self.blocks, self.ffns, strict=True)):
            position = self._positions()[layer % len(self._positions())]
            # A flow of its own, so that a layer can be computed again.
            here = replace(flow, layer=layer, position=position)
            mixed, fed = partial(mix, layer, here), partial(ffn, flow=here)
            # No call: hooks on modules want tensors, and what a state is made of is the residual's.
            state = block.forward(layer, state, self.residual, self._share(mixed), self._share(fed))
        return self._before_head(self.residual.end(state)), flow

    def _share(self, sublayer: Callable[[Any], Stream]) -> Callable[[Any], Stream]:
        """The sublayer, its output divided by `dims.depth_ratio`."""
        ratio = self.dims.depth_ratio
        return sublayer if ratio == 1 else lambda read: sublayer(read) / ratio

    def _before_head(self, x: Stream) -> Stream:
        """What the head reads, divided by `dims.width_ratio`: in training and decoding alike."""
        return x if self.dims.width_ratio == 1 else x / self.dims.width_ratio

    def _refuse_beyond(self, length: int) -> None:
        ends = [p.longest for p in self._positions() if p.longest is not None]
        longest = min(ends, default=length)
        if length > longest:
            raise InputError(
                f"{length} tokens, but this model's positions end at {longest} (dims.context); "
                f"shorten the text or train with a longer context"
            )
