"""gunicorn's worker: uvicorn's server, which takes its share of connections, and serves until others can."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
from types import FrameType
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from api_service.server import succession
from api_service.server.listener import Listener
from api_service.server.protocol import Protocol

_M_ARENA_MAX = -8


class _Server(Server):
    """uvicorn's server, which takes its connections from ``Listener`` and serves until others can."""

    _is_to_be_relieved = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        await super().startup(sockets=[])
        self._listeners = [
            Listener(sock, self._protocol, lambda: len(self.server_state.connections)) for sock in sockets or []
        ]

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Ends; but where gunicorn reloads, only once the new workers are ready, or when told a second time."""
        if self._is_to_be_relieved or succession.is_over():
            super().handle_exit(sig, frame)
        self._is_to_be_relieved = True

    async def on_tick(self, counter: int) -> bool:
        """Looks whether it is time to end."""
        if self._is_to_be_relieved and not self.should_exit and succession.is_over():
            super().handle_exit(signal.SIGTERM, None)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no more connections, and lets those that are there end."""
        # Else gunicorn would take a worker for dead that waits for a long answer.
        heart = asyncio.create_task(self._beat())
        for listener in self._listeners:
            await listener.close()
        await super().shutdown(sockets)
        heart.cancel()

    async def _beat(self) -> None:
        while self.config.callback_notify:
            await self.config.callback_notify()
            await asyncio.sleep(self.config.timeout_notify)

    def _protocol(self) -> Protocol:
        return Protocol(self.config, self.server_state, self.lifespan.state)


class Worker(UvicornWorker):
    """Serves ``api_service.asgi``."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012 - as uvicorn_worker has it
        "loop": "auto",
        "http": Protocol,
        "ws": "none",
        "lifespan": "off",
        "access_log": False,
        "server_header": False,
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Ends a little sooner than gunicorn would make it end, so that what it has not answered is told in the log."""
        super().__init__(*args, **kwargs)
        self.config.timeout_graceful_shutdown = max(1, self.cfg.graceful_timeout - 3)

    def init_process(self) -> None:
        """Begins to work, with few heaps: else each thread keeps one as large as the largest photo it saw."""
        allocator = ctypes.CDLL(None)
        if hasattr(allocator, "mallopt"):  # glibc, see mallopt(3).
            allocator.mallopt(_M_ARENA_MAX, 2)
        super().init_process()

    async def _serve(self) -> None:
        self.config.app = self.wsgi
        server = _Server(self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def run(self) -> None:
        """Serves until told to end; does not wait for a thread that will not."""
        super().run()
        from api_service.asgi import application  # noqa: PLC0415 - Django is set up only after the fork

        if application.is_stuck:
            os._exit(1)
