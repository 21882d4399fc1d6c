"""The menu is read from source: no torch, no line of an outsider's file, and all of it true."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from partbench.core import menu
from partbench.core.errors import ConfigError
from partbench.core.factory import Factory, load

ALL = [(slot, name) for slot in menu.SLOTS for name in menu.names(slot)]


@pytest.mark.parametrize("slot", menu.SLOTS)
def test_the_menu_lists_what_the_package_holds(slot: str) -> None:
    module = importlib.import_module(f"partbench.{menu.SLOTS[slot].replace('/', '.')}")
    assert list(module.PARTS) == menu.names(slot)
    for name, kind in module.PARTS.items():
        assert load(menu.find(slot, name)) is kind


@pytest.mark.parametrize(("slot", "name"), ALL)
def test_what_is_read_of_a_part_is_what_python_sees(slot: str, name: str) -> None:
    part = menu.find(slot, name)
    parameters = list(inspect.signature(load(part).__init__).parameters.values())[1:]
    if load(part).__init__ is object.__init__:
        parameters = []
    given = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    settings = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    if part.given or part.settings:
        assert list(part.given) == given
        assert {s.name: s.default for s in part.settings.values()} == settings
    assert part.summary, "no docstring"
    assert not part.outside


def test_nothing_torch_is_imported_to_resolve_a_configuration() -> None:
    code = (
        "import sys; from partbench.core.config import Config; "
        "c = Config({}).edit(residual='hyper_connections', ffn='mlp'); "
        "c.fingerprint; c.diff(Config({})); c.outside_code(); "
        "print([m for m in ('torch', 'numpy', 'scipy', 'jaxtyping') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


OWN = '''"""Halves. Source: this test."""
from pathlib import Path
Path(__file__).with_suffix(".ran").touch()
raise RuntimeError("run at last")

class Own:
    """h / 2.  More words."""
    PROVIDES = ("calm",)
    ROLES = {"weight": print}
    def __init__(self, dims, norm, *, share: float = 8 / 3, deep: bool = False): ...

def make(dims, *, sizes: tuple[int, ...] = (1, 2)): ...
'''


@pytest.fixture
def own(tmp_path: Path) -> Path:
    file = tmp_path / "own.py"
    file.write_text(OWN)
    return file


def test_an_outsiders_file_is_read_and_not_run(own: Path) -> None:
    part = menu.find("ffn", f"{own}:Own")
    assert part.given == ("dims", "norm")
    assert {s.name: (s.annotation, s.default) for s in part.settings.values()} == {
        "share": ("float", 8 / 3),
        "deep": ("bool", False),
    }
    assert part.summary == "h / 2.  More words."
    assert part.constants == {"PROVIDES": ("calm",)}
    assert part.outside
    assert not own.with_suffix(".ran").exists()


def test_a_function_may_make_a_part(own: Path) -> None:
    part = menu.find("ffn", f"{own}:make")
    assert part.given == ("dims",)
    assert part.settings["sizes"].default == (1, 2)


def test_a_file_that_fails_when_run_says_why(own: Path) -> None:
    with pytest.raises(ConfigError, match="running the file failed: RuntimeError: run at last"):
        load(menu.find("ffn", f"{own}:Own"))
    assert own.with_suffix(".ran").exists()


def test_an_edited_file_is_read_anew(own: Path) -> None:
    assert "deep" in menu.find("ffn", f"{own}:Own").settings
    own.write_text(OWN.replace("deep: bool = False", "wide: bool = False"))
    assert "wide" in menu.find("ffn", f"{own}:Own").settings


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("class Won: pass", r"own\.py has no class 'Own'; did you mean 'Won'"),
        ("class Own(:", r"own\.py is not valid Python"),
        ("class Own:\n def __init__(self, **more): pass", "swallow a misspelt setting"),
        ("class Own:\n def __init__(self, *more): pass", "swallow a misspelt setting"),
        ("class Own:\n def __init__(self, *, a=1): pass", r"Own\.a has no type; annotate it"),
        ("class Own:\n def __init__(self, *, a: int = b): pass", "default must be a literal"),
        ("class Own:\n def __init__(self, *, a: int = f(2)): pass", "default must be a literal"),
    ],
)
def test_an_unsound_file_gets_one_line(own: Path, content: str, message: str) -> None:
    own.write_text(content)
    with pytest.raises(ConfigError, match=message) as caught:
        menu.find("ffn", f"{own}:Own", "model.ffn")
    assert str(caught.value).startswith("model.ffn: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("annotation", ["Ratio", "np.ndarray", "Callable[[int], int]"])
def test_a_type_the_menu_does_not_know_is_named(own: Path, annotation: str) -> None:
    own.write_text(f"class Own:\n def __init__(self, *, a: {annotation} = 1): pass")
    with pytest.raises(ConfigError, match=r"model\.ffn.*\ba\b"):
        menu.find("ffn", f"{own}:Own", "model.ffn").settings["a"].check(2, "model.ffn.a")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no file .*none\.py; write `path/to/file\.py:"):
        menu.find("ffn", f"{tmp_path}/none.py:Own")


def test_an_unknown_slot_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="no slot called 'residal'; did you mean 'residual'"):
        menu.find("residal", "pre_norm")


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("int", [3, -1], [3.5, "3", True, None]),
        ("float", [3.5, 4], ["4", True, None]),
        ("'float'", [3.5, 4], ["4", True, None]),
        ("float | None", [3.5, None], ["x", []]),
        ("bool", [True], [1, "true", None]),
        ("str", ["a"], [1, None]),
        ("Literal['a', 'b']", ["a"], ["c", 1]),
        ("list[int]", [[1, 2]], [["1"], 1]),
        ("tuple[float, float]", [[1, 2]], [[1], "ab"]),
        ("dict[str, int]", [{"a": 1}], [{"a": "1"}]),
    ],
)
def test_a_setting_takes_its_type_and_no_other(
    annotation: str, good: list[object], bad: list[object]
) -> None:
    setting = menu.Setting("a", annotation, None, False)
    for value in good:
        assert json.loads(json.dumps(setting.check(value, "x.a"))) == value
    for value in bad:
        with pytest.raises(ConfigError, match=r"x\.a: .* is not "):
            setting.check(value, "x.a")


class TestFactory:
    """From a name on the menu to the thing."""

    FILE = (
        "class Own:\n    def __init__(self, dims, layer, *, size: int = 1):\n"
        "        self.made = (dims, layer, size)\n"
        "class Asks:\n    def __init__(self, dims, tokenizer): pass\n"
    )

    def test_a_list_is_tiled_over_the_layers(self, tmp_path: Path) -> None:
        file = tmp_path / "own.py"
        file.write_text(self.FILE)
        choices = [{"part": f"{file}:Own", "size": size} for size in (1, 2, 3)]
        factory = Factory("ffn", choices, {"dims": "sizes"})
        made = [factory(layer=layer).made for layer in range(5)]
        assert made == [("sizes", layer, layer % 3 + 1) for layer in range(5)]

    def test_a_part_that_asks_for_what_nobody_gives_says_what_there_is(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "own.py"
        file.write_text(self.FILE)
        factory = Factory("ffn", {"part": f"{file}:Asks"}, {"dims": "sizes"})
        with pytest.raises(ConfigError, match=r"asks the lab for 'tokenizer'; .*: dims, layer"):
            factory()
