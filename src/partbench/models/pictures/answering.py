"""From what a model knows of a picture to its answer, through the `head` part."""

from torch import Tensor

from partbench.core.errors import ConfigError
from partbench.core.picture import Picture
from partbench.data.batch import Batch
from partbench.models.contract import Score
from partbench.parts.head import Answer, Head


def answered(head: Head, features: Tensor, batch: Batch, extra: dict[str, Tensor]) -> Score:
    """The score of pictures whose features are [batch, width]; a picture is a text of one token."""
    answer = Answer(*head.score(features.unsqueeze(1), batch.targets, batch.weights))
    losses = {**extra, "z_loss": answer.z_loss}
    return Score(answer.nll, batch.weights, losses, answer.correct, answer.confidence)


def halved(picture: Picture, times: int) -> list[tuple[int, int]]:
    """Height and width before each of so many halvings, and after the last.

    Raises ConfigError where the picture is too small for them.
    """
    sides = [(picture.height >> i, picture.width >> i) for i in range(times + 1)]
    if min(sides[-1]) < 1:
        most = min(picture.height, picture.width).bit_length() - 1
        raise ConfigError(
            f"dims.depth: {times} halvings of a picture of {picture.height} x {picture.width}; "
            f"at most {most}"
        )
    return sides


def divided(width: int, by: int) -> int:
    """width / by; ConfigError where it is no whole number."""
    if width % by:
        near = max(1, round(width / by)) * by
        raise ConfigError(
            f"dims.width: {width} is no multiple of {by}, which this depth needs; the nearest is "
            f"{near}"
        )
    return width // by
