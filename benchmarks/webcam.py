"""``python -m benchmarks.webcam [SECONDS]``: how quick the live view is, in a real browser with a fake camera.

Starts the app and Chromium on this machine; the camera plays an example at 640 × 480 and 30 frames a second. Prints, as
JSON, what the session counted by itself: frames classified a second (median over seconds, and in the slowest one), and
how old the frame is that the overlay is about (median and 95th percentile, milliseconds, from its arrival in the app
to the drawing of the overlay), with the machine's load at the end. The browser plays, encodes and shows on the same
cores.
"""

import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from har_ui import recognition
from tests import camera
from tests.servers import app

_SECONDS = 30
_FIGURES = re.compile(
    r"(?P<rate>\d+) frames a second classified \(in the slowest second (?P<least_rate>\d+)\).*"
    r"about a frame (?P<age_ms>\d+) ms old \(95 % of the time at most (?P<age_p95_ms>\d+) ms\)"
)


def main(seconds: int) -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        clip = camera.clip(folder / "clip.mjpeg", recognition.examples()[0].payload)
        with app(folder / "log", HAR_HOME=str(folder / "home")) as base:
            browser = playwright.chromium.launch(executable_path=str(camera.CHROMIUM), args=camera.flags(clip))
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(f"{base}/webcam")
            camera.start(page)
            page.get_by_role("heading", name="cycling").wait_for(timeout=30_000)
            time.sleep(seconds)
            text = page.get_by_text("frames a second classified").inner_text()
            browser.close()
    found = _FIGURES.search(text)
    if found is None:
        raise SystemExit(f"No figures in: {text}")
    load, *_ = os.getloadavg()
    figures = {name: int(value) for name, value in found.groupdict().items()}
    print(json.dumps({"seconds": seconds, **figures, "cores": os.cpu_count(), "load": round(load, 1)}))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS)
