"""The benchmarks that claims rest on, at their smallest: they run and say what tests read."""

import json
import subprocess
import sys

import pytest
from tests.structure.tree import ROOT

from partbench.claims.claim import find
from partbench.claims.select import numbers


def said(name: str, *options: str) -> dict:
    """What a benchmark prints as JSON."""
    command = [sys.executable, str(ROOT / "benchmarks" / f"{name}.py"), *options, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_attention_by_length_and_in_decoding() -> None:
    found = said("attention", "--longest", "128", "--rounds", "2")
    assert len(numbers(found, "length[length=128].ratio")) == 2
    whole, one = (numbers(found, f"decode[groups={n}].cache_bytes")[0] for n in (4, 1))
    assert whole == 4 * one


@pytest.mark.slow
def test_a_saturated_gate_is_left_in_the_steps_that_were_computed_by_hand() -> None:
    found = said("probability_maps", "--only", "escape", "--most", "120")
    assert numbers(found, "escape[map=softmax;from=5].steps") == [91]
    assert numbers(found, "escape[map=shiftmax about the mean;from=5].steps") == [57]
    assert numbers(found, "escape[map=sparsemax;from=5].steps") == [120]  # never


@pytest.mark.slow
def test_exact_carries_keep_their_sums_and_five_steps_do_not() -> None:
    found = said("carries", "--draws", "4", "--depth", "3")
    assert numbers(found, "rows[carry=orthostochastic;size=1].composite")[0] < 1e-6
    assert numbers(found, "rows[carry=newton_schulz;size=1].composite")[0] > 1e-3


@pytest.mark.slow
def test_lengths_of_a_near_shallow_model_have_their_exponents() -> None:
    found = said("near_shallow", "--only", "length", "--longest", "512", "--rounds", "1")
    for test in find("B5a").test:
        assert numbers(found, test.value), test.says
        assert not test.minus or numbers(found, test.minus), test.says
