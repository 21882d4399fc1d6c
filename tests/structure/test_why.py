"""No figure of docs/why.md and docs/protocol.md is a figure by hand."""

import json
import re
import statistics

from tests.structure import luck
from tests.structure.tree import ROOT, text

from partbench.report import quantities, tables

WHY, PROTOCOL = text("docs/why.md"), text("docs/protocol.md")
FIGURES = json.loads((ROOT / "results" / "calibration" / "figures.json").read_text("utf-8"))


def report(name: str) -> dict:
    return json.loads((ROOT / "results" / name / "report.json").read_text("utf-8"))


def rate(name: str) -> dict:
    return next(row for row in FIGURES["false_alarms"] if row["name"] == name)


def test_the_luck_of_one_run():
    apart, together = luck.apart("tokens"), luck.together("tokens")
    gain, spread = -statistics.mean(together), luck.spread_of_a_run()
    worth = 2 * spread**2 / statistics.variance(together)
    likes = luck.share(luck.apart("redrawn"), -gain)
    for said in (
        f"{len(together)} small models",
        f"by {gain:.3f} bits per byte in the mean",
        f"scatters by {spread:.3f} bits",
        f"{spread / gain:.1f} times as large as the effect",
        f"{100 * (1 - luck.share(apart, 0)):.0f} % of {len(apart):,} comparisons",
        f"{100 * (1 - luck.share(together, 0)):.0f} % of {len(together)} pairs",
        f"in {100 * likes:.0f} % of comparisons at seeds of their own",
        f"one pair is worth {worth:.1f} unpaired ones",
    ):
        assert said in WHY, said


def test_looking_and_choosing():
    shares = [f"{100 * luck.best_of(many):.0f} %" for many in (4, 8, 16)]
    assert f"in {shares[0]} of cases; with 8 in {shares[1]}, with 16 in {shares[2]}" in WHY
    assert f"better or worse in {100 * luck.peeking():.0f} % of studies" in WHY
    told = text("docs/statistics.md")
    assert f"in {shares[0]} of comparisons at k = 4 and in {shares[2]} at k = 16" in told


def test_the_verdicts_of_the_two_studies():
    forth, back = report("gpt2_to_transformerpp"), report("transformerpp_to_gpt2")
    rows = (
        ("query_key_norm", "no_query_key_norm"), ("soap", "adamw"), ("rmsnorm", "layernorm"),
    )  # fmt: skip
    for names in rows:
        for study, name in zip((forth, back), names, strict=True):
            arm = next(arm for arm in study["arms"] if arm["name"] == name)
            said = tables.estimate(arm["verdict"], quantities.decimals(study))
            assert re.search(rf"{arm['verdict']['word']}[ \w]*, {re.escape(said)}", WHY), name
    soap = next(arm for arm in forth["arms"] if arm["name"] == "soap")
    assert f"SOAP takes {soap['costs']['time_ratio']:.2f} times as long" in WHY
    assert soap["verdict"]["seconds"]["word"] == "worse"
    totals = forth["totals"]
    assert f"{totals['cells']} runs and {totals['core_seconds'] / 3600:.1f} hours of one" in WHY


def test_the_figures_of_the_calibration():
    power = next(
        row for row in FIGURES["power"] if row["arm"] == "tokens" and len(row["looks"]) > 1
    )
    found = f"{100 * power['found']:.2f} %"
    for name, page in (("flat", WHY), ("O'Brien-Fleming", WHY), ("tuned, 2 seeds a rate", WHY)):
        assert f"{100 * rate(name)['rate']:.2f} %" in page
        assert f"{100 * rate(name)['rate']:.2f} %" in PROTOCOL
        ends = rate(name)["over_banks"]
        assert f"[{100 * ends['low']:.2f}, {100 * ends['high']:.2f}]" in PROTOCOL
    assert f"{found} of {power['studies']:,} studies" in WHY
    assert f"{found} (law fitted to the bank: {100 * power['theory']['rate']:.2f} %" in PROTOCOL
    assert f"normal theory: {100 * power['normal']:.2f} %" in PROTOCOL
    assert f"wrong sign {100 * power['wrong_sign']:.2f} %" in PROTOCOL
    for row in FIGURES["false_alarms"]:
        if "labels permuted" in row["name"]:
            assert f"{100 * row['rate']:.2f} %" in PROTOCOL, row["name"]


def test_the_coverage_in_the_protocol_is_that_of_the_page_on_calibration():
    """That page is written from the records by `partbench calibrate`; its rows are quoted."""
    page = text("docs/calibration.md")
    rows = dict(re.findall(r"^\| ([\d, ]+) \| 4,000 \| (.*)$", page, re.MULTILINE))
    cells = {looks: re.findall(r"([\d.]+) %", row) for looks, row in rows.items()}
    several, six = cells["4, 6, 8, 12"], cells["6"]
    assert f"the bank's mean in {several[0]} %" in PROTOCOL
    assert f"own in {several[1]} %, the planted 1.05x in {several[2]} %" in PROTOCOL
    assert f"own in {six[1]} %, the planted 1.05x in {six[2]} %" in PROTOCOL
    assert "typically 1.050x, and the 95 % interval holds 1.05x in 95.20 %" in page
