"""Memory that was never taken is weighed to the byte, and what numbers decide is refused."""

import pytest
import torch
from torch import nn

from partbench.measure import footprint


@pytest.mark.slow
def test_what_lives_at_the_peak_is_counted_to_a_hundredth():
    def work() -> None:
        first = torch.empty(1000, 1000)  # 4 MB
        second = first + 1  # 8
        del first  # 4
        third = second.view(-1)  # a view is no memory
        torch.empty(500, 1000)  # 6, and gone
        assert third.numel() == 10**6

    assert footprint.peak_of(work) == pytest.approx(8e6, rel=0.011)


@pytest.mark.slow
def test_a_terabyte_is_weighed_in_no_memory_with_its_gradient():
    def work() -> None:
        layer = nn.Linear(400_000, 400_000, bias=False)  # 640 GB
        layer(torch.empty(1, 400_000)).sum().backward()

    assert footprint.peak_of(work) == pytest.approx(2 * 640e9, rel=0.011)


@pytest.mark.slow
def test_what_numbers_decide_is_not_known():
    with pytest.raises(footprint.Unknowable):
        footprint.peak_of(lambda: torch.zeros(4).sum().item())
