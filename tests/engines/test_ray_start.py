"""How a Ray is started or joined, with a stand-in for Ray that fails as often as it is told."""

import os
import signal
import sys
from types import SimpleNamespace

import pytest

from partbench.core.errors import PartbenchError
from partbench.engines.ray import Ray


class FakeRay:
    """Notes how it was started; takes SIGTERM for itself as the real one does."""

    def __init__(self, failures: int, **resources: float) -> None:
        self.failures = failures
        self.resources = resources
        self.asked: list[dict] = []
        self.exceptions = SimpleNamespace(RayError=RuntimeError)

    def is_initialized(self) -> bool:
        return False

    def init(self, **settings) -> None:
        self.asked.append(settings)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if len(self.asked) <= self.failures:
            raise RuntimeError("node timed out\nmore lines")

    def shutdown(self) -> None:
        pass

    def cluster_resources(self) -> dict[str, float]:
        return self.resources


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start an engine with a fake Ray; both."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    before = signal.getsignal(signal.SIGTERM)

    def begin(fake: FakeRay, **settings) -> Ray:
        monkeypatch.setitem(sys.modules, "ray", fake)
        engine = Ray(2, 3, tmp_path / "logs", **settings)
        engine._ray()
        return engine

    yield begin
    signal.signal(signal.SIGTERM, before)


def test_a_slow_start_is_tried_again(start):
    fake = FakeRay(1)
    assert start(fake).started
    assert len(fake.asked) == 2
    assert fake.asked[0]["num_cpus"] == 6
    assert fake.asked[0]["address"] == "local"


def test_a_ray_that_never_starts_is_one_line(start):
    with pytest.raises(PartbenchError) as said:
        start(FakeRay(9))
    assert str(said.value) == "--engine ray: Ray did not start, 2 times: node timed out"


def test_the_drivers_signals_stay_the_drivers(start):
    def mine(*signal_and_frame) -> None:
        pass

    signal.signal(signal.SIGTERM, mine)
    start(FakeRay(0))
    assert signal.getsignal(signal.SIGTERM) is mine


def test_a_cluster_is_filled_with_what_it_has_room_for(start, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "a cluster")
    fake = FakeRay(0, CPU=64.0, GPU=8.0)
    assert start(fake).slots == 21
    assert "address" not in fake.asked[0]
    assert "num_cpus" not in fake.asked[0]
    assert start(fake, gpus=2).slots == 4


def test_a_cluster_without_room_is_told(start, monkeypatch):
    monkeypatch.setitem(os.environ, "RAY_ADDRESS", "a cluster")
    with pytest.raises(PartbenchError, match="no node of the cluster has room for 3 processors"):
        start(FakeRay(0, CPU=2.0))
