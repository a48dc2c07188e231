"""Connections shared out evenly among workers.

All workers wait at one socket. Left to itself, an event loop that wakes up takes all connections that wait there, and
one worker has everything to do while another has nothing.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

log = logging.getLogger(__name__)

# A worker comes the later to the next connection the more it has: whoever has fewest gets it. (uvloop counts in ms.)
_SECONDS_A_CONNECTION = 0.001
_MOST_SECONDS = 0.016
# How many it takes then, at least: a crowd does not wait long.
_AT_A_TIME = 4
_SECONDS_WITHOUT_DESCRIPTORS = 1.0


class Listener:
    """Takes connections from a listening socket, a few at a time."""

    def __init__(
        self, sock: socket.socket, make_protocol: Callable[[], asyncio.Protocol], connections: Callable[[], int]
    ) -> None:
        """Begins at once.

        Args:
            sock: The listening socket.
            make_protocol: What a connection is handed to.
            connections: How many this worker has.
        """
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._make_protocol = make_protocol
        self._connections = connections
        self._tasks: set[asyncio.Task[object]] = set()
        self._is_closed = False
        sock.setblocking(False)
        self._wait()

    async def close(self) -> None:
        """Takes no more; those that it has taken are made when this returns."""
        self._is_closed = True
        self._loop.remove_reader(self._sock.fileno())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _wait(self) -> None:
        if not self._is_closed:
            self._loop.add_reader(self._sock.fileno(), self._come)

    def _come(self) -> None:
        self._loop.remove_reader(self._sock.fileno())
        count = self._connections() + len(self._tasks)
        seconds = min(count * _SECONDS_A_CONNECTION, _MOST_SECONDS)
        self._loop.call_later(seconds, self._take, max(_AT_A_TIME, count // 8))

    def _take(self, most: int) -> None:
        try:
            for _ in range(most):
                if self._is_closed:
                    return
                self._hand_over(self._sock.accept()[0])
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):  # None waits, or another worker was faster.
            pass
        except OSError as error:
            log.error("no further connection can be taken now: %s", error)
            self._loop.call_later(_SECONDS_WITHOUT_DESCRIPTORS, self._wait)
            return
        self._wait()

    def _hand_over(self, link: socket.socket) -> None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._loop.connect_accepted_socket(self._make_protocol, link))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
