"""Numbers and names that may change only when somebody says so in CHANGELOG."""

from pathlib import Path

import pytest
from tests.golden import rewrite

from partbench.core import menu
from partbench.core.config import Config
from partbench.testing.subject import BUILT

SAY_SO = (
    'if results are meant to change: `make golden`, and a line "changes results" in CHANGELOG.md'
)


@pytest.mark.parametrize("recipe", rewrite.RECIPES)
def test_the_first_ten_losses_are_the_golden_ones(recipe: str, tmp_path: Path) -> None:
    golden = rewrite.read(rewrite.LOSSES)
    assert recipe in golden, "a new recipe: `make golden`"
    found = rewrite.ten_losses(recipe, tmp_path)
    assert found == pytest.approx(golden[recipe], rel=1e-9, abs=0), SAY_SO


def test_every_golden_recipe_is_still_there() -> None:
    assert set(rewrite.read(rewrite.LOSSES)) == set(rewrite.RECIPES), SAY_SO


@pytest.mark.parametrize("part", [f"{slot}={name}" for slot in BUILT for name in menu.names(slot)])
def test_parameters_are_saved_under_the_names_they_always_had(part: str) -> None:
    golden = rewrite.read(rewrite.KEYS)
    assert part in golden, "a new part: `make golden` writes its names down"
    slot, _, name = part.partition("=")
    found = list(rewrite.Subject(slot, name).model(awake=False).state_dict())
    assert found == golden[part], f"old checkpoints no longer load; {SAY_SO}"


def test_no_golden_part_has_gone() -> None:
    there = {f"{slot}={name}" for slot in BUILT for name in menu.names(slot)}
    assert set(rewrite.read(rewrite.KEYS)) <= there


def test_the_recipes_differ_from_each_other() -> None:
    prints = {rewrite.BASE.edit(changes).fingerprint for changes in rewrite.RECIPES.values()}
    assert len(prints) == len(rewrite.RECIPES)
    losses = rewrite.read(rewrite.LOSSES)
    assert len({tuple(values) for values in losses.values()}) == len(losses)


def test_rewriting_reminds_of_the_changelog_only_where_something_changed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rewrite, "LOSSES", tmp_path / "losses.json")
    monkeypatch.setattr(rewrite, "KEYS", tmp_path / "keys.json")
    monkeypatch.setattr(rewrite, "RECIPES", {"gpt2": rewrite.GPT2})
    monkeypatch.setattr(rewrite, "parts", lambda: {"norm=rmsnorm": ["gain"]})
    rewrite.main()
    rewrite.main()
    assert "CHANGELOG" not in capsys.readouterr().out
    monkeypatch.setattr(rewrite, "BASE", rewrite.BASE.edit({"optimizer.rate": 1e-4}))
    rewrite.main()
    said = capsys.readouterr().out
    assert "changed: gpt2" in said
    assert '"changes results" in CHANGELOG.md' in said
    assert isinstance(rewrite.BASE, Config)
