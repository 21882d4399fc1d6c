"""Letters of crowded marks stay apart, and each can be told which mark is its own."""

import math

import pytest

from partbench.report.charts import labels

SIZE = (126.0, 233.0)
CROWDED = tuple((60.0 + place % 3, 100.0 + 1.5 * place) for place in range(13))


def bars(marks):
    return tuple((x - 2, y - 20, x + 2, y + 20) for x, y in marks)


def boxes(placed):
    return [labels._box(found.at) for found in placed]


@pytest.mark.parametrize(
    "marks",
    [CROWDED, ((60.0, 100.0),) * 13, ((0.0, 0.0), (126.0, 233.0), (126.0, 0.0))],
    ids=["a column", "all on one spot", "corners"],
)
def test_no_letter_lies_on_another_or_leaves_the_panel(marks):
    placed = labels.place(marks, bars(marks), SIZE)
    found = boxes(placed)
    for place, one in enumerate(found):
        assert not any(labels._meet(one, other) for other in found[place + 1 :])
        assert one[0] >= 0
        assert one[1] >= 0
        assert one[2] <= SIZE[0]
        assert one[3] <= SIZE[1]


def test_a_letter_that_is_far_from_its_mark_has_a_line_to_it():
    for mark, found in zip(CROWDED, labels.place(CROWDED, bars(CROWDED), SIZE), strict=True):
        way = math.dist(mark, found.at)
        assert (found.line is not None) == (way > labels.NEAR)
        if found.line:
            assert math.dist(mark, found.line[0]) == pytest.approx(labels.MARK)
            assert math.dist(found.at, found.line[1]) == pytest.approx(labels.HEIGHT / 2)


def test_a_mark_by_itself_has_its_letter_beside_it():
    marks = ((20.0, 40.0), (100.0, 180.0))
    for mark, found in zip(marks, labels.place(marks, bars(marks), SIZE), strict=True):
        assert found.line is None
        assert found.at == (mark[0] + labels.RINGS[0], mark[1])
