"""The bugs that public code has had, planted in small outside parts: the audit names each."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.testing import planted

from partbench.testing import Subject
from partbench.testing.audit import Finding
from partbench.testing.audit.collapse import averaging, stream_collapse
from partbench.testing.audit.convention import map_convention, stream_convention
from partbench.testing.audit.divisor import near_zero_divisor
from partbench.testing.audit.evaluation import evaluation
from partbench.testing.audit.finding import Check
from partbench.testing.audit.future import future_gradient, future_leak
from partbench.testing.audit.gradients import dead_gradient, dead_gradient_quickly
from partbench.testing.audit.growth import growth
from partbench.testing.audit.idle import idle_parameter, role
from partbench.testing.audit.repeated import determinism
from partbench.testing.audit.rows import batch_leak

Write = Callable[[str], Subject]


@pytest.fixture
def residual(tmp_path: Path) -> Write:
    """A subject from the text of a file with a residual part `Mine`."""

    def write(source: str) -> Subject:
        file = tmp_path / f"mine{len(list(tmp_path.iterdir()))}.py"
        file.write_text(source)
        return Subject("residual", f"{file}:Mine")

    return write


@pytest.fixture
def ffn(tmp_path: Path) -> Write:
    """A subject from the body of a feed-forward part's forward."""

    def write(body: str) -> Subject:
        file = tmp_path / f"mine{len(list(tmp_path.iterdir()))}.py"
        file.write_text(planted.HEADER + planted.FFN + body + "\n")
        return Subject("ffn", f"{file}:Mine")

    return write


def found(check: Check, subject: Subject, verdict: str) -> Finding:
    row = check(subject)
    assert row is not None, f"{check.__name__} saw nothing to look at"
    assert row.verdict == verdict, row
    assert bool(row.advice) == (verdict != "pass"), row
    return row


def test_width_mixing_that_is_thrown_away_is_named(residual: Write) -> None:
    row = found(idle_parameter, residual(planted.THROWN_AWAY), "fail")
    assert row.found.endswith("changes nothing: residual.carries")
    assert row.number == 0
    row = found(dead_gradient_quickly, residual(planted.THROWN_AWAY), "fail")
    assert row.found.endswith("steps 0 to 3: residual.carries")


def test_a_sinkhorn_whose_gradient_is_exactly_zero_is_named(residual: Write) -> None:
    row = found(dead_gradient_quickly, residual(planted.FROZEN), "fail")
    assert (row.number, row.found) == (0.0, "no gradient at steps 0 to 3: residual.carries")


@pytest.mark.slow
def test_the_same_sinkhorn_at_temperature_one_is_alive(residual: Write) -> None:
    found(dead_gradient, residual(planted.FROZEN), "fail")
    found(dead_gradient, residual(planted.WARM), "pass")
    found(idle_parameter, residual(planted.WARM), "pass")


def test_a_norm_that_is_a_signed_sum_is_named(residual: Write) -> None:
    row = found(near_zero_divisor, residual(planted.SIGNED_SUM), "fail")
    assert "divides by a sum, which is no norm" in row.found
    found(near_zero_divisor, residual(planted.TRUE_NORM), "pass")


def test_a_map_that_starts_at_full_averaging_is_named(residual: Write) -> None:
    row = found(averaging, residual(planted.AVERAGED), "fail")
    assert row.found.endswith("it averages them")
    assert row.number is not None
    assert row.number < 1e-3
    assert found(averaging, residual(planted.SOUND), "pass").number == pytest.approx(1)


@pytest.mark.slow
def test_streams_that_stay_equal_for_ever_are_named(residual: Write) -> None:
    found(stream_collapse, residual(planted.SYMMETRIC), "fail")
    found(stream_collapse, residual(planted.SOUND), "pass")


@pytest.mark.slow
def test_a_projection_applied_transposed_is_told_from_one_that_is_not(residual: Write) -> None:
    row = found(stream_convention, residual(planted.TRANSPOSED), "warn")
    assert "applied transposed?" in row.found
    assert "keeps its size" in found(stream_convention, residual(planted.WARM), "pass").found
    free = found(stream_convention, residual(planted.SOUND), "pass").found
    assert free.endswith("carries is applied as R h")
    turned = planted.SOUND.replace("ij,btjc->btic", "ji,btjc->btic")
    free = found(stream_convention, residual(turned), "pass").found
    assert free.endswith("carries is applied as h R, the transpose")


@pytest.mark.slow
def test_a_declared_carry_is_held_to_its_word(residual: Write) -> None:
    said = planted.SOUND + "    def streams(self, h): return h\n    def carry(self, l, h): return "
    found(stream_convention, residual(said + "self.carries[l]\n"), "pass")
    row = found(stream_convention, residual(said + "self.carries[l].mT\n"), "fail")
    assert row.found == "R is applied transposed"


LEAKS = {
    "x.flip(1)": (future_leak, "earlier losses move with later tokens"),
    "x.mean(1, True) - x.mean(1, True).detach()": (future_gradient, "moves with the future"),
    "x.mean(0, True)": (batch_leak, "moves? with its neighbours"),
}


@pytest.mark.slow
@pytest.mark.parametrize("leak", LEAKS)
def test_a_leak_is_named(ffn: Write, leak: str) -> None:
    check, words = LEAKS[leak]
    found(check, ffn("return self.up(x)"), "pass")
    row = found(check, ffn(f"return self.up(x) + {leak}"), "fail")
    assert words.replace("moves?", "move") in row.found


@pytest.mark.slow
def test_dropout_in_evaluation_is_told_from_dropout_in_training(ffn: Write) -> None:
    dropped = "return nn.functional.dropout(self.up(x), .1, {})"
    found(evaluation, ffn(dropped.format("True")), "fail")
    sound = ffn(dropped.format("self.training"))
    assert found(evaluation, sound, "pass").found == "draws in training only"
    for check in (future_leak, batch_leak, determinism):
        found(check, sound, "pass")
    found(evaluation, ffn("return self.up(x) * (2 if self.training else 1)"), "warn")


@pytest.mark.slow
def test_what_a_module_remembers_is_named(ffn: Write) -> None:
    kept = "self.seen = getattr(self, 'seen', 0) + 1; return self.up(x) * self.seen"
    assert found(determinism, ffn(kept), "fail").found == "a score changes the next"


@pytest.mark.slow
def test_a_map_without_its_fan_in_grows_with_width(ffn: Write) -> None:
    found(growth, ffn("return self.up(x)"), "pass")
    row = found(growth, ffn("return self.up(x) * x.shape[-1] ** 2"), "fail")
    assert "grow with width" in row.found


@pytest.mark.slow
def test_a_matrix_kept_the_other_way_round_is_named(ffn: Write) -> None:
    found(map_convention, ffn("return self.up(x)"), "pass")
    row = found(map_convention, ffn("return x @ self.up.weight"), "warn")
    assert row.found == "applied as x W: ffns.*.up.weight"


@pytest.mark.slow
def test_a_parameter_without_a_role_is_named(residual: Write) -> None:
    row = found(role, residual(planted.SOUND.replace('"reads": Role.MIXING, ', "")), "fail")
    assert row.found == "parameter 'residual.reads' has no role"
