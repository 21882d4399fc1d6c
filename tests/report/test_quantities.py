"""Numbers keep their sign, a sensible number of digits and their unit."""

import math

import pytest

from partbench.report import quantities

from .made_up_studies import one_better


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (quantities.signed(-0.0671, 3), "-0.067"),
        (quantities.signed(0.0121, 3), "+0.012"),
        (quantities.signed(0.0, 3), "0"),
        (quantities.signed(-0.0001, 3), "-0.000"),
        (quantities.signed(None, 3), "–"),
        (quantities.signed(math.nan, 3), "–"),
        (quantities.interval(-0.093, 0.041, 3), "[-0.093, +0.041]"),
        (quantities.interval(None, 0.1, 3), "–"),
        (quantities.change(1.04), "+4 %"),
        (quantities.change(0.97), "-3 %"),
        (quantities.change(1.002), "+0.2 %"),
        (quantities.change(1.0), "+0 %"),
        (quantities.ratio(1.0019), "1.002x"),
        (quantities.ratio(1.0), "1.00x"),
        (quantities.ratio(0.004), "under 0.01x"),
        (quantities.ratio(13387.74), "over 100x"),
        (quantities.ratio_interval(0.0, 1.9e17), "[under 0.01, over 100]"),
        (quantities.short_count(5_310_976), "5.31 million"),
        (quantities.short_count(1.2e12), "1.20 trillion"),
        (quantities.count(812_544), "812,544"),
        (quantities.step_time(0.0412), "41.2 ms"),
        (quantities.step_time(2.5), "2.50 s"),
        (quantities.duration(59), "59 s"),
        (quantities.duration(1800), "30 min"),
        (quantities.duration(7200), "2.0 h"),
        (quantities.memory(312_475_648), "312 MB"),
        (quantities.memory(12), "12 bytes"),
        (quantities.probability(0.00213), "0.0021"),
        (quantities.probability(0.0), "< 0.0001"),
        (quantities.correlation(0.5), ".50"),
        (quantities.correlation(-0.123), "-.12"),
        (quantities.correlation(1.0), "1.00"),
        (quantities.correlation(-0.001), ".00"),
        (quantities.level(0.9832), "98.3 %"),
        (quantities.share(0.004), "0.4 %"),
        (quantities.number_of(1, "pair"), "1 pair"),
        (quantities.setting([0.9, None]), "[0.9, null]"),
        (quantities.moment("2026-08-01T11:12:44+02:00"), "2026-08-01 09:12 UTC"),
        (quantities.moment("2026-08-01T11:12:44"), "2026-08-01 11:12"),
        (quantities.moment("long ago"), "long ago"),
        (quantities.moment(None), "–"),
    ],
)
def test_a_number_is_written_as_expected(written, expected):
    assert written == expected


def test_decimals_follow_the_narrowest_interval_of_the_study():
    report = one_better()
    assert quantities.decimals(report) == 3
    report["arms"][0]["verdict"].update(low=-0.0685, high=-0.0655)
    assert quantities.decimals(report) == 4


def test_decimals_have_a_floor_when_nothing_is_known():
    assert quantities.decimals({"arms": [], "margin": None}) == 3
