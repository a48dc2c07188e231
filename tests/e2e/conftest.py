"""A real browser on a real app."""

import pytest

from tests.camera import CHROMIUM
from tests.servers import app

_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser(playwright):
    found = playwright.chromium.launch(executable_path=str(CHROMIUM), args=_FLAGS)
    yield found
    found.close()


@pytest.fixture(scope="session")
def app_url(tmp_path_factory):
    with app(tmp_path_factory.mktemp("app") / "log") as base:
        yield base


@pytest.fixture
def tab(browser):
    """A page that fails the test when the app shows an exception or the browser reports one."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.set_default_timeout(60_000)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    assert not errors
    assert page.locator("[data-testid=stException]").count() == 0
    page.close()
