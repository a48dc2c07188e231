"""gunicorn's worker: uvicorn's event loop and parser, with bounds that uvicorn lacks."""

import asyncio
import ctypes
import json
import os
import socket
import sys
from http import HTTPStatus
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from api_service.config import settings
from api_service.http import ids
from api_service.server.listener import Listener

_HEAD_BYTES = 65_536
_M_ARENA_MAX = -8


class Protocol(HttpToolsProtocol):
    """Bounds how large a request's head may be, how long it may take, and how long a refused body goes on."""

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _is_whole = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Gives the first head its time."""
        super().connection_made(transport)
        self._give_time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leaves no timer behind."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Passes the bytes on, unless a head has no end."""
        super().data_received(data)
        if self._timer is not None and self._is_whole:
            self._head_bytes += len(data)
            if self._head_bytes > _HEAD_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "headers_too_large")

    def on_message_begin(self) -> None:
        """Gives a further head on the same connection its time."""
        super().on_message_begin()
        if self._timer is None:
            self._give_time()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._stop_timer()
        self._head_bytes, self._is_whole = 0, False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is there, too."""
        self._is_whole = True
        self._stop_timer()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Bounds what is left of a body that was answered before its end: it is taken in and thrown away.

        Whoever sends it would not get to read the answer otherwise.
        """
        super().on_response_complete()
        if not self._is_whole and not self.transport.is_closing():
            self._give_time()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP gets an error of the API's own form."""
        self._refuse(HTTPStatus.BAD_REQUEST, "malformed_request", msg)

    def _refuse(self, status: HTTPStatus, code: str, detail: str = "The request's headers are too large.") -> None:
        """Answers by itself, as the front cannot be asked without a request."""
        from api_service.metrics import meters  # noqa: PLC0415 - counted only after the fork

        meters.refused(code)
        identity = ids.take_or_make(None)
        body = {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "code": code,
            "detail": detail,
            "request_id": identity,
        }
        content = json.dumps(body).encode()
        head = (
            f"content-type: application/problem+json\r\ncontent-length: {len(content)}\r\nconnection: close\r\n"
            f"{ids.HEADER}: {identity}\r\n\r\n"
        )
        self._stop_timer()
        self.transport.write(STATUS_LINE[status.value] + head.encode() + content)
        self.transport.close()

    def _give_time(self) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(settings().arrival_seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Server(Server):
    """uvicorn's server, which takes its connections from ``Listener``."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to listen."""
        await super().startup(sockets=[])
        self._listeners = [
            Listener(sock, self._protocol, lambda: len(self.server_state.connections)) for sock in sockets or []
        ]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Takes no more connections, and lets those that are there end."""
        for listener in self._listeners:
            listener.close()
        await super().shutdown(sockets)

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
        "timeout_graceful_shutdown": 15,
    }

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
