"""Chromium's fake camera, and the stream's part of the page Webcam."""

import io
from pathlib import Path

from PIL import Image, ImageOps
from playwright.sync_api import FrameLocator, Page

CHROMIUM = Path("/usr/bin/chromium")
_SIZE = (640, 480)


def clip(path: Path, *photos: bytes, frames: int = 30) -> Path:
    """Writes a clip that shows one photo after the other, as fake camera: JPEGs one after the other."""
    path.write_bytes(b"".join(_frame(photo) * frames for photo in photos))
    return path


def _frame(photo: bytes) -> bytes:
    buffer = io.BytesIO()
    # Black bars rather than cut-off people.
    ImageOps.pad(Image.open(io.BytesIO(photo)).convert("RGB"), _SIZE).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def flags(clip: Path | None = None, is_allowed: bool = True) -> list[str]:
    """Chromium's arguments; the clip is played again and again, 30 frames a second."""
    found = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    if clip:
        found += ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={clip}"]
    return [*found, "--use-fake-ui-for-media-stream" if is_allowed else "--deny-permission-prompts"]


def stream(page: Page) -> FrameLocator:
    """The part of the page that holds the picture."""
    return page.frame_locator('iframe[title*="webrtc_streamer"]')


def start(page: Page) -> None:
    """Presses Start."""
    stream(page).get_by_role("button", name="Start").click()


def stop(page: Page) -> None:
    """Presses Stop, and waits until it has stopped."""
    stream(page).get_by_role("button", name="Stop").click()
    stream(page).get_by_role("button", name="Start").wait_for()
