"""The suite as an outsider uses it: a sound part passes, each kind of broken part is caught."""

from pathlib import Path

import pytest

from partbench.core.errors import ConfigError
from partbench.testing import Subject, check_part, checks

HEADER = '''"""A part of somebody else's. Source: this test. Cost: none."""
import torch
from torch import nn
from partbench.core.roles import Role
'''

GATED = '''
class Gated(nn.Module):
    """h + g F(norm(h)) with one learned g a sublayer."""
    ROLES = {"gates": Role.SCALAR}
    def __init__(self, dims, norm, *, start: float = 1.0):
        super().__init__()
        self.norms = nn.ModuleList(norm(width=dims.width) for _ in range(dims.num_sublayers))
        self.final = norm(width=dims.width)
        self.gates = nn.Parameter(torch.full((dims.num_sublayers,), start))
    def begin(self, x): return x
    def read(self, sublayer, state): return self.norms[sublayer](state), state
    def write(self, sublayer, state, output): return state + self.gates[sublayer] * output
    def end(self, state): return self.final(state)
'''

FFN = """
class Map(nn.Module):
    ROLES = {"up.weight": Role.READ}
    def __init__(self, dims):
        super().__init__()
        self.up = nn.Linear(dims.width, dims.width, bias=False)
"""

BROKEN = {
    "the_future_cannot_leak": "def forward(self, x, flow): return self.up(x + x.flip(1))",
    "batch_rows_do_not_mix": "def forward(self, x, flow): return self.up(x + x.mean(0))",
    "a_prefix_has_the_same_logits": "def forward(self, x, flow): return self.up(x) * x.shape[1]",
    "no_gradient_comes_from_the_future": (
        "def forward(self, x, flow):\n"
        "        mean = x.mean(1, True); return self.up(x) + mean - mean.detach()"
    ),
    "the_same_seed_gives_the_same_bits": (
        "def forward(self, x, flow): return self.up(x) * (1 + torch.rand(()))"
    ),
    "scoring_twice_gives_the_same_bits": (
        "seen = 0\n    def forward(self, x, flow): self.seen += 1; return self.up(x) * self.seen"
    ),
    "every_parameter_gets_a_gradient": "def forward(self, x, flow): return self.up(x).detach()",
    "gradients_are_those_of_finite_differences": (
        "def forward(self, x, flow): return self.up(x) + 9 * x.detach()"
    ),
    "step_equals_forward": (
        "def forward(self, x, flow): return self.up(x) * (flow.positions[-1] + 1) ** .5"
    ),
    "decoding_keeps_sequences_apart": (
        "kept = 0\n"
        "    def forward(self, x, flow):\n"
        "        out = self.up(x) + self.kept; self.kept = .1 * x[:, :1]; return out"
    ),
    "losses_have_the_shape_of_the_targets": (
        "def forward(self, x, flow): flow.losses['mine'] = x[0]; return self.up(x)"
    ),
    "the_nll_is_finite_on_random_tokens": (
        "def forward(self, x, flow): return self.up(x) / (x - x).sum()"
    ),
    "a_state_dict_holds_all_that_was_learned": (
        "made = []\n"
        "    def forward(self, x, flow):\n"
        "        if not hasattr(self, 'own'): self.made.append(self); self.own = len(self.made)\n"
        "        return self.up(x) * self.own"
    ),
    "it_names_its_source": "def forward(self, x, flow): return self.up(x)",
}

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("promise", BROKEN)
def test_a_broken_part_is_caught_by_the_promise_it_breaks(promise: str, tmp_path: Path) -> None:
    header = HEADER.replace("Source:", "From:") if promise == "it_names_its_source" else HEADER
    file = tmp_path / "broken.py"
    file.write_text(header + FFN + "    " + BROKEN[promise] + "\n")
    check = {check.__name__: check for check in checks("ffn", f"{file}:Map")}[promise]
    with pytest.raises(AssertionError):
        check(Subject("ffn", f"{file}:Map"))


def test_all_that_a_part_breaks_is_listed_at_once(tmp_path: Path) -> None:
    file = tmp_path / "broken.py"
    file.write_text(HEADER + FFN + "    " + BROKEN["the_future_cannot_leak"] + "\n")
    with pytest.raises(
        AssertionError, match=r"(?ms)^the_future_cannot_leak: .*^step_equals_forward: "
    ):
        check_part("ffn", f"{file}:Map")


def test_the_part_they_are_broken_from_is_sound(tmp_path: Path) -> None:
    file = tmp_path / "sound.py"
    file.write_text(HEADER + FFN + "    def forward(self, x, flow): return self.up(x)\n")
    check_part("ffn", f"{file}:Map")


def test_a_residual_in_fifteen_lines_is_a_full_citizen(tmp_path: Path) -> None:
    file = tmp_path / "gated.py"
    file.write_text(HEADER + GATED)
    check_part("residual", f"{file}:Gated", start=0.5)


def test_a_parameter_without_a_role_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nameless.py"
    file.write_text(HEADER + GATED.replace('{"gates": Role.SCALAR}', "{}"))
    with pytest.raises(AssertionError, match=r"parameter 'residual\.gates' has no role"):
        check_part("residual", f"{file}:Gated")


def test_a_mixer_that_sees_the_future_is_caught(tmp_path: Path) -> None:
    shipped = Path("src/partbench/parts/mixer/attention.py")
    source = (Path(__file__).parents[2] / shipped).read_text()
    broken = source.replace("key, value, flow, flow.pos", "key, value.flip(2), flow, flow.pos")
    assert broken != source
    file = tmp_path / "leaky.py"
    file.write_text(broken)
    with pytest.raises(AssertionError, match=r"(?m)^the_future_cannot_leak: "):
        check_part("mixer", f"{file}:Attention")


def test_a_misspelt_setting_is_refused_before_anything_runs(tmp_path: Path) -> None:
    file = tmp_path / "gated.py"
    file.write_text(HEADER + GATED)
    with pytest.raises(ConfigError, match="did you mean 'start'"):
        check_part("residual", f"{file}:Gated", strat=0.5)
