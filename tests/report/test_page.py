"""The page holds every fact, loads nothing, and lets no foreign text become markup."""

import re
import subprocess
import sys

import pytest
from tests.outline import check_headings, check_ids, contrast, outline

from partbench.report import markdown, page, quantities, tables

from .made_up import ALL
from .made_up_studies import one_better, under_way


@pytest.fixture(scope="module")
def rendered() -> dict[str, str]:
    return {name: page.html(make()) for name, make in ALL.items()}


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_tag_is_closed_in_order(rendered, name):
    assert len(outline(rendered[name]).seen) > 50


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_page_asks_nobody_for_anything(rendered, name):
    text = rendered[name]
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", text)
    for tag, attributes in outline(text).seen:
        assert not {"src", "srcset", "xlink:href", "action"} & set(attributes)
        assert attributes.get("href", "#")[0] == "#" or attributes["href"] == "data:,"
        assert tag not in {"iframe", "object", "embed", "img"}


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_page_stays_small(rendered, name):
    assert len(rendered[name].encode()) < 400_000


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_figure_has_an_accessible_name(rendered, name):
    drawings = [attributes for tag, attributes in outline(rendered[name]).seen if tag == "svg"]
    assert drawings or name == "under way"
    for attributes in drawings:
        assert attributes["role"] == "img"
        assert len(attributes["aria-label"]) > 20


@pytest.mark.parametrize("name", sorted(ALL))
def test_no_id_is_used_twice_and_every_reference_finds_its_id(rendered, name):
    check_ids(rendered[name])


@pytest.mark.parametrize("name", sorted(ALL))
def test_headings_never_skip_a_level(rendered, name):
    check_headings(rendered[name])


@pytest.mark.parametrize("name", sorted(ALL))
def test_an_open_question_is_never_worded_as_no_effect(rendered, name):
    for lie in ("no effect", "no difference", "not significant", "insignificant"):
        assert lie not in rendered[name].lower()


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_number_of_the_verdict_is_in_page_and_markdown(rendered, name):
    report = ALL[name]()
    twin = markdown.markdown(report)
    for arm in report["arms"]:
        for text in verdict_texts(arm, report):
            assert text in twin
            assert page.typeset(text) in rendered[name]


def verdict_texts(arm: dict, report: dict) -> list[str]:
    """Write out each number of a verdict as a report must show it."""
    verdict, digits = arm["verdict"], quantities.decimals(report)
    seconds, multiplier = verdict["seconds"] or {}, verdict["multiplier"] or {}
    diverged = verdict["diverged"]
    texts = [
        tables.estimate(verdict, digits),
        tables.estimate(seconds, digits),
        quantities.level(verdict["level"]),
        quantities.probability(verdict["p"]).replace("<", "&lt;"),
        quantities.probability(verdict["p_sign_flip"]).replace("<", "&lt;"),
        quantities.correlation(verdict["correlation"]),
        quantities.score(verdict["sd_difference"], digits),
        quantities.ratio(multiplier.get("value")),
        quantities.ratio_interval(multiplier.get("low"), multiplier.get("high")),
        f"{diverged['arm']} arm, {diverged['base']} base",
        f"look {verdict['look']} of" if verdict["look"] else "before the first look",
    ]
    return texts + (["{} to {}".format(*verdict["settle"])] if verdict["settle"] else [])


def test_foreign_text_cannot_become_markup():
    evil = "<script>alert('1')</script>"
    report = one_better()
    arm = report["arms"][0]
    report.update(question=evil, name=evil, reproduce=[evil], margin_text=evil)
    arm.update(name=evil)
    arm["diff"][0].update(path=evil, arm=evil)
    arm["liveness"][0].update(note=evil, part=evil, alive=False)
    arm["pairs"][0].update(reason=evil, status="failed")
    report["provenance"]["platform"] = evil
    text = page.html(report)
    assert "<script>alert" not in text
    assert text.count("<script>") == 1
    outline(text)
    twin = markdown.markdown(report)
    assert "<script>" not in re.sub(r"```.*?```", "", twin, flags=re.DOTALL)


def test_a_broken_number_in_a_curve_does_not_break_the_page():
    report = one_better()
    report["base"]["curves"][0]["train"][3][1] = float("inf")
    text = page.html(report)
    assert "NaN" not in text
    assert "Infinity" not in text


def test_rendering_leaves_the_report_as_it_was_and_gives_equal_bytes_twice(rendered):
    report = one_better()
    text = page.html(report)
    assert report == one_better()
    assert text == rendered["one better"]


def test_dead_parts_are_told_before_the_arms(rendered):
    text = rendered["several arms"]
    assert 0 < text.index("the new part looks dead") < text.index('id="overview"')


def test_a_diverged_pair_is_told_with_its_reason(rendered):
    text = rendered["several arms"]
    assert "position=none, seed 5: the arm diverged: loss was not finite at step 184" in text
    assert "1 pair without a score" in text.replace("\u00a0", " ")


def test_a_report_with_only_the_bare_necessities_renders():
    bare = {"name": "x", "unit": "accuracy", "arms": [{"name": "a=b"}], "status": "under way"}
    assert "no verdict yet" in page.html(bare)
    assert "no verdict yet" in markdown.markdown(bare)


def test_a_run_evaluated_only_at_its_end_draws_no_empty_curves():
    report = one_better()
    for side in (report["base"], report["arms"][0]):
        for run in side["curves"]:
            run["evaluation"] = run["evaluation"][-1:]
    text = page.html(report)
    assert "Score on unseen text" not in text
    assert "The difference while training" not in text
    assert "Training loss" in text


def test_zero_pairs_draw_no_figures():
    assert "<figure>" not in page.html(under_way())


@pytest.mark.parametrize("theme", [0, 1])
def test_text_stands_out_from_the_paper(theme):
    style = (page.TEMPLATES / "style.css").read_text()
    found = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", style.split(":root {")[1 + theme]))
    for ink in ("ink", "soft", "better", "worse", "equivalent", "inconclusive"):
        for ground in ("paper", "panel"):
            assert contrast(found[ink], found[ground]) >= 4.5
    for mark in ("base", "arm"):
        assert contrast(found[mark], found["paper"]) >= 3
    assert contrast(found["base"], found["arm"]) >= 1.5, "alike when printed in grey"


def test_importing_the_report_loads_no_torch_and_nothing_heavy():
    code = (
        "import sys, partbench.report.write, partbench.report.terminal\n"
        "heavy = {'torch', 'numpy', 'scipy', 'jinja2', 'vl_convert', 'rich', 'pydantic'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    environment = {"PYTHONPATH": str(page.TEMPLATES.parents[2])}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_page_says_its_language_its_title_and_its_landmarks(rendered, name):
    seen = outline(rendered[name]).seen
    tags = [tag for tag, _ in seen]
    assert dict(seen[0][1]) == {"lang": "en"}
    assert tags.count("title") == tags.count("main") == tags.count("h1") == 1
    metas = {
        attributes.get("name"): attributes.get("content") for t, attributes in seen if t == "meta"
    }
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert tags.count("table") == tags.count("caption")
    assert all(attributes.get("scope") for tag, attributes in seen if tag == "th")
    assert all(int(a["tabindex"]) <= 0 for _, a in seen if "tabindex" in a)
    assert tags.count("details") == tags.count("summary")
