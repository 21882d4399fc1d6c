"""Static hyper-connections: exact at the start, mixed for real, equal to their unrolled sum."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from partbench.core.config import Config
from partbench.core.dims import resolve
from partbench.core.errors import ConfigError
from partbench.core.numerics import Numerics
from partbench.models.build import build
from partbench.parts.residual import lazy
from partbench.parts.residual.hyper_connections import HyperConnections
from partbench.testing import Subject
from partbench.testing.learning import gradients, train_briefly
from partbench.testing.subject import random_batch, shake

LEARNED = ("reads", "writes", "carries")
BASE = Config({"dims": {"depth": 3, "width": 32, "num_heads": 4, "context": 16}})
TOKENS = random_batch("hyper").inputs


def model(residual: Any, precision: str = "float64") -> nn.Module:
    numerics = Numerics(precision=precision)  # type: ignore[arg-type]
    return build(BASE.edit(residual=residual).resolved, vocab=32, seed=0, numerics=numerics)


def streams(count: int) -> dict[str, Any]:
    return {"part": "hyper_connections", "streams": count}


def bare(depth: int, width: int, count: int) -> HyperConnections:
    """Without norms, so that sums can be done by hand."""
    dims = resolve(depth=depth, width=width, num_heads=1, context=4)
    return HyperConnections(dims, lambda width: nn.Identity(), streams=count).double()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_they_start_exactly_at_pre_norm(count: int) -> None:
    gap = (model(streams(count))(TOKENS) - model("pre_norm")(TOKENS)).abs().max()
    assert gap < 1e-12
    narrow = model(streams(count), "float32")(TOKENS) - model("pre_norm", "float32")(TOKENS)
    assert narrow.abs().max() < 1e-5


def test_one_stream_that_only_carries_is_pre_norm_whatever_else_was_learned() -> None:
    one, plain = model(streams(1)), model("pre_norm")
    shake(plain, seed=4)
    one.load_state_dict(plain.state_dict(), strict=False)
    assert (one(TOKENS) - plain(TOKENS)).abs().max() < 1e-11


def test_two_streams_by_hand() -> None:
    part = bare(depth=1, width=2, count=2)
    with torch.no_grad():
        part.writes[0] = torch.tensor([1.0, 5.0])
        part.reads[1] = torch.tensor([2.0, -1.0])
        part.carries[1] = torch.tensor([[1.0, 2.0], [0.0, 3.0]])  # row: new stream, column: old
        part.writes[1] = torch.tensor([1.0, 0.0])
    state = part.begin(vector(1.0, 10.0))
    u, state = part.read(0, state)
    assert u.flatten().tolist() == [1.0, 10.0]
    state = part.write(0, state, vector(2.0, 3.0))
    assert part.streams(state)[0, 0].tolist() == [[3.0, 13.0], [11.0, 25.0]]
    u, state = part.read(1, state)
    assert u.flatten().tolist() == [2 * 3.0 - 11.0, 2 * 13.0 - 25.0]
    state = part.write(1, state, vector(1.0, -1.0))
    assert part.streams(state)[0, 0].tolist() == [[26.0, 62.0], [33.0, 75.0]]
    assert part.end(state).flatten().tolist() == [29.5, 68.5]


def vector(*numbers: float) -> Tensor:
    return torch.tensor(numbers).double().view(1, 1, -1)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_they_equal_their_unrolled_sum(count: int) -> None:
    # h_l is linear in the embedding and the outputs: u_l = sum_j M_lj v_j, M from the matrices.
    part = bare(depth=3, width=5, count=count)
    shake(part, seed=2, size=0.5)
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(7, 2, 3, 5, generator=generator).double()
    state, found = part.begin(values[0]), []
    for sublayer in range(6):
        u, state = part.read(sublayer, state)
        found.append(u)
        state = part.write(sublayer, state, values[sublayer + 1])
    found.append(part.end(state))
    heads = [*part.reads, torch.full((count,), 1 / count).double()]
    for sublayer, read in enumerate(heads):
        expected = torch.zeros(2, 3, 5).double()
        for j in range(sublayer + 1):
            weight = torch.ones(count).double() if j == 0 else part.writes[j - 1]
            for between in range(j, sublayer):
                weight = part.carries[between] @ weight
            expected += (read @ weight) * values[j]
        assert (found[sublayer] - expected).abs().max() < 1e-12, f"sublayer {sublayer}"


@pytest.mark.parametrize("most", [1, 4, 13])
def test_streams_are_the_same_wherever_they_are_made(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lazy, "MOST", most)
    part = bare(depth=3, width=5, count=3)
    shake(part, seed=2, size=0.5)
    values = torch.randn(7, 2, 3, 5, generator=torch.Generator().manual_seed(0)).double()
    state, streams = part.begin(values[0]), values[0].expand(3, 2, 3, 5)
    for sublayer in range(6):
        u, state = part.read(sublayer, state)
        expected = torch.einsum("i,ibtc->btc", part.reads[sublayer], streams)
        assert (u - expected).abs().max() < 1e-12
        state = part.write(sublayer, state, values[sublayer + 1])
        carried = torch.einsum("ij,jbtc->ibtc", part.carries[sublayer], streams)
        streams = carried + torch.einsum("i,btc->ibtc", part.writes[sublayer], values[sublayer + 1])
        assert len(state.rows) <= most + 3 + 1
    assert (part.streams(state) - streams.movedim(0, 2)).abs().max() < 1e-12
    assert (part.end(state) - streams.mean(0)).abs().max() < 1e-12


@pytest.mark.parametrize("name", LEARNED)
def test_each_matrix_of_each_sublayer_changes_what_comes_out(name: str) -> None:
    awake = model(streams(2))
    shake(awake, seed=1)
    before = awake(TOKENS)
    weight = awake.residual.get_parameter(name)
    for place in itertools.product(*(range(size) for size in weight.shape)):
        with torch.no_grad():
            kept = weight[place].item()
            weight[place] = kept + 0.3
            gap = (awake(TOKENS) - before).abs().max().item()
            weight[place] = kept
        # Streams are equal when sublayer 0 reads, and its norm removes the common factor.
        assert gap > 1e-3 or (name == "reads" and place[0] == 0), f"{name}{list(place)} is ignored"


def trained(steps: int) -> nn.Module:
    made = model(streams(4))
    train_briefly(Subject("residual", "hyper_connections"), made, steps)
    return made


def test_every_sublayers_matrices_get_gradients_after_two_steps() -> None:
    made = trained(2)
    slopes = gradients(made, made.score(random_batch("by heart")).mean())
    for name in LEARNED:
        for sublayer, slope in enumerate(slopes[f"residual.{name}"]):
            if (name, sublayer) != ("reads", 0):
                assert slope.norm() > 1e-9, f"{name}[{sublayer}] gets no gradient"


def test_the_streams_differ_after_ten_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    made, states = trained(10), []
    end = made.residual.end
    monkeypatch.setattr(made.residual, "end", lambda state: (states.append(state), end(state))[1])
    made(TOKENS)
    for one, other in itertools.combinations(made.residual.streams(states[0]).unbind(2), 2):
        assert (one - other).norm() > 1e-3 * one.norm(), "two streams stayed equal"


@pytest.mark.parametrize("count", [1, 2, 4])
def test_a_sublayer_costs_n_times_n_plus_two_numbers(count: int) -> None:
    made = model(streams(count))
    own = sum(made.residual.get_parameter(name).numel() for name in LEARNED)
    assert own == 6 * count * (count + 2)
    plain = sum(weight.numel() for weight in model("pre_norm").parameters())
    assert sum(weight.numel() for weight in made.parameters()) == plain + own
    # 1 to 6 rows read by the sublayers and 7 by the head, two FLOPs each a channel and token.
    assert made.residual.extra_flops() == 2 * (21 + 7) * 32 * 16


def test_carrying_by_the_identity_loses_nothing_in_bfloat16() -> None:
    # The plain stream stays in float32 under autocast; so must this one, or the arms differ in more
    # than the part.
    part = bare(depth=1, width=64, count=4).float()
    x = torch.randn(2, 3, 64, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        state = part.begin(x)
        u, state = part.read(0, state)
        state = part.write(0, state, torch.zeros(2, 3, 64, dtype=torch.bfloat16))
        end = part.end(state)
    assert torch.equal(u, x), "the read is rounded"
    streams = part.streams(state)
    assert torch.equal(streams, x.unsqueeze(2).expand(2, 3, 4, 64)), "the streams are rounded"
    assert torch.equal(end, x)


def test_no_streams_at_all_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"residual\.streams: 0 is not a whole number from 1 up"):
        model(streams(0))
