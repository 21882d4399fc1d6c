"""Configurations: edits, what they resolve to, and what a mistake gets."""

from pathlib import Path
from typing import Any

import pytest

from partbench.core.config import Config, flatten, parse_assignment
from partbench.core.errors import ConfigError

BASE = Config({})


def resolve(config: Config) -> Any:
    return config.resolved


def slot(config: Config, name: str) -> Any:
    return resolve(config)["model"][name]


def test_nothing_declared_is_transformer_plus_plus() -> None:
    parts = {name: slot(BASE, name)["part"] for name in ("position", "norm", "ffn", "head")}
    assert parts == {"position": "rotary", "norm": "rmsnorm", "ffn": "swiglu", "head": "linear"}
    assert BASE.resolved["model"]["part"] == "transformer"


def test_naming_a_part_replaces_its_slot_whole() -> None:
    wide = BASE.edit({"ffn": {"part": "mlp", "ratio": 8.0, "bias": True}})
    assert slot(wide, "ffn")["ratio"] == 8.0
    for edit in ("mlp", {"part": "mlp"}):
        assert slot(wide.edit(ffn=edit), "ffn") == slot(BASE.edit(ffn="mlp"), "ffn")
    assert slot(wide.edit(ffn="relu_squared"), "ffn") == {"part": "relu_squared", "ratio": 4.0}


def test_a_table_without_a_part_edits_settings_and_keeps_the_others() -> None:
    biased = BASE.edit({"ffn": {"part": "mlp", "bias": True}}).edit({"model.ffn": {"ratio": 2.0}})
    assert slot(biased, "ffn") == {
        "part": "mlp",
        "activation": "gelu",
        "ratio": 2.0,
        "bias": True,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"ffn.ratio": 4.0},
        {"model.ffn.ratio": 4.0},
        {"model.ffn": {"ratio": 4.0}},
        {"model": {"ffn": {"ratio": 4.0}}},
        {"ffn": {"part": "swiglu", "ratio": 4.0}},
        {"ffn.ratio": 4},
    ],
)
def test_all_ways_to_write_an_edit_are_the_same_configuration(changes: dict[str, Any]) -> None:
    assert BASE.edit(changes).fingerprint == BASE.edit({"ffn.ratio": 4.0}).fingerprint
    assert BASE.edit(changes).fingerprint != BASE.fingerprint


def test_an_edit_leaves_the_base_as_it_was() -> None:
    declared = {"model": {"ffn": {"part": "mlp"}}}
    base = Config(declared)
    before = base.fingerprint
    base.edit({"ffn.ratio": 1.0, "dims.depth": 9})
    declared["model"]["ffn"]["part"] = "swiglu"
    assert Config(base.declared).fingerprint == base.fingerprint == before


def test_edits_in_one_call_are_made_in_order() -> None:
    both = BASE.edit({"ffn": "mlp", "ffn.ratio": 2.0, "ffn.activation": "relu"})
    assert slot(both, "ffn")["activation"] == "relu"
    assert slot(both, "ffn")["ratio"] == 2.0


def test_the_fingerprint_is_of_what_is_resolved_not_of_how_it_was_said() -> None:
    assert BASE.edit(ffn="swiglu").fingerprint == BASE.fingerprint
    assert Config({"train": {"steps": 400}}).fingerprint == BASE.fingerprint
    assert Config({"train": {"steps": 401}}).fingerprint != BASE.fingerprint


def part_file(path: Path, setting: str) -> Path:
    path.write_text(f"class Own:\n    def __init__(self, dims, *, {setting}): pass\n")
    return path


def test_a_changed_default_changes_the_fingerprint(tmp_path: Path) -> None:
    file = part_file(tmp_path / "own.py", "gain: float = 1.0")
    choice = f"{file}:Own"
    before = BASE.edit(ffn=choice).fingerprint
    part_file(file, "gain: float = 2.0")
    assert BASE.edit(ffn=choice).fingerprint != before


def test_a_default_said_aloud_changes_nothing_however_it_is_written(tmp_path: Path) -> None:
    file = part_file(tmp_path / "own.py", "gain: float = 1, sizes: tuple[int, ...] = (1, 2)")
    silent = BASE.edit(ffn=f"{file}:Own")
    said = BASE.edit(ffn={"part": f"{file}:Own", "gain": 1.0, "sizes": [1, 2]})
    assert silent.diff(said) == []
    assert silent.fingerprint == said.fingerprint


def test_a_setting_without_a_default_must_be_given(tmp_path: Path) -> None:
    file = part_file(tmp_path / "own.py", "gain: float")
    with pytest.raises(ConfigError, match=r"model\.ffn\.gain: .* needs this setting \(float\)"):
        resolve(BASE.edit(ffn=f"{file}:Own"))
    assert BASE.edit(ffn={"part": f"{file}:Own", "gain": 3.0}).resolved


def test_the_diff_shows_also_what_moved_unasked() -> None:
    rows = Config({"model": {"norm": "layernorm"}}).diff(BASE)
    assert {row["path"]: (row["base"], row["arm"]) for row in rows} == {
        "model.norm.part": ("layernorm", "rmsnorm"),
        "model.norm.eps": (1e-5, 1e-6),
        "model.norm.bias": (False, None),
    }


