"""Clients of an API, in one process and cheap: requests are encoded beforehand, and answers are hardly looked at."""

import asyncio
import io
import itertools
import random
import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image

from har_core.config import PROJECT_ROOT

_EXAMPLES = sorted((PROJECT_ROOT / "har_ui" / "assets" / "examples").glob("*.jpg"))
_SIDES = (224, 320, 480, 640)
_BOUNDARY = "boundary-of-the-photos"


@dataclass
class Figures:
    """What came of a run.

    Attributes:
        seconds: How long each answered request took, from when it was due.
        statuses: How many answers of each HTTP status; 0: no answer.
        wall: Seconds of the whole run.
    """

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wall: float = 0.0

    @property
    def rate(self) -> float:
        """Photos answered a second."""
        return self.statuses[200] / self.wall

    def quantile(self, share: float) -> float:
        """Milliseconds within which that share of the requests was answered."""
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)] * 1e3

    def __str__(self) -> str:
        bad = {status: count for status, count in self.statuses.items() if status != 200}
        return (
            f"{self.rate:.1f}/s; p50 {statistics.median(self.seconds) * 1e3:.1f} ms, p99 {self.quantile(0.99):.1f} ms; "
            f"n = {sum(self.statuses.values())}{f', not answered: {bad}' if bad else ''}"
        )


def photos() -> list[bytes]:
    """JPEGs of 224 to 640 pixels on the longer side, drawn by ``tools.draw_examples``."""
    found = []
    for path, side in itertools.product(_EXAMPLES, _SIDES):
        with Image.open(path) as image:
            image.thumbnail((side, side))
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=90)
            found.append(buffer.getvalue())
    return found


def encoded(path: str, payloads: Sequence[bytes], field_name: str = "image", key: str = "") -> list[bytes]:
    """Whole HTTP requests that post one photo each as a multipart field."""
    start = (
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field_name}"; filename="a.jpg"\r\n'
        "Content-Type: image/jpeg\r\n\r\n"
    ).encode()
    end = f"\r\n--{_BOUNDARY}--\r\n".encode()
    authorization = f"Authorization: Bearer {key}\r\n" if key else ""
    found = []
    for payload in payloads:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{authorization}"
            f"Content-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
            f"Content-Length: {len(start) + len(payload) + len(end)}\r\n\r\n"
        )
        found.append(head.encode() + start + payload + end)
    return found


class _Connection:
    """A connection that is kept alive as long as the server does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> int:
        """Sends a request, takes the answer in, gives its status; 0 where there is none."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            reader, writer = self._streams
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = next(
                int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length")
            )
            await reader.readexactly(length)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return 0
        return int(head[9:12])

    def close(self) -> None:
        """Ends it; the next request begins a new one."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@contextmanager
def _connections(port: int, count: int) -> Iterator[list[_Connection]]:
    links = [_Connection(port) for _ in range(count)]
    try:
        yield links
    finally:
        for link in links:
            link.close()


async def _saturate(port: int, requests: Sequence[bytes], connections: int, seconds: float) -> Figures:
    figures, end = Figures(), time.perf_counter() + seconds
    pool = itertools.cycle(requests)

    async def client(link: _Connection) -> None:
        while (started := time.perf_counter()) < end:
            figures.statuses[await link.ask(next(pool))] += 1
            figures.seconds.append(time.perf_counter() - started)

    with _connections(port, connections) as links:
        started = time.perf_counter()
        await asyncio.gather(*map(client, links))
        figures.wall = time.perf_counter() - started
    return figures


async def _arrive(port: int, requests: Sequence[bytes], rate: float, seconds: float, keep: bool) -> Figures:
    figures, chance = Figures(), random.Random(0)
    pool, tasks = itertools.cycle(requests), []

    async def one(link: _Connection, idle: asyncio.Queue[_Connection], due: float) -> None:
        figures.statuses[await link.ask(next(pool))] += 1
        figures.seconds.append(time.perf_counter() - due)
        if not keep:
            link.close()
        idle.put_nowait(link)

    with _connections(port, 64) as links:
        idle: asyncio.Queue[_Connection] = asyncio.Queue()
        for link in links:
            idle.put_nowait(link)
        started = due = time.perf_counter()
        while due < started + seconds:
            due += chance.expovariate(rate)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(one(await idle.get(), idle, due)))
        await asyncio.gather(*tasks)
        figures.wall = time.perf_counter() - started
    return figures


def saturate(port: int, requests: Sequence[bytes], connections: int = 8, seconds: float = 15) -> Figures:
    """Each connection sends its next request as soon as the last is answered."""
    return asyncio.run(_saturate(port, requests, connections, seconds))


def arrive(port: int, requests: Sequence[bytes], rate: float, seconds: float = 20, keep: bool = True) -> Figures:
    """Requests come at random (Poisson) at a rate, whether or not earlier ones are answered.

    Args:
        port: Of this machine.
        requests: What is sent, in turn.
        rate: Requests a second.
        seconds: How long.
        keep: Whether connections are used again; otherwise each request may reach another worker.
    """
    return asyncio.run(_arrive(port, requests, rate, seconds, keep))
