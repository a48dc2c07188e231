"""``python -m benchmarks.app_memory [--cgroup FOLDER]``: what the app alone takes of memory, page by page.

Starts the app as Streamlit's Community Cloud does, without API and workers, and drives it in Chromium: all pages,
photos, an evaluation, a video, the webcam, three visitors at once. Prints the most that all of the app's processes took
together, sampled ten times a second: PSS (what processes share is shared out among them) and RSS, in MiB. Other
Python processes on the machine make PSS look smaller than it is.

With ``--cgroup`` the app's processes join that control group, whose limit then holds. As root, where version 2 controls
memory: ``mkdir /sys/fs/cgroup/har && echo 1G > /sys/fs/cgroup/har/memory.max``.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.api import servers
from har_core.config import PROJECT_ROOT
from har_ui import recognition
from tests import camera
from tests.core.video import clips
from tests.servers import free_port

_PAGES = ("", "photos", "webcam", "video", "dataset", "training", "evaluation", "models", "feedback")
_MS = 120_000
_MIB = 1024


class Meter:
    """Samples the memory of all processes that have this folder as HAR_HOME."""

    def __init__(self, home: Path) -> None:
        self._mark = f"HAR_HOME={home}".encode()
        self._peak = {"pss": 0, "rss": 0}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Meter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def peak(self) -> dict[str, int]:
        """The most since this was last asked, MiB."""
        found, self._peak = self._peak, {"pss": 0, "rss": 0}
        return {name: value // _MIB for name, value in found.items()}

    def processes(self) -> list[int]:
        """Their ids; also of those that have been put into the background."""
        found = []
        for folder in Path("/proc").iterdir():
            with suppress(OSError):
                if folder.name.isdigit() and self._mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def _sample(self) -> None:
        while not self._stop.wait(0.1):
            now = {"pss": 0, "rss": 0}
            for pid in self.processes():
                with suppress(OSError):
                    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()[1:]:
                        name = line.partition(":")[0].lower()
                        if name in now:
                            now[name] += int(line.split()[1])
            self._peak = {name: max(value, self._peak[name]) for name, value in now.items()}


@contextmanager
def app(home: Path, log: Path, cgroup: Path | None) -> Iterator[str]:
    """The app alone; gives its address."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.port", str(port)]
    if cgroup:
        join = f'echo $$ > "{cgroup}/cgroup.procs" && exec "$@"'
        command = ["/bin/sh", "-c", join, "join", *command]
    process = subprocess.Popen(
        command,
        cwd=PROJECT_ROOT,
        env={**os.environ, "HAR_HOME": str(home)},
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        servers.wait(f"{base}/_stcore/health", process, log)
        yield base
        if process.poll() is not None:
            raise SystemExit(f"The app was ended with status {process.returncode}.")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def main(cgroup: Path | None) -> None:
    """Measures and prints."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        home = folder / "home"
        _import_examples(folder, home)
        clip = camera.clip(folder / "camera.mjpeg", recognition.examples()[0].payload)
        photo = folder / "large.jpg"
        Image.effect_noise((8000, 6000), 40).convert("RGB").save(photo, quality=60)
        video = clips.write(folder / "clip.mp4", (clips.plain(clips.RED, 1280, 720) for _ in range(300)))
        with app(home, folder / "log", cgroup) as base, Meter(home) as meter:
            time.sleep(1)
            _tell("started", meter)
            browser = playwright.chromium.launch(executable_path=str(camera.CHROMIUM), args=camera.flags(clip))
            for title in _PAGES:
                with _visit(browser, f"{base}/{title}"):
                    pass
                _tell(f"page {title or 'Home'}", meter)
            for what, do in _steps(browser, base, photo, video).items():
                do()
                _tell(what, meter)
            browser.close()
    if cgroup:
        _tell_cgroup(cgroup)


def _steps(browser: Browser, base: str, photo: Path, video: Path) -> dict[str, Callable[[], None]]:
    def predict() -> None:
        with _visit(browser, f"{base}/photos") as page:
            _predict(page)

    def evaluate() -> None:
        with _visit(browser, f"{base}/evaluation") as page:
            page.get_by_role("button", name="Ask it about").click(timeout=_MS)
            page.get_by_text("Confusions", exact=True).wait_for(timeout=_MS)
            for section in ("Confusions", "Labels", "Confidence", "Mistakes", "Slices"):
                page.get_by_role("radiogroup", name="Section").get_by_text(section, exact=True).click(timeout=_MS)
                page.wait_for_timeout(1500)

    def look() -> None:
        with _visit(browser, f"{base}/dataset") as page:
            for section in ("Photos", "Map", "Review"):
                page.get_by_role("radiogroup", name="Section").get_by_text(section, exact=True).click(timeout=_MS)
                page.wait_for_timeout(3000)

    def watch() -> None:
        with _visit(browser, f"{base}/webcam") as page:
            _watch(page)

    def show() -> None:
        with _visit(browser, f"{base}/video") as page:
            _show(page, video)

    def three() -> None:
        with (
            _visit(browser, f"{base}/webcam") as first,
            _visit(browser, f"{base}/video") as second,
            _visit(browser, f"{base}/photos") as third,
        ):
            camera.start(first)
            second.locator("input[type=file]").set_input_files(video)
            _predict(third)
            second.get_by_text("Pictures looked at").wait_for(timeout=_MS)
            first.get_by_text("frames a second classified").wait_for(timeout=_MS)
            first.wait_for_timeout(5000)

    def large() -> None:
        with _visit(browser, f"{base}/photos") as page:
            _predict(page, photo)

    def other_model() -> None:
        with _visit(browser, f"{base}/photos") as page:
            page.get_by_text("Sports").first.click(timeout=_MS)
            _predict(page)

    return {
        "predictions": predict,
        "a photo of 48 megapixels": large,
        "the other model": other_model,
        "dataset": look,
        "evaluation": evaluate,
        "video": show,
        "webcam": watch,
        "three visitors at once": three,
    }


@contextmanager
def _visit(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    try:
        page.goto(address)
        page.get_by_role("heading").first.wait_for(timeout=_MS)
        page.wait_for_timeout(2000)
        yield page
    finally:
        page.close()


def _predict(page: Page, *more: Path) -> None:
    examples = sorted((PROJECT_ROOT / "har_ui" / "assets" / "examples").glob("*.jpg"))
    page.locator("input[type=file]").set_input_files([*examples, *more])
    page.get_by_role("button", name="JSON").wait_for(timeout=_MS)


def _watch(page: Page) -> None:
    camera.start(page)
    page.get_by_text("frames a second classified").wait_for(timeout=_MS)
    page.wait_for_timeout(5000)
    camera.stop(page)


def _show(page: Page, video: Path) -> None:
    page.locator("input[type=file]").set_input_files(video)
    page.get_by_text("Pictures looked at").wait_for(timeout=_MS)


def _import_examples(folder: Path, home: Path) -> None:
    examples = recognition.examples()
    rows = ["path,label,split"]
    for photo in examples:
        (folder / photo.name).write_bytes(photo.payload)
        rows.append(f"{photo.name},{photo.name.partition('.')[0]},test")
    (folder / "labels.csv").write_text("\n".join(rows), "utf-8")
    command = [sys.executable, "-m", "har_cli", "data", "import", "csv", str(folder / "labels.csv"), "--name", "small"]
    subprocess.run(command, env={**os.environ, "HAR_HOME": str(home)}, check=True, capture_output=True)


def _tell(what: str, meter: Meter) -> None:
    print(json.dumps({"what": what, **meter.peak()}), flush=True)


def _tell_cgroup(cgroup: Path) -> None:
    """The most that the group ever had, with the system's cache of files, and how often it met its limit."""
    for name in ("memory.peak", "memory.events", "memory.max_usage_in_bytes", "memory.failcnt", "memory.oom_control"):
        with suppress(FileNotFoundError):
            print(json.dumps({"what": name, "value": (cgroup / name).read_text("utf-8").split()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cgroup", type=Path, help="A control group's folder, made before.")
    main(parser.parse_args().cgroup)
