"""A small vision Transformer of the same parts as the one for text, over patches of a picture.

    x = P patch, one vector a patch, then position on the stream
    for each layer:   residual reads, mixer, residual writes;  residual reads, ffn, residual writes
    head(mean over patches of the residual's end)

Every patch sees every other, where the mixer has scores; mixers that scan go row by row.
Papers: Dosovitskiy et al. 2020, arXiv:2010.11929; the mean in place of a class token: Beyer et al.
2022, arXiv:2205.01580.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.errors import ConfigError
from partbench.core.picture import Picture
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models import accounting
from partbench.models.contract import Score
from partbench.models.pictures.answering import answered
from partbench.parts.flow import Flow
from partbench.parts.head import Head
from partbench.parts.position import Position
from partbench.parts.residual import MixesValues, Residual
from partbench.parts.shapes import Logits


class Patches(nn.Module):
    """x = P vec(patch): the picture cut into `dims.context` equal patches, row by row.

    P: [width, channels * height * width of a patch], role `embedding`.
    """

    ROLES = {"weight": Role.EMBEDDING}

    def __init__(self, dims: Dims, picture: Picture) -> None:
        super().__init__()
        side = math.isqrt(dims.context)
        if side * side != dims.context or picture.height % side or picture.width % side:
            fits = [n * n for n in range(1, min(picture[1:]) + 1)
                    if picture.height % n == picture.width % n == 0]  # fmt: skip
            near = min(fits, key=lambda n: abs(n - dims.context))
            raise ConfigError(
                f"dims.context: {dims.context} equal patches of a picture of {picture.height} x "
                f"{picture.width}; the nearest number that there can be is {near}"
            )
        self.cut = (picture.height // side, picture.width // side)
        self.weight = nn.Parameter(torch.zeros(dims.width, picture.channels * math.prod(self.cut)))
        self.context = dims.context

    def forward(self, pixels: Tensor) -> Tensor:
        """The stream [batch, patch, width]."""
        patches = nn.functional.unfold(pixels.to(self.weight.dtype), self.cut, stride=self.cut)
        return nn.functional.linear(patches.mT, self.weight)

    def extra_flops(self) -> int:
        """An embedding by product, not by look-up."""
        return 2 * self.weight.numel() * self.context


class VisionTransformer(nn.Module):
    """Pixels [batch, channel, height, width] -> log-probabilities [batch, 1, class].

    `dims.context` is the number of patches, a square: 16 patches of 2x2 pixels on 8x8.
    Cost: the sum of its parts.
    """

    PHASES = ("train",)
    PROVIDES = ("transfer",)
    NEEDS = {"task": "pixels"}
    TILED = ("mixer", "ffn")
    DEFAULTS = {
        "position": "learned",
        "norm": "layernorm",
        "mixer": "attention",
        "probability": "softmax",
        "ffn": "mlp",
        "router": "softmax",
        "residual": "pre_norm",
        "head": "mapped",
    }

    def __init__(
        self,
        dims: Dims,
        picture: Picture,
        position: Callable[..., Position],
        norm: Callable[..., nn.Module],
        mixer: Callable[..., nn.Module],
        probability: Callable[..., nn.Module],
        ffn: Callable[..., nn.Module],
        router: Callable[..., nn.Module],
        residual: Callable[..., Residual],
        head: Callable[..., Head],
    ) -> None:
        super().__init__()
        self.dims = dims
        self.patches = Patches(dims, picture)
        self.position = position()
        self.mixers = nn.ModuleList(
            mixer(layer=layer, norm=norm, probability=probability) for layer in range(dims.depth)
        )
        self.ffns = nn.ModuleList(
            ffn(layer=layer, norm=norm, probability=probability, router=router)
            for layer in range(dims.depth)
        )
        self.residual = residual(norm=norm, router=router)
        self.head = head(embedding=None, router=router)
        self.answers = dims.vocab * dims.width

    def score(self, batch: Batch) -> Score:
        """Score the class of every picture."""
        features, flow = self._features(batch.inputs)
        return answered(self.head, features, batch, flow.losses)

    def forward(self, pixels: Tensor) -> Logits:
        """Log-probabilities of the classes [batch, 1, class]."""
        return self.head(self._features(pixels)[0].unsqueeze(1))

    def flops(self) -> int:
        """Forward FLOPs of one picture; the head reads it once."""
        return accounting.flops(self, self.dims.context) - 2 * self.answers * (
            self.dims.context - 1
        )

    def _features(self, pixels: Tensor) -> tuple[Tensor, Flow]:
        x = self.patches(pixels)
        positions = torch.arange(x.shape[1], device=x.device)
        values = self.residual.values if isinstance(self.residual, MixesValues) else None
        flow = Flow(pixels, positions, self.position, values=values, causal=False)
        state = self.residual.begin(self.position.stream(x, flow))
        for layer in range(self.dims.depth):
            here = replace(flow, layer=layer)
            u, state = self.residual.read(2 * layer, state)
            written = self.mixers[layer](u, here) / self.dims.depth_ratio
            state = self.residual.write(2 * layer, state, written)
            u, state = self.residual.read(2 * layer + 1, state)
            written = self.ffns[layer](u, here) / self.dims.depth_ratio
            state = self.residual.write(2 * layer + 1, state, written)
        return self.residual.end(state).mean(1) / self.dims.width_ratio, flow
