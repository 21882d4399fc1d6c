"""Which engine a name gives, and what is said where it cannot be had."""

import importlib.util
from functools import partial

import pytest

from partbench.core.errors import ConfigError, InputError
from partbench.core.numerics import Numerics
from partbench.engines import choose
from partbench.engines.choose import chosen
from partbench.engines.local import Local
from partbench.engines.ray import Ray
from partbench.engines.slurm import Slurm


@pytest.fixture
def everything(monkeypatch):
    """All extras installed, and a Slurm beside us."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(choose.shutil, "which", lambda name: name)


def parts(start: partial) -> tuple:
    return start.func, start.args, start.keywords


def test_slots_are_shared_by_the_ranks_of_a_cell(everything):
    assert parts(chosen("local", 8, Numerics())) == (Local, (8, 1), {})
    assert parts(chosen("local", 8, Numerics(ranks=2, threads=2))) == (Local, (4, 4), {})
    assert parts(chosen("local", 1, Numerics(ranks=4))) == (Local, (1, 4), {})
    assert parts(chosen("ray", 8, Numerics(ranks=2))) == (Ray, (4, 2), {"gpus": 0})
    assert parts(chosen("slurm", 8, Numerics(ranks=2))) == (Slurm, (2,), {"gpus": 0})


def test_a_rank_on_a_graphics_card_takes_one(everything):
    numerics = Numerics(ranks=2, device="cuda")
    assert chosen("ray", 8, numerics).keywords == {"gpus": 2}
    assert chosen("slurm", 8, numerics).keywords == {"gpus": 2}


def test_an_unknown_engine_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"--engine: no engine called 'rai'; did you mean 'ray'"):
        chosen("rai", 2, Numerics())


@pytest.mark.parametrize(("name", "package"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_extra_is_named(name, package, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda wanted: None)
    with pytest.raises(InputError) as said:
        chosen(name, 2, Numerics())
    assert str(said.value) == (
        f'--engine {name}: {package} is not installed; pip install "partbench[{name}]"'
    )
    assert chosen("local", 2, Numerics()).func is Local


def test_a_machine_without_slurm_is_told_where_to_go(everything, monkeypatch):
    monkeypatch.setattr(choose.shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="no sbatch on the path; run this on a login node"):
        chosen("slurm", 2, Numerics())
