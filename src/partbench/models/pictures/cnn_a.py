"""CNN-A: convolutions without norms, then one dense layer over all places: the older way.

    depth times:  x <- max of 2x2 of relu(convolution(x))         width / 2^(depth + 1) channels,
    head(relu(W vec(x) + b))                                      doubled each time

Source: LeCun et al. 1998, "Gradient-based learning applied to document recognition", with today's
relu and largest values. The note that calls two networks CNN-A and CNN-B (38.3 and 42.9 % on
CIFAR-10 after 10 epochs of SGD) says of them that both have about a million parameters and nothing
else; what they are here is our choice. Depth 2 and width 248 on 3x32x32 give 1,005,020.
"""

from collections.abc import Callable

import torch
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


class CNNA(nn.Module):
    """Pixels [batch, channel, height, width] -> log-probabilities [batch, 1, class].

    `dims.depth` halvings, `dims.width` features before the head.
    Cost: most parameters are in the dense layer, most FLOPs in the convolutions.
    """

    PHASES = ("train",)
    NEEDS = {"task": "pixels"}
    DEFAULTS = {"router": "softmax", "head": "mapped"}
    ROLES = {"dense": Role.READ, "shift": Role.BIAS}

    def __init__(
        self,
        dims: Dims,
        picture: Picture,
        router: Callable[..., nn.Module],
        head: Callable[..., Head],
    ) -> None:
        super().__init__()
        self.sides = halved(picture, dims.depth)
        first = divided(dims.width, 2 ** (dims.depth + 1))
        channels = [picture.channels, *(first << stage for stage in range(dims.depth))]
        self.convolutions = nn.ModuleList(
            Convolution(channels[i], channels[i + 1], bias=True) for i in range(dims.depth)
        )
        height, width = self.sides[-1]
        self.dense = nn.Parameter(torch.zeros(dims.width, channels[-1] * height * width))
        self.shift = nn.Parameter(torch.zeros(dims.width))
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
        found = 2 * (self.dense.numel() + self.answers)
        for convolution, side in zip(self.convolutions, self.sides, strict=False):
            found += convolution.flops(*side)  # type: ignore[operator]
        return found

    def _features(self, pixels: Tensor) -> Tensor:
        x = pixels.to(self.dense.dtype)
        for convolution in self.convolutions:
            x = nn.functional.max_pool2d(convolution(x).relu(), 2)
        return nn.functional.linear(x.flatten(1), self.dense, self.shift).relu()
