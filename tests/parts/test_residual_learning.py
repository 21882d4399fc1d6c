"""Several streams mix for real and learn; the bugs of public code, planted, are found."""

from typing import Any

import pytest
import torch
from tests.parts.residual_suite import (
    bare,
    draw,
    every_number_learns,
    every_number_matters,
    gain_is_that_of_the_carries,
    model,
    name_of,
    several,
    starts_at_pre_norm,
    streams_differ,
    trained,
)
from torch import Tensor

from partbench.parts.residual import lazy
from partbench.parts.residual.carries import CARRIES
from partbench.parts.residual.hyper_connections import HyperConnections
from partbench.testing.subject import shake

FAST = [
    {"part": "hyper_connections", "streams": 4},
    {"part": "mhc", "streams": 4, "carry": "sinkhorn"},
    {"part": "dynamic_mhc", "streams": 4, "carry": "sinkhorn"},
]
LEARNED = [
    pytest.param(r, id=name_of(r), marks=[] if r in FAST else [pytest.mark.slow])
    for n in (2, 4)
    for r in several(n)
]

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("residual", LEARNED)
def test_every_number_gets_a_gradient_after_two_steps(residual: dict[str, Any]) -> None:
    every_number_learns(trained(residual, 2))


@pytest.mark.parametrize("residual", LEARNED)
def test_every_number_changes_what_comes_out(residual: dict[str, Any]) -> None:
    made = model(residual)
    shake(made, seed=1)
    every_number_matters(made)


@pytest.mark.parametrize("residual", LEARNED)
def test_no_two_streams_are_equal_after_ten_steps(residual: dict[str, Any]) -> None:
    streams_differ(trained(residual, 10))


@pytest.mark.parametrize("residual", LEARNED)
def test_the_streams_are_those_the_carries_make(residual: dict[str, Any]) -> None:
    part = bare(residual)
    shake(part, seed=1)
    gain_is_that_of_the_carries(part)


# The bugs. Each is planted in a sound part, and the check that is there for it must fail.


def test_a_carry_that_is_computed_and_thrown_away_is_found(monkeypatch: Any) -> None:
    """Streams returned unmixed: a year of `hyper-connections`, and tokenbender's HC."""

    def unmixed(self: Any, sublayer: int, state: Any, output: Tensor) -> Any:
        eye = torch.eye(state.shares.shape[0], dtype=state.shares.dtype)
        maps = state.maps._replace(carries=(eye,) * len(state.maps.carries))
        found = lazy.write(sublayer, state._replace(maps=maps), output)
        return found._replace(maps=state.maps)

    residual = {"part": "hyper_connections", "streams": 4}
    monkeypatch.setattr(HyperConnections, "write", unmixed)
    starts_at_pre_norm(model(residual))  # nothing shows at the start
    made = model(residual)
    shake(made, seed=1)
    with pytest.raises(AssertionError, match=r"carries\[1\] changes nothing"):
        every_number_matters(made)
    with pytest.raises(AssertionError, match="carries gets no gradient"):
        every_number_learns(trained(residual, 2))
    part = bare(residual)
    shake(part, seed=1)
    with pytest.raises(AssertionError, match="not those the carries make"):
        gain_is_that_of_the_carries(part)


def test_a_sinkhorn_that_is_frozen_where_it_starts_is_found(monkeypatch: Any) -> None:
    """Logits 0 and -8 at temperature .05: exp(-160) is zero in float32, and so is every slope."""
    sound = CARRIES["sinkhorn"]
    frozen = sound._replace(
        start=lambda n, keep: (8 * torch.eye(n) - 8).flatten(),
        matrix=lambda z, n, found=None: sound.matrix(z.float() / 0.05, n).to(z.dtype),
        solve=None,
    )
    monkeypatch.setitem(CARRIES, "sinkhorn", frozen)
    residual = {"part": "mhc", "streams": 4}
    starts_at_pre_norm(model(residual))
    with pytest.raises(AssertionError, match="carries gets no gradient"):
        every_number_learns(trained(residual, 2))


def test_an_orthostochastic_map_that_starts_at_full_averaging_is_found(monkeypatch: Any) -> None:
    """The polar factor of -8 (J - I) is I - J / 2, whose squares are 1/4 everywhere."""
    sound = CARRIES["orthostochastic"]
    start = (8 * torch.eye(4) - 8).flatten()
    averaged = sound.matrix(start.double(), 4)
    assert (averaged - 0.25).abs().max() < 1e-6
    monkeypatch.setitem(CARRIES, "orthostochastic", sound._replace(start=lambda n, keep: start))
    part = bare({"part": "mhc", "carry": "orthostochastic"})
    streams = draw(4, 2, name="apart")
    carried = part.map.matrix(part.carries[0], 4) @ streams
    assert (carried - carried.mean(0)).abs().max() < 1e-5, "streams are averaged at once"


def test_an_orthostochastic_map_that_starts_at_the_identity_is_found(monkeypatch: Any) -> None:
    """The cure that is often named, Z = I, has a derivative of exactly zero."""
    sound = CARRIES["orthostochastic"]
    still = sound._replace(start=lambda n, keep: torch.eye(n).flatten())
    monkeypatch.setitem(CARRIES, "orthostochastic", still)
    residual = {"part": "mhc", "streams": 4, "carry": "orthostochastic"}
    with pytest.raises(AssertionError, match="carries gets no gradient"):
        every_number_learns(trained(residual, 2))


@pytest.mark.parametrize("name", ["hyper_connections", "dynamic_hyper_connections", "mhc"])
def test_a_transposed_carry_is_found(name: str) -> None:
    part = bare({"part": name})
    shake(part, seed=1)
    gain_is_that_of_the_carries(part)
    with pytest.raises(AssertionError, match="not those the carries make"):
        gain_is_that_of_the_carries(part, transposed=True)


def test_equal_reads_that_keep_all_streams_equal_are_found(monkeypatch: Any) -> None:
    residual = {"part": "mhc", "streams": 4}
    made = model(residual)
    with torch.no_grad():
        made.residual.reads.fill_(torch.tensor(0.25).logit())
    with pytest.raises(AssertionError, match="stayed equal"):
        streams_differ(trained(residual, 10, made))
