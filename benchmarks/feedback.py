"""What it costs the API to keep the photos of the last minutes, so that feedback can name an answer by its id.

``python -m benchmarks.feedback``: two servers, one that keeps photos and one that does not, are asked in turn.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx

from benchmarks.serving import PHOTO
from har_core.config import PROJECT_ROOT

_PAIRS = 500


@contextmanager
def api(port: int, minutes: int) -> Iterator[httpx.Client]:
    """A server that keeps photos for so many minutes, and who asks it."""
    with tempfile.TemporaryDirectory() as home:
        changes = {"HAR_HOME": home, "HAR_API_PORT": str(port), "HAR_FEEDBACK_MINUTES": str(minutes)}
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"],
            cwd=PROJECT_ROOT,
            env={**os.environ, **changes},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            transport = httpx.HTTPTransport(retries=8)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", transport=transport, timeout=30) as client:
                yield client
        finally:
            server.terminate()
            server.wait(30)


def ask(client: httpx.Client) -> float:
    """Milliseconds until the answer for a photo is there."""
    started = time.perf_counter()
    client.post("/api/v1/predictions", files={"image": PHOTO.read_bytes()}).raise_for_status()
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    """Asks both servers in turn, each of them first as often as the other."""
    with ExitStack() as stack:
        keeping, plain = (stack.enter_context(api(port, minutes)) for port, minutes in ((8124, 10), (8125, 0)))
        for _ in range(20):
            ask(keeping), ask(plain)
        kept: list[float] = []
        not_kept: list[float] = []
        for number in range(_PAIRS):
            for client in (keeping, plain) if number % 2 else (plain, keeping):
                (kept if client is keeping else not_kept).append(ask(client))
    ratio = statistics.median(a / b for a, b in zip(kept, not_kept, strict=True))
    print(
        f"POST predictions, a 640 x 480 JPEG: median {statistics.median(kept):.2f} ms where photos are kept for "
        f"feedback; {statistics.median(not_kept):.2f} ms where not; ratio {ratio:.3f} (n = {_PAIRS} pairs)"
    )


if __name__ == "__main__":
    main()
