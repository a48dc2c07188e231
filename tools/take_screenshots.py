"""Takes pictures of every page of the app, so that a change can be looked at: ``python -m tools.take_screenshots OUT``.

The app is started on an empty state folder, which ``tools.example_home`` fills half way through. Each page and section
is shown in light and dark, as on a desk and on a phone. ``OUT/index.html`` shows them all. A page that breaks ends it
with an error.
"""

import argparse
import os
import shutil
import socket
import subprocess  # nosec B404
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from urllib.parse import quote

import httpx
from playwright.sync_api import Browser, Error, Page, sync_playwright

from har_core.config import PROJECT_ROOT, settings
from tools import example_home

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WIDTHS = (1280, 390)

_EXAMPLES = PROJECT_ROOT / "har_ui" / "assets" / "examples"
_INDEX_STYLE = """body { font: 16px sans-serif; margin: 2rem } div { display: flex; gap: 1rem; align-items: start }
img { height: 24rem; border: 1px solid #999 }"""
_HEIGHT = 900
_TALLEST = 6000
_PATIENCE = 120.0
_FLAGS = ("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
# Streamlit says when its script has ended; what it sent may still be on its way to the screen.
_DRAWN = """() => {
  const app = document.querySelector("[data-testid=stApp]");
  return app?.dataset.testScriptState === "notRunning"
    && document.querySelector("h1")
    && !document.querySelector("[data-testid=stSkeleton], [data-testid=stSpinner]")
    && [...document.images].every((image) => image.complete);
}"""


# Charts come after the rest, and what was cut by the window is drawn once it is larger.
_QUIET = """() => new Promise((done) => {
  const end = () => { watch.disconnect(); done(); };
  let quiet = setTimeout(end, 250);
  const watch = new MutationObserver(() => { clearTimeout(quiet); quiet = setTimeout(end, 250); });
  watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  setTimeout(end, 3000);
})"""


@dataclass(frozen=True)
class Shot:
    """A page in one of its states.

    Attributes:
        name: Begins the names of its pictures.
        address: Below the app's own.
        act: What a visitor does before there is something to see.
    """

    name: str
    address: str
    act: Callable[[Page], object] | None = None

    @property
    def page(self) -> str:
        """The page that it is of."""
        return self.address.partition("?")[0] or "home"


def _sections(page: str, key: str, *names: str, **more: str) -> list[Shot]:
    """A shot of each of a page's sections, which its address names."""
    rest = "".join(f"&{name}={quote(value)}" for name, value in more.items())
    return [Shot(f"{page}-{name.lower().replace(' ', '-')}", f"{page}?{key}={quote(name)}{rest}") for name in names]


def _bring(*names: str) -> Callable[[Page], object]:
    """Brings examples as a visitor would bring photos."""
    files = [_EXAMPLES / f"{name}.jpg" for name in names]

    def act(page: Page) -> None:
        page.locator("input[type=file]").set_input_files(files)
        page.get_by_text("Where it looked").first.wait_for()

    return act


def _choose(status: str) -> Callable[[Page], object]:
    return lambda page: page.get_by_role("radio", name=status).click()


EMPTY = [
    Shot("home", ""),
    Shot("photos-empty", "photos"),
    *_sections("webcam", "camera", "Live", "Snapshot"),
    Shot("video-empty", "video"),
    Shot("own_actions-empty", "own_actions"),
    Shot("dataset-empty", "dataset"),
    Shot("training-empty", "training"),
    Shot("training-live-empty", "training?view=Live"),
    Shot("training-runs-empty", "training?view=Runs"),
    Shot("evaluation-empty", "evaluation"),
    Shot("models-history-empty", "models?tab=History"),
    Shot("feedback-empty", "feedback"),
]
"""What is seen where nothing was done yet."""

FILLED = [
    Shot("photos-one", "photos", _bring("cycling")),
    Shot("photos-many", "photos", _bring("cycling", "climbing", "running", "astronaut")),
    *_sections("dataset", "section", "Overview", "Photos", "Map", "Review", "Import", dataset=example_home.DATASET),
    *_sections("training", "view", "New run", "Live", "Runs"),
    *_sections(
        "evaluation",
        "part",
        *("Overview", "Confusions", "Labels", "Confidence", "Mistakes", "Slices", "Compare"),
        judged="everyday@2",
        dataset=example_home.DATASET,
    ),
    *_sections("models", "tab", "All models", "Side by side", "History", "Import"),
    Shot("feedback-to-review", "feedback"),
    Shot("feedback-accepted", "feedback", _choose("Accepted")),
]
"""What is seen once there is something of everything."""


@contextmanager
def app(home: Path, said: Path) -> Iterator[str]:
    """The app on a state folder; gives its address. What it prints goes into a file."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    words = ["streamlit", "run", "Home.py", "--server.port", str(port), "--server.address", "127.0.0.1"]
    with said.open("wb") as log:
        process = subprocess.Popen(  # nosec B603
            [sys.executable, "-m", *words],
            cwd=PROJECT_ROOT,
            env={**os.environ, "HAR_HOME": str(home)},
            stdout=log,
            stderr=log,
        )
    try:
        deadline = time.monotonic() + _PATIENCE
        while not _answers(f"{base}/_stcore/health"):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"The app does not start. It said:\n{said.read_text()}")
            time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait(15)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def open_shot(page: Page, base: str, shot: Shot) -> None:
    """Opens a page, does what is to be done, and waits until all of it is drawn."""
    page.goto(f"{base}/{shot.address}")
    until_drawn(page)
    if shot.act:
        shot.act(page)
        until_drawn(page)


def until_drawn(page: Page) -> None:
    """Waits until a page has nothing left to draw.

    Raises:
        RuntimeError: It shows an exception.
    """
    page.wait_for_function(_DRAWN, timeout=1000 * _PATIENCE)
    page.evaluate(_QUIET)
    page.wait_for_function(_DRAWN, timeout=1000 * _PATIENCE)
    broken = page.locator("[data-testid=stException]")
    if broken.count():
        raise RuntimeError(f"{page.url} shows an exception: {broken.first.inner_text()}")


def photograph(browser: Browser, base: str, shots: Sequence[Shot], folder: Path) -> None:
    """Takes pictures in each theme and width.

    Raises:
        RuntimeError: A page shows an exception, or its script fails in the browser.
    """
    for shot in shots:
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": _HEIGHT})
            errors: list[Error] = []
            page.on("pageerror", errors.append)
            open_shot(page, base, shot)
            for theme in THEMES:
                page.emulate_media(color_scheme=theme)
                _whole(page, width, folder / f"{shot.name}-{theme}-{width}.png")
            page.close()
            if errors:
                raise RuntimeError(f"{shot.address} fails in the browser: {errors[0]}")
        print(shot.name, flush=True)


def _whole(page: Page, width: int, path: Path) -> None:
    """A picture of all of a page, which scrolls inside a box of the window's height."""
    box = "document.querySelector('[data-testid=stMain]')"
    page.set_viewport_size({"width": width, "height": _HEIGHT})
    height = page.evaluate(f"{box} ? {box}.scrollHeight : 0")
    page.set_viewport_size({"width": width, "height": min(_TALLEST, max(_HEIGHT, height))})
    until_drawn(page)
    page.screenshot(path=path)


def write_index(folder: Path, shots: Sequence[Shot]) -> Path:
    """A page with all pictures, one line a shot."""
    lines = []
    for shot in shots:
        pictures = "".join(
            f'<a href="{name}"><img src="{name}" alt="{escape(shot.name)}, {theme}, {width} px" loading="lazy"></a>'
            for width in WIDTHS
            for theme in THEMES
            if (folder / (name := f"{shot.name}-{theme}-{width}.png")).exists()
        )
        lines.append(f"<h2>{escape(shot.name)}</h2><div>{pictures}</div>")
    title = "The app, page by page"
    path = folder / "index.html"
    path.write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_INDEX_STYLE}</style>'
        f"<h1>{title}</h1>{''.join(lines)}</html>",
        "utf-8",
    )
    return path


def main() -> None:
    """Reads the command line, and takes the pictures."""
    parser = argparse.ArgumentParser(description="Takes pictures of every page of the app.")
    parser.add_argument("out", type=Path, help="the folder for the pictures")
    pages = sorted({shot.page for shot in [*EMPTY, *FILLED]})
    parser.add_argument("--page", action="append", choices=pages, help="only this page; may be given again")
    parser.add_argument("--home", type=Path, help="a state folder to show, instead of those that are made for it")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    empty, filled = ([shot for shot in shots if not asked.page or shot.page in asked.page] for shots in (EMPTY, FILLED))
    with TemporaryDirectory() as scratch, sync_playwright() as playwright:
        home = asked.home or Path(scratch) / "home"
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(_FLAGS))
        with app(home, Path(scratch) / "log") as base:
            if not asked.home:
                photograph(browser, base, empty, asked.out)
                if filled:
                    _fill(home)
            photograph(browser, base, filled, asked.out)
        browser.close()
    print(write_index(asked.out, [*empty, *filled]))


def _fill(home: Path) -> None:
    os.environ["HAR_HOME"] = str(home)
    settings.cache_clear()
    example_home.fill()
    example_home.train()


if __name__ == "__main__":
    main()
