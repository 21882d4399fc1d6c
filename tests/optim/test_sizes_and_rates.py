"""dims.transfer: one setting from roles. At the base all three rules are one model."""

import itertools
from typing import Any

import pytest
import torch
from torch import nn

from partbench.core.config import Config
from partbench.core.dims import Dims, resolve
from partbench.core.errors import ConfigError
from partbench.core.factory import Factory
from partbench.core.numerics import Numerics
from partbench.core.roles import Role
from partbench.models import accounting
from partbench.models.build import build
from partbench.optim import scaling
from partbench.testing.subject import VOCAB, random_batch

SIZES = {"depth": 2, "width": 32, "head_width": 16, "context": 16}
BASE = {"base_width": 32, "base_depth": 2, "base_head_width": 16}
FOLLOWING = ["adamw", "sgd", "lion", "muon", "schedule_free"]

pytestmark = pytest.mark.slow


def tree(rule: str, optimizer: Any = "adamw", **sizes: Any) -> dict[str, Any]:
    dims = {**SIZES, **BASE, "transfer": rule, **sizes}
    return Config({"dims": dims, "optimizer": optimizer}).resolved


def trained(resolved: dict[str, Any], steps: int = 3) -> nn.Module:
    model: Any = build(resolved, vocab=VOCAB, seed=0, numerics=Numerics())
    dims = Dims(**resolved["dims"], vocab=VOCAB)
    made = Factory("optimizer", resolved["optimizer"], {"dims": dims})().build(
        dict(model.named_parameters()), accounting.roles(model)
    )
    for group in made.param_groups:
        group["lr"] *= group["share"]
    for step in range(steps):
        model.score(random_batch("transfer", step)).mean().backward()
        made.step()
        made.zero_grad()
    return model


@pytest.mark.parametrize("optimizer", FOLLOWING)
def test_at_the_base_all_three_are_the_same_model_to_the_bit(optimizer: str) -> None:
    models = [trained(tree(rule, optimizer)) for rule in ("standard", "mup", "completep")]
    for other in models[1:]:
        for one, two in zip(models[0].parameters(), other.parameters(), strict=True):
            assert torch.equal(one, two)


def test_away_from_the_base_they_are_three() -> None:
    models = [
        trained(tree(rule, width=64, depth=4), 0) for rule in ("standard", "mup", "completep")
    ]
    batch = random_batch("three")
    losses = [model.score(batch).nll for model in models]  # type: ignore[operator]
    assert all(not torch.equal(a, b) for a, b in itertools.combinations(losses, 2))


@pytest.mark.parametrize("head", ["linear", "tied", {"part": "linear", "cap": 5.0}])
@pytest.mark.parametrize("rule", ["mup", "completep"])
@torch.no_grad()
def test_the_logit_factor_is_there_in_generation_too(rule: str, head: Any) -> None:
    """The trap: a factor in the loss alone, and text drawn at the wrong temperature."""
    resolved = Config({"dims": {**SIZES, **BASE, "transfer": rule, "width": 128, "depth": 4}})
    model: Any = build(resolved.edit(head=head).resolved, vocab=VOCAB, seed=0, numerics=Numerics())
    batch = random_batch("generation")
    logits, state = model.step(batch.inputs[:, :9], model.begin(3, 16))
    rest, _ = model.step(batch.inputs[:, 9:], state)
    decoded = torch.cat([logits, rest], dim=1)
    nll = nn.functional.cross_entropy(
        decoded.flatten(0, 1), batch.targets.flatten(), reduction="none"
    ).view(3, 16)
    torch.testing.assert_close(nll, model.score(batch).nll, rtol=0, atol=1e-5)
    # The factor is really there: logits are those of the head on a quarter of what it would read.
    plain = Config({"dims": {**SIZES, "width": 128, "depth": 4}}).edit(head=head)
    other: Any = build(plain.resolved, vocab=VOCAB, seed=0, numerics=Numerics())
    other.load_state_dict(model.state_dict())
    x = torch.randn(1, 1, 128, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model._before_head(x), x / 4)
    assert torch.equal(other._before_head(x), x)


def test_starting_values_shrink_with_width_by_role() -> None:
    small, large = (
        build(tree("mup", width=width), vocab=VOCAB, seed=0, numerics=Numerics())
        for width in (32, 512)
    )
    for name, role in accounting.roles(small).items():
        one, other = (m.get_parameter(name).detach() for m in (small, large))
        if role in (Role.READ, Role.WRITE):
            assert (other.std() / one.std()).item() == pytest.approx(1 / 4, rel=0.1), name
        elif role is not Role.GAIN:
            assert (other.std() / one.std()).item() == pytest.approx(1, rel=0.1), name


