"""Slot `residual`: how what the sublayers write is carried through depth.

One object a model owns everything about the residual stream: its layout, how a sublayer reads from
it, how it writes back, and all norms on the way. So pre-norm, post-norm, hyper-connections, value
residuals, skips and attention over depth are parts, not models. State is explicit and opaque to
everybody else; sublayer l counts mixers and feed-forwards separately, 0 .. 2 depth - 1.
"""

from typing import Any, Protocol, TypeGuard, runtime_checkable

from torch import Tensor

from partbench.parts.flow import Flow
from partbench.parts.residual.altup import AltUp
from partbench.parts.residual.attention_residuals import AttentionResiduals
from partbench.parts.residual.deep_norm import DeepNorm
from partbench.parts.residual.dense_former import DenseFormer
from partbench.parts.residual.dynamic_hyper_connections import DynamicHyperConnections
from partbench.parts.residual.dynamic_mhc import DynamicMHC
from partbench.parts.residual.frac_connections import FracConnections
from partbench.parts.residual.hyper_connections import HyperConnections
from partbench.parts.residual.laurel import LAuReL
from partbench.parts.residual.laurel_previous import LAuReLPrevious
from partbench.parts.residual.layer_scale import LayerScale
from partbench.parts.residual.mhc import MHC
from partbench.parts.residual.mudd import MUDD
from partbench.parts.residual.orthogonal import Orthogonal
from partbench.parts.residual.orthogonal_parallel import OrthogonalParallel
from partbench.parts.residual.post_norm import PostNorm
from partbench.parts.residual.pre_norm import PreNorm
from partbench.parts.residual.rezero import ReZero
from partbench.parts.residual.sandwich import Sandwich
from partbench.parts.residual.unet_skips import UNetSkips
from partbench.parts.residual.value_embeddings import ValueEmbeddings
from partbench.parts.residual.value_residual import ValueResidual
from partbench.parts.residual.x0_skip import X0Skip
from partbench.parts.shapes import Reads, Stream


@runtime_checkable
class Residual(Protocol):
    """h = begin(x);  u, h = read(l, h);  h = write(l, h, F_l(u));  x = end(h)."""

    def begin(self, x: Stream) -> Any:
        """The state that holds the embedded tokens."""
        ...

    def read(self, sublayer: int, state: Any) -> tuple[Reads, Any]:
        """What sublayer `sublayer` works on (normed where that is the way), and the state.

        One stream, or three for the query, key and value of a mixer that PROVIDES
        "reads_three_streams", which the part then NEEDS.
        """
        ...

    def write(self, sublayer: int, state: Any, output: Stream) -> Any:
        """The state after the sublayer has answered."""
        ...

    def end(self, state: Any) -> Stream:
        """What the head reads (normed where that is the way)."""
        ...


@runtime_checkable
class MixesValues(Protocol):
    """A residual part with a say in what mixers attend to; it NEEDS a mixer that "mixes_values"."""

    def values(self, value: Tensor, flow: Flow) -> Tensor:
        """In place of layer `flow.layer`'s own values [batch, head, time, head_width]."""
        ...


@runtime_checkable
class Streams(Protocol):
    """A residual part whose state is no plain stream says to probes what it holds."""

    def streams(self, state: Any) -> Tensor:
        """All streams [batch, time, n, width]."""
        ...


@runtime_checkable
class Carries(Protocol):
    """A residual part with several streams says to probes how it mixes them."""

    def carry(self, sublayer: int, state: Any) -> Tensor:
        """R [.., new, old] of the sublayer that was read last."""
        ...


def tells_streams(part: object) -> TypeGuard[Streams]:
    """Whether a part keeps that promise: an attribute `streams` may as well be their number."""
    return isinstance(part, Streams) and callable(part.streams)


def tells_carries(part: object) -> TypeGuard[Carries]:
    """The same of `carry`."""
    return isinstance(part, Carries) and callable(part.carry)


PARTS = {
    "pre_norm": PreNorm,
    "post_norm": PostNorm,
    "deep_norm": DeepNorm,
    "sandwich": Sandwich,
    "layer_scale": LayerScale,
    "rezero": ReZero,
    "laurel": LAuReL,
    "laurel_previous": LAuReLPrevious,
    "orthogonal": Orthogonal,
    "orthogonal_parallel": OrthogonalParallel,
    "hyper_connections": HyperConnections,
    "dynamic_hyper_connections": DynamicHyperConnections,
    "frac_connections": FracConnections,
    "mhc": MHC,
    "dynamic_mhc": DynamicMHC,
    "altup": AltUp,
    "value_residual": ValueResidual,
    "value_embeddings": ValueEmbeddings,
    "x0_skip": X0Skip,
    "unet_skips": UNetSkips,
    "dense_former": DenseFormer,
    "mudd": MUDD,
    "attention_residuals": AttentionResiduals,
}
