"""The report of a published campaign in a real browser, without a network: `nox -s browser`."""

import shutil
from pathlib import Path

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
