"""What others notice of slow clients, killed workers and reloads: ``python -m benchmarks.api.disturbances``.

Two workers get 20 photos a second, a connection each: in peace; while hundreds of clients trickle heads and bodies;
while one of the workers is killed again and again; while all are replaced again and again.
"""

import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from benchmarks.api import load, servers

_PORT = 8136
_RATE = 20.0
_SECONDS = 20.0
_SLOW = 500
_TIMES = 4


class _SlowClient:
    """Sends the beginning of a request, then a byte a second; begins anew where the server has had enough."""

    def __init__(self, request: bytes, beginning: int) -> None:
        self._request, self._beginning = request, beginning
        self._link: socket.socket | None = None
        self._sent = 0

    def go_on(self) -> None:
        """Sends what is next."""
        try:
            if self._link is None:
                self._link = socket.create_connection(("127.0.0.1", _PORT), 5)
                self._sent, piece = self._beginning, self._request[: self._beginning]
            else:
                self._sent, piece = self._sent + 1, self._request[self._sent : self._sent + 1]
            self._link.sendall(piece)
        except OSError:
            self.close()

    def close(self) -> None:
        """Leaves."""
        if self._link is not None:
            self._link.close()
            self._link = None


def _trickle(stop: threading.Event) -> None:
    (request,) = load.encoded("/api/v1/predictions", load.photos()[:1])
    # Half of them stop within the head, half within the body.
    clients = [_SlowClient(request, 20 if number % 2 else 500) for number in range(_SLOW)]
    while not stop.wait(1):
        for client in clients:
            client.go_on()
    for client in clients:
        client.close()


def _again_and_again(stop: threading.Event, disturb: Callable[[], None]) -> None:
    for _ in range(_TIMES):
        if not stop.wait(_SECONDS / _TIMES / 2):
            disturb()
            stop.wait(_SECONDS / _TIMES / 2)


def _meanwhile(what: Callable[[threading.Event], None]) -> load.Figures:
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(what, stop)
        time.sleep(1)
        figures = load.arrive(_PORT, load.encoded("/api/v1/predictions", load.photos()), _RATE, _SECONDS, keep=False)
        stop.set()
        work.result()
    return figures


def main() -> None:
    """Prints the figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.ours(_PORT, Path(folder) / "home", WEB_CONCURRENCY="2") as master,
    ):
        print(f"in peace: {_meanwhile(lambda _: None)}", flush=True)
        print(f"beside {_SLOW} slow clients: {_meanwhile(_trickle)}", flush=True)
        disturbances: dict[str, Callable[[], None]] = {
            "a worker killed": lambda: os.kill(servers.workers(master)[0], signal.SIGKILL),
            "reloaded": lambda: os.kill(master, signal.SIGHUP),
        }
        for name, disturb in disturbances.items():
            figures = _meanwhile(partial(_again_and_again, disturb=disturb))
            print(f"{name} {_TIMES} times: {figures}", flush=True)
        print(f"workers at the end: {len(servers.workers(master))}")


if __name__ == "__main__":
    main()
