"""Figures as files that stand alone, the LaTeX table, and the figures that are new in a report."""

import itertools
import re
import struct
import xml.etree.ElementTree as ElementTree

import pytest

from partbench.report import inside, numbers, page, paper
from partbench.report.charts import pairs, rungs, steps, theme, trade

from .made_up_inside import looked_into
from .made_up_ladder import laddered
from .made_up_studies import one_better, several_arms, under_way


@pytest.fixture(scope="module")
def several() -> dict:
    return several_arms()


def test_every_figure_becomes_an_svg_and_a_png_of_twice_its_size(tmp_path) -> None:
    report = one_better()
    report["arms"][0]["curves"] = []
    written = paper.write(report, tmp_path)
    kinds = {kind: [p for p in written if p.suffix == kind] for kind in (".svg", ".png", ".tex")}
    assert [p.stem for p in kinds[".svg"]] == ["forest", "trade", "ffn_swiglu_pair_by_pair"]
    for drawing, pixels in zip(kinds[".svg"], kinds[".png"], strict=True):
        root = ElementTree.fromstring(drawing.read_text())
        assert "var(" not in drawing.read_text()
        assert "--" not in drawing.read_text()
        assert len(root[0].text or "") > 20, "a title for those who cannot see it"
        width, height = struct.unpack(">II", pixels.read_bytes()[16:24])
        assert width == pytest.approx(2 * float(root.attrib["width"]), abs=2)
        assert height == pytest.approx(2 * float(root.attrib["height"]), abs=2)


def test_the_table_of_verdicts_is_latex(several) -> None:
    several["arms"][0]["name"] = r"50_%$&{x}\y"
    text = paper.latex(several)
    assert r"50\_\%\$\&\{x\}\textbackslash{}y & better & -0.067 [-0.083, -0.051]" in text
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 5
    assert {row.replace(r"\&", "").count("&") for row in rows} == {7}
    assert len(re.search(r"begin\{tabular\}\{(\w+)\}", text)[1]) == 8


def test_gain_against_cost_has_a_point_for_each_cost_that_is_known(several) -> None:
    several["arms"][1]["costs"]["time_ratio"] = None
    rows = trade.rows_of(several)
    assert [row["letter"] for row in rows] == list("abcd")
    assert rows[0]["parameters"] == pytest.approx(814_080 / 812_544)
    assert rows[1]["time_ratio"] is None
    made = trade.trade(several, narrow=False)
    assert len(made["hconcat"]) == 4
    points = made["hconcat"][0]["layer"][-4]["data"]["values"]
    assert [point["letter"] for point in points] == list("acd")
    assert len(trade.trade(several, narrow=True)["vconcat"]) == 2
    assert trade.trade(under_way(), narrow=False) is None
    assert numbers.trade_numbers(several).rows[1][2] == "–"


def test_probes_over_time_end_with_the_end_of_training() -> None:
    report = looked_into()
    found = steps.points(report["base"], "logits", "z")
    assert [point["step"] for point in found] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 301]
    assert steps.points(one_better()["base"], "logits", "z") == []
    drawn = inside.figures(report["arms"][0], report, 0)
    titles = [figure.title for figure in drawn]
    assert {"The largest score, over time", "Directions in use", "Dead units"} <= set(titles)
    for figure in drawn:
        assert figure.numbers.rows, figure.title
        assert len(figure.numbers.rows[0]) == 3
    text = page.html(report)
    assert "Looking took 2.1\u00a0% of the training time" in text.replace(" %", "\u00a0%")
    assert inside.figures(one_better()["arms"][0], one_better(), 0) == []


def test_arm_and_base_differ_without_colour() -> None:
    (base, base_dots), (arm, arm_dots) = [
        (theme.LOOKS[side][1], theme.LOOKS[side][2]) for side in ("base", "arm")
    ]
    assert base != arm
    assert base_dots != arm_dots


@pytest.mark.parametrize("ends", [(0.9e-4, 3.4e-4), (0.2, 2.0), (1, 400), (1, 1e6), (5, 5.5)])
def test_ticks_of_a_logarithmic_axis_keep_their_distance(ends) -> None:
    found = theme.ticks(list(ends))
    assert 2 <= len(found) <= 6
    assert all(ends[0] * 0.999 <= tick <= ends[1] * 1.001 for tick in found)
    # On 250 pixels a label of 12 needs 16.
    import math

    whole = math.log(ends[1] / ends[0])
    apart = [250 * math.log(b / a) / whole for a, b in itertools.pairwise(found)]
    assert min(apart) > 16


def test_the_shape_beside_the_mean_is_a_t_density() -> None:
    arm = one_better()["arms"][0]
    curve = pairs.density(arm["verdict"], 4)
    top = max(curve, key=lambda point: point["place"])
    assert top["difference"] == pytest.approx(arm["verdict"]["difference"])
    error = arm["verdict"]["sd_difference"] / 2
    at = min(curve, key=lambda p: abs(p["difference"] - arm["verdict"]["difference"] - error))
    assert (at["place"] - 1) / 0.42 == pytest.approx((1 + 1 / 3) ** -2)
    assert pairs.density({**arm["verdict"], "method": "sign test"}, 4) == []


def test_the_ladder_shows_the_law_and_the_trend() -> None:
    report = laddered()
    arm = report["arms"][0]
    line = rungs.trend_line(arm, report, [1e12, 1e14])
    assert line[1]["value"] == pytest.approx(1.1)
    assert line[0]["value"] == pytest.approx(1.1 * 2.718281828 ** (0.06))
    drawn = rungs.law(arm, report)
    curve = drawn["layer"][0]["data"]["values"]
    assert curve[0]["score"] == pytest.approx(report["ladder"]["rungs"][0]["base"])
    assert curve[-1]["compute"] == pytest.approx(1e14)
    del report["ladder"]["law"]
    assert len(rungs.law(arm, report)["layer"]) == 2
    report["ladder"]["trends"] = {}
    assert rungs.trend_line(arm, report, [1e12, 1e14]) == []


@pytest.mark.parametrize("most", [3, 6])
@pytest.mark.parametrize("ends", [(0.87, 1.13), (0.88, 1.9), (0.5, 3), (0.002, 900), (0.9, 25)])
def test_ratios_of_costs_are_named_with_room_between_them(ends, most) -> None:
    found = trade.ticks(list(ends), most)
    assert 2 <= len(found) <= most
    assert all(ends[0] <= tick <= ends[1] for tick in found)
