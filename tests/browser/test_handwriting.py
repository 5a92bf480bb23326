"""The handwriting exhibit in a real browser, without a network: `nox -s browser`."""

import numpy as np
import pytest
import torch

from longlag.reports import gallery
from longlag.reports.gallery import reader, reader_inside
from longlag.tasks.parts.glyphs import SANS, SCRIPT, glyphs
from longlag.tasks.parts.pen import Hand, followed, write
from longlag.tasks.parts.words import ALPHABET

pytestmark = pytest.mark.browser
MOST_MS = 200
EXHIBIT = "[data-exhibit=handwriting]"
READER = reader.load()


@pytest.fixture(scope="module")
def made():
    return gallery.make("handwriting")


@pytest.fixture(scope="module")
def page_file(made, tmp_path_factory):
    return gallery.write([made], tmp_path_factory.mktemp("handwriting"))


@pytest.fixture
def page(visit, page_file):
    opened = visit(page_file)
    opened.wait_for_selector(f"{EXHIBIT} [data-read]")
    return opened


def told(page):
    shown, here = page.locator(f"{EXHIBIT} [data-read]"), page.locator(f"{EXHIBIT} [data-gradient]")
    return {
        "read": shown.get_attribute("data-read"),
        "took": float(shown.get_attribute("data-took")),
        "letter": here.get_attribute("data-letter"),
        "probability": float(here.get_attribute("data-probability")),
        "gradient": float(here.get_attribute("data-gradient")),
    }


def go_to(page, step):
    page.locator("input[name='handwriting.step']").fill(str(step))


def test_words_are_read_as_python_reads_them(page, made):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    buttons = page.locator(f"{EXHIBIT} .controls").first.locator("button")
    took = []
    for k, word in enumerate(made.data["words"]):
        buttons.nth(k).click()
        way = np.array(word["steps"])
        assert told(page)["read"] == READER.read([way])[0]
        took.append(told(page)["took"])
        steps = torch.tensor(way, dtype=torch.float32)
        with torch.no_grad():
            likely = reader_inside.logits(READER, steps).softmax(1)[:, : len(ALPHABET)]
        for step in (0, len(way) // 2, len(way) - 1):
            go_to(page, step)
            there, most = told(page), int(likely[step].argmax())
            assert there["letter"] == ALPHABET[most]
            assert there["probability"] == pytest.approx(float(likely[step, most]), abs=1e-4)
            slope = reader_inside.gradient(READER, way, step, most)[step].norm()
            assert there["gradient"] == pytest.approx(float(slope), rel=1e-2, abs=1e-4)
    # the first is read before the browser has compiled anything
    assert np.median(took) < MOST_MS


def test_what_is_written_with_the_mouse_is_read(page):
    word = "cat"
    page.locator(f"{EXHIBIT} .pad").scroll_into_view_if_needed()
    box = page.locator(f"{EXHIBIT} .pad").bounding_box()
    unit = (
        page.locator(f"{EXHIBIT} .pad .guide").nth(0).bounding_box()["y"]
        - page.locator(f"{EXHIBIT} .pad .guide").nth(1).bounding_box()["y"]
    )
    strokes = write(word, glyphs(SANS), Hand(joining=0, gap=0.25), np.random.default_rng(0))
    placed = [
        np.round(stroke * unit + (box["x"] + unit, box["y"] + 3 * unit)).astype(int) for stroke in strokes
    ]
    for stroke in placed:
        page.mouse.move(*map(int, stroke[0]))
        page.mouse.down()
        for x, y in stroke[1:]:
            page.mouse.move(int(x), int(y))
        page.mouse.up()
    way = followed([stroke / unit for stroke in placed])
    assert told(page)["read"] == READER.read([way])[0] == word
    assert told(page)["took"] < MOST_MS
    # a link holds it
    assert "handwriting.ink=" in page.url
    read = told(page)
    page.goto("about:blank")
    page.go_back()
    page.wait_for_selector(f"{EXHIBIT} [data-read]")
    assert told(page)["read"] == word
    assert told(page)["probability"] == pytest.approx(read["probability"], abs=1e-9)
    page.locator(f"{EXHIBIT} button", has_text="clear").click()
    page.locator(f"{EXHIBIT} .controls").first.locator("button").first.click()
    assert "handwriting.word=0" in page.url


def test_a_word_is_typed_and_read_and_played(page):
    box = page.locator(f"{EXHIBIT} input[type=text]")
    box.fill("Hello!")
    box.press("Enter")
    way = followed(write("hello", glyphs(SCRIPT), Hand(), np.random.default_rng(0)))
    assert told(page)["read"] == READER.read([way])[0]
    assert "Written is “hello”" in page.locator(EXHIBIT).inner_text()
    assert "Left out: !." in page.locator(EXHIBIT).inner_text()
    go_to(page, 0)
    play = page.locator(f"{EXHIBIT} button", has_text="play")
    play.focus()
    page.keyboard.press("Enter")
    for _ in range(100):
        page.wait_for_timeout(100)
        if int(page.locator("input[name='handwriting.step']").input_value()) >= 5:
            break
    page.locator(f"{EXHIBIT} button", has_text="pause").click()
    assert int(page.locator("input[name='handwriting.step']").input_value()) >= 5
    assert "handwriting.step=" in page.url
