"""``python -m benchmarks.app_speed [--rounds N]``: how long a visitor of the app waits, in Chromium.

In each round the app is started anew, and so is an app of one title, which shows what Streamlit itself takes. The clock
runs from the request, the click or the upload until what was asked for can be read, in a browser without a cache; the
server has answered nobody before. Prints seconds: median (lowest–highest).
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, FilePayload, Page, expect, sync_playwright

from har_core.config import PROJECT_ROOT
from har_ui import recognition
from har_ui.recognition import Photo
from tests import camera
from tests.servers import free_port, running

_MS = 120_000
_BARE = 'import streamlit as st\nst.set_page_config(layout="wide")\nst.title("Bare")\n'
_SWITCHES = ("Photos", "Webcam", "Video", "My own actions", "Dataset", "Training", "Evaluation", "Models", "Feedback")
_Seconds = dict[str, list[float]]


def main(rounds: int) -> None:
    """Measures and prints."""
    found: _Seconds = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        (folder / "bare.py").write_text(_BARE)
        browser = playwright.chromium.launch(executable_path=str(camera.CHROMIUM), args=camera.flags())
        for number in range(rounds):
            with _app(folder / "bare.py", folder) as base, _tab(browser) as page:
                found["bare Streamlit, first visit: title"].append(_open(page, base, "Bare"))
            with _app(PROJECT_ROOT / "Home.py", folder / f"home-{number}") as base:
                _visit(browser, base, found)
        browser.close()
    for what, seconds in found.items():
        print(f"{what}: {statistics.median(seconds):.2f} s ({min(seconds):.2f}–{max(seconds):.2f})")
    print(f"n = {rounds} starts; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def _visit(browser: Browser, base: str, found: _Seconds) -> None:
    """One server's first visitors: the front door, an upload, and twice each page."""
    for visit in ("first visit", "second visit"):
        with _tab(browser) as page:
            found[f"Home, {visit}: title"].append(_open(page, base, "What is this person doing?"))
            found[f"Home, {visit}: first paint"].append(_first_paint(page))
            answered = time.monotonic()
            page.get_by_role("heading", name="cycling").wait_for(timeout=_MS)
            found[f"Home, {visit}: an answer, after the title"].append(time.monotonic() - answered)
            _settle(page)
            for title in _SWITCHES:
                found[f"to {title}, {visit}"].append(_timed(lambda to=title: _switch(page, to)))  # type: ignore[misc]
                _settle(page)
    with _tab(browser) as page:
        _open(page, f"{base}/photos", "Photos")
        _settle(page)
        for upload, photo in zip(("first upload", "second upload"), recognition.examples()[:2], strict=True):
            seconds = _timed(lambda brought=photo: _upload(page, brought))  # type: ignore[misc]
            found[f"Photos, {upload}: answer"].append(seconds)
            _settle(page)


@contextmanager
def _app(script: Path, home: Path) -> Iterator[str]:
    port = str(free_port())
    base = f"http://127.0.0.1:{port}"
    command = ["streamlit", "run", str(script), "--server.port", port, "--server.address", "127.0.0.1"]
    home.mkdir(exist_ok=True)
    with running(command, f"{base}/_stcore/health", home / "log", HAR_HOME=str(home)):
        yield base


@contextmanager
def _tab(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


def _timed(do: Callable[[], None]) -> float:
    started = time.monotonic()
    do()
    return time.monotonic() - started


def _open(page: Page, address: str, title: str) -> float:
    def go() -> None:
        page.goto(address, wait_until="commit")
        page.get_by_role("heading", name=title, exact=True).wait_for(timeout=_MS)

    return _timed(go)


def _first_paint(page: Page) -> float:
    return page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime") / 1000


def _switch(page: Page, title: str) -> None:
    """Until the page says that it is drawn."""
    page.get_by_test_id("stSidebar").get_by_role("link", name=title, exact=True).click()
    page.get_by_role("heading", name=title, exact=True, level=1).wait_for(timeout=_MS)
    _settle(page)


def _upload(page: Page, photo: Photo) -> None:
    """Until the answer can be read; the model knows this one for what its name says."""
    file: FilePayload = {"name": photo.name, "mimeType": "image/jpeg", "buffer": photo.payload}
    page.locator("input[type=file]").first.set_input_files(file)
    page.get_by_role("heading", name=photo.name.partition(".")[0]).first.wait_for(timeout=_MS)


def _settle(page: Page) -> None:
    """Until the script of the page has run to its end."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning", timeout=_MS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    main(parser.parse_args().rounds)
