"""What the audit found in installed public packages: each finding shown without the audit, too.

docs/audit-of-public-packages.md tells of them. A finding that a later version mends fails here.
"""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from partbench.testing import Subject
from partbench.testing.audit import audit
from partbench.testing.audit.collapse import averaging, stream_collapse
from partbench.testing.audit.convention import map_convention, stream_convention
from partbench.testing.audit.future import future_leak
from partbench.testing.audit.gradients import dead_gradient
from partbench.testing.audit.growth import growth

ADAPTERS = Path(__file__).resolve().parents[2] / "examples" / "adapters"

pytestmark = pytest.mark.slow


def adapted(package: str, name: str, slot: str = "residual") -> Subject:
    pytest.importorskip(package, reason=f"{package} is not installed (dev extra)")
    return Subject(slot, f"{ADAPTERS / package}.py:{name}")


def verdict(check: Any, subject: Subject) -> str:
    row = check(subject)
    return row.verdict if row else "nothing"


def drawn(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def mixed(connection: Any, streams: Tensor) -> Tensor:
    """What x-transformers' HyperConnection carries on, [batch, time, n, width]."""
    return connection.prepare(streams)[1]


def test_x_transformers_carries_the_sum_of_all_streams_whatever_it_learned() -> None:
    """Its map is cut to [.., 1, n] before Sinkhorn, so that every entry becomes one."""
    subject = adapted("x_transformers", "HyperConnection")
    from x_transformers.x_transformers import HyperConnection

    connection = HyperConnection(8, layer_index=0, num_residual_streams=4)
    folded = drawn(4, 3, 8)  # one sequence, four streams
    total = folded.sum(0)
    for _ in range(2):
        carried = mixed(connection, folded)
        for stream in range(4):
            torch.testing.assert_close(carried[0, :, stream], total)
        with torch.no_grad():
            connection.static_alpha[:, 1:] += 5 * drawn(4, 4)
    mixed(connection, folded).square().sum().backward()
    assert connection.static_alpha.grad is not None
    assert connection.static_alpha.grad[:, 1:].abs().max() < 1e-6 * folded.square().sum()
    for check in (averaging, stream_collapse, growth):
        assert verdict(check, subject) == "fail", check.__name__


def moved_by_the_future(**settings: Any) -> float:
    """How far tokens from the tenth on move a decoder's earlier logits."""
    from x_transformers import Decoder, TransformerWrapper

    torch.manual_seed(0)
    layers = Decoder(dim=32, depth=2, heads=4, **settings)
    model = TransformerWrapper(num_tokens=32, max_seq_len=16, attn_layers=layers).eval()
    tokens = torch.arange(16).unsqueeze(0)
    other = torch.cat([tokens[:, :10], tokens[:, 10:] + 7], dim=1)
    return (model(tokens) - model(other))[:, :10].abs().max().item()


def test_x_transformers_decoder_with_mv_split_sees_the_future() -> None:
    subject = adapted("x_transformers", "MVSplit")
    assert moved_by_the_future() == 0
    assert moved_by_the_future(mv_split_residual=True) > 1e-3
    assert verdict(future_leak, subject) == "fail"


def test_hyper_connections_mv_split_is_the_same_mean_over_time() -> None:
    subject = adapted("hyper_connections", "MVSplit")
    from hyper_connections.residuals import MVSplitResidualUpdate

    update, x = MVSplitResidualUpdate(8), drawn(1, 6, 8)
    later = torch.cat([x[:, :3], x[:, 3:] + 1], dim=1)
    assert (update(x, x) - update(later, later))[:, :3].abs().max() > 1e-3
    assert verdict(future_leak, subject) == "fail"


def test_x_transformers_feed_forward_keeps_the_bias_of_its_gate() -> None:
    adapted("x_transformers", "SwiGLU", "ffn")
    from x_transformers.x_transformers import FeedForward

    names = [name for name, _ in FeedForward(8, glu=True, no_bias=True).named_parameters()]
    assert [name for name in names if name.endswith("bias")] == ["ff.0.proj.bias"]


@pytest.mark.parametrize("name", ["MHC", "MHCv2"])
def test_hyper_connections_mhc_averages_its_streams_within_four_sublayers(name: str) -> None:
    subject = adapted("hyper_connections", name)
    from hyper_connections.manifold_constrained_hyper_connections import sinkhorn_knopps

    start = sinkhorn_knopps(torch.eye(4), iters=20)
    second = torch.linalg.eigvalsh(start)[-2].item()
    assert second == pytest.approx((torch.e - 1) / (torch.e + 3), abs=1e-5)
    assert second**4 < 0.01
    assert verdict(averaging, subject) == "warn"


@pytest.mark.parametrize("name", ["MHC", "MHCv2"])
def test_hyper_connections_mhc_leaves_the_forward_sums_open(name: str) -> None:
    """tests/parts/test_residual_peers.py shows it on the package's own function."""
    row = stream_convention(adapted("hyper_connections", name))
    assert row is not None
    assert row.verdict == "warn"
    assert "rows (the stream forward) do not" in row.found


@pytest.mark.parametrize("name", ["MHC", "MHCv2"])
def test_hyper_connections_mhc_scale_of_its_dynamic_carry_is_hardly_felt(name: str) -> None:
    row = dead_gradient(adapted("hyper_connections", name))
    assert row is not None
    assert row.verdict == "warn"
    assert "residual_scale" in row.found


def test_deepseek_v4_streams_started_from_nothing_are_averaged_over_the_depth() -> None:
    """A checkpoint's maps are what they are: this is about training from the package's start,

    normal maps of spread .02 around a constant part of zero, which by itself is 1/4 everywhere.
    """
    subject = adapted("transformers", "DeepseekV4Streams")
    part: Any = subject.model("float32", awake=False).residual
    with torch.no_grad():
        part.connections[0].fn.zero_()
    _, carry, _ = part.connections[0](drawn(1, 2, 4, 32))
    assert (carry - 0.25).abs().max() < 1e-4
    row = averaging(subject)
    assert row is not None
    assert row.verdict == "warn"


def test_gpt2_keeps_its_matrices_the_other_way_round() -> None:
    row = map_convention(adapted("transformers", "GPT2FeedForward", "ffn"))
    assert row is not None
    assert row.found == "applied as x W: ffns.*.inner.c_fc.weight, ffns.*.inner.c_proj.weight"


SMALL = [
    ("x_transformers", "Gated", "residual", {"growth", "rounding"}),
    ("x_transformers", "Attention", "mixer", {"cached decoding"}),
    ("transformers", "DeepseekV4Streams", "residual", {"cached decoding", "stream averaging"}),
]


@pytest.mark.parametrize(("package", "name", "slot", "checks"), SMALL)
def test_small_warnings_are_these_and_no_others(package, name, slot, checks) -> None:
    rows = [row for row in audit(adapted(package, name, slot)) if row.verdict != "pass"]
    assert {row.check for row in rows} == checks, rows
    assert {row.verdict for row in rows} == {"warn"}


SOUND = [
    ("hyper_connections", "HyperConnections", "residual"),
    ("hyper_connections", "OrthogonalUpdate", "residual"),
    ("x_transformers", "GatedMultiResidual", "residual"),
    ("x_transformers", "RMSNorm", "norm"),
    ("x_transformers", "ScaleNorm", "norm"),
    ("x_transformers", "SwiGLU", "ffn"),
    ("entmax", "Sparsemax", "probability"),
    ("entmax", "Entmax15", "probability"),
    ("entmax", "Bisect", "probability"),
    ("entmax", "SparsemaxBisect", "probability"),
    ("transformers", "RMSNorm", "norm"),
    ("transformers", "LlamaFeedForward", "ffn"),
    ("pytorch_optimizer", "SOAP", "optimizer"),
    ("pytorch_optimizer", "Lion", "optimizer"),
    ("pytorch_optimizer", "ScheduleFree", "optimizer"),
    ("pytorch_optimizer", "AdEMAMix", "optimizer"),
    ("pytorch_optimizer", "Shampoo", "optimizer"),
]


@pytest.mark.parametrize(("package", "name", "slot"), SOUND)
def test_what_passes_is_said_to_pass(package: str, name: str, slot: str) -> None:
    rows = audit(adapted(package, name, slot))
    assert [row for row in rows if row.verdict != "pass"] == []
