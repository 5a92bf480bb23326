"""The gallery in a real browser, without a network: `nox -s browser`."""

import pytest

from longlag.reports import gallery
from longlag.reports.gallery import cliff

pytestmark = pytest.mark.browser
WHOLE = 5e6


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    return gallery.write(map(gallery.make, gallery.ORDER), tmp_path_factory.mktemp("gallery"))


@pytest.fixture
def page(visit, page_file):
    opened = visit(page_file)
    opened.wait_for_selector("[data-exhibit=play] table")
    return opened


def reading(page, exhibit, kind):
    return page.locator(f"[data-exhibit={exhibit}] .key.{kind}").first


def errors(page):
    found = page.locator("[data-exhibit=cliff] .key[data-error]")
    return [found.nth(k).get_attribute("data-error") for k in range(found.count())]


def test_nothing_is_wider_than_the_page(page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("document.documentElement.outerHTML.length") < WHOLE


def test_on_paper_every_exhibit_has_its_picture(page):
    stills = page.locator(".still")
    assert stills.count() == len(gallery.ORDER)
    assert not any(stills.nth(k).is_visible() for k in range(stills.count()))
    page.emulate_media(media="print")
    assert all(stills.nth(k).is_visible() for k in range(stills.count()))
    assert not page.locator("[data-exhibit=cliff] .live").is_visible()
    page.emulate_media(media="screen")


def test_the_cliff_s_numbers_are_python_s(page):
    ends = {
        kind: path
        for kind, path in cliff.ways(cliff.Unit(), cliff.START).items()
        # the last digits of a way along the wall are the arithmetic's
        if kind != "hessian_free"
    }
    for kind, path in ends.items():
        shown = float(reading(page, "cliff", kind).get_attribute("data-error"))
        assert shown == pytest.approx(cliff.error(cliff.Unit(), *path[-1]).error, abs=1e-9)


def test_the_start_is_dragged_and_moved_by_keys_and_kept_in_the_address(page):
    page.locator("#cliff").scroll_into_view_if_needed()
    surface = page.locator("[data-exhibit=cliff] .plot > svg").bounding_box()
    page.mouse.move(surface["x"] + 0.5 * surface["width"], surface["y"] + 0.5 * surface["height"])
    page.mouse.down()
    page.mouse.move(surface["x"] + 0.3 * surface["width"], surface["y"] + 0.6 * surface["height"])
    page.mouse.up()
    dragged = page.locator("[data-exhibit=cliff] .handle").get_attribute("aria-valuetext")
    assert "cliff.w=" in page.url
    page.locator("[data-exhibit=cliff] .handle").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("[data-exhibit=cliff] .handle").get_attribute("aria-valuetext") != dragged
    moved = page.locator("[data-exhibit=cliff] .handle").get_attribute("aria-valuetext")
    seen = errors(page)
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("[data-exhibit=cliff] .handle")
    assert page.locator("[data-exhibit=cliff] .handle").get_attribute("aria-valuetext") == moved
    assert errors(page) == seen


def test_a_dragged_start_s_link_shows_the_same_numbers(page):
    page.locator("#cliff").scroll_into_view_if_needed()
    surface = page.locator("[data-exhibit=cliff] .plot > svg").bounding_box()
    page.mouse.click(surface["x"] + 0.61803 * surface["width"], surface["y"] + 0.51234 * surface["height"])
    seen = errors(page)
    assert len(seen) == 3
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector("[data-exhibit=cliff] .handle")
    assert errors(page) == seen


def test_every_picture_has_a_name(page):
    unnamed = "all => all.filter(each => !each.getAttribute('aria-label')).length"
    assert page.locator("canvas").count() >= 6
    assert page.locator("canvas").evaluate_all(unnamed) == 0
    assert page.locator(".live .plot > svg").evaluate_all(unnamed) == 0


def test_the_radius_slides(page):
    far = {"vanilla": [], "linear": []}
    for radius in ("0.5", "1.5"):
        page.locator("input[name='unrolling.radius']").fill(radius)
        for kind, found in far.items():
            found.append(float(reading(page, "unrolling", kind).get_attribute("data-far")))
    assert far["vanilla"][0] < 1e-20
    assert far["linear"][1] > 1e15 > far["vanilla"][1]


def test_the_cell_steps(page):
    page.locator("[data-exhibit=cell] button", has_text="next").click()
    assert "Step 1: write" in page.locator("[data-exhibit=cell] .reading").inner_text()
    assert "cell.step=1" in page.url


def test_nothing_of_the_cell_s_drawing_is_cut_off(page):
    for step in range(int(page.locator("input[name='cell.step']").get_attribute("max")) + 1):
        page.locator("input[name='cell.step']").fill(str(step))
        assert page.locator("[data-exhibit=cell] .drawing svg").evaluate(
            """svg => {
                const all = svg.viewBox.baseVal;
                return [...svg.querySelectorAll("text")].every((text) => {
                    const box = text.getBBox();
                    return box.x >= all.x && box.x + box.width <= all.x + all.width;
                });
            }"""
        )


def test_the_adding_task_is_played(page):
    page.locator("input[name='play.pace']").fill("4")
    page.locator("[data-exhibit=play] button", has_text="start").click()
    answer = page.locator("[data-exhibit=play] input[type=number]")
    page.wait_for_selector("[data-exhibit=play] input[type=number]:enabled", timeout=30_000)
    answer.fill("0.5")
    answer.press("Enter")
    assert "have the mean" in page.locator("[data-exhibit=play] .reading").inner_text()
    assert "of 1" in page.locator("[data-exhibit=play] table").inner_text()
