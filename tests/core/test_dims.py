"""Sizes: one dial or each by hand, and whatever is given stands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partbench.core.dims import Dims, resolve
from partbench.core.errors import ConfigError


@given(depth=st.integers(1, 64), context=st.integers(1, 4096))
def test_the_dial_alone_gives_sizes_that_fit(depth: int, context: int) -> None:
    dims = resolve(depth=depth, context=context)
    assert dims.width == 32 * depth
    assert dims.num_heads * dims.head_width == dims.width
    assert dims.num_kv_heads == dims.num_heads
    assert dims.head_width == 32 if dims.width < 512 else dims.head_width in (32, 64)
    assert dims.num_sublayers == 2 * depth


@given(
    width=st.integers(1, 1024),
    num_heads=st.integers(1, 64),
    num_kv_heads=st.integers(1, 64),
)
def test_sizes_fit_each_other_or_are_refused_with_the_nearest_that_do(
    width: int, num_heads: int, num_kv_heads: int
) -> None:
    try:
        dims = resolve(
            depth=2, context=8, width=width, num_heads=num_heads, num_kv_heads=num_kv_heads
        )
    except ConfigError as error:
        assert width % num_heads or num_heads % num_kv_heads
        near = int(str(error).rpartition("nearest that does is ")[2])
        if width % num_heads:
            assert width % near == 0
        else:
            assert num_heads % near == 0
    else:
        assert (dims.width, dims.num_heads, dims.num_kv_heads) == (width, num_heads, num_kv_heads)
        assert dims.num_heads * dims.head_width == width
        assert dims.num_heads % dims.num_kv_heads == 0


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.integers(1, 256)
            for name in ("width", "num_heads", "num_kv_heads", "head_width")
        },
    )
)
def test_what_is_given_stands(sizes: dict[str, int]) -> None:
    try:
        dims = resolve(depth=3, context=8, **sizes)
    except ConfigError:
        return
    assert {name: getattr(dims, name) for name in sizes} == sizes


@pytest.mark.parametrize(
    "name", ["depth", "width", "num_heads", "num_kv_heads", "head_width", "context"]
)
@pytest.mark.parametrize("value", [0, -1])
def test_no_size_may_be_below_one(name: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf"dims\.{name}: {value} is below 1; give 1 or more"):
        resolve(**{"depth": 2, "context": 8, name: value})


def test_sizes_cannot_be_changed_afterwards() -> None:
    dims = resolve(depth=2, context=8)
    with pytest.raises(AttributeError):
        dims.depth = 3  # type: ignore[misc]
    assert isinstance(dims, Dims)
