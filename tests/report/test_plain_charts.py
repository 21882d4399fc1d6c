"""Line charts that draw themselves: points where they belong, ticks that are round, safe text."""

import json
import re

import pytest
from tests.outline import outline
from tests.structure.tree import ROOT

from partbench.report import drawing, figures, paper
from partbench.report.charts import plain

AXIS = plain.Axis("step", (0, 100), [0, 50, 100], plain.counted, grid=False)


def chart(*marks: plain.Mark, low: float = 0.0, high: float = 2.0) -> plain.Chart:
    return plain.Chart(AXIS, plain.linear("nats", (low, high), 4), marks, 200, 100)


def test_points_lie_where_the_axes_say():
    line = plain.Mark("line", [(0, 0), (50, 1), (100, 2)], "var(--base)")
    text = chart(line).svg("A line that rises.", "it")
    assert 'points="0.0,100.0 100.0,50.0 200.0,0.0"' in text
    assert re.findall(r">([\d.]+)</text>", text) == [
        "0.0", "0.5", "1.0", "1.5", "2.0", "0", "50", "100",
    ]  # fmt: skip


def test_a_logarithmic_axis_puts_equal_ratios_equally_far_apart():
    axis = plain.logarithmic("loss", [1, 100], plain.short)
    assert axis.share(10) == pytest.approx((axis.share(1) + axis.share(100)) / 2)


@pytest.mark.parametrize(
    ("low", "high", "about", "found"),
    [
        (0, 400, 4, [0, 100, 200, 300, 400]),
        (-0.09, 0.05, 6, [-0.08, -0.06, -0.04, -0.02, 0, 0.02, 0.04]),
        (3.36, 3.72, 5, [3.4, 3.5, 3.6, 3.7]),
        (2, 2, 5, [2]),
    ],
)
def test_ticks_are_round(low, high, about, found):
    assert plain.rounds(low, high, about) == pytest.approx(found)


def test_marks_say_what_they_are_to_the_pointer_and_foreign_text_is_no_markup():
    evil = '"><script>alert(1)</script>'
    dots = plain.Mark("circle", [(10, 1)], "var(--arm)", 40, tips=[evil])
    axis = plain.Axis(evil, (0, 1), [0], lambda value: evil)
    text = plain.Chart(axis, axis, [dots], 100, 100).svg(evil, evil)
    assert "<script" not in text
    outline(text)
    assert len(re.findall('data-tip="', text)) == 1


def test_it_has_the_root_of_all_figures_so_that_it_can_stand_alone():
    made = drawing.Figure("A title", "", (), (chart().svg("Nothing to see.", "it"),))
    assert paper.alone(made).startswith('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ')


def test_the_many_figures_of_an_arm_need_no_vl_convert(monkeypatch):
    """It takes 10 to 40 ms for each, and a report of thirteen arms has more than a hundred."""
    path = ROOT / "results" / "gpt2_to_transformerpp" / "report.json"
    report = json.loads(path.read_text(encoding="utf-8"))
    asked: list[str] = []
    monkeypatch.setattr(drawing, "svg", lambda specification, label, name: asked.append(label))
    made = figures.of_arm(report["arms"][0], report, 0)
    made += figures.inside.figures(report["arms"][0], report, 0)
    assert len(made) >= 9
    assert asked == []
