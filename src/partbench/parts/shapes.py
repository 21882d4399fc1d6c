"""Shapes, named once and used in every signature. Checked in tests only.

batch: sequences; time: positions in a sequence; width: channels of the residual stream;
head: query heads; group: key-value heads; key: positions looked at; head_width: channels of one
head, value_width: of its values, where they differ; vocab: tokens there are; choice: what is
weighed against each other (keys, experts).
"""

from jaxtyping import Float, Int
from torch import Tensor

Tokens = Int[Tensor, "batch time"]
Pixels = Float[Tensor, "batch channel height width"]
Positions = Int[Tensor, " time"]
Keys = Int[Tensor, " key"]
Stream = Float[Tensor, "batch time width"]
Heads = Float[Tensor, "batch head time head_width"]
Groups = Float[Tensor, "batch group key head_width"]
Reads = Stream | tuple[Stream, Stream, Stream]  # one, or one each for query, key and value
Values = Float[Tensor, "batch group key value_width"]
Found = Float[Tensor, "batch head time value_width"]
Vectors = Float[Tensor, "*any width"]
Scores = Float[Tensor, "batch head time key"]
Choices = Float[Tensor, "*any choice"]
Logits = Float[Tensor, "batch time vocab"]
Losses = Float[Tensor, "batch time"]