def test_a_list_of_parts_is_resolved_one_by_one() -> None:
    mixed = BASE.edit(mixer=["attention", {"part": "attention", "query_key_norm": True}])
    assert [item["query_key_norm"] for item in slot(mixed, "mixer")] == [False, True]
    rows = {row["path"] for row in BASE.diff(mixed)}
    assert "model.mixer[1].query_key_norm" in rows
    with pytest.raises(ConfigError, match="list of parts; give the whole list anew"):
        mixed.edit({"mixer.bias": True})
    with pytest.raises(ConfigError, match=r"model\.mixer: an empty list"):
        resolve(BASE.edit(mixer=[]))


@pytest.mark.parametrize(
    ("slot_name", "choice"),
    [
        ("residual", ["pre_norm", "post_norm"]),
        ("embedding", ["token", "token"]),
        ("head", ["linear", "tied"]),
        ("norm", ["rmsnorm", "layernorm"]),
        ("optimizer", ["adamw", "adamw"]),
        ("model", ["transformer", "ngram"]),
    ],
)
def test_a_list_is_refused_where_only_its_first_part_would_be_used(
    slot_name: str, choice: list[str]
) -> None:
    with pytest.raises(ConfigError, match=slot_name):
        resolve(BASE.edit({slot_name: choice}))


def test_toml_and_python_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "base.toml"
    file.write_text(
        '[dims]\ndepth = 2\n[model]\nresidual = "hyper_connections"\n'
        '[model.ffn]\npart = "mlp"\nratio = 3\n[train]\nsteps = 7\n'
        '[[model.mixer]]\npart = "attention"\n[[model.mixer]]\npart = "attention"\nbias = true\n'
    )
    python = BASE.edit(
        {
            "dims.depth": 2,
            "ffn": {"part": "mlp", "ratio": 3.0},
            "train": {"steps": 7},
            "mixer": ["attention", {"part": "attention", "bias": True}],
        },
        residual="hyper_connections",
    )
    assert Config.from_toml(file).resolved == python.resolved
    assert Config.from_toml(file).fingerprint == python.fingerprint


def test_what_is_resolved_resolves_to_itself() -> None:
    config = BASE.edit(residual="hyper_connections", ffn="mlp").edit({"dims.depth": 3})
    assert Config(config.resolved).resolved == config.resolved


@pytest.mark.parametrize("content", [b"depth = = 3", b"\xff\xfe"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"a\.toml: not valid TOML"):
        Config.from_toml(tmp_path / "a.toml")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"b\.toml: there is no such file"):
        Config.from_toml(tmp_path / "b.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        Config.from_toml(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ffn=swiglu", ("ffn", "swiglu")),
        ("model.ffn.ratio=4", ("model.ffn.ratio", 4)),
        ("mixer.bias = true", ("mixer.bias", True)),
        ('mixer=["a", "b"]', ("mixer", ["a", "b"])),
        ("residual=my_file.py:Mine", ("residual", "my_file.py:Mine")),
        ('ffn={part="mlp", ratio=2.0}', ("ffn", {"part": "mlp", "ratio": 2.0})),
        ("ffn=a=b", ("ffn", "a=b")),
    ],
)
def test_an_assignment_is_read_as_toml_and_else_as_a_word(
    text: str, expected: tuple[str, Any]
) -> None:
    assert parse_assignment(text, "--set") == expected


@pytest.mark.parametrize("text", ["ffn", "=3", "ffn=", ""])
def test_half_an_assignment_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="write it as slot=part or path=value"):
        parse_assignment(text, "--set")


def test_flatten_names_every_leaf_once() -> None:
    tree = {"a": {"b": 1, "c": [1, 2]}, "d": [{"e": 2}, {"e": 3}]}
    assert flatten(tree) == {"a.b": 1, "a.c": [1, 2], "d[0].e": 2, "d[1].e": 3}


ABLE = "class Own:\n    {}\n    def __init__(self, dims): pass\n"


@pytest.mark.parametrize("provided", ["'whole_sequences'", "'other'"])
def test_parts_that_cannot_work_together_say_so(tmp_path: Path, provided: str) -> None:
    (tmp_path / "a.py").write_text(ABLE.format("FORBIDS = ('whole_sequences',)"))
    (tmp_path / "b.py").write_text(ABLE.format(f"PROVIDES = ({provided},)"))
    config = BASE.edit(ffn=f"{tmp_path}/a.py:Own", mixer=f"{tmp_path}/b.py:Own")
    if provided == "'other'":
        assert config.resolved
    else:
        with pytest.raises(ConfigError, match=r"cannot work with mixer=.*forbids 'whole_seq"):
            resolve(config)


def test_outside_code_is_hashed_and_what_ships_is_not(tmp_path: Path) -> None:
    file = part_file(tmp_path / "own.py", "gain: float = 1.0")
    config = BASE.edit(ffn=f"{file}:Own")
    assert list(config.outside_code()) == [f"{file}:Own"]
    before = config.outside_code()
    file.write_text(file.read_text() + "# another word\n")
    assert Config(config.declared).outside_code() != before
    assert BASE.outside_code() == {}
