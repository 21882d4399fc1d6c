"""CNN-B: pairs of normed convolutions, then the mean over all places.

    depth stages of two:  x <- relu(norm(convolution(x)))          width / 2^(depth - 1) channels,
    between stages:       x <- max of 2x2 of x                     doubled from stage to stage
    head(mean over places of x)

Source: stages: Simonyan and Zisserman 2014, arXiv:1409.1556; the mean in place of dense layers: Lin
et al. 2013, arXiv:1312.4400; a norm over the channels of each place: Liu et al. 2022,
arXiv:2201.03545. The note that calls two networks CNN-A and CNN-B says of them that both have about
a million parameters and nothing else; what they are here is our choice. Depth 4 and width 240 on
3x32x32 give 1,032,810.
"""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor, nn

from partbench.core.dims import Dims
from partbench.core.picture import Picture
from partbench.core.roles import Role
from partbench.data.batch import Batch
from partbench.models.contract import Score
from partbench.models.pictures.answering import answered, divided, halved
from partbench.models.pictures.convolution import Convolution
from partbench.parts.head import Head
from partbench.parts.shapes import Logits

PAIR = 2


class CNNB(nn.Module):
    """Pixels [batch, channel, height, width] -> log-probabilities [batch, 1, class].

    `dims.depth` stages, `dims.width` features before the head.
    Cost: about 18 width^2 parameters; the first stages have few of them and most of the places.
    """

    PHASES = ("train",)
    NEEDS = {"task": "pixels"}
    DEFAULTS = {"norm": "layernorm", "router": "softmax", "head": "mapped"}
    ROLES: ClassVar[dict[str, Role]] = {}

    def __init__(
        self,
        dims: Dims,
        picture: Picture,
        norm: Callable[..., nn.Module],
        router: Callable[..., nn.Module],
        head: Callable[..., Head],
    ) -> None:
        super().__init__()
        self.sides = halved(picture, dims.depth - 1)
        first = divided(dims.width, 2 ** (dims.depth - 1))
        channels = [picture.channels]
        channels += [first << stage for stage in range(dims.depth) for _ in range(PAIR)]
        self.convolutions = nn.ModuleList(
            Convolution(channels[i], channels[i + 1], bias=False) for i in range(PAIR * dims.depth)
        )
        self.norms = nn.ModuleList(norm(width=width) for width in channels[1:])
        self.head = head(embedding=None, router=router)
        self.answers = dims.vocab * dims.width

    def score(self, batch: Batch) -> Score:
        """Score the class of every picture."""
        return answered(self.head, self._features(batch.inputs), batch, {})

    def forward(self, pixels: Tensor) -> Logits:
        """Log-probabilities of the classes [batch, 1, class]."""
        return self.head(self._features(pixels).unsqueeze(1))

    def flops(self) -> int:
        """Forward FLOPs of one picture."""
        found = 2 * self.answers
        for i, convolution in enumerate(self.convolutions):
            found += convolution.flops(*self.sides[i // PAIR])  # type: ignore[operator]
        return found

    def _features(self, pixels: Tensor) -> Tensor:
        x = pixels.to(next(self.parameters()).dtype)
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms, strict=True)):
            if i and i % PAIR == 0:
                x = nn.functional.max_pool2d(x, 2)
            # Norms read the last axis: channels are put there and back, which copies nothing.
            x = norm(convolution(x).movedim(1, -1)).movedim(-1, 1).relu()
        return x.mean((2, 3))
