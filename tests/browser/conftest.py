"""A Chromium without a network, pages that fail for what the console complains of, and their screenshots."""

import shutil

import pytest

SIZES = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(params=SIZES)
def visit(request, browser):
    """Opens a file as a reader does, once a test; a picture of how it was left lies beside it."""
    context = browser.new_context(viewport=SIZES[request.param], offline=True)
    complaints, opened = [], []

    def visit(file):
        page = context.new_page()
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(file.as_uri())
        opened.append((page, file))
        return page

    yield visit
    for page, file in opened:
        page.screenshot(path=file.with_name(f"{file.stem}_{request.param}.png"), full_page=True)
    context.close()
    assert complaints == []