def test_depth_scaling_of_the_start_is_the_bases_where_writes_are_divided() -> None:
    for rule, ratio in (("standard", 0.5), ("mup", 0.5), ("completep", 1.0)):
        shallow, deep = (
            build(tree(rule, depth=depth), vocab=VOCAB, seed=0, numerics=Numerics())
            for depth in (2, 8)
        )
        name = "mixers.0.output.weight"
        one, other = (m.get_parameter(name).detach() for m in (shallow, deep))
        found = (other.std() / one.std()).item()
        assert found == pytest.approx(ratio, rel=1e-5), rule


def dims(rule: Any) -> Dims:
    return resolve(depth=8, context=4, width=128, transfer=rule, base_width=32, base_depth=2)


def test_shares_are_the_papers() -> None:
    for role in Role:
        assert scaling.adaptive(role, dims("standard")) == (1.0, 1.0)
        assert scaling.plain(role, dims("standard")).share == 1.0
    for role in (Role.READ, Role.WRITE, Role.ROUTER):
        assert scaling.adaptive(role, dims("mup")) == (0.25, 0.25)
        assert scaling.adaptive(role, dims("completep")) == (0.25, 0.0625)
    for role in (Role.EMBEDDING, Role.HEAD):
        assert scaling.adaptive(role, dims("completep")) == (1.0, 1.0)
        assert scaling.plain(role, dims("completep")).share == 4.0
    assert scaling.plain(Role.READ, dims("mup")).share == 1.0
    assert scaling.plain(Role.READ, dims("completep")).share == 4.0
    assert scaling.plain(Role.GAIN, dims("completep")).share == 16.0
    assert scaling.orthogonal(dims("mup"), matched=False).share == 1.0
    assert scaling.orthogonal(dims("mup"), matched=True).share == 0.5


@pytest.mark.parametrize("optimizer", FOLLOWING)
def test_rate_times_decay_is_the_same_at_every_size(optimizer: str) -> None:
    choice = {"part": optimizer, "weight_decay": 0.3}
    products = set()
    for width in (32, 256):
        resolved = tree("completep", choice, width=width, depth=6)
        model = build(resolved, vocab=VOCAB, seed=0, numerics=Numerics())
        sizes = Dims(**resolved["dims"], vocab=VOCAB)
        made = Factory("optimizer", resolved["optimizer"], {"dims": sizes})().build(
            dict(model.named_parameters()), accounting.roles(model)
        )
        products |= {round(g["share"] * g["weight_decay"], 9) for g in made.param_groups}
    assert products == {0.3, 0.0}


def test_attention_is_scaled_by_the_width_of_heads_that_grow() -> None:
    base = {"depth": 1, "context": 4, "num_heads": 2, "base_width": 32, "base_head_width": 16}
    for rule, expected in (("standard", 64**-0.5), ("mup", 16**0.5 / 64)):
        sizes = resolve(width=128, transfer=rule, **base)  # type: ignore[arg-type]
        assert sizes.attention_scale == pytest.approx(expected)
    sizes = resolve(width=32, transfer="mup", **base)
    assert sizes.attention_scale == 16**-0.5


@pytest.mark.parametrize(
    "changes", [{"optimizer": "soap"}, {"optimizer": "shampoo"}, {"model": "ngram"}]
)
def test_what_does_not_follow_sizes_is_refused(changes: dict[str, str]) -> None:
    (slot, name), *_ = changes.items()
    with pytest.raises(ConfigError, match=f"{slot}={name}: it does not follow width and depth"):
        assert Config({"dims": {"transfer": "mup"}}).edit(changes).resolved


def test_a_rule_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"dims\.transfer: no transfer called 'muP'.*'mup'"):
        assert Config({"dims": {"transfer": "muP"}}).resolved


@torch.no_grad()
def test_a_norm_after_the_sublayer_does_not_take_the_depth_factor_away() -> None:
    moved = {}
    for rule in ("standard", "completep"):
        config = Config({"dims": {**SIZES, **BASE, "transfer": rule, "depth": 8}})
        model: Any = build(
            config.edit(residual="sandwich").resolved, vocab=VOCAB, seed=0, numerics=Numerics()
        )
        x, output = (
            torch.randn(1, 2, 32, generator=torch.Generator().manual_seed(s)) for s in (0, 1)
        )
        moved[rule] = model.residual.write(3, x, model._share(lambda read: read)(output)) - x
    torch.testing.assert_close(moved["completep"], moved["standard"] / 4, rtol=1e-4, atol=1e-5)
