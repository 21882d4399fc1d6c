"""Probes over depth: drawn where there is something to draw."""

import math

import pytest

from partbench.report import inside
from partbench.report.charts import depth

from .made_up_studies import one_better


def with_probes(base: list, arm: list) -> dict:
    """A report whose base and arm saw these stream sizes."""
    report = one_better()
    report["base"]["probes"] = {"sizes": {"stream": base}}
    report["arms"][0]["probes"] = {"sizes": {"stream": arm}}
    return report


def test_base_and_arm_are_drawn_point_by_point():
    report = with_probes([1.0, 2.0, 4.0], [1.0, 1.1, 1.2])
    drawn = depth.stream(report["arms"][0], report)
    rows = [[value for _, value in mark.points] for mark in drawn.marks]
    assert rows == [[1.0, 2.0, 4.0]] * 2 + [[1.0, 1.1, 1.2]] * 2
    titles = [figure.title for figure in inside.figures(report["arms"][0], report, 0)]
    assert "The stream over depth" in titles
    assert "Gain of the mixing" not in titles


@pytest.mark.parametrize("arm", [[], [1.0], [math.nan, 1.0], [0.0, 1.0]])
def test_nothing_is_drawn_of_less_than_two_points(arm):
    report = with_probes([1.0, 2.0], arm)
    assert depth.stream(report["arms"][0], report) is None


def test_a_report_from_before_there_were_probes_is_drawn_without_them():
    report = one_better()
    assert depth.stream(report["arms"][0], report) is None
