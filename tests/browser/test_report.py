"""The report of a published campaign in a real browser, without a network: `nox -s browser`."""

import csv
import shutil
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from longlag.bench.cli.app import app

pytestmark = pytest.mark.browser
PUBLISHED = Path(__file__).parents[2] / "results" / "quick"


@pytest.fixture(scope="session")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "quick"
    shutil.copytree(PUBLISHED, folder)
    assert CliRunner().invoke(app, ["report", str(folder)]).exit_code == 0
    return folder / "report.html"


@pytest.fixture
def page(visit, report):
    return visit(report)


def test_charts_are_drawn_when_they_come_near(page):
    last = page.locator(".chart").last
    last.scroll_into_view_if_needed()
    last.locator("svg.marks").wait_for()
    assert last.locator("img").count() == 0


def test_a_method_is_brought_forward_by_the_keyboard(page):
    button = page.locator(".legend button", has_text="lstm").first
    button.focus()
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "true"
    page.keyboard.press("Enter")
    assert button.get_attribute("aria-pressed") == "false"


def test_learning_has_other_axes(page):
    page.locator("#learning").scroll_into_view_if_needed()
    page.locator("#learning svg.marks").first.wait_for()
    choice = page.locator("#learning .switch select")
    options = choice.locator("option").all_inner_texts()
    assert len(options) > 2, options
    before = page.locator("#learning svg.marks").first.inner_html()
    choice.select_option(index=len(options) - 1)
    page.wait_for_timeout(500)
    assert page.locator("#learning svg.marks").first.inner_html() != before


def test_nothing_is_wider_than_the_page(page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_every_method_has_its_row(page):
    text = page.locator("#rates").inner_text()
    assert all(method in text for method in ("vanilla", "lstm", "echo_state", "hessian_free"))


def of_trials(page):
    """The words under the table of every trial, once it is there."""
    page.locator("#trials").scroll_into_view_if_needed()
    page.locator("#trials table").wait_for()
    return page.locator("#trials .turn .note").inner_text()


def test_every_trial_is_sorted_and_filtered_by_the_keyboard(page):
    whole = int(of_trials(page).split(" of ")[1].split()[0])
    head = page.locator("#trials thead button", has_text="FLOPs")
    head.focus()
    page.keyboard.press("Enter")
    place = page.locator("#trials thead th").all_inner_texts().index("FLOPs")
    cells = page.locator(f"#trials tbody td:nth-child({place + 1})").all_inner_texts()
    costs = [float(cell) for cell in cells]
    assert costs == sorted(costs)
    assert page.locator("#trials th[aria-sort=ascending]").count() == 1
    page.locator("#trials label", has_text="method").locator("select").select_option(label="lstm")
    page.locator("#trials label", has_text="outcome").locator("select").select_option(label="solved")
    kept = int(page.locator("#trials .turn .note").inner_text().split(" of ")[1].split()[0])
    assert 0 < kept < whole
    assert all(
        "lstm" in row and "solved" in row for row in page.locator("#trials tbody tr").all_inner_texts()
    )
    assert "longlag replay" in page.locator("#trials tbody code").first.inner_text()


def test_the_rows_shown_are_downloaded(page, tmp_path):
    of_trials(page)
    page.locator("#trials label", has_text="method").locator("select").select_option(label="vanilla")
    with page.expect_download() as caught:
        page.locator("#trials button", has_text="as CSV").click()
    caught.value.save_as(tmp_path / "trials.csv")
    with (tmp_path / "trials.csv").open(newline="") as written:
        rows = list(csv.DictReader(written))
    stored = pd.read_parquet(PUBLISHED / "trials.parquet")
    own = stored[stored["method"] == "vanilla"]
    assert len(rows) == len(own)
    assert {row["method"] for row in rows} == {"vanilla"}
    assert sorted(float(row["flops"]) for row in rows) == sorted(
        float(f"{cost:.4g}") for cost in own["flops"]
    )


def test_a_figure_gives_its_rows(page):
    figure = page.locator("#ladder figure").first
    figure.scroll_into_view_if_needed()
    figure.locator("summary", has_text="Its rows").click()
    figure.locator("table").wait_for()
    assert "lstm" in figure.locator("tbody").inner_text()
    with page.expect_download() as caught:
        figure.locator("button", has_text="as CSV").click()
    assert caught.value.suggested_filename.endswith("cases.csv")


def test_names_of_the_legend_do_not_overlap(page):
    boxes = [each.bounding_box() for each in page.locator(".legend button").all()]
    for index, one in enumerate(boxes):
        for two in boxes[index + 1 :]:
            apart = one["x"] + one["width"] <= two["x"] + 0.5 or two["x"] + two["width"] <= one["x"] + 0.5
            assert apart or one["y"] + one["height"] <= two["y"] + 0.5, (one, two)


def test_settings_fold(page):
    settings = page.locator("#settings details").first
    assert not settings.locator("table").first.is_visible()
    settings.locator("summary").first.click()
    assert settings.locator("table").first.is_visible()
